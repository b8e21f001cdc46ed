from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.classes import advise_on_classes, choose_classes, propose_classes, propose_labels
from semiray.radiographs.reading.options import parse_classes
from semiray.radiographs.reading.records import Findings

KEYS = [f"{folder}/{i}.png" for folder in ("COVID", "Normal") for i in range(3)]
LABELS = {key: key.split("/")[0] for key in KEYS}


def findings(names, rows):
    states = np.array(rows, np.int8)
    return Findings(tuple(names), states, np.where(states >= 0, states, np.nan).astype(np.float32))


def test_classes_are_kept_renamed_and_merged():
    notes, left_out = [], Counter()
    assert choose_classes(KEYS, LABELS, Findings(), None, left_out, notes) == (None, ("COVID", "Normal"))
    kept, names = choose_classes(KEYS, LABELS, Findings(), {"Normal": "healthy"}, left_out, notes)
    assert (kept, names) == (dict.fromkeys(KEYS[3:], "healthy"), ("healthy",))
    assert notes == ["Left out: 3 images of other classes: COVID 3."]
    assert left_out == {"other classes": 3}
    merged, names = choose_classes(KEYS, LABELS, Findings(), {"COVID": "x", "Normal": "x"}, left_out, [])
    assert (len(merged), names) == (6, ("x",))
    for classes in ({"flu": "flu"}, {}):
        with pytest.raises(SemirayError, match=r"COVID \(3\), Normal \(3\)"):
            choose_classes(KEYS, LABELS, Findings(), classes, left_out, notes)


def test_a_class_of_findings_contains_its_finding_and_no_other():
    seen = findings(["A", "B", "none"], [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [-2, -2, -2]])
    notes, left_out = [], Counter()
    kept, names = choose_classes(KEYS, {}, seen, {"A": "A", "B": "bee"}, left_out, notes)
    assert kept == {KEYS[0]: "A", KEYS[2]: "bee"}
    assert names == ("A", "bee")
    assert left_out == {"of several classes": 1, "other classes": 3}
    assert any("left out: 1 image with several" in note for note in notes)
    with pytest.raises(SemirayError, match="the findings are: A, B, none"):
        choose_classes(KEYS, {}, seen, {"flu": "flu"}, left_out, notes)


def test_one_finding_stands_against_the_rest():
    seen = findings(["A"], [[1], [0], [0], [-1], [-2], [1]])
    kept, names = choose_classes(KEYS, {}, seen, {"A": "ill"}, Counter(), [])
    assert names == ("ill", "not ill")
    assert kept == {KEYS[0]: "ill", KEYS[1]: "not ill", KEYS[2]: "not ill", KEYS[5]: "ill"}


def test_names_that_differ_in_case_come_with_the_option_that_merges_them():
    (advice,) = advise_on_classes(("NORMAL", "Normal", "flu"))
    assert "NORMAL and Normal" in advice.text
    assert advice.option == "--classes 'NORMAL=normal, Normal=normal, flu'"
    assert not advise_on_classes(("NORMAL", "flu"))


def test_names_with_commas_come_with_how_to_write_them():
    (advice,) = advise_on_classes(("a, b", "c"))
    option = advice.option.removeprefix("--classes '").removesuffix("'")
    assert list(parse_classes(option)) == ["a, b", "c"]


def test_classes_in_names_are_proposed():
    (advice,) = propose_labels([f"MCUCXR_{i:04d}_{i % 2}.png" for i in range(8)])
    assert advice.option == r"--label-from '[_-]([A-Za-z]+|\d)\.[^./]+$'"
    (advice,) = propose_labels(["covid_1.png", "covid_2.png", "flu_3.png", "flu_4.png"])
    assert "covid (2), flu (2)" in advice.text
    assert not propose_labels([f"{i}.png" for i in range(9)])


def test_classes_of_findings_are_proposed():
    (advice,) = propose_classes(findings(["A", "B", "No Finding"], [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]))
    assert advice.option == "--classes 'No Finding, A'"
