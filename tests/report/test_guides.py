import re
from typing import Any

from semiray.evaluation.skipped import Skipped

from semiray.evaluation import ImageSamples, Results
from semiray.report import guides

SAID = ["Measured", "How to read it", "Floor and ceiling", "Caveats"]


def test_every_section_of_a_judgement_says_all_four_things(whole: Any) -> None:
    for text in (guides.utility(whole[0]), *guides.GUIDES.values()):
        assert re.findall(r"<dt>(.*?)</dt>", text) == SAID
        assert all(len(words) > 15 for words in re.findall(r"<dd>(.*?)</dd>", text))
    page = (whole[1] / "report.html").read_text()
    sections = dict(re.findall(r"<section.*?><h2>(.*?)</h2>(.*?)</section>", page, re.DOTALL))
    judged = set(sections) - {"Look first", "What to know"}
    assert judged == {"Utility", "Benefit", "Commitment", "Sorting", "Fidelity and coverage", "Privacy", "Shortcuts"}
    for title in judged - {"Fidelity and coverage"}:  # which takes 40 held-out patients
        assert sections[title].startswith('<dl class="guide">'), title
    assert sections["Fidelity and coverage"].startswith("<p>Not measured")


def test_what_was_not_measured_needs_no_guide() -> None:
    assert guides.utility(Results("a", "b", False, Skipped("why"), ImageSamples(("",), (), ()))) == ""
