from __future__ import annotations

import re
from pathlib import Path

import pytest

from semiray.radiographs.reading.joining import Found
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.patients import patients_by_name, propose_pattern, read_patients
from semiray.radiographs.reading.tables import Table


@pytest.mark.parametrize(
    ("keys", "people"),
    [
        (["P/person1_virus_6.jpeg", "P/person1_bacteria_2.jpeg"], ["person1", "person1"]),
        (["N/IM-0115-0001.jpeg", "N/NORMAL2-IM-0115-0001.jpeg"], ["IM-0115", "NORMAL2-IM-0115"]),
        (["i/00000013_005.png", "i/00000013_006.png"], ["00000013", "00000013"]),
        (["t/patient00001/study1/view1.jpg", "t/patient00002/study1/view1.jpg"], ["patient00001", "patient00002"]),
        (["f/p10/p10000032/s50414267/a.jpg", "f/p10/p10000764/s57375967/a.jpg"], ["p10000032", "p10000764"]),
        (["sub-S03044/ses-E07985/sub-S03044_a.png", "sub-S03045/b.png"], ["sub-S03044", "sub-S03045"]),
        (["COVID/Patient 3/1.png", "COVID/Patient 4/1.png"], ["Patient 3", "Patient 4"]),
        (["a/subject-12_1.png", "a/subject-12_2.png"], ["subject-12", "subject-12"]),
    ],
)  # fmt: skip
def test_patterns_of_public_sets(keys, people):
    found, where, missed = patients_by_name(keys)
    assert [found[key] for key in keys] == people
    assert where
    assert not missed


def test_a_pattern_that_most_follow_holds_and_the_rest_is_named():
    keys = [f"00000{i:03d}_000.png" for i in range(9)] + ["radiograph-a17.jpg"]
    found, _, missed = patients_by_name(keys)
    assert len(found) == 9
    assert missed == ["radiograph-a17.jpg"]


@pytest.mark.parametrize("keys", [["covid_1.png", "covid_2.png"], ["a.png"], [f"{i}.png" for i in range(9)], []])
def test_other_names_tell_nothing(keys):
    assert patients_by_name(keys) == ({}, "", [])


def test_groups_in_names_and_columns_are_proposed():
    keys = [f"scan/{chr(97 + i // 2)}x{i // 2}_{i % 2}.png" for i in range(24)]
    advice = propose_pattern(keys, {})
    pattern = advice.option.removeprefix("--patient-from '").removesuffix("'")
    assert len({re.search(pattern, key)[1] for key in keys}) == 12
    rows = {key: {"exam number": str(i // 2), "age": "3"} for i, key in enumerate(keys)}
    assert propose_pattern(keys, rows).option == "--patient-column 'exam number'"


def test_where_nothing_groups_the_options_are_named():
    advice = propose_pattern([f"{i}.png" for i in range(9)], {})
    assert "every image counts as its own patient" in advice.text
    assert "--patient-from" in advice.text
    assert not advice.option


def test_a_number_of_each_image_is_no_patient():
    keys = [f"patient{i // 2:05d}_{i}.png" for i in range(8)]
    for numbers, people in ((range(8), 4), ((0, 0, 0, 1, 1, 1, 2, 2), 3)):
        rows = {key: {"file": key, "uid": str(number)} for key, number in zip(keys, numbers, strict=True)}
        found = Found(Path(), "", {key: Path(key) for key in keys}, rows=rows)
        found.joined.append((Table(Path("t.csv"), ("file", "uid"), tuple(rows.values())), "file"))
        assert len(set(read_patients(found, reading_options({}))[0].values())) == people
