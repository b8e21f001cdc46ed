"""Files of what the page shows, to keep: PNG, DICOM, and a ZIP of either with a manifest and the lines that make it."""

from __future__ import annotations

import csv
import importlib.util
import re
import zipfile
from collections.abc import Sequence
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, NamedTuple

from semiray.errors import SemirayError
from semiray.generation.dicom import encode_dicom
from semiray.generation.synthetic import WARNING, Synthetic, encode_image, manifest_head, manifest_row

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Download", "pack_download"]

_TIME = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same images give the same bytes
_KINDS = {"png": "image/png", "dicom": "application/dicom", "zip": "application/zip", "dicom-zip": "application/zip"}


class Download(NamedTuple):
    """A file: its name, its media type, its bytes."""

    name: str
    kind: str
    content: bytes


def pack_download(parts: Sequence[Synthetic], form: str, run_name: str, lines: Mapping[str, str]) -> Download:
    """Pack images as one file.

    Args:
        parts: the images, in one or more pieces; of ``png`` and ``dicom`` the first image counts.
        form: ``png``, ``dicom``, ``zip`` (of PNG files) or ``dicom-zip``.
        run_name: for the files' metadata.
        lines: what makes the same, for a text in the ZIP.

    Raises:
        SemirayError: There is no such form, or pydicom isn't installed.
    """
    if form not in _KINDS:
        raise SemirayError(f"form={form}: choose one of {', '.join(_KINDS)}.")
    ending = ".dcm" if form.startswith("dicom") else ".png"
    if ending == ".dcm" and importlib.util.find_spec("pydicom") is None:
        raise SemirayError("DICOM files need pydicom: pip install 'semiray[dicom]'")
    encode = encode_dicom if ending == ".dcm" else encode_image
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", run_name)[:60] or "run"
    if not form.endswith("zip"):
        name = f"synthetic-{safe}-{parts[0].index[0]:06d}{ending}"
        return Download(name, _KINDS[form], encode(parts[0], 0, run_name))
    places = [(part, i) for part in parts for i in range(len(part))]
    step = len({int(part.index[i]) for part, i in places}) < len(places)  # one patient many times
    packed, table = BytesIO(), StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(manifest_head(parts[0].names))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (part, i) in enumerate(places):
            name = f"{part.index[i]:06d}{f'-step-{number}' if step else ''}{ending}"
            archive.writestr(zipfile.ZipInfo(name, _TIME), encode(part, i, run_name))
            rows.writerow(manifest_row(part, i, name))
        told = f"{WARNING}\n\n{lines['command']}\n\n{lines['python']}\n"
        for name, text in (("manifest.csv", table.getvalue()), ("made-by.txt", told)):
            archive.writestr(zipfile.ZipInfo(name, _TIME), text, zipfile.ZIP_DEFLATED)
    return Download(f"synthetic-{safe}.zip", _KINDS[form], packed.getvalue())
