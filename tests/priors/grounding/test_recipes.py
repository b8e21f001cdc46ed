"""Recipes: what published tables say, on the real Hannover table and on a small one of ieee8023's shape."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from semiray.errors import SemirayError
from semiray.priors import JointPrior, Observations, observe, read_grounds

PRIOR = JointPrior.from_dict(
    {
        "factors": {
            "survival": {"family": "bernoulli", "probability": 0.5},
            "duration": {"family": "exponential", "mean": 10, "unit": "days"},
            "intensive_care": {"family": "bernoulli", "probability": 0.5},
            "intubation": {"family": "bernoulli", "probability": 0.5},
        }
    }
)
Row = dict[str, str]


def use(recipe: str, rows: list[Row], patient: str) -> dict[str, Observations]:
    return observe(
        rows, [row.get(patient, f"row {i}") for i, row in enumerate(rows)], read_grounds(recipe, PRIOR), PRIOR
    )


def hannover(*cells: tuple[str, str, str, str, str]) -> dict[str, Observations]:
    """Rows of patient, admission, ICU admission, ICU release, death."""
    columns = ("patient_id", "admission_offset", "icu_admission_offset", "icu_release_offset", "death_offset")
    return use("hannover", [dict(zip(columns, row, strict=True)) for row in cells], "patient_id")


def test_the_real_table_of_hannover() -> None:
    table = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "hannover" / "data.csv"
    if not table.exists():
        pytest.skip(f"the real table isn't at {table}")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen = use("hannover", rows, "patient_id")
    assert (len(rows), seen["survival"].patients, seen["survival"].images) == (243, 71, 243)
    # All rows of a patient get the same values.
    assert [seen[factor].disagreeing for factor in seen] == [0, 0, 0]
    deaths = {row["patient_id"] for row in rows if row["death_offset"]}
    assert float((seen["survival"].weight * (seen["survival"].value == 0)).sum()) == pytest.approx(len(deaths))
    assert len(deaths) == 5
    ended = deaths | {row["patient_id"] for row in rows if row["icu_release_offset"]}
    assert seen["duration"].events == len(ended)
    assert seen["duration"].patients == 31 + 28
    assert not {row["patient_id"] for row, cut in zip(rows, seen["duration"].censored, strict=True) if cut} & ended
    # 6b53918c was admitted 6 days before the last exam and died 20 days after it.
    assert {
        float(v) for v, row in zip(seen["duration"].value, rows, strict=True) if row["patient_id"] == "6b53918c"
    } == {26}


def test_days_count_from_admission_whichever_exam_tells_of_them() -> None:
    seen = hannover(("a", "-2", "-1", "5", ""), ("a", "-6", "-5", "1", ""), ("b", "0", "", "", "9.0"))
    assert seen["duration"].value.tolist() == [7, 7, 9]
    assert not seen["duration"].censored.any()
    assert seen["survival"].value.tolist() == [1, 1, 0]
    assert seen["intensive_care"].value.tolist() == [1, 1, 0]


def test_death_after_intensive_care_is_the_end() -> None:
    assert hannover(("a", "-2", "-1", "5", "8"))["duration"].value.tolist() == [10]


def test_without_an_end_a_course_is_censored_on_the_last_day_seen() -> None:
    seen = hannover(("a", "-3", "", "", ""), ("a", "-11", "", "", ""), ("b", "-1", "4", "", ""))["duration"]
    assert seen.value.tolist() == [11, 11, 5]
    assert seen.censored.all()


def test_those_without_an_end_can_be_left_out() -> None:
    rows = [{"admission_offset": "0", "icu_release_offset": "4"}, {"admission_offset": "-3"}]
    rows = [dict.fromkeys(("icu_admission_offset", "icu_release_offset", "death_offset"), "") | row for row in rows]
    tree = {
        "recipe": "hannover",
        "duration": {"time": "treated_days", "event": "treatment_ended", "values": {False: None}},
    }
    seen = observe(rows, ["a", "b"], read_grounds(tree, PRIOR), PRIOR)["duration"]
    assert seen.observed.tolist() == [True, False]


def test_a_laboratory_value_counts_as_seen() -> None:
    rows = [{"patient_id": "a", "admission_offset": "-1", "crp_offset": "6.0"}]
    rows[0] |= dict.fromkeys(("icu_admission_offset", "icu_release_offset", "death_offset"), "")
    assert use("hannover", rows, "patient_id")["duration"].value.tolist() == [7]


def test_seen_on_the_day_of_admission_only_says_nothing_of_a_duration() -> None:
    seen = hannover(("a", "0", "", "", ""), ("b", "4", "", "", ""), ("c", "", "", "", ""))
    assert seen["duration"].patients == 0
    assert seen["survival"].patients == 3


def test_images_that_the_table_does_not_name_stay_unknown() -> None:
    columns = ("admission_offset", "icu_admission_offset", "icu_release_offset", "death_offset")
    seen = use("hannover", [{"patient_id": "a", **dict.fromkeys(columns, "0")}, {"split": "train"}], "patient_id")
    assert seen["survival"].observed.tolist() == [True, False]


def test_rows_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(SemirayError, match=r"row 2: the rows of patient 'a' contradict .* day 12 after .* day 11"):
        hannover(("a", "-2", "", "", "9"), ("a", "-4", "", "", "8"))
    with pytest.raises(SemirayError, match=r"row 1, column 'death_offset': 'soon' is not a number of days"):
        hannover(("a", "-2", "", "", "soon"))


IEEE = """\
patientid,offset,sex,age,finding,RT_PCR_positive,survival,intubated,intubation_present,went_icu,in_icu,view,modality,filename
2,0,M,65,Pneumonia/Viral/COVID-19,Y,Y,N,N,N,N,PA,X-ray,a.jpeg
2,3,M,65,Pneumonia/Viral/COVID-19,Y,Y,N,N,N,N,PA,X-ray,b.jpeg
2,6,M,65,Pneumonia/Viral/COVID-19,Y,Y,N,N,N,N,PA,X-ray,c.jpeg
4,0,F,52,Pneumonia/Viral/COVID-19,Y,,N,N,,N,PA,X-ray,d.jpeg
5,,,,Pneumonia,,,Y,Y,,,AP,X-ray,e.jpeg
6,10,M,74,Pneumonia/Viral/SARS,,N,Y,Y,Y,Y,PA,X-ray,f.jpeg
"""


def test_the_ieee8023_collection() -> None:
    seen = use("ieee8023", list(csv.DictReader(IEEE.splitlines())), "patientid")
    assert seen["survival"].value.nan_to_num(-1).tolist() == [1, 1, 1, -1, -1, 0]
    assert seen["survival"].patients == 2
    assert seen["intensive_care"].value.nan_to_num(-1).tolist() == [0, 0, 0, -1, -1, 1]
    assert seen["intubation"].value.nan_to_num(-1).tolist() == [0, 0, 0, 0, 1, 1]
    # So many days at least, in all images of a patient; day 0 alone says nothing.
    assert seen["duration"].value.nan_to_num(-1).tolist() == [6, 6, 6, -1, -1, 10]
    assert seen["duration"].events == 0


def test_another_table_is_not_taken_for_it() -> None:
    with pytest.raises(
        SemirayError, match=r"recipe 'hannover' \(.*\) needs the columns admission_offset.* has survival"
    ):
        use("hannover", [{"survival": "1"}], "patient_id")
