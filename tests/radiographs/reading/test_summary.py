from __future__ import annotations

import json

from semiray.radiographs.reading.summary import Advice, Summary

SUMMARY = Summary(
    "a table (t.csv)",
    images=10,
    patients=4,
    patients_from="column 'patient'",
    labels_from="column 'class'",
    classes={"ill": 6, "well": 3},
    findings={"Edema": {"1": 2, "0": 5, "uncertain": 1, "blank": 2}},
    parts={"train": 8, "test": 2},
    left_out={"masks": 10},
    columns={"view": {"PA": 9, "L": 1}},
    notes=("t.csv has no header.",),
    advice=(Advice("Views are mixed.", "--keep \"view == 'PA'\""), Advice("One image is black.")),
)


def test_lines_say_everything_in_order():
    assert SUMMARY.lines() == [
        "10 images of 4 patients, read as a table (t.csv)",
        "patients: column 'patient'",
        "labels: column 'class'",
        "classes: ill 6, well 3, unlabelled 1",
        "findings (images that have it): Edema 2; cells: uncertain 1, blank 2",
        "official parts: train 8, test 2",
        "left out: masks 10",
        "note: t.csv has no header.",
        "check: Views are mixed. Try: --keep \"view == 'PA'\"",
        "check: One image is black.",
    ]


def test_a_set_without_labels_says_so():
    assert "classes: none, nothing tells labels" in Summary("a folder", 3, 3, "names").lines()


def test_words_of_files_act_on_no_terminal():
    assert all("\x1b" not in line for line in Summary("a folder \x1b[31m", notes=("a\x1b[2J",)).lines())


def test_it_is_json_and_back():
    assert Summary.from_dict(json.loads(json.dumps(SUMMARY.to_dict()))) == SUMMARY
