"""A figure whose words are words: no class name, unit or title is ever a formula, or breaks the drawing."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from semiray.escaping import in_terminal

__all__ = ["PlainFigure"]


class PlainFigure(Figure):
    """A figure of matplotlib that shows every text as it is written, dollar signs and control characters included.

    matplotlib reads what stands between two dollar signs as a formula, and fails if it is none. Texts can be added at
    any time; they are set right when the figure is laid out or drawn.
    """

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
