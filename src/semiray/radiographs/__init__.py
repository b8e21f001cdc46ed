"""Radiographs in: readers, decoding, patients' splits, duplicates, and the phantom."""

from semiray.radiographs.cache import cache_folder, load_radiographs
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels import Framing, read_radiograph
from semiray.radiographs.readers import PATIENT_PRESETS, read_records
from semiray.radiographs.records import Listing, Record
from semiray.radiographs.splits import Split, split_by_patient

__all__ = [
    "PATIENT_PRESETS",
    "Framing",
    "Listing",
    "RadiographSet",
    "Record",
    "Split",
    "cache_folder",
    "load_radiographs",
    "read_radiograph",
    "read_records",
    "split_by_patient",
]
