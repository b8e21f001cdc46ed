"""Columns of few values are counted, and a condition is proposed only where one tells frontal radiographs."""

from __future__ import annotations

import shlex

import pytest

from semiray.radiographs.reading.keep import read_condition
from semiray.radiographs.reading.views import column_values, propose_keep, shell_quoted


def test_columns_of_few_values_are_counted_most_frequent_first() -> None:
    rows = [{"file": f"{n}.png", "side": ("PA", "L", " PA ", "")[n % 4], "site": "1", "note": ""} for n in range(100)]
    rows[7]["late"] = "x"
    assert column_values(rows) == {
        "side": {"PA": 50, "L": 25, "": 25},
        "site": {"1": 100},
        "late": {"": 99, "x": 1},
    }
    assert list(column_values(rows, most=2)) == ["site", "late"]
    assert column_values(rows[:6]) == {"site": {"1": 6}}
    assert column_values([]) == {}


def test_columns_of_views_may_have_more_values() -> None:
    views = ["PA", "AP", "LATERAL", "LL", "", *(f"{a} {b}" for a in ("PA", "AP") for b in ("LLD", "RLD", "AXIAL"))]
    views += ["LAO", "RAO", "LPO", "XTABLE LATERAL", "SWIMMERS"]
    rows = [{"ViewPosition": view, "room": view} for view in views * 3]
    columns = column_values(rows)
    assert {name: len(counts) for name, counts in columns.items()} == {"ViewPosition": 16}
    assert propose_keep(columns) == "ViewPosition in {'PA', 'AP'}"


def test_many_values_are_noticed_late_in_the_table_too() -> None:
    rows = [{"age": str(max(n - 500, 0))} for n in range(600)]
    assert column_values(rows) == {}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"view": "PA AP L Axial", "modality": "X-ray CT"}, "modality == 'X-ray' and view in {'PA', 'AP'}"),
        ({"Frontal/Lateral": "Frontal Lateral", "AP/PA": "AP,,PA"}, "`Frontal/Lateral` == 'Frontal'"),
        ({"ViewPosition": "PA,AP,LATERAL,LL,"}, "ViewPosition in {'PA', 'AP'}"),
        ({"Projection": "PA L"}, "Projection == 'PA'"),
        ({"Projection": "PA L AP_horizontal AP COSTAL EXCLUDE"}, "Projection in {'PA', 'AP_horizontal', 'AP'}"),
        ({"projection": "Frontal Lateral"}, "projection == 'Frontal'"),
        ({"View Position": "PA AP"}, None),
        ({"View Position": "PA,AP,"}, None),
        ({"view": "AP Supine,AP Erect,AP semi erect,L,Coronal"}, "view in {'AP Supine', 'AP Erect', 'AP semi erect'}"),
        ({"ViewPosition_DICOM": "POSTEROANTERIOR LATERAL"}, "ViewPosition_DICOM == 'POSTEROANTERIOR'"),
        (
            {"ViewCodeSequence_CodeMeaning": "postero-anterior,lateral,"},
            "ViewCodeSequence_CodeMeaning == 'postero-anterior'",
        ),
        ({"Modality": "DX,CR,CT"}, "Modality in {'DX', 'CR'}"),
        ({"modality": "Chest X-Ray,MR"}, "modality == 'Chest X-Ray'"),
        ({"modality": "X-ray"}, None),
        ({"modality": "CT MR"}, None),
        ({"review": "PA L"}, None),
        ({"interviewer": "AP L"}, None),
        ({"side": "PA L"}, None),
        ({"diagnosis": "PA lateral"}, None),
        ({"view": "good bad PA L unclear", "n": "1"}, None),  # most values say nothing about a view
        ({"view": "day night"}, None),
        ({"view": ","}, None),
        ({}, None),
    ],
)
def test_a_condition_is_proposed_where_views_or_modalities_are_mixed(
    columns: dict[str, str], expected: str | None
) -> None:
    counts = {
        name: dict.fromkeys(text.split(",") if "," in text else text.split(" "), 9) for name, text in columns.items()
    }
    assert propose_keep(counts) == expected


def test_of_several_columns_that_tell_views_the_fuller_is_proposed() -> None:
    half, full = {"LATERAL": 2, "PA": 3, "": 7}, {"L": 4, "PA": 8}
    assert propose_keep({"ViewPosition": half, "Projection": full}) == "Projection == 'PA'"
    assert propose_keep({"Projection": full, "ViewPosition": half}) == "Projection == 'PA'"


def test_what_is_proposed_can_be_read_and_keeps_the_frontal_radiographs() -> None:
    rows = [
        {"view/side": v, "file": str(n)} for n, v in enumerate(["PA", "AP's", "L", "PA"] * 5 + ["AP (portable)"] * 3)
    ]
    rows = [{"view type": row["view/side"], **row} for row in rows]
    proposed = propose_keep(column_values(rows))
    assert proposed == "`view type` in {'PA', 'AP (portable)'}"
    assert sum(read_condition(proposed, list(rows[0]))(rows)) == 13


@pytest.mark.parametrize(
    "text",
    [
        "view in {'PA', 'AP'}",
        "`Frontal/Lateral` == 'Frontal'",
        "view != 'PA'",
        "a == '$1'",
        '`a b` == "it\'s"',
        'a == "!x"',
    ],
)
def test_a_shell_gives_a_quoted_condition_back_or_one_of_the_same_meaning(text: str) -> None:
    (word,) = shlex.split(shell_quoted(text))
    assert word in (text, text.replace("'", '"'))
