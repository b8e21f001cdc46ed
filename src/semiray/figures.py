"""Figures of semiray: their files say who drew them, and their words are words, never formulas."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from semiray.errors import SemirayError
from semiray.escaping import in_terminal

__all__ = ["SemirayFigure", "check_replaceable"]

_MARK = "semiray"
_MARKS = {"png": "Software", "pdf": "Creator", "svg": "Creator"}
_END = 1 << 14  # bytes at either end of a file, where its metadata are

_WIDEST, _LARGEST = 2**16, 2**28  # pixels: what matplotlib draws, and what takes 1 GB


class SemirayFigure(Figure):
    """A figure that shows every text as it is written, dollar signs and control characters included.

    Its PNG, PDF and SVG files name semiray in their metadata, so that none is taken for a radiograph.

    matplotlib reads what stands between two dollar signs as a formula, and fails if it is none. Texts can be added at
    any time; they are set right when the figure is laid out or drawn.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        width, height = self.get_size_inches()
        if max(width, height) * self.dpi >= _WIDEST or width * height * self.dpi**2 > _LARGEST:
            raise SemirayError(
                f"this figure would be {width:,.0f} x {height:,.0f} inches, too large to draw: show fewer rows, "
                "columns, classes or factors at once."
            )

    def marks(self, kind: str) -> dict[str, str]:
        """Return the metadata of a file of a kind: ``png``, ``pdf`` or ``svg``."""
        return {_MARKS[kind]: _MARK} if kind in _MARKS else {}

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save as matplotlib does, with these marks."""
        name = Path(fname).suffix.lower().removeprefix(".") if isinstance(fname, str | PathLike) else ""
        kind = options.get("format") or name or "png"
        if marks := self.marks(kind):
            options["metadata"] = marks | dict(options.get("metadata") or {})
        super().savefig(fname, **options)

    def draw(self, renderer: Any) -> None:
        """Draw as matplotlib does."""
        self._set_right()
        super().draw(renderer)

    def tight_layout(self, **options: Any) -> None:
        """Lay out as matplotlib does."""
        self._set_right()
        super().tight_layout(**options)

    def get_tightbbox(self, *arguments: Any, **options: Any) -> Any:
        """Measure as matplotlib does."""
        self._set_right()
        return super().get_tightbbox(*arguments, **options)

    def _set_right(self) -> None:
        for found in self.findobj(Text):
            assert isinstance(found, Text)
            shown = found.get_text()
            found.set_parse_math(False)
            if (clean := in_terminal(shown)) != shown:
                found.set_text(clean)


def check_replaceable(path: Path) -> None:
    """Raise SemirayError unless a figure may be written here: there is no file yet, or it is a figure of semiray's.

    A radiograph, a phantom, a generated image of a data set and any file of somebody else's stay.
    """
    if path.is_dir():
        raise SemirayError(f"out={path} is a folder: name a file in it.")
    if not path.exists():
        return
    with path.open("rb") as file:
        ends = file.read(_END)
        file.seek(max(0, path.stat().st_size - _END))
        ends += file.read(_END)
    # matplotlib writes the mark as a chunk of a PNG, in RDF, or in the dictionary of a PDF.
    marks = (b"\0\0\0\x10tEXtSoftware\0semiray", b"<dc:title>semiray</dc:title>", b"/Creator (semiray)")
    if not any(mark in ends for mark in marks) or b"Codes\0" in ends:
        raise SemirayError(f"out={path} exists and isn't a figure of semiray's: name another file, or remove it.")
