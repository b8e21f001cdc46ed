"""Words of others where something would act on them: in a terminal, a spreadsheet, Markdown.

Class names, units, labels, paths and cells come from data sets. Shown as they are, they could move the cursor of a
terminal, be a formula of a spreadsheet, or a tag of a page. Figures see to theirs (`semiray.figures`).
"""

from __future__ import annotations

import re

__all__ = ["from_spreadsheet", "in_markdown", "in_spreadsheet", "in_terminal", "printable", "shortened"]

# Controls (but line feed and tab), and what reorders or breaks lines of text: U+200E, 202A and so on.
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
_FORMULA = re.compile("['=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MARKUP = re.compile(r"[\\`*\[\]|~]")
_LONGEST = 100_000
_SHOWN = 80  # characters of a value in a message


def in_terminal(text: str) -> str:
    r"""Text for a terminal: control characters as Python writes them, very long text cut.

    Examples:
        >>> print(in_terminal("a\x1b[31mb"))
        a\x1b[31mb
    """
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} ... ({len(text) - _LONGEST:,} more characters)"
    return _ACTING.sub(_written, text)


def in_spreadsheet(cell: str) -> str:
    """A cell of a CSV file: one that a spreadsheet would run, or that begins with ', gets a ' in front; numbers don't.

    The advice of OWASP, "CSV Injection". `from_spreadsheet` is the inverse.

    Examples:
        >>> in_spreadsheet("=1+1"), in_spreadsheet("-1.5"), in_spreadsheet("COVID")
        ("'=1+1", '-1.5', 'COVID')
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def from_spreadsheet(cell: str) -> str:
    """The cell that `in_spreadsheet` wrote."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell[1:]) else cell


def in_markdown(text: str) -> str:
    r"""Text for a line of Markdown in which it shows as it is: no tags, links, emphasis, code or cells.

    Examples:
        >>> print(in_markdown("a <b> | [c](d)"))
        a &lt;b&gt; \| \[c\](d)
    """
    line = _ACTING.sub(_written, " ".join(text.split()))
    tagless = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = re.sub(r"^([#+=-])", r"\\\1", _MARKUP.sub(r"\\\g<0>", tagless))
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", plain)  # of a list; 0.74 is a number


def printable(name: str) -> str:
    r"""A name of a file, a folder or a column, in characters that can be written and shown.

    Bytes that are no UTF-8, which file systems allow, and control characters become what Python writes for them.

    Examples:
        >>> print(printable(b"a\xff".decode("utf-8", "surrogateescape")))
        a\xff
    """
    if name.isascii() and name.isprintable():
        return name
    return re.sub("[\t\n]", " ", _ACTING.sub(_written, name))


def shortened(value: object) -> str:
    """A value that a user gave, as Python writes it, cut to what a message can hold.

    Examples:
        >>> shortened([1, "a"]), len(shortened(10**400))
        ("[1, 'a']", 80)
    """
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _written(match: re.Match[str]) -> str:
    code = ord(match.group())
    code -= 0xDC00 * (0xDC80 <= code < 0xDD00)  # a byte that is no UTF-8
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
