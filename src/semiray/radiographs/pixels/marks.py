"""Marks in the files of pictures: semiray writes them into its own, and finds those of synthetic images again.

Data must be radiographs: neither images that a generator made nor figures. What a file says of itself stands at its
beginning, so that a few thousand bytes tell, and nothing is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL.PngImagePlugin import PngInfo

from semiray.radiographs.reading.dicom_files import SYNTHETIC

__all__ = ["HEAD", "OUTPUT", "SYNTHETIC", "marked", "png_text", "synthetic_mark"]

HEAD = 8192  # bytes of a file that are looked at
OUTPUT = "semiray output"
_SOFTWARE = "semiray"
_PNG = b"\x89PNG\r\n\x1a\n"
# IPTC's digital source types of what a model made, alone or in part; C2PA uses the same words.
_GENERATED = b"rainedAlgorithmicMedia"
# DICOM's element Synthetic Data, with the type of its value and without.
_SYNTHETIC_DICOM = re.compile(rb"\x08\0\x1c\0(CS\x04\0|\x04\0\0\0)YES ")


def png_text(said: Mapping[str, str] | None = None) -> PngInfo:
    """Return the text that marks a PNG file as semiray's, for ``save(..., pnginfo=)``, with more to say."""
    text = PngInfo()
    for key, value in {"Software": _SOFTWARE, **(said or {})}.items():
        text.add_text(key, value)
    return text


def synthetic_mark(head: bytes) -> str:
    """Tell from the beginning of a file whether it says of itself that it is no radiograph.

    Args:
        head: its first bytes; ``HEAD`` of them are enough.

    Returns:
        ``synthetic images`` for one that semiray or another program generated (the PNG text ``Synthetic``, DICOM's
        element Synthetic Data, or IPTC's digital source type), ``semiray output`` for a figure or a sheet of semiray's,
        else nothing. Phantoms are data.
    """
    if not head.startswith(_PNG):
        own = OUTPUT.encode() in head
        return OUTPUT if own else SYNTHETIC if _GENERATED in head or _SYNTHETIC_DICOM.search(head) else ""
    said = dict(_texts(head))
    if said.get(b"Phantom") == b"true":
        return ""
    generated = said.get(b"Synthetic", b"").lower() == b"true"
    if said.get(b"Software", b"").split(b" ")[0] == _SOFTWARE.encode():
        return SYNTHETIC if generated and b"Seed" in said else OUTPUT
    return SYNTHETIC if generated or _GENERATED in head else ""


def marked(path: Path) -> str:
    """The same for a file, of which ``HEAD`` bytes are read; nothing for one that can't be read."""
    try:
        if not path.is_file():  # opening a pipe would wait forever
            return ""
        with path.open("rb") as file:
            return synthetic_mark(file.read(HEAD))
    except OSError:
        return ""


def _texts(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the uncompressed texts that stand before the pixels of a PNG file."""
    at = len(_PNG)
    while at + 8 <= len(head):
        length, kind = int.from_bytes(head[at : at + 4], "big"), head[at + 4 : at + 8]
        if kind == b"IDAT":
            return
        if kind == b"tEXt":
            key, _, value = head[at + 8 : at + 8 + length].partition(b"\0")
            yield key, value
        elif kind == b"iTXt":  # key, two bytes about compression, language, translated key, text
            key, _, rest = head[at + 8 : at + 8 + length].partition(b"\0")
            yield key, rest[2:].split(b"\0", 2)[-1]
        at += 12 + length
