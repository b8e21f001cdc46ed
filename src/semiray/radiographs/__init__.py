"""Radiographs in: readers, decoding, patients' splits, duplicates, and the phantom."""

from semiray.radiographs.contact_sheet import contact_sheet
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.inspection import Inspection, inspect
from semiray.radiographs.loading import load_radiographs
from semiray.radiographs.pixels.copies import CopyResult, find_copies
from semiray.radiographs.pixels.duplicates import exact_duplicates, near_duplicates, perceptual_hash, unite_patients
from semiray.radiographs.pixels.framing import Framing, read_radiograph
from semiray.radiographs.reading.readers import PATIENT_PRESETS, read_records
from semiray.radiographs.reading.records import Listing, Record
from semiray.radiographs.splits import Split, split_by_patient
from semiray.radiographs.store.images import cache_folder
from semiray.radiographs.store.prepared import prepare_radiographs

__all__ = [
    "PATIENT_PRESETS",
    "CopyResult",
    "Framing",
    "Inspection",
    "Listing",
    "RadiographSet",
    "Record",
    "Split",
    "cache_folder",
    "contact_sheet",
    "exact_duplicates",
    "find_copies",
    "inspect",
    "load_radiographs",
    "near_duplicates",
    "perceptual_hash",
    "prepare_radiographs",
    "read_radiograph",
    "read_records",
    "split_by_patient",
    "unite_patients",
]
