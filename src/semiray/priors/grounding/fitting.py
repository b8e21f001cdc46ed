"""Fitting a prior to a table: parameters and correlations of the grounded factors; everything else is unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.escaping import printable
from semiray.files import user_path, write_whole
from semiray.priors.correlation import nearest_correlation
from semiray.priors.factors import Factor
from semiray.priors.grounding.correlation_estimation import estimate_correlation
from semiray.priors.grounding.grounds import Ground
from semiray.priors.grounding.observations import Observations, observe, row_names
from semiray.priors.grounding.parameter_estimation import Estimate, NotEstimableError, estimate_parameters
from semiray.priors.grounding.recipes import RECIPES, Rows
from semiray.priors.joint import JointPrior
from semiray.structured import read_yaml

__all__ = ["FittedPrior", "fit_prior"]

_DIGITS = 6
_FLOOR = 0.02  # smallest eigenvalue left to the leads' correlations if the estimates of pairs contradict one another


@dataclass(frozen=True)
class FittedPrior:
    """A fitted prior and a summary of the fit.

    Args:
        prior: the prior.
        parameters: the estimated parameters of each fitted factor.
        correlations: the estimate for each pair of fitted factors that the table determines.
        lines: the summary in words, one line per statement.
    """

    prior: JointPrior
    parameters: Mapping[str, tuple[Estimate, ...]]
    correlations: Mapping[tuple[str, str], Estimate]
    lines: tuple[str, ...]

    def to_yaml(self, title: str = "") -> str:
        """The prior as YAML that `JointPrior.from_yaml` reads, below the title and the lines as comments."""
        return (
            "".join(f"# {printable(line)}\n" for line in (*([title] if title else []), *self.lines))
            + self.prior.to_yaml()
        )

    def save(self, path: str | Path, title: str = "") -> Path:
        """Write `to_yaml(title)` to a file, whose folder is made if it is missing; returns its path.

        Args:
            path: the file; a leading ~ is the home folder.
            title: the first comment line.

        Raises:
            SemirayError: there is a file that isn't a prior.
            OSError: the file can't be written.
        """
        path = user_path(path)
        if path.is_file() and not _is_prior(path):
            raise SemirayError(f"out={path} exists and isn't a prior: name another file, or remove it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, self.to_yaml(title))
        return path


def _is_prior(path: Path) -> bool:
    try:
        return isinstance(found := read_yaml(path), dict) and "factors" in found
    except (OSError, SemirayError):
        return False


def fit_prior(
    rows: Rows, patients: Sequence[str] | str | None, grounds: Mapping[str, Ground], prior: JointPrior
) -> FittedPrior:
    """Fit a prior to a table: parameters by maximum likelihood with right-censoring, then the leads' correlations.

    A factor keeps its family, its number of dimensions and its correlation within, which no table determines; all its
    dimensions get the parameters of the lead. Whatever the table doesn't determine keeps its starting values.

    Args:
        rows: one mapping from column to cell per row.
        patients: the patient of each row, or the column that names the patient; None: every row is its own patient. A
            patient counts once, whatever the number of rows.
        grounds: which column holds the values of which factor, from `read_grounds`.
        prior: the families, and the starting values.

    Raises:
        SemirayError: no row, no rule, a column or cell that can't be read, no factor that can be fitted, or a prior
            whose correlations are given as one full matrix.

    Examples:
        >>> from semiray.priors import read_grounds
        >>> rules = read_grounds({"duration": {"time": "days", "event": "ended"}}, JointPrior.default())
        >>> rows = [{"days": "4", "ended": "yes"}, {"days": "6", "ended": "yes"}, {"days": "10", "ended": "no"}]
        >>> fit = fit_prior(rows, ["a", "b", "c"], rules, JointPrior.default())
        >>> fit.prior.marginal("duration").mean
        10.0
    """
    if not rows:
        raise SemirayError("there is nothing to fit to: the table has no rows below its header")
    if not grounds:
        raise SemirayError(
            "there is nothing to fit: name columns for factors, such as ground: {survival: {column: COLUMN}}"
        )
    in_images = {name: ground for name, ground in grounds.items() if ground.in_images}
    grounds = {name: ground for name, ground in grounds.items() if not ground.in_images}
    if not grounds:
        raise SemirayError(
            f"there is nothing to fit: {', '.join(in_images)} is grounded in a measure or a finding of images, not in "
            "this table; name columns for other factors"
        )
    spec = prior.to_dict()
    if "correlation" in spec and len(grounds) > 1:
        raise SemirayError(
            "a prior whose correlations are given as one full matrix can't be fitted; write a `correlation` for each "
            "factor, and `between` for known correlations between factors"
        )
    counted_by, patients = _patients(rows, patients)
    ranges = [factor.name for factor in prior.factors if factor.family == "uniform"]  # themselves to be fitted
    observations = observe(rows, patients, grounds, prior, unlimited=ranges)
    parameters: dict[str, tuple[Estimate, ...]] = {}
    unchanged = {
        name: f"{ground.measure} is measured in images, and its order goes with any distribution"
        if ground.measure is not None
        else f"the finding {ground.finding} is read with the images"
        for name, ground in in_images.items()
    }
    for factor in (factor for factor in prior.factors if factor.name in grounds):
        try:
            parameters[factor.name] = estimate_parameters(factor, observations[factor.name])
        except NotEstimableError as reason:
            unchanged[factor.name] = str(reason)
            continue
        spec["factors"][factor.name] |= _written(factor, parameters[factor.name])
    if not parameters:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in unchanged.items())
        raise SemirayError(f"nothing can be fitted to this table. {reasons}")
    fitted = JointPrior.from_dict(spec)
    observations = {name: observations[name].within(fitted.marginal(name)) for name in parameters}
    correlations: dict[tuple[str, str], Estimate] = {}
    for one, other in combinations(parameters, 2):
        try:
            correlations[one, other] = estimate_correlation(
                observations[one], fitted.marginal(one), observations[other], fitted.marginal(other)
            )
        except NotEstimableError as reason:
            unchanged[f"{one} with {other}"] = str(reason)
    changed = False
    if correlations:
        spec["between"], changed = _between(spec, fitted, correlations)
        fitted = JointPrior.from_dict(spec)
    recipes = dict.fromkeys(ground.recipe for ground in grounds.values() if ground.recipe is not None)
    lines = [
        *counted_by,
        f"{len(set(patients)):,} patients, {len(rows):,} rows",
        *(_factor_line(fitted, name, parameters[name], observations[name]) for name in parameters),
        *(f"{one} with {other}: {estimate}" for (one, other), estimate in correlations.items()),
        *(f"{name}: unchanged; {reason}" for name, reason in unchanged.items()),
        *(
            # Rows of one patient may differ, but if they follow one course, only the last row has its full duration.
            f"{name}: the rows of {observations[name].disagreeing:,} patients differ and share the patient's weight; "
            "if they follow one course over time, keep only its last row"
            for name in parameters
            if observations[name].disagreeing
        ),
        *["The pairs' correlations contradict one another; the nearest valid ones are written."] * changed,
        *(f"note: {RECIPES[recipe].caveat}" for recipe in recipes),
    ]
    return FittedPrior(fitted, parameters, correlations, tuple(lines))


def _patients(rows: Rows, patients: Sequence[str] | str | None) -> tuple[list[str], list[str]]:
    """A line that says how patients are counted, unless they were given, and the patient of each row."""
    if patients is None:
        return ["Patients: no column names them, so every row counts as one"], row_names(len(rows))
    if isinstance(patients, str):
        line = f"Patients: column {patients} names the patient of each row"
        return [line], [row[patients] or name for row, name in zip(rows, row_names(len(rows)), strict=True)]
    return [], list(patients)


def _written(factor: Factor, estimates: Sequence[Estimate]) -> dict[str, Any]:
    """The parameters as in YAML, the same for every dimension."""
    # The ends of a range are observed values: rounding might exclude those values.
    values = [e.value if e.error is None else float(f"{e.value:.{_DIGITS}g}") for e in estimates]
    listed = [key for key, parameter in factor.entry.parameters.items() if parameter.listed and not parameter.optional]
    return {listed[0]: values} if listed else dict(zip((e.name for e in estimates), values, strict=True))


def _between(
    spec: Mapping[str, Any], prior: JointPrior, found: Mapping[tuple[str, str], Estimate]
) -> tuple[list[list[Any]], bool]:
    """`between` with the estimated correlations, and whether they had to be changed to be valid together."""
    through = {frozenset(entry[:2]): list(entry[3:]) for entry in spec.get("between", ())}
    leads = [prior.index(factor.name) for factor in prior.factors]
    R: Tensor = prior.correlation[leads][:, leads].clone()
    order = {factor.name: i for i, factor in enumerate(prior.factors)}
    for (one, other), estimate in found.items():
        i, j = order[one], order[other]
        R[i, j] = R[j, i] = estimate.value
    changed = float(torch.linalg.eigvalsh(R)[0]) < _FLOOR
    if changed:
        R = nearest_correlation(R, floor=_FLOOR)
    entries = []
    for one, other in combinations(order, 2):
        value = float(f"{float(R[order[one], order[other]]):.{_DIGITS}g}")
        if value or frozenset((one, other)) in through:
            entries.append([one, other, value, *through.get(frozenset((one, other)), [])])
    return entries, changed


def _factor_line(prior: JointPrior, name: str, estimates: Sequence[Estimate], observations: Observations) -> str:
    factor = next(factor for factor in prior.factors if factor.name == name)
    patients, events = observations.patients, observations.events
    counted = f"{patients:,} patients"
    if patients > events:
        counted += f", {events:,} events, {patients - events:,} censored"
    unit = f" [{factor.unit}]" if factor.unit else ""
    return f"{name} ~ {factor.family}{unit}: {'; '.join(map(str, estimates))}; {counted}"
