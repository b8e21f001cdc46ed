"""Rows to keep: conditions on the cells of a table, such as `modality == 'X-ray' and view in {'PA', 'AP'}`.

comparisons and chains    age >= 18     18 <= age < 65     view == 'PA'     sex != 'M'     view == '' (empty cells)
membership                view in {'PA', 'AP'}     age not in {0, 120}
containment               'COVID' in finding     'Effusion' not in finding
logic                     and, or, not, parentheses
columns                   view     `Frontal/Lateral` or Frontal_Lateral, where a name is no word

The grammar is that of events (`semiray.priors.events.language`), but cells are text: text equals a cell exactly,
numbers are compared with the cells that are numbers, and a cell that is no number is neither smaller nor larger.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt

from semiray.errors import SemirayError
from semiray.expressions import Expression, pointing, read_expression
from semiray.suggestions import suggestion, unknown

__all__ = ["RowCondition", "Rows", "column_name", "read_condition"]

Rows = Sequence[Mapping[str, str]]

_KIND = "keep="
_EXAMPLE = "modality == 'X-ray' and view in {'PA', 'AP'}"
_LONGEST, _DEEPEST, _LISTED = 10_000, 50, 10
_RESERVED = {"False", "None", "True", "and", "in", "is", "not", "or"}
_WORDS = "|".join(sorted(set(keyword.kwlist) - _RESERVED))
# Quoted text stays as it is; names between backticks, and columns called as words of Python's, become names.
_SIGNS = re.compile(rf"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?P<name>`[^`]+`|\b(?:{_WORDS})\b)")
_NO_COLUMN = re.compile(r"(?:^|[(]|\b(?:and|or|not))\s*([=!]=|[<>]|(?<!not )in\b)")
_LOST = (
    "a column is missing before this; between double quotes a shell takes what stands in backticks for a command: put "
    "the condition between single quotes, or write Frontal_Lateral for `Frontal/Lateral`"
)
_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_ORDERS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge}


class _Cells:
    """Rows as columns of text and of numbers, each made once."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._texts: dict[str, list[str]] = {}
        self._numbers: dict[str, list[float]] = {}

    def texts(self, column: str) -> list[str]:
        if column not in self._texts:
            self._texts[column] = [row.get(column, "").strip() for row in self.rows]
        return self._texts[column]

    def numbers(self, column: str) -> list[float]:
        """The cells as numbers; NaN, which is unequal to everything, where a cell is none."""
        if column not in self._numbers:
            texts = self.texts(column)
            comma = any("," in text for text in texts) and all(_COMMA.fullmatch(text) for text in texts if text)
            self._numbers[column] = [_number(text.replace(",", ".") if comma else text) for text in texts]
        return self._numbers[column]

    def listed(self, column: str) -> str:
        """Its most frequent values with their counts."""
        counts = Counter(self.texts(column)).most_common()
        more = f", and {len(counts) - _LISTED:,} others" if len(counts) > _LISTED else ""
        shown = [(text if len(text) <= 60 else f"{text[:57]}...", count) for text, count in counts[:_LISTED]]
        return ", ".join(f"{text!r} ({count:,})" for text, count in shown) + more


_Test = Callable[[_Cells], list[bool]]


@dataclass(frozen=True)
class RowCondition:
    """A checked condition: called on rows, it returns for each whether it is kept.

    Attributes:
        text: the condition as written, on one line.
        columns: the columns that it names, in the order of the table.
    """

    text: str
    columns: tuple[str, ...]
    _test: _Test

    def __call__(self, rows: Rows) -> list[bool]:
        """For each row whether it is kept; a row that lacks a column has an empty cell there.

        Raises:
            SemirayError: if no row has a value that the condition names, no cell of a column that is compared by size
                is a number, or no row is kept.
        """
        kept = self._test(_Cells(rows))
        if not any(kept):
            raise SemirayError(f"{_KIND}: none of {len(rows):,} rows is kept by\n  {self.text}")
        return kept


def read_condition(text: str, columns: Sequence[str]) -> RowCondition:
    """Read and check a condition.

    Args:
        text: the condition, at most 10,000 characters.
        columns: the columns' names. A name that is no word stands between backticks, or with `_` for every run of
            signs that are no letters and digits; capital letters matter only where two names differ in nothing else.

    Raises:
        SemirayError: a part can't be understood; carets stand under it.

    Examples:
        >>> condition = read_condition("age >= 18 and view in {'PA', 'AP'}", ["age", "view"])
        >>> condition([{"age": "60", "view": "PA"}, {"age": "60", "view": "L"}, {"age": "", "view": "AP"}])
        [True, False, False]
    """
    if not isinstance(text, str) or not text.strip():
        raise SemirayError(f"{_KIND}: the condition is empty; write for example {_EXAMPLE}")
    line = re.sub(r"[\r\n\t]", " ", text.strip())
    code = _SIGNS.sub(lambda sign: "_" * len(sign[0]) if sign["name"] else sign[0], line)
    bare = _SIGNS.sub(lambda sign: "_" * len(sign[0]), line)
    try:
        expression = read_expression(line, _KIND, _EXAMPLE, code=code, most=_LONGEST)
        reader = _Reader(expression, columns)
        test = reader.condition(expression.tree)
    except SemirayError:
        if sign := _NO_COLUMN.search(bare):
            raise pointing(_KIND, line, *sign.span(1), _LOST) from None
        for name in sorted(columns, key=len, reverse=True):
            if name in bare and re.search(r"\w\W+\w", name):
                start, advice = bare.index(name), f"write the column as {column_name(name)}"
                raise pointing(_KIND, line, start, start + len(name), advice) from None
        raise
    return RowCondition(line, tuple(name for name in dict.fromkeys(columns) if name in reader.used), test)


def column_name(name: str) -> str:
    """A column's name as a condition has it."""
    return name if name.isidentifier() and name not in _RESERVED else f"`{name}`"


class _Reader:
    """Turns a syntax tree into tests of cells; collects the columns that it uses."""

    def __init__(self, expression: Expression, columns: Sequence[str]) -> None:
        self.expression, self.problem = expression, expression.problem
        self.columns = dict.fromkeys(columns)
        self.used: set[str] = set()

    def condition(self, node: ast.expr, depth: int = 0) -> _Test:
        if depth > _DEEPEST:
            raise self.problem(node, "this is too deeply nested")
        match node:
            case ast.BoolOp(op=op, values=values):
                tests = [self.condition(value, depth + 1) for value in values]
                join = all if isinstance(op, ast.And) else any
                return lambda cells: [join(row) for row in zip(*[test(cells) for test in tests], strict=True)]
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.condition(operand, depth + 1)
                return lambda cells: [not held for held in inner(cells)]
            case ast.Compare():
                return self.comparison(node)
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                self.refuse_signs(node)
            case ast.Name():
                name = self.column(node)
                raise self.problem(node, f"this is a column, not a condition; compare it: {column_name(name)} == '1'")
            case ast.Constant():
                raise self.problem(
                    node, "this is a value, not a condition; for one of several values write view in {'PA', 'AP'}"
                )
        raise self.problem(node, f"a condition is expected here, such as {_EXAMPLE}")

    def comparison(self, node: ast.Compare) -> _Test:
        nodes = [node.left, *node.comparators]
        tests: list[_Test] = []
        for left, op, right in zip(nodes, node.ops, nodes[1:], strict=False):
            match op:
                case ast.In() | ast.NotIn() if len(node.ops) > 1:
                    raise self.problem(node, "in can't be part of a chain; join conditions by 'and'")
                case ast.In():
                    tests.append(self.membership(left, right))
                case ast.NotIn():
                    tests.append(_negated(self.membership(left, right)))
                case ast.Eq():
                    tests.append(self.equality(left, right))
                case ast.NotEq():
                    tests.append(_negated(self.equality(left, right)))
                case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE():
                    tests.append(self.order(left, right, _ORDERS[type(op)]))
                case _:
                    raise self.problem(right, "compare with ==, !=, <, <=, >, >= or in")
        return lambda cells: [all(row) for row in zip(*[test(cells) for test in tests], strict=True)]

    def equality(self, left: ast.expr, right: ast.expr) -> _Test:
        one, other = self.operand(left), self.operand(right, beside=left)
        if isinstance(one, _Column) and isinstance(other, _Column):
            first, second = one.name, other.name

            def equal(cells: _Cells) -> list[bool]:
                texts = zip(cells.texts(first), cells.texts(second), strict=True)
                numbers = zip(cells.numbers(first), cells.numbers(second), strict=True)
                return [a == b or x == y for (a, b), (x, y) in zip(texts, numbers, strict=True)]

            return equal
        if isinstance(one, _Column) and not isinstance(other, _Column):
            return self.one_of(one.name, [(other, right)])
        if isinstance(other, _Column) and not isinstance(one, _Column):
            return self.one_of(other.name, [(one, left)])
        raise self.problem(right, "one side must be a column")

    def order(self, left: ast.expr, right: ast.expr, holds: Callable[[float, float], bool]) -> _Test:
        sides = [(node, self.operand(node, beside=other)) for node, other in ((left, right), (right, left))]
        for node, side in sides:
            if isinstance(side, str):
                raise self.problem(node, "text is neither smaller nor larger; write a number, without quotes")
        if not any(isinstance(side, _Column) for _, side in sides):
            raise self.problem(right, "one side must be a column")

        def values(cells: _Cells, node: ast.expr, side: _Operand) -> list[float]:
            if not isinstance(side, _Column):
                return [float(side)] * len(cells.rows)
            numbers = cells.numbers(side.name)
            if all(map(math.isnan, numbers)):
                raise self.problem(node, f"no cell of this column is a number; its values: {cells.listed(side.name)}")
            return numbers

        return lambda cells: list(map(holds, *(values(cells, *side) for side in sides)))

    def membership(self, left: ast.expr, right: ast.expr) -> _Test:
        if isinstance(right, ast.Set | ast.List | ast.Tuple) and right.elts:
            whole = self.operand(left)
            if not isinstance(whole, _Column):
                raise self.problem(left, "a column is expected before in {...}")
            return self.one_of(whole.name, [(self.value(element), element) for element in right.elts])
        if not isinstance(right, ast.Name):
            raise self.problem(right, "a set of values is expected here, such as {'PA', 'AP'}, or a column")
        name, part = self.column(right), self.value(left)
        if not isinstance(part, str) or not part:
            raise self.problem(left, "text is expected here: 'COVID' in finding")

        def contains(cells: _Cells) -> list[bool]:
            found = [part in text for text in cells.texts(name)]
            if not any(found):
                raise self.problem(
                    left, f"no cell of {column_name(name)} contains {part!r}; its values: {cells.listed(name)}"
                )
            return found

        return contains

    def one_of(self, name: str, values: list[tuple[str | float, ast.expr]]) -> _Test:
        texts = {value.strip() for value, _ in values if isinstance(value, str)}
        numbers = {value for value, _ in values if not isinstance(value, str)}

        def found(cells: _Cells) -> list[bool]:
            there = cells.texts(name)
            figures = cells.numbers(name) if numbers else [math.nan] * len(there)
            known = {*there, *figures, ""}
            for value, node in values:
                if (value.strip() if isinstance(value, str) else value) not in known:
                    near = suggestion(value, there) if isinstance(value, str) else ""
                    message = f"no row has this value{near}; the values of {column_name(name)}: {cells.listed(name)}"
                    raise self.problem(node, message)
            return [text in texts or number in numbers for text, number in zip(there, figures, strict=True)]

        return found

    def operand(self, node: ast.expr, beside: ast.expr | None = None) -> _Operand:
        """A column or a value; `beside` is what it is compared with, for the advice in errors."""
        if isinstance(node, ast.Name):
            return _Column(self.column(node, isinstance(beside, ast.Name)))
        return self.value(node)

    def value(self, node: ast.expr) -> str | float:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.Constant(value=bool() | None as word):
                advice = "an empty cell is written ''" if word is None else f"cells are text: write {str(word)!r}"
                raise self.problem(node, advice)
            case ast.Constant(value=int() | float() as number) if abs(number) < 1e300:
                return float(number)
            case ast.Constant(value=int() | float()):
                raise self.problem(node, "this number is too large")
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float())):
                size = self.value(node.operand)
                assert isinstance(size, float)
                return -size if isinstance(sign, ast.USub) else size
            case ast.Name():
                self.column(node, quotes=True)
                raise self.problem(node, "a value is expected here, not a column; text stands in quotes")
            case ast.Call():
                raise self.problem(node, "nothing can be called; write view in {'PA', 'AP'}, or 'COVID' in finding")
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                raise self.problem(node, "a column or a value is expected here, not a condition")
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                self.refuse_signs(node)
        raise self.problem(node, "a column, a number, or text in quotes is expected here")

    def column(self, node: ast.Name, quotes: bool = False) -> str:
        """The column that a name means: as it is written, else by its word, else in whatever case."""
        start, end = self.expression.place(node)
        written = self.expression.line[start:end].strip("`").strip()
        forms: tuple[Callable[[str], str], ...] = (str, _word, lambda name: _word(name).lower())
        for form in forms:
            same = [name for name in self.columns if form(name) == form(written) != ""]
            if len(same) > 1:
                names = " or ".join(column_name(name) for name in same)
                raise self.problem(node, f"this can be more than one column; write {names}")
            if same:
                self.used.add(same[0])
                return same[0]
        advice = f", or, if this is a value, write {written!r} in quotes" if quotes else ""
        raise self.problem(node, unknown("column", written, self.columns) + advice)

    def refuse_signs(self, node: ast.BinOp) -> None:
        word = "and" if isinstance(node.op, ast.BitAnd) else "or"
        raise self.problem(node.right, f"write {word!r} between conditions, not '&' or '|'")


@dataclass(frozen=True)
class _Column:
    name: str


_Operand = _Column | str | float


def _negated(test: _Test) -> _Test:
    return lambda cells: [not held for held in test(cells)]


def _word(name: str) -> str:
    """A name in letters, digits and `_`."""
    return re.sub(r"[\W_]+", "_", name).strip("_")


def _number(text: str) -> float:
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
