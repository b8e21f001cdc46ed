"""What is known about the file of an image after it was decoded."""

from typing import NamedTuple

__all__ = ["FileFacts"]


class FileFacts(NamedTuple):
    """What is known about a file after decoding it.

    Attributes:
        key: the record's key.
        content: sha256 of the file in hex; empty if it can't be read at all.
        width: pixels; 0 if it can't be decoded.
        height: pixels; 0 if it can't be decoded.
        kind: how the file stores it, such as ``8-bit grey``.
        problem: why it has no pixels: it can't be decoded, or is left out; empty if it has.
        left_out: the kind under which a file is counted that could be decoded and is no radiograph: ``masks``,
            ``synthetic images``, ``semiray output``.
        looks: what looks wrong with it, as ``suspects.look`` names it.
    """

    key: str
    content: str
    width: int
    height: int
    kind: str
    problem: str
    left_out: str = ""
    looks: str = ""
