from typing import Any

from semiray.evaluation import PairShortcut, ShortcutResult
from semiray.report.headlines import warnings
from semiray.report.page import render_page
from semiray.report.sections.shortcuts import shortcut_lines, shortcut_warning


def test_a_border_that_shows_the_class_is_a_warning_on_top(make: Any) -> None:
    auroc = dict.fromkeys(("border", "intensities", "thumbnail"), make.interval(0.95))
    result = ShortcutResult((PairShortcut(("a", "b"), auroc, (9, 9), (9, 9)),), ("c",))
    results = make.results(shortcuts=result)
    (warning,) = warnings(results)
    text = render_page(results, {})
    assert text.index("banner") < text.index("Verdict") < text.index("shown by the border")
    assert "a / b" in text
    assert "Left out because of too few patients: c." in text
    fine = ShortcutResult((PairShortcut(("a", "b"), auroc | {"border": make.interval(0.5)}, (9, 9), (9, 9)),), ())
    assert warnings(make.results(shortcuts=fine)) == []
    assert warning == shortcut_warning(result)
    assert "a from b (0.95)" in warning
    assert shortcut_warning(fine) == ""


def test_figures_are_told_in_lines(make: Any) -> None:
    auroc = dict.fromkeys(("border", "intensities", "thumbnail"), make.interval(0.95))
    pair = PairShortcut(("a", "b"), auroc, (9, 9), (9, 9))
    lines = shortcut_lines(ShortcutResult((pair,), tuple(f"rare {i}" for i in range(7))))
    assert "a / b" in lines[1]
    assert lines[1].count("0.95") == 3
    assert "rare 4 and 2 more" in lines[2]
    assert lines[3].startswith("  warning: The border")
    assert "nothing to compare" in shortcut_lines(ShortcutResult((), ()))[0]
