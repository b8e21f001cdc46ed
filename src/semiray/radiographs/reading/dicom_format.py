"""Tells DICOM files by their content and parses them within bounds, so that no claim of a file costs memory."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from semiray.errors import SemirayError

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag

__all__ = ["HEAD_BYTES", "DicomError", "looks_like_dicom", "parse_dicom", "tag_of"]

HEAD_BYTES = 512  # of a file that looks_like_dicom needs
_PREAMBLE = 128
_LONG_LENGTHS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_VALUE_REPRESENTATIONS = _LONG_LENGTHS.union(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_GROUPS = (0x0002, 0x0008)  # A data set begins with one of these.
_LONGEST_FIRST = 256  # bytes; what comes first is short: lengths, character sets, image types
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_EXPLICIT = b"1.2.840.10008.1.2.1\0\0\0"
_MAX_INFLATED = 2**28  # bytes: more than 100 million pixels have


class DicomError(SemirayError):
    """A DICOM file that can't be parsed; the message is the reason, without its name and without any value in it."""


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file is DICOM, by its first `HEAD_BYTES` bytes: with a preamble and without, whatever its name.

    Without a preamble two elements must follow one another that a data set begins with, in any of the three encodings.
    """
    if head[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return True
    return _begins(head, "little") or _begins(head, "big")


def _begins(head: bytes, order: Literal["little", "big"]) -> bool:
    """Whether two elements of a data set's first groups stand at the beginning, in the order of their tags."""
    tags, at = [], 0
    for _ in range(2):
        tag = int.from_bytes(head[at : at + 2], order) << 16 | int.from_bytes(head[at + 2 : at + 4], order)
        representation = head[at + 4 : at + 6]
        if representation not in _VALUE_REPRESENTATIONS:
            start, length = at + 8, head[at + 4 : at + 8]
        elif representation in _LONG_LENGTHS:
            start, length = at + 12, head[at + 8 : at + 12]
        else:
            start, length = at + 8, head[at + 6 : at + 8]
        size = int.from_bytes(length, order)
        if tag >> 16 not in _GROUPS or len(head) < start or size > _LONGEST_FIRST or size % 2:
            return False
        tags.append(tag)
        at = start + size
    return tags[0] < tags[1]


def parse_dicom(content: bytes, keywords: Sequence[str] = (), last: int | None = None) -> tuple[Dataset, bool]:
    """Parse the elements of a file.

    Args:
        content: the file, or its beginning.
        keywords: what to read; everything where none is given.
        last: stop at the first element whose tag is greater.

    Returns:
        The elements, and whether an element after `last` was reached.

    Raises:
        DicomError: if pydicom isn't installed, or the content can't be parsed.
    """
    try:
        from pydicom.filereader import read_partial
    except ImportError as error:
        raise DicomError("a DICOM file: reading it needs pydicom (pip install 'semiray[dicom]')") from error
    reached = False

    def stop(tag: int, *_: object) -> bool:
        nonlocal reached
        reached = last is not None and int(tag) > last
        return reached

    try:
        content = _inflate(content, _MAX_INFLATED if last is None else 2**20)
        tags: list[BaseTag | int] = [tag_of(keyword) for keyword in keywords]
        return read_partial(BytesIO(content), stop, force=True, specific_tags=tags or None), reached
    except DicomError:
        raise
    except Exception as error:  # Broken files make pydicom raise almost anything, with their values in it.
        raise DicomError("its header is broken") from error


@cache
def tag_of(keyword: str) -> BaseTag:
    """Return the tag of a keyword: pydicom searches for it each time."""
    from pydicom.tag import Tag

    return Tag(keyword)


def _inflate(content: bytes, most: int) -> bytes:
    """Return a deflated file as one that isn't: pydicom would inflate it without a bound."""
    if _DEFLATED not in content:
        return content
    # The length of group 2 is its first element.
    start = _PREAMBLE + 16 + int.from_bytes(content[_PREAMBLE + 12 : _PREAMBLE + 16], "little")
    head, data = content[:start], content[start:]
    if head[_PREAMBLE + 4 : _PREAMBLE + 8] != b"\2\0\0\0" or _DEFLATED not in head or _DEFLATED in data:
        raise DicomError("its deflated elements can't be found")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(data, most)
    if inflater.unconsumed_tail and most == _MAX_INFLATED:
        raise DicomError("its deflated elements are larger than 256 MiB")
    return head.replace(_DEFLATED, _EXPLICIT) + inflated
