"""The language of rows to keep: what it means on cells, and where it points when it can't be read or finds nothing."""

from __future__ import annotations

import time

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.keep import column_name, read_condition

COLUMNS = ("view", "modality", "age", "sex", "finding", "Frontal/Lateral", "View Position", "class", "score", "max")
ROWS = [
    dict(zip(COLUMNS, cells, strict=True))
    for cells in (
        ("PA", "X-ray", "18", "M", "COVID-19", "Frontal", "PA", "0", "0,5", "1"),
        ("AP", "X-ray", "65.0", "F", "Effusion|Mass", "Frontal", " AP ", "1", "1,5", "2"),
        ("L", "X-ray", "", "F", "No Finding", "Lateral", "LL", "1", "", "3"),
        ("", "CT", "1e1", "", "COVID, mild", "", "AP Supine", "0", "10,25", "x"),
        ("PA", "CT", "unknown", "M", "it's", "Lateral", "AP", "1.0", "2", "-1"),
    )
]


def kept(text: str, columns: tuple[str, ...] = COLUMNS) -> str:
    return "".join("+" if one else "-" for one in read_condition(text, columns)(ROWS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("modality == 'X-ray' and view in {'PA', 'AP'}", "++---"),
        ("view == 'PA'", "+---+"),
        ("'PA' == view", "+---+"),
        ("view != 'PA'", "-+++-"),
        ("view == ''", "---+-"),
        ("view != ''", "+++-+"),
        ("not (view == 'L')", "++-++"),
        ("not view == 'L' and modality == 'CT'", "---++"),
        ("view in ['PA', '']", "+--++"),
        ("view not in ('PA', 'L')", "-+-+-"),
        ("view == 'L' or modality == 'CT' and sex == 'M'", "--+-+"),
        ("(view == 'L' or modality == 'CT') and sex == 'M'", "----+"),
        ("age >= 18 and sex != 'M'", "-+---"),
        ("18 <= age < 65", "+----"),
        ("18 <= age <= 65", "++---"),
        ("age < 18", "---+-"),  # neither an empty cell nor a word is smaller
        ("not age >= 18", "--+++"),
        ("age == 65", "-+---"),
        ("age in {18, 10}", "+--+-"),
        ("age in {18, ''}", "+-+--"),
        ("age == 'unknown'", "----+"),
        ("class == 1", "-++-+"),  # 1.0 is 1, and a word of Python's may be a column
        ("class == '1'", "-++--"),  # text is compared as it stands
        ("max > -1", "+++--"),
        ("max > -1.5 and max != +3", "++--+"),
        ("score > 1", "-+-++"),  # decimal commas, since the whole column uses them
        ("score == 10.25", "---+-"),
        ("'COVID' in finding", "+--+-"),
        ("'Mass' not in finding", "+-+++"),
        ("finding == 'COVID, mild'", "---+-"),
        ('finding == "it\'s"', "----+"),
        ("`Frontal/Lateral` == 'Frontal'", "++---"),
        ("Frontal_Lateral == 'Frontal'", "++---"),
        ("frontal_lateral == 'Frontal'", "++---"),
        ("VIEW_position in {'AP', 'LL'}", "-++-+"),  # cells are stripped
        ("`View Position` == 'AP Supine'", "---+-"),
        ("`view` == view and `view` == 'PA'", "+---+"),
        ("view == `View Position`", "++---"),
        ("'``' not in finding or '`' in finding", None),
        ("age > class", "++-+-"),
        ("max > class", "+++--"),
        (" view\n== 'PA'\tor view == 'AP' ", "++--+"),
        ("(" * 45 + "view == 'L'" + ")" * 45, "--+--"),
        ("not " * 48 + "view == 'L'", "--+--"),
    ],
)
def test_meaning(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(SemirayError, match="contains '``'"):
            kept(text)
    else:
        assert kept(text) == expected


def test_a_condition_knows_its_text_and_columns() -> None:
    condition = read_condition("sex == 'M'\nand Frontal_Lateral == 'Frontal' and sex != ''", COLUMNS)
    assert condition.text == "sex == 'M' and Frontal_Lateral == 'Frontal' and sex != ''"
    assert condition.columns == ("sex", "Frontal/Lateral")


def test_decimal_commas_count_only_where_a_whole_column_has_them() -> None:
    condition = read_condition("size > 1", ["size"])
    assert condition([{"size": cell} for cell in ("1,5", "0,5", "2", "")]) == [True, False, True, False]
    assert condition([{"size": cell} for cell in ("1,5", "0.5", "2", "")]) == [False, False, True, False]
    assert condition([{"size": cell} for cell in ("1,5,5", "nan", "inf", "1_0", "2")]) == [False] * 4 + [True]


def test_columns_are_equal_as_text_or_as_numbers() -> None:
    pairs = [("1.0", "1"), ("PA", "PA"), ("PA", "AP"), ("", "")]
    rows = [{"a": one, "b": other} for one, other in pairs]
    assert read_condition("a == b", ["a", "b"])(rows) == [True, True, False, True]


def test_a_row_that_lacks_a_column_has_an_empty_cell_there() -> None:
    assert read_condition("view == ''", ["view"])([{"view": "PA"}, {}]) == [False, True]


# text, message, what the carets stand under
WRONG = [
    ("vieww == 'PA'", "no column 'vieww', did you mean 'view'?; the columns are view, modality, age", "vieww"),
    ("`view pos` == 'PA'", "no column 'view pos', did you mean", "`view pos`"),
    ("view == PA", "or, if this is a value, write 'PA' in quotes", "PA"),
    ("view in {PA}", "or, if this is a value, write 'PA' in quotes", "PA"),
    ("view in {sex}", "text stands in quotes", "sex"),
    ("view in 'PA'", "a set of values is expected here", "'PA'"),
    ("view in ('PA')", "a set of values is expected here", "'PA'"),
    ("view in {}", "a set of values is expected here", "{}"),
    ("view in set()", "a set of values is expected here", "set()"),
    ("view in sex", "a value is expected here, not a column", "view"),
    ("1 in finding", "text is expected here", "1"),
    ("'' in finding", "text is expected here", "''"),
    ("'PA' in {'PA'}", "a column is expected before in", "'PA'"),
    ("'a' in finding in view", "in can't be part of a chain", "'a' in finding in view"),
    ("view = 'PA'", "equality is written ==", "="),
    ("view == 'PA' && sex == 'M'", "write 'and' instead of '&&'", "&&"),
    ("(view == 'PA') & (sex == 'M')", "write 'and' between conditions", "sex == 'M'"),
    ("view == 'PA' | sex == 'M'", "write 'or' between conditions", "sex"),
    ("view == 'PA' or 'AP'", "for one of several values write", "'AP'"),
    ("view", "this is a column, not a condition; compare it: view == '1'", "view"),
    ("not Frontal_Lateral", "compare it: `Frontal/Lateral` == '1'", "Frontal_Lateral"),
    ("Frontal/Lateral == 'Frontal'", "write the column as `Frontal/Lateral`", "Frontal/Lateral"),
    ("age > 1 and View Position == 'PA'", "write the column as `View Position`", "View Position"),
    ("== 'Frontal'", "a column is missing before this", "=="),
    ("view == 'PA' and  in {'Frontal'}", "a column is missing before this", "in"),
    ("view == None", "an empty cell is written ''", "None"),
    ("view == True", "cells are text: write 'True'", "True"),
    ("age >= '18'", "text is neither smaller nor larger", "'18'"),
    ("1 < 2", "one side must be a column", "2"),
    ("'a' == 'a'", "one side must be a column", "'a'"),
    ("age < 1e400", "too large", "1e400"),
    (f"age < 1{'0' * 400}", "too large", "1" + "0" * 400),
    ("age < 3j", "a column, a number, or text", "3j"),
    ("view == b'PA'", "a column, a number, or text", "b'PA'"),
    ("view == f'{sex}'", "a column, a number, or text", "f'{sex}'"),
    ("age < -'3'", "a column, a number, or text", "-'3'"),
    ("age < -True", "cells are text: write 'True'", "True"),
    ("age is 3", "compare with ==", "3"),
    ("view.str.contains('A')", "a condition is expected here", "view.str.contains('A')"),
    ("view.isin(['PA']) == 1", "nothing can be called", "view.isin(['PA'])"),
    ("__import__('os').system('true') == 0", "nothing can be called", "__import__('os').system('true')"),
    ("view[0] == 'P'", "a column, a number, or text", "view[0]"),
    ("age + 1 > 2", "a column, a number, or text", "age + 1"),
    ("(age < 3) == 1", "not a condition", "age < 3"),
    ("(view := 'PA') == 'PA'", "a column, a number, or text", "view := 'PA'"),
    ("lambda: 1", "this can't be read", ":"),
    ("view in {*finding}", "a column, a number, or text", "*finding"),
    ("not " * 60 + "view == 'L'", "too deeply nested", "not " * 9 + "view == 'L'"),
    # what no row has
    ("view == 'PAA'", "no row has this value, did you mean 'PA'?; the values of view: 'PA' (2), 'AP' (1)", "'PAA'"),
    ("view == 'pa'", "did you mean 'PA'?", "'pa'"),
    ("view in {'PA', 'LL'}", "no row has this value", "'LL'"),
    ("view == 'PA' or not sex == 'X'", "no row has this value; the values of sex: 'M' (2), 'F' (2), '' (1)", "'X'"),
    ("view != 'Pa'", "no row has this value", "'Pa'"),
    ("age == 17", "no row has this value", "17"),
    ("'covid' in finding", "no cell of finding contains 'covid'; its values: 'COVID-19' (1)", "'covid'"),
    ("sex > 3", "no cell of this column is a number; its values: 'M' (2)", "sex"),
]


@pytest.mark.parametrize(("text", "message", "under"), WRONG, ids=[text[:40] for text, _, _ in WRONG])
def test_errors_point_at_the_place(text: str, message: str, under: str) -> None:
    with pytest.raises(SemirayError, match=r"^keep=: ") as caught:
        kept(text)
    said, line, caret = str(caught.value).split("\n")
    assert message in said
    assert line == f"  {text}"
    assert line[caret.index("^") : caret.rindex("^") + 1] == under


def test_keeping_nothing_is_an_error() -> None:
    with pytest.raises(SemirayError, match=r"keep=: none of 5 rows is kept by\n  view == 'L' and sex == 'M'"):
        kept("view == 'L' and sex == 'M'")


def test_long_values_and_lists_are_cut() -> None:
    rows = [{"report": f"{number} {'word ' * 100}"} for number in range(30)]
    with pytest.raises(SemirayError) as caught:
        read_condition("report == 'x'", ["report"])(rows)
    said = str(caught.value).split("\n")[0]
    assert said.endswith("..." + "' (1), and 20 others")
    assert len(said) < 1000


@pytest.mark.parametrize(
    "text", ["", "  ", "view ==", "(" * 300, "not " * 2400 + "x", "x" * 10_001, "`" * 9, "'", None, 3]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(SemirayError, match="keep="):
        read_condition(text, COLUMNS)


def test_names_that_could_be_two_columns_are_refused() -> None:
    columns = ["View Position", "View_Position", "Sex", "SEX", "a-b", "a/b", "#"]
    rows = [dict.fromkeys(columns, "1")]
    for text in ("View_Position == 1", "SEX == 1", "`a/b` == 1", "`#` == 1"):
        assert read_condition(text, columns)(rows) == [True]
    for text, message in (
        ("sex == 1", "write Sex or SEX"),
        ("a_b == 1", "write `a-b` or `a/b`"),
        ("view_position == 1", "write `View Position` or View_Position"),
        ("`%` == 1", "no column '%'"),
    ):
        with pytest.raises(SemirayError, match=message):
            read_condition(text, columns)


def test_a_column_is_written_so_that_it_can_be_read() -> None:
    for name in ("view", "class", "in", "View Position", "Größe", "2nd", "a'b", "größe (cm)"):
        assert read_condition(f"{column_name(name)} == 1", [name])([{name: "1"}]) == [True]


def test_a_hundred_thousand_rows_take_no_time() -> None:
    rows = [{"view": ("PA", "AP", "L")[n % 3], "age": str(n % 90), "path": f"{n}.png"} for n in range(100_000)]
    start = time.process_time()
    kept = read_condition("view in {'PA', 'AP'} and 18 <= age < 65 and '1' in path", list(rows[0]))(rows)
    assert time.process_time() - start < 2
    assert 0 < sum(kept) < 66_667
