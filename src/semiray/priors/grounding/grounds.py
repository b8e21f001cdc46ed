"""The rules of grounding as written in settings: what tells the values of which factor.

ground:
  survival: {column: outcome, values: {recovered: 1, died: 0}}
  duration: {time: days, event: discharged}
  presentation: {measure: asymmetry}
  Effusion: {finding: Effusion}

Columns are those of a table. A measure is taken of the pixels of the images themselves. A finding is one that was read
with the images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.priors.grounding.recipes import RECIPES
from semiray.priors.inputs import ANSWERS, check_name, normal_word, number
from semiray.priors.joint import JointPrior

__all__ = ["MEASURES", "Ground", "read_grounds"]

MEASURES: Mapping[str, str] = {"asymmetry": "how much more opaque the lung on the image's right is than the other"}
"""What can be measured in an image: name -> meaning."""

_OPTIONS = ("column", "time", "event", "values", "measure", "finding")
_OUTCOMES = {**ANSWERS, **dict.fromkeys(("alive", "survived"), 1.0), **dict.fromkeys(("dead", "died", "deceased"), 0.0)}
_EXAMPLE = (
    "{column: COLUMN}, or for a duration {time: COLUMN, event: COLUMN}, {measure: MEASURE}, or {finding: FINDING}"
)


@dataclass(frozen=True)
class Ground:
    """The rule by which one factor's lead is read from a row, or measured in an image.

    Args:
        column: the column of its value, or of the time for which it was observed; "" with a measure.
        event: the column that says whether that time is the end (yes) or only a lower bound (no: right-censored); None:
            every value is exact.
        words: the meaning of words in `event` if there is one, else in `column`; None: missing. Keys in the form of
            `normal_word`.
        recipe: the recipe whose columns are added to the rows first, or None.
        measure: one of `MEASURES`: images are put in its order, and no column is read; None: a column is.
        finding: the name of a finding of the images, in place of a column; None: a column is read, or a measure taken.
    """

    column: str
    event: str | None = None
    words: Mapping[str, float | None] = field(default_factory=dict)
    recipe: str | None = None
    measure: str | None = None
    finding: str | None = None

    @property
    def in_images(self) -> bool:
        """Whether it reads no column of a table."""
        return self.measure is not None or self.finding is not None


def read_grounds(tree: Any, prior: JointPrior) -> dict[str, Ground]:
    """The rules under `ground` in settings, by factor, in the prior's order.

    A factor's rule is `{column: C}`, with `values: {word: number}` if the column holds words other than yes/no;
    `{time: C}` for a duration that is always observed to its end; or `{time: C, event: C}`; or `{measure: M}`, one of
    `MEASURES`, for what the image itself shows; or `{finding: F}` for a factor that is 0 or 1. A recipe, `hannover` or
    `{recipe: hannover}`, has rules for several factors, of which those that the prior has are used; rules beside it are
    added or replace its own (null removes one), and may name the columns that it derives.

    Args:
        tree: the rules as written; None or empty: nothing is grounded.
        prior: the prior with the factors.

    Raises:
        SemirayError: an unknown factor, option or recipe, or a missing or impossible value; names factor and option.

    Examples:
        >>> from semiray.priors import JointPrior
        >>> rules = read_grounds({"duration": {"time": "days", "event": "discharged"}}, JointPrior.default())
        >>> rules["duration"].column, rules["duration"].event
        ('days', 'discharged')
    """
    if tree is None:
        return {}
    entries = {"recipe": tree} if isinstance(tree, str) else tree
    if not isinstance(entries, Mapping):
        raise SemirayError(f"ground = {shortened(tree)}: write factor: {_EXAMPLE}; or recipe: {' or '.join(RECIPES)}")
    is_factor = "recipe" in prior.slices  # a factor may have that name
    recipe = None if is_factor else entries.get("recipe")
    rules: dict[Any, Any] = {name: rule for name, rule in entries.items() if is_factor or name != "recipe"}
    if recipe is not None:
        check_name("ground", "recipe", recipe, RECIPES)
        derived = RECIPES[recipe].grounds
        rules = {name: rule for name, rule in derived.items() if name in prior.slices} | rules
        if not any(name in prior.slices for name in derived):
            raise SemirayError(
                f"ground: recipe {recipe!r} has rules for {', '.join(derived)}, but the prior has none of these "
                f"factors; it has {', '.join(prior.slices)}"
            )
    for name in rules:
        check_name("ground", "factor", name, prior.slices)
    given = {name: rules[name] for name in prior.slices if rules.get(name) is not None}
    return {name: _read_ground(name, rule, prior, recipe) for name, rule in given.items()}


def _read_ground(factor: str, entry: Any, prior: JointPrior, recipe: str | None) -> Ground:
    where, marginal = f"ground: {factor}", prior.marginal(factor)
    if not isinstance(entry, Mapping):
        raise SemirayError(f"{where} = {shortened(entry)}: write {_EXAMPLE}")
    for option in entry:
        check_name(where, "option", option, _OPTIONS)
    if "measure" in entry:
        check_name(where, "measure", entry["measure"], MEASURES)
        _check_alone(where, "measure is taken of the image itself", entry)
        return Ground("", recipe=recipe, measure=entry["measure"])
    if "finding" in entry:
        _check_alone(where, "finding is read with the images", entry)
        if not isinstance(entry["finding"], str) or not entry["finding"].strip():
            raise SemirayError(f"{where}: finding = {shortened(entry['finding'])} must be the name of a finding")
        if marginal.values != (0.0, 1.0):
            raise SemirayError(f"{where}: finding is for a factor that is 0 or 1, but this one is {marginal.range}")
        return Ground("", recipe=recipe, finding=entry["finding"])
    if ("column" in entry) == ("time" in entry):
        raise SemirayError(f"{where}: give either column or time: {_EXAMPLE}")
    if "event" in entry and "time" not in entry:
        raise SemirayError(f"{where}: event needs time, the column of the time that it is about: {_EXAMPLE}")
    if "time" in entry and marginal.discrete:
        raise SemirayError(f"{where}: time is for durations, but this factor is {marginal.range}; use column")
    for option in ("column", "time", "event"):
        if option in entry and (not isinstance(entry[option], str) or not entry[option].strip()):
            raise SemirayError(f"{where}: {option} = {shortened(entry[option])} must be the name of a column")
    binary = "event" in entry or marginal.values == (0.0, 1.0)
    known: dict[str, float | None] = dict(ANSWERS if "event" in entry else _OUTCOMES if binary else {})
    words = known | _read_words(entry.get("values", {}), where)
    if "event" in entry and not {value for value in words.values() if value is not None} <= {0.0, 1.0}:
        raise SemirayError(f"{where}: values must be 1 (the time is the end), 0 (still running) or null (missing)")
    return Ground(entry.get("column", entry.get("time")), entry.get("event"), words, recipe)


def _check_alone(where: str, why: str, entry: Mapping[str, Any]) -> None:
    """Raise if an entry says anything else."""
    if len(entry) > 1:
        others = " and ".join(option for option in entry if option != why.split()[0])
        raise SemirayError(f"{where}: {why}, so it goes without {others}: give one or the other")


def _read_words(values: Any, where: str) -> dict[str, float | None]:
    if not isinstance(values, Mapping):
        raise SemirayError(f"{where}: values must map words to numbers, such as values: {{recovered: 1, died: 0}}")
    implied: dict[str, float | None] = {}
    explicit: dict[str, float | None] = {}
    for word, value in values.items():
        normal = normal_word(str(word))
        explicit[normal] = None if value is None else number(value, f"{where}: values: {word}")
        # YAML reads a bare yes or no as true or false, so the word itself is lost: all synonyms get the same value.
        implied |= {other: explicit[normal] for other, answer in ANSWERS.items() if answer == ANSWERS.get(normal)}
    return implied | explicit
