from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.findings import read_labels, select_findings, split_cell
from semiray.radiographs.reading.joining import Found
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.tables import Table


def found(columns, rows, more=None):
    """A set of one image per row, joined to one table."""
    keys = [f"{i}.png" for i in range(len(rows))]
    dicts = [dict(zip(columns, row, strict=True)) for row in rows]
    extra = {key: [dict(zip(columns, row, strict=True)) for row in several] for key, several in (more or {}).items()}
    table = Table(Path("t.csv"), tuple(columns), tuple(dicts))
    paths = {key: Path(key) for key in keys}
    return Found(Path(), "", paths, rows=dict(zip(keys, dicts, strict=True)), more=extra, joined=[(table, columns[0])])


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("Effusion|Mass", ["Effusion", "Mass"]),
        ("Effusion; Mass;", ["Effusion", "Mass"]),
        ("['a', ' b', 'a']", ["a", "b"]),
        ('["it\'s"]', ["it's"]),
        ("[]", []),
        ("['a', nan]", ["a"]),
        ("['a b' 'c'\n 'd']", ["a b", "c", "d"]),
        ("COVID-19, Atelectasis", ["COVID-19, Atelectasis"]),
        ("[" * 3000 + "'a'" + "]" * 3000, ["a"]),
        ("", []),
    ],
)
def test_cells_that_list_findings(cell, names):
    assert split_cell(cell) == names


def test_a_column_of_lists():
    labels = read_labels(found(["f", "labels"], [["0", "a|b"], ["1", "b"], ["2", ""]]), reading_options({}))
    assert labels.names == ("a", "b")
    assert labels.states == {"0.png": (1, 1), "1.png": (0, 1)}
    assert any("1 image has no finding" in note for note in labels.notes)


def test_columns_of_states_and_of_words():
    cells = ["1.0", "0", "-1", "", "TRUE", "no"]
    labels = read_labels(
        found(["f", "Edema", "Mass"], [[str(i), c, "0"] for i, c in enumerate(cells)]), reading_options({})
    )
    assert [labels.states[f"{i}.png"][0] for i in range(6)] == [1, 0, -1, -2, 1, 0]


def test_one_column_of_1_per_row_makes_classes():
    rows = [[str(i), *(str(int(i % 3 == j)) for j in range(3))] for i in range(6)]
    labels = read_labels(found(["f", "well", "ill", "other"], rows), reading_options({}))
    assert [labels.classes[f"{i}.png"] for i in range(6)] == ["well", "ill", "other"] * 2


def test_readers_who_disagree_are_counted():
    rows = [["0", "a", "R1"], ["1", "b", "R1"]]
    more = {"0.png": [["0", "b", "R2"]], "1.png": [["1", "b", "R2"]]}
    labels = read_labels(found(["f", "class_name", "rad_id"], rows, more), reading_options({}))
    assert labels.states == {"0.png": (-1, -1), "1.png": (0, 1)}
    assert any("disagree on 1 of 2" in note for note in labels.notes)


def test_a_few_rows_in_conflict_leave_classes_and_many_make_findings():
    rows = [[str(i), "ab"[i % 2]] for i in range(40)]
    few = read_labels(found(["f", "label"], rows, {"0.png": [["0", "b"]]}), reading_options({}))
    assert few.classes["0.png"] == "a"
    assert any("1 image has rows with different labels" in one.text for one in few.advice)
    assert few.advice[0].option == "--findings all"
    all_of_few = read_labels(found(["f", "label"], rows, {"0.png": [["0", "b"]]}), reading_options({"findings": "all"}))
    assert all_of_few.states["0.png"] == (1, 1)
    many = read_labels(
        found(["f", "label"], rows, {f"{i}.png": [[str(i), "c"]] for i in range(9)}), reading_options({})
    )
    assert many.names == ("a", "b", "c")


@pytest.mark.parametrize("cell", ["The heart is large; the lungs are clear of any effusion.", "seen {} times"])
def test_free_text_is_neither_class_nor_finding(cell):
    rows = [[str(i), cell.format(i) + f" {i}"] for i in range(60)]
    labels = read_labels(found(["f", "findings"], rows), reading_options({}))
    assert not labels.classes
    assert not labels.names


def test_coordinates_ages_and_survival_are_no_findings():
    columns = ["f", "x", "y", "sex", "died", "Target"]
    labels = read_labels(
        found(columns, [[str(i), "1", "0", "1", "0", str(i % 2)] for i in range(8)]), reading_options({})
    )
    assert set(labels.classes.values()) == {"0", "1"}
    assert "Target" in labels.where


def test_findings_are_selected_and_unknown_cells_read_as_told():
    labels = read_labels(found(["f", "Edema", "Mass"], [["0", "1", ""], ["1", "-1", "0"]]), reading_options({}))
    keys, notes = ["0.png", "1.png"], []
    both = select_findings(labels, keys, reading_options({}), notes)
    np.testing.assert_array_equal(both.values, [[1, np.nan], [np.nan, 0]])
    assert any("Uncertain" in note for note in notes)
    assert any("Blank" in note for note in notes)
    read = select_findings(labels, keys, reading_options({"uncertain": "negative", "blank": "negative"}), [])
    assert read.values.tolist() == [[1, 0], [0, 0]]
    one = select_findings(labels, keys, reading_options({"findings": "Mass"}), [])
    assert (one.names, one.states.shape) == (("Mass",), (2, 1))
    with pytest.raises(SemirayError, match=r"no finding 'Hernia'. The findings are: Edema, Mass"):
        select_findings(labels, keys, reading_options({"findings": "Hernia"}), [])


def test_findings_that_are_required_must_be_there():
    labels = read_labels(found(["f", "age"], [["0", "12"]]), reading_options({"findings": "all"}))
    with pytest.raises(SemirayError, match="no column of lists"):
        select_findings(labels, ["0.png"], reading_options({"findings": "all"}), [])


def test_findings_that_are_asked_for_stand_beside_classes_and_need_no_known_name():
    rows = [[str(i), "ab"[i % 2], str(i % 3 // 2), "", str(40 + i)] for i in range(12)]
    rows[0][3] = "1"
    table = found(["f", "label", "haze", "strange spot", "age"], rows)
    both = read_labels(table, reading_options({"findings": "all"}))
    assert both.classes["1.png"] == "b"
    assert both.names == ("haze", "strange spot")
    assert both.states["0.png"] == (0, 1)
    assert both.states["2.png"] == (1, -2)
    assert "label" in both.where
    assert "haze" in both.where
    named = read_labels(table, reading_options({"findings": "haze", "label_column": "label"}))
    assert (named.classes, named.states) == (both.classes, both.states)
    assert read_labels(table, reading_options({})).names == ()  # nobody asked


def test_one_known_column_is_a_class_unless_findings_are_asked_for():
    table = found(["f", "effusion", "haze"], [[str(i), str(i % 2), str(i % 3 // 2)] for i in range(12)])
    assert read_labels(table, reading_options({})).classes["1.png"] == "1"
    asked = read_labels(table, reading_options({"findings": "all"}))
    assert (asked.classes, asked.names) == ({}, ("effusion", "haze"))


def test_one_known_column_of_several_readers_is_a_finding_of_its_own_name():
    rows, more = [["0", "R1", "1", "0"], ["1", "R1", "0", "1"]], {"0.png": [["0", "R2", "0", "0"]]}
    labels = read_labels(found(["f", "reader", "effusion", "haze"], rows, more), reading_options({}))
    assert (labels.classes, labels.names) == ({}, ("effusion",))
    assert labels.states == {"0.png": (-1,), "1.png": (0,)}


def test_beside_one_known_column_it_is_said_which_columns_may_be_findings_too():
    table = found(["f", "effusion", "haze", "age"], [[str(i), str(i % 2), str(i % 3 // 2), "40"] for i in range(12)])
    (said,) = read_labels(table, reading_options({})).advice
    assert (said.option, "haze" in said.text, "age" in said.text) == ("--findings all", True, False)
    assert read_labels(table, reading_options({"findings": "none"})).advice == []
