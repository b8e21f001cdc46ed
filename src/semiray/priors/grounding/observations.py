"""Observations of factors in a table: from rows of text and rules to values with censoring and patients' weights.

A measure of the images has no unit of a factor's. Only its order counts: `Observations.of_ranks`.

Every row with a value becomes one observation of a factor's lead. A patient still treated after 12 days is not
discarded: the duration is right-censored, known to exceed 12.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.factors import factor_of
from semiray.priors.families.family import Marginal
from semiray.priors.grounding.grounds import Ground
from semiray.priors.grounding.recipes import RECIPES, Rows
from semiray.priors.inputs import check_name, read_cell
from semiray.priors.joint import JointPrior

__all__ = ["Observations", "observe", "row_names"]


@dataclass(frozen=True, eq=False)
class Observations:
    """Observations of one factor's lead, one per row.

    Args:
        value: (N,) float64 in the factor's unit, NaN where missing.
        censored: (N,) bool: the true value is known to exceed `value`.
        patient: (N,) int64, equal for rows of the same patient.

    Attributes:
        weight: (N,) float64, 1 / (number of the patient's rows with an observation), 0 where missing: every observed
            patient counts once, whatever the number of images.

    Examples:
        >>> value, patient = torch.tensor([3.0, float("nan"), 5.0, 8.0]), torch.tensor([0, 0, 0, 1])
        >>> seen = Observations(value, censored=torch.tensor([False, False, False, True]), patient=patient)
        >>> seen.weight.tolist(), seen.patients, seen.events, seen.images
        ([0.5, 0.0, 0.5, 1.0], 2, 1, 3)
    """

    value: Tensor
    censored: Tensor
    patient: Tensor
    weight: Tensor = field(init=False)

    def __post_init__(self) -> None:
        value = self.value.to(torch.float64)
        known = ~value.isnan()
        patient = self.patient.to(torch.int64)
        rows = torch.zeros(int(patient.max()) + 1 if len(patient) else 0, dtype=torch.float64)
        rows.index_add_(0, patient, known.to(torch.float64))
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "censored", self.censored.to(torch.bool) & known)
        object.__setattr__(self, "patient", patient)
        object.__setattr__(self, "weight", torch.where(known, 1.0 / rows[patient].clamp(min=1.0), 0.0))

    def __len__(self) -> int:
        return len(self.value)

    @property
    def observed(self) -> Tensor:
        """(N,) bool: where there is an observation, censored or not."""
        return ~self.value.isnan()

    @property
    def images(self) -> int:
        """The number of rows with an observation."""
        return int(self.observed.sum())

    @property
    def patients(self) -> int:
        """The number of patients with an observation."""
        return len(np.unique(self.patient[self.observed]))

    @property
    def events(self) -> int:
        """The number of patients with an observation that is not censored."""
        return len(np.unique(self.patient[self.observed & ~self.censored]))

    @property
    def disagreeing(self) -> int:
        """The number of patients whose rows differ."""
        rows = torch.stack([self.patient.to(torch.float64), self.value, self.censored.to(torch.float64)], -1)
        different = np.unique(rows[self.observed], axis=0)[:, 0]
        return int((np.unique(different, return_counts=True)[1] > 1).sum())

    def interval(self, marginal: Marginal) -> tuple[Tensor, Tensor]:
        """Bounds (N,), (N,) float64 of the lead's score, which are all that a likelihood needs.

        An exact value of a continuous factor is its score, twice; a right-censored one lies between that and infinity;
        a value of a discrete factor between the scores at which it and the next begin; a missing one anywhere.

        Args:
            marginal: the lead's distribution, `prior.marginal(factor)`; the values must be possible under it, as those
                from `observe` are.
        """
        known = self.observed
        value = torch.where(known, self.value, marginal.mean)
        if marginal.discrete:
            cuts, thresholds = marginal.constants["cuts"][0], marginal.constants["thresholds"][0]
            bounds = torch.cat([thresholds.new_tensor([-math.inf]), thresholds, thresholds.new_tensor([math.inf])])
            level = (value.unsqueeze(-1) > cuts).sum(-1)
            low, high = bounds[level], bounds[level + 1]
        else:
            low = marginal.family.to_score(value.unsqueeze(-1), marginal.constants).squeeze(-1)
            high = torch.where(self.censored, math.inf, low)
        return torch.where(known, low, -math.inf), torch.where(known, high, math.inf)

    @classmethod
    def of_ranks(cls, measured: Tensor, patient: Tensor, marginal: Marginal) -> Observations:
        """Exact observations in the order of a measure, whose distribution is the marginal, whatever the measure's is.

        Each value is the marginal's quantile at (W_less + W_equal / 2) / W, with W the weights of the rows, those of a
        patient being 1 together.

        Args:
            measured: (N,) finite.
            patient: (N,) int64, equal for rows of the same patient.
            marginal: the lead's distribution, `prior.marginal(factor)`.

        Examples:
            >>> side = JointPrior.default().marginal("presentation")  # uniform from -1 to 1
            >>> seen = Observations.of_ranks(torch.tensor([0.1, 7.0, 0.3, 0.2]), torch.tensor([0, 1, 2, 3]), side)
            >>> [round(value, 6) for value in seen.value.tolist()]
            [-0.75, 0.75, 0.25, -0.25]
        """
        weight = cls(measured, torch.zeros(len(measured)), patient).weight.numpy()
        _, place = np.unique(measured.numpy(), return_inverse=True)
        mass = np.bincount(place, weights=weight)
        share = (np.cumsum(mass) - mass / 2)[place] / weight.sum()
        value = marginal.quantile(torch.from_numpy(share))
        return cls(value, torch.zeros(len(value)), patient)

    def within(self, marginal: Marginal, *, names: Sequence[str] | None = None, origin: str = "") -> Observations:
        """The same observations, checked against a distribution and moved inside its support.

        The score of a value at the very end of the support is infinite: the value (0 days) is moved inwards by half of
        the last decimal place that the column uses, at most by a quarter of the range. If censored, it becomes missing.

        Raises:
            SemirayError: a value is impossible; names the row (by `names`), `origin`, the value and the range.
        """
        low, high = marginal.support
        value = self.value.clone()
        if marginal.discrete:
            possible = (value.unsqueeze(-1) == value.new_tensor(marginal.values)).any(-1)
        else:
            possible = (value >= low) & (value <= high)
        wrong = (self.observed & ~possible).nonzero().flatten().tolist()
        if wrong:
            raise SemirayError(
                f"ground: {factor_of(marginal.name)}: {(names or row_names(len(self)))[wrong[0]]}{origin} is "
                f"{value[wrong[0]]:g}, which is impossible under the prior: the factor is {marginal.range}"
                f"{_and_more(wrong)}. Correct the table, leave the cell empty if the value is missing, or choose "
                "another family or range"
            )
        if not marginal.discrete:
            nudge = min(_rounding(value[self.observed]) / 2, (high - low) / 4)
            value = torch.where(self.censored & (value <= low), math.nan, value)
            value = torch.where(value == low, low + nudge, value)
            value = torch.where(value == high, high - nudge, value)
        return Observations(value, self.censored, self.patient)


def observe(
    rows: Rows,
    patients: Sequence[str],
    grounds: Mapping[str, Ground],
    prior: JointPrior,
    *,
    names: Sequence[str] | None = None,
    unlimited: Collection[str] = (),
    measured: Mapping[str, Tensor] | None = None,
    findings: Mapping[str, Tensor] | None = None,
) -> dict[str, Observations]:
    """The observations of each grounded factor's lead, checked against the prior.

    Weights depend on the rows given: pass the training images only.

    Args:
        rows: one mapping from column to cell per row (per image), such as `RadiographSet.metadata` or `Table.rows`.
        patients: the patient of each row.
        grounds: the rules, from `read_grounds`.
        prior: the prior.
        names: names of the rows in messages (image keys): row 1, row 2, ... unless given.
        unlimited: factors whose values may be impossible under the prior, because it is to be fitted to them.
        measured: measure -> (N,) its value in the image of each row, for rules with a measure.
        findings: finding -> (N,) whether the image of each row has it, 0 or 1, NaN where unknown, for rules with one.

    Raises:
        SemirayError: a column that no row has, a cell that can't be read, an impossible value, a measure or a finding
            that isn't given; names them.

    Examples:
        >>> from semiray.priors import JointPrior, read_grounds
        >>> prior = JointPrior.default()
        >>> rules = read_grounds({"duration": {"time": "days", "event": "discharged"}}, prior)
        >>> rows = [{"days": "12", "discharged": "no"}, {}, {"days": "3", "discharged": "yes"}]
        >>> seen = observe(rows, ["a", "a", "b"], rules, prior)["duration"]
        >>> seen.value.tolist(), seen.censored.tolist()
        ([12.0, nan, 3.0], [True, False, False])
    """
    names = row_names(len(rows)) if names is None else names
    codes = {patient: code for code, patient in enumerate(dict.fromkeys(patients))}
    patient = torch.tensor([codes[name] for name in patients], dtype=torch.int64)
    derived: dict[str | None, Rows] = {None: rows}
    result = {}
    for factor, ground in grounds.items():
        if ground.measure is not None:
            check_name(f"ground: {factor}", "measured", ground.measure, measured or {})
            result[factor] = Observations.of_ranks((measured or {})[ground.measure], patient, prior.marginal(factor))
            continue
        if ground.finding is not None:
            check_name(f"ground: {factor}", "finding", ground.finding, findings or {})
            value = (findings or {})[ground.finding]
            result[factor] = Observations(value, torch.zeros(len(value)), patient)
            continue
        if ground.recipe is not None and ground.recipe not in derived:
            derived[ground.recipe] = RECIPES[ground.recipe].apply(rows, patients, names)
        seen = Observations(*_read_columns(derived[ground.recipe], ground, factor, names), patient)
        if factor not in unlimited:
            seen = seen.within(prior.marginal(factor), names=names, origin=f", column {ground.column!r},")
        result[factor] = seen
    return result


def row_names(n: int) -> list[str]:
    """Names of n rows in messages: row 1, row 2, ..."""
    return [f"row {i}" for i in range(1, n + 1)]


def _read_columns(rows: Rows, ground: Ground, factor: str, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Values (N,), NaN where missing, and whether they are censored (N,)."""
    words = ground.words if ground.event is None else {}
    value = _read_column(rows, ground.column, words, factor, names)
    if ground.event is None:
        return value, torch.zeros(len(rows), dtype=torch.bool)
    ended = _read_column(rows, ground.event, ground.words, factor, names)
    wrong = (~ended.isnan() & (ended != 0) & (ended != 1)).nonzero().flatten().tolist()
    if wrong:
        _refuse(rows[wrong[0]][ground.event], wrong, ground.event, factor, names, "neither yes nor no, 1 nor 0")
    # A time that may be the end or not is no observation.
    return torch.where(ended.isnan(), math.nan, value), ended == 0


def _read_column(
    rows: Rows, column: str, words: Mapping[str, float | None], factor: str, names: Sequence[str]
) -> Tensor:
    columns = {name for row in rows for name in row}
    if rows:
        check_name(f"ground: {factor}", "column", column, sorted(columns))
    values, wrong = torch.full((len(rows),), math.nan, dtype=torch.float64), []
    for i, row in enumerate(rows):
        try:
            value = read_cell(row.get(column, ""), words)
        except ValueError:
            wrong.append(i)
            continue
        if value is not None:
            values[i] = value
    if wrong:
        known = f" or one of the words {', '.join(words)}" if words else ""
        _refuse(rows[wrong[0]][column], wrong, column, factor, names, f"not a number{known}")
    return values


def _refuse(cell: str, wrong: list[int], column: str, factor: str, names: Sequence[str], problem: str) -> NoReturn:
    raise SemirayError(
        f"ground: {factor}: {names[wrong[0]]}, column {column!r}: {cell!r} is {problem}{_and_more(wrong)}. Correct the "
        f"table, leave the cell empty if the value is missing, or give its meaning: values: {{{cell!r}: 1}}"
    )


def _and_more(wrong: list[int]) -> str:
    return f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""


def _rounding(values: Tensor) -> float:
    """The last decimal place that the values use: 1 if all are whole, 0.1 if some have one decimal."""
    decimals = 0
    while decimals < 6 and bool(((values - values.round(decimals=decimals)).abs() >= 1e-9 * (1 + values.abs())).any()):
        decimals += 1
    return float(10.0**-decimals)
