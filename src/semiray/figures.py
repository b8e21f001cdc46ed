"""Figures whose files say that semiray drew them, whoever saves them."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

__all__ = ["MarkedFigure"]

_MARKS: Mapping[str, Mapping[str, str]] = {
    "png": {"Software": "semiray"},
    "pdf": {"Creator": "semiray"},
    "svg": {"Creator": "semiray"},
}


class MarkedFigure(Figure):
    """A figure whose PNG, PDF and SVG files name semiray in their metadata, so that none is taken for a radiograph."""

    def marks(self, kind: str) -> dict[str, str]:
        """Return the metadata of a file of a kind: ``png``, ``pdf`` or ``svg``."""
        return dict(_MARKS.get(kind, {}))

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save as matplotlib does, with these marks."""
        name = Path(fname).suffix.lower().removeprefix(".") if isinstance(fname, str | PathLike) else ""
        kind = options.get("format") or name or "png"
        if marks := self.marks(kind):
            options["metadata"] = marks | dict(options.get("metadata") or {})
        super().savefig(fname, **options)
