"""The language of events: statements about codes, such as `survival == 1 and duration <= 14`, parsed without eval.

comparisons and chains    duration <= 14     7 <= duration < 14     presentation < texture
membership                severity in {1, 2}     severity not in {0}
logic                     and, or, not, parentheses
dimensions                duration (its lead), duration[3]
all dimensions            all(survival) == 1     any(duration) > 30     mean(texture) < 0
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from semiray.errors import SemirayError
from semiray.expressions import Expression, pointing, read_expression
from semiray.priors.events.conditions import Comparison, Condition, Equal, Join, Less, Operand
from semiray.suggestions import unknown

__all__ = ["Event", "read_event"]

_KIND = "event"
_EXAMPLE = "survival == 1 and duration <= 14"
_LARGEST = 1e30


@dataclass(frozen=True)
class Event:
    """A checked event: called on codes (n, M), it returns where it holds, (n,) bool.

    Args:
        text: the event as written, on one line.
        condition: its meaning, which can be evaluated on boxes of codes too.
        columns: the code dimensions it names, ascending.
    """

    text: str
    condition: Condition
    columns: tuple[int, ...]

    def __call__(self, codes: Tensor) -> Tensor:
        """Where the event holds, (n,) bool, for codes (n, M) in their own units."""
        return self.condition.truth(codes, codes).certain

    def problem(self, place: tuple[int, int], message: str) -> SemirayError:
        """An error that points at a place of the text."""
        return pointing(_KIND, self.text, *place, message)


def read_event(text: str, slices: Mapping[str, slice], discrete: Tensor) -> Event:
    """Read and check an event.

    Args:
        text: the event, at most 1,000 characters.
        slices: the columns of each factor by its name.
        discrete: (M,) bool, which columns take finitely many values.

    Raises:
        SemirayError: a part can't be understood; a caret stands under it.

    Examples:
        >>> import torch
        >>> event = read_event("x > 1 or y == 0", {"x": slice(0, 1), "y": slice(1, 2)}, torch.tensor([False, True]))
        >>> event(torch.tensor([[2.0, 1.0], [0.5, 1.0]]))
        tensor([ True, False])
    """
    if not isinstance(text, str) or not text.strip():
        raise SemirayError(f"the event is empty; write a condition such as {_EXAMPLE}")
    expression = read_expression(" ".join(text.split()), _KIND, _EXAMPLE)
    try:
        condition = _Reader(expression, slices, discrete.tolist()).condition(expression.tree)
    except RecursionError:
        raise expression.problem(expression.tree, "this is too deeply nested") from None
    return Event(expression.line, condition, condition.columns)


class _Reader:
    """Turns a syntax tree into conditions; keeps the text to point at."""

    def __init__(self, expression: Expression, slices: Mapping[str, slice], discrete: list[bool]) -> None:
        self.place, self.problem = expression.place, expression.problem
        self.slices, self.discrete = slices, discrete

    def condition(self, node: ast.expr) -> Condition:
        match node:
            case ast.BoolOp(op=op, values=values):
                return Join(tuple(self.condition(value) for value in values), isinstance(op, ast.Or), self.place(node))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.condition(operand)
                return replace(inner, negated=not inner.negated, place=self.place(node))
            case ast.Compare():
                return self.comparison(node)
            case ast.BinOp(op=ast.BitAnd()) | ast.BinOp(op=ast.BitOr()):
                word = "and" if isinstance(node.op, ast.BitAnd) else "or"
                raise self.problem(node.right, f"write {word!r} between conditions, not '&' or '|'")
            case ast.Name() | ast.Subscript() | ast.Call():
                self.operand(node)
                raise self.problem(node, f"this is a number, not a condition; compare it: {ast.unparse(node)} == 1")
        raise self.problem(node, "a condition is expected here, such as duration <= 14")

    def comparison(self, node: ast.Compare) -> Comparison:
        nodes = [node.left, *node.comparators]
        operands = [self.operand(node.left)]
        tests: list[Less | Equal] = []
        for i, op in enumerate(node.ops):
            left, right = operands[-1], nodes[i + 1]
            if isinstance(op, ast.In | ast.NotIn):
                numbers = [Operand(value=number) for number in self.numbers(right)]
                self.refuse_equality(right, left)
                if i + 1 < len(node.ops):
                    raise self.problem(nodes[i + 2], "a chain can't continue after a set; join conditions by 'and'")
                tests.append(Equal((left, *numbers), isinstance(op, ast.NotIn)))
                continue
            operands.append(self.operand(right))
            match op:
                case ast.Lt() | ast.LtE():
                    tests.append(Less((left, operands[-1]), isinstance(op, ast.Lt)))
                case ast.Gt() | ast.GtE():
                    tests.append(Less((operands[-1], left), isinstance(op, ast.Gt)))
                case ast.Eq() | ast.NotEq():
                    self.refuse_equality(right, left, operands[-1])
                    tests.append(Equal((left, operands[-1]), isinstance(op, ast.NotEq)))
                case _:
                    raise self.problem(right, "compare with ==, !=, <, <=, >, >= or in")
            if left.columns and left == operands[-1]:
                raise self.problem(right, "both sides are the same")
        calls = [n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        words = [word for word in calls if word != "mean"]
        if len(words) > 1:
            raise self.problem(nodes[-1], "a comparison can contain only one all(...) or any(...)")
        if not any(operand.columns for operand in operands):
            raise self.problem(node, "this compares only numbers; name a factor")
        return Comparison(tuple(tests), words == ["any"], self.place(node))

    def operand(self, node: ast.expr) -> Operand:
        match node:
            case ast.Constant() | ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return Operand(value=self.number(node))
            case ast.Name() | ast.Subscript():
                return Operand((self.column(node),))
            case ast.Call(func=ast.Name(id="all" | "any" | "mean" as word), args=[ast.Name() as name], keywords=[]):
                part = self.factor(name)
                return Operand(tuple(range(part.start, part.stop)), mean=word == "mean")
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
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant() as operand):
                return -self.number(operand) if isinstance(sign, ast.USub) else self.number(operand)
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
            raise self.problem(node, unknown("factor", node.id, self.slices))
        return self.slices[node.id]

    def refuse_equality(self, node: ast.expr, *sides: Operand) -> None:
        if any(not self.discrete[column] for side in sides for column in side.columns):
            raise self.problem(
                node, "a continuous factor equals a value with probability 0; give a range: 13 <= duration <= 15"
            )
