"""Promises about words of others: nothing acts on them, and a spreadsheet's cells come back as they were."""

import csv
from io import StringIO

import pytest

from semiray.escaping import from_spreadsheet, in_markdown, in_spreadsheet, in_terminal, printable


@pytest.mark.parametrize("bad", ["\x1b[31m", "\x1b]0;title\x07", "\x9b31m", "\r", "\u202e", "\ud800", "\x7f", "\u2028"])
def test_nothing_moves_the_cursor(bad: str) -> None:
    shown = in_terminal(f"a{bad}b\n\tc")
    assert shown.startswith("a\\")
    assert shown.endswith("\n\tc")
    shown.encode()
    assert all(character.isprintable() or character in "\n\t" for character in shown)


def test_long_words_are_cut() -> None:
    assert len(in_terminal("x" * 10_000_000)) < 101_000


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+cmd",
        "-x",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "'quoted",
        "＝1",
        "-1.5",
        "+3e-7",
        "COVID",
        "",
        "1-2",
        "''",
        "-",
    ],
)
def test_a_spreadsheet_runs_no_cell_and_no_cell_is_changed(cell: str) -> None:
    written = in_spreadsheet(cell)
    text = StringIO()
    csv.writer(text).writerow([written])
    (read,) = next(csv.reader(StringIO(text.getvalue(), newline=""))) or [""]
    assert from_spreadsheet(read) == cell
    assert written[:1] not in tuple("=+-@\t\r＝") or written in ("-1.5", "+3e-7")


def test_markdown_shows_what_is_written() -> None:
    assert in_markdown("<script>x</script>") == "&lt;script&gt;x&lt;/script&gt;"
    assert in_markdown("[a](javascript:b)\n# c | `d`") == r"\[a\](javascript:b) # c \| \`d\`"
    assert in_markdown("# a") == r"\# a"
    assert in_markdown("1. a") == r"1\. a"
    assert in_markdown("0.74 (0.71 to 0.77)") == "0.74 (0.71 to 0.77)"
    assert in_markdown("Viral_Pneumonia, 95 %") == "Viral_Pneumonia, 95 %"


def test_names_can_be_written() -> None:
    assert printable("plain ü") == "plain ü"
    assert printable(b"a\xff".decode("utf-8", "surrogateescape")) == r"a\xff"
    assert printable("a\x1bb\nc") == r"a\x1bb c"
