"""Radiographs in: readers, decoding, patients' splits, duplicates, and the phantom.

The modules are loaded when a name is first used: the command line declares its options from `reading.options` alone.
"""

from typing import TYPE_CHECKING

from semiray.lazy import offer

if TYPE_CHECKING:
    from semiray.radiographs.dataset import RadiographSet
    from semiray.radiographs.inspection import Inspection, inspect
    from semiray.radiographs.loading import load_radiographs, prepare_radiographs
    from semiray.radiographs.pixels.copies import CopyResult, find_copies
    from semiray.radiographs.pixels.duplicates import near_duplicates, unite_patients
    from semiray.radiographs.pixels.framing import read_radiograph
    from semiray.radiographs.pixels.images import ImageArray
    from semiray.radiographs.pixels.traces import Traces
    from semiray.radiographs.reading.options import ReadingOptions
    from semiray.radiographs.reading.records import Listing, Record
    from semiray.radiographs.reading.summary import Advice, Summary
    from semiray.radiographs.sheet import contact_sheet
    from semiray.radiographs.splits import Split, split_by_patient
    from semiray.radiographs.store.decoded import cache_folder

__all__ = [
    "Advice",
    "CopyResult",
    "ImageArray",
    "Inspection",
    "Listing",
    "RadiographSet",
    "ReadingOptions",
    "Record",
    "Split",
    "Summary",
    "Traces",
    "cache_folder",
    "contact_sheet",
    "find_copies",
    "inspect",
    "load_radiographs",
    "near_duplicates",
    "prepare_radiographs",
    "read_radiograph",
    "split_by_patient",
    "unite_patients",
]

__getattr__, __dir__ = offer(
    __name__,
    {
        "dataset": ("RadiographSet",),
        "inspection": ("Inspection", "inspect"),
        "loading": ("load_radiographs", "prepare_radiographs"),
        "pixels.copies": ("CopyResult", "find_copies"),
        "pixels.duplicates": ("near_duplicates", "unite_patients"),
        "pixels.framing": ("read_radiograph",),
        "pixels.images": ("ImageArray",),
        "pixels.traces": ("Traces",),
        "reading.options": ("ReadingOptions",),
        "reading.records": ("Listing", "Record"),
        "reading.summary": ("Advice", "Summary"),
        "sheet": ("contact_sheet",),
        "splits": ("Split", "split_by_patient"),
        "store.decoded": ("cache_folder",),
    },
)
