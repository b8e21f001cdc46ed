"""Radiographs in: readers, decoding, patients' splits, duplicates, and the phantom.

The modules are loaded when a name is first used: the command line declares its options from `reading.options` alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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

_MODULES = (
    "dataset",
    "inspection",
    "loading",
    "pixels.copies",
    "pixels.duplicates",
    "pixels.framing",
    "reading.options",
    "reading.records",
    "reading.summary",
    "sheet",
    "splits",
    "store.decoded",
    "pixels.images",
    "pixels.traces",
)


def __getattr__(name: str) -> object:
    """Load a public name from its module (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in _MODULES:
        loaded = import_module(f"{__name__}.{module}")
        globals().update({offer: getattr(loaded, offer) for offer in loaded.__all__ if offer in __all__})
    return globals()[name]
