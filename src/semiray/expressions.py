"""What the package's two languages of conditions share: text becomes Python's syntax tree, never eval; errors point.

The languages are `semiray.priors.events.language`, about codes, and `semiray.radiographs.reading.keep`, about tables.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from semiray.errors import SemirayError

__all__ = ["Expression", "PointingError", "pointing", "read_expression"]

_HABITS = (("&&", "and"), ("||", "or"), ("&", "and"), ("|", "or"), ("!", "not"))
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")


class PointingError(SemirayError):
    """What is wrong with a text, and at which of its characters.

    Attributes:
        problem: what is wrong, without the text.
        line: the text.
        place: the first character, and the one after the last.
    """

    def __init__(self, message: str, problem: str = "", line: str = "", place: tuple[int, int] = (0, 0)) -> None:
        super().__init__(message)
        self.problem, self.line, self.place = problem, line, place


@dataclass(frozen=True)
class Expression:
    """A text and its syntax tree.

    Args:
        kind: what errors start with.
        line: the text that errors show.
        code: the text that was parsed, as long as the line; where a language has signs that Python hasn't, they are
            replaced in it.
        tree: what it says.
    """

    kind: str
    line: str
    code: str
    tree: ast.expr

    def place(self, node: ast.expr) -> tuple[int, int]:
        """Where a part of the tree stands in the line, in characters: start and end."""
        ends = (node.col_offset, node.end_col_offset or node.col_offset + 1)  # ast counts bytes
        start, end = (len(self.code.encode()[:offset].decode(errors="ignore")) for offset in ends)
        return start, end

    def problem(self, node: ast.expr, message: str) -> SemirayError:
        """An error with carets under a part."""
        return pointing(self.kind, self.line, *self.place(node), message)


def read_expression(line: str, kind: str, example: str, *, code: str | None = None, most: int = 1000) -> Expression:
    """Parse a line in Python's grammar; what it means is up to the language.

    Args:
        line: the text, on one line.
        kind: what errors start with, such as "event".
        example: a text that can be read, which errors show.
        code: the text to parse in the line's place, as long as the line.
        most: how many characters are allowed.

    Raises:
        SemirayError: too long, not printable, not Python's grammar, or too deeply nested; a caret stands at the place.
    """
    if len(line) > most:
        raise SemirayError(f"{kind}: the text has {len(line):,} characters; at most {most:,} are allowed")
    for i, character in enumerate(line):
        if not character.isprintable():
            shown = line[:i] + "\ufffd" + line[i + 1 :]
            raise pointing(kind, shown, i, i + 1, "this character is not printable")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own advice on style, such as on "1and"
            return Expression(kind, line, code or line, ast.parse(code or line, mode="eval").body)
    except SyntaxError as error:
        at = error.offset - 1 if error.offset else len(line)  # no offset: the text ends too early
        raise pointing(kind, line, *_syntax_problem(code or line, at, example)) from None
    except (RecursionError, MemoryError, ValueError):
        raise pointing(kind, line, 0, len(line), "this is too deeply nested") from None


def pointing(kind: str, line: str, start: int, end: int, message: str) -> SemirayError:
    """An error that shows a line with carets from one character up to another."""
    carets = "^" * max(end - start, 1)
    shown = f"{kind}: {message}\n  {line}\n  {' ' * min(start, len(line))}{carets}"
    return PointingError(shown, message, line, (start, max(end, start + 1)))


def _syntax_problem(code: str, at: int, example: str) -> tuple[int, int, str]:
    """From where to where what can't be read stands, and what to do."""
    code = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), code)
    for habit, word in _HABITS:
        place = code.find(habit)
        if place >= 0 and code[place : place + 2] != "!=":
            return place, place + len(habit), f"write {word!r} instead of {habit!r}"
    for i, character in enumerate(code):
        if character == "=" and code[i - 1 : i] not in ("=", "<", ">", "!") and code[i + 1 : i + 2] != "=":
            return i, i + 1, "equality is written =="
        if character in "\u2018\u2019\u201c\u201d":
            return i, i + 1, "write straight quotes"
    return at, at + 1, f"this can't be read; write for example {example}"
