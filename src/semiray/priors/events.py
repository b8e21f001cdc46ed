"""Events: statements about codes, such as `survival == 1 and duration <= 14`, read by a whitelist and never by eval.

comparisons and chains    duration <= 14     7 <= duration < 14     presentation < texture
membership                severity in {1, 2}     severity not in {0}
logic                     and, or, not, parentheses
dimensions                duration (its lead), duration[3]
all dimensions            all(survival) == 1     any(duration) > 30     mean(texture) < 0
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.factors import suggestion

__all__ = ["Event", "read_event"]

_LONGEST = 1000
_LARGEST = 1e30
_COMPARISONS: dict[type[ast.cmpop], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_HABITS = (("&&", "and"), ("||", "or"), ("&", "and"), ("|", "or"), ("!", "not"))

Condition = Callable[[Tensor], Tensor]
"""Codes (n, M) -> (n,) bool."""


@dataclass(frozen=True)
class Event:
    """An event, checked and compiled: call it on codes (n, M) to learn where it holds, (n,) bool.

    Args:
        text: as it was written.
        tree: the checked syntax tree, for whoever samples it more cleverly than by rejection.
        columns: the code dimensions that it speaks of, ascending.
        factors: the factors that it speaks of.
        condition: the compiled function.
    """

    text: str
    tree: ast.expr
    columns: tuple[int, ...]
    factors: tuple[str, ...]
    condition: Condition

    def __call__(self, codes: Tensor) -> Tensor:
        """Where the event holds, (n,) bool, for codes (n, M) in their own units."""
        return self.condition(codes)


def read_event(text: str, slices: Mapping[str, slice], discrete: Tensor) -> Event:
    """Read and compile an event.

    Args:
        text: the event.
        slices: the columns of each factor by its name.
        discrete: (M,) bool, which columns take finitely many values.

    Raises:
        SemirayError: what can't be understood, with a caret under the place.
    """
    if not isinstance(text, str) or not text.strip():
        raise SemirayError("the event is empty; write a condition such as 'survival == 1 and duration <= 14'")
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        raise SemirayError(f"the event has {len(line)} characters, at most {_LONGEST} are read")
    try:
        tree = ast.parse(line, mode="eval").body
        reader = _Reader(line, slices, discrete.tolist())
        condition = reader.condition(tree)
    except SyntaxError as error:
        raise _syntax_problem(line, error) from None
    except (RecursionError, MemoryError, ValueError):
        raise SemirayError(
            f"the event can't be read (too deeply nested, or a strange character): {line[:80]}"
        ) from None
    factors = tuple(name for name, part in slices.items() if any(part.start <= i < part.stop for i in reader.columns))
    return Event(line, tree, tuple(sorted(reader.columns)), factors, condition)


@dataclass(frozen=True)
class _Operand:
    """One side of a comparison: codes -> (n, k), k > 1 only under a quantifier ("all" or "any")."""

    value: Callable[[Tensor], Tensor]
    quantifier: str = ""
    continuous: bool = False


class _Reader:
    """Turns a syntax tree into functions; keeps the text for carets and gathers the columns spoken of."""

    def __init__(self, line: str, slices: Mapping[str, slice], discrete: list[bool]) -> None:
        self.line, self.slices, self.discrete = line, slices, discrete
        self.columns: set[int] = set()

    def condition(self, node: ast.expr) -> Condition:
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self.condition(value) for value in values]
                join = torch.logical_and if isinstance(op, ast.And) else torch.logical_or
                return lambda codes: _fold(join, (part(codes) for part in parts))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.condition(operand)
                return lambda codes: ~inner(codes)
            case ast.Compare():
                return self.comparison(node)
            case ast.BinOp(op=ast.BitAnd()) | ast.BinOp(op=ast.BitOr()):
                word = "and" if isinstance(node.op, ast.BitAnd) else "or"
                raise self.problem(node.right, f"write {word!r} between conditions, not '&' or '|'")
            case ast.Name() | ast.Subscript() | ast.Call():
                self.operand(node)
                raise self.problem(node, f"this is a number, not yet a condition; compare it: {ast.unparse(node)} == 1")
        raise self.problem(node, "a condition is expected here, such as duration <= 14")

    def comparison(self, node: ast.Compare) -> Condition:
        nodes = [node.left, *node.comparators]
        left = self.operand(node.left)
        operands, tests = [left], []
        for i, op in enumerate(node.ops):
            right = nodes[i + 1]
            if isinstance(op, ast.In | ast.NotIn):
                numbers = self.numbers(right)
                self.refuse_equality(right, operands[-1])
                tests.append(_membership(operands[-1], numbers, isinstance(op, ast.NotIn)))
                if i + 1 < len(node.ops):
                    raise self.problem(nodes[i + 2], "a chain can't go on after a set; join conditions by 'and'")
                continue
            if type(op) not in _COMPARISONS:
                raise self.problem(right, "compare with ==, !=, <, <=, >, >= or in")
            operands.append(self.operand(right))
            if isinstance(op, ast.Eq | ast.NotEq):
                for side in operands[-2:]:
                    self.refuse_equality(right, side)
            tests.append(_test(_COMPARISONS[type(op)], operands[-2], operands[-1]))
        quantifiers = [operand.quantifier for operand in operands if operand.quantifier]
        if len(quantifiers) > 1:
            raise self.problem(nodes[-1], "only one all(...) or any(...) can stand in a comparison")
        if not self.columns_of(node):
            raise self.problem(node, "this compares numbers only; name a factor")
        reduce = torch.any if quantifiers == ["any"] else torch.all
        return lambda codes: reduce(_fold(torch.logical_and, (test(codes) for test in tests)), dim=-1)

    def operand(self, node: ast.expr) -> _Operand:
        match node:
            case ast.Constant() | ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                number = self.number(node)
                return _Operand(lambda codes: codes.new_full((1, 1), number))
            case ast.Name() | ast.Subscript():
                column = self.column(node)
                self.columns.add(column)
                return _Operand(lambda codes: codes[:, column : column + 1], continuous=not self.discrete[column])
            case ast.Call(func=ast.Name(id=word), args=[ast.Name() as name], keywords=[]) if word in (
                "all",
                "any",
                "mean",
            ):
                part = self.factor(name)
                self.columns.update(range(part.start, part.stop))
                continuous = not self.discrete[part.start]
                if word == "mean":
                    count = part.stop - part.start  # a quotient, so that 3 / 5 == 0.6 holds
                    return _Operand(lambda codes: codes[:, part].sum(-1, keepdim=True) / count, "", continuous)
                return _Operand(lambda codes: codes[:, part], word, continuous)
            case ast.Call():
                raise self.problem(node, "only all(factor), any(factor) and mean(factor) can be called")
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                raise self.problem(node, "a number or a factor is expected here, not a condition")
        raise self.problem(
            node, "a number, a factor, factor[i], all(factor), any(factor) or mean(factor) is expected here"
        )

    def number(self, node: ast.expr) -> float:
        match node:
            case ast.Constant(value=bool()):
                raise self.problem(node, "write 1 or 0")
            case ast.Constant(value=int() | float() as value):
                if abs(value) > _LARGEST:
                    raise self.problem(node, "this number is too large")
                return float(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as operand):
                return -self.number(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant() as operand):
                return self.number(operand)
        raise self.problem(node, "a number is expected here")

    def numbers(self, node: ast.expr) -> tuple[float, ...]:
        if isinstance(node, ast.Set | ast.List | ast.Tuple) and node.elts:
            return tuple(self.number(element) for element in node.elts)
        raise self.problem(node, "a set of numbers is expected here, such as {0, 1}")

    def column(self, node: ast.expr) -> int:
        if isinstance(node, ast.Name):
            return int(self.factor(node).start)
        assert isinstance(node, ast.Subscript)
        if not isinstance(node.value, ast.Name):
            raise self.problem(node, "a factor is expected before [")
        part = self.factor(node.value)
        count = part.stop - part.start
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if type(index) is not int or index >= count:
            raise self.problem(node.slice, f"{node.value.id} has the dimensions 0 to {count - 1}")
        return int(part.start) + index

    def factor(self, node: ast.Name) -> slice:
        if node.id not in self.slices:
            known = ", ".join(self.slices)
            raise self.problem(
                node, f"no factor {node.id!r}{suggestion(node.id, self.slices)}; the factors are {known}"
            )
        return self.slices[node.id]

    def columns_of(self, node: ast.expr) -> bool:
        return any(isinstance(part, ast.Name) and part.id in self.slices for part in ast.walk(node))

    def refuse_equality(self, node: ast.expr, side: _Operand) -> None:
        if side.continuous:
            raise self.problem(
                node, "a continuous factor takes no value exactly (probability 0); give a range: 13 <= duration <= 15"
            )

    def problem(self, node: ast.expr, message: str) -> SemirayError:
        # ast counts bytes
        start = len(self.line.encode()[: node.col_offset].decode(errors="ignore"))
        end = len(self.line.encode()[: node.end_col_offset or node.col_offset + 1].decode(errors="ignore"))
        return _pointing(self.line, start, end, message)


def _test(compare: Callable[[Tensor, Tensor], Tensor], left: _Operand, right: _Operand) -> Condition:
    return lambda codes: compare(left.value(codes), right.value(codes))


def _membership(side: _Operand, numbers: tuple[float, ...], negated: bool) -> Condition:
    def test(codes: Tensor) -> Tensor:
        inside = (side.value(codes).unsqueeze(-1) == codes.new_tensor(numbers)).any(-1)
        return ~inside if negated else inside

    return test


def _fold(join: Callable[[Tensor, Tensor], Tensor], parts: Iterator[Tensor]) -> Tensor:
    result = next(parts)
    for part in parts:
        result = join(result, part)
    return result


def _syntax_problem(line: str, error: SyntaxError) -> SemirayError:
    at = error.offset - 1 if error.offset else len(line)  # no offset: the text ends too early
    for habit, word in _HABITS:
        place = line.find(habit)
        if place >= 0 and line[place : place + 2] != "!=":
            return _pointing(line, place, place + len(habit), f"write {word!r} in place of {habit!r}")
    for i, character in enumerate(line):
        if character == "=" and line[i - 1 : i] not in ("=", "<", ">", "!") and line[i + 1 : i + 2] != "=":
            return _pointing(line, i, i + 1, "equality is written ==")
    return _pointing(line, at, at + 1, "this can't be read; an event looks like 'survival == 1 and duration <= 14'")


def _pointing(line: str, start: int, end: int, message: str) -> SemirayError:
    start = min(start, len(line))
    return SemirayError(f"event: {message}\n  {line}\n  {' ' * start}{'^' * max(end - start, 1)}")
