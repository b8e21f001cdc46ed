from typing import Any

from semiray.evaluation import PairShortcut, ShortcutResult
from semiray.report.headlines import warnings
from semiray.report.page import render_page


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
    assert warning
