"""Recipes: rules for published tables, with columns derived from the table's own, and for what images show.

All rows of a patient get the same values, so it doesn't matter which image is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from semiray.errors import SemirayError
from semiray.priors.inputs import read_cell

__all__ = ["RECIPES", "Recipe", "Rows"]

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Recipe:
    """How to ground factors in a published table, or in the images.

    Args:
        name: its name in settings.
        about: the table, in a few words; or what of the images.
        caveat: what users must know, in a sentence or two.
        needs: the columns by which the table is recognised; all are required.
        grounds: rules by factor, as in settings; used for the factors that the prior has.
        derive: rows, their patients and their names in messages -> the columns to add, row by row.
    """

    name: str
    about: str
    caveat: str
    needs: tuple[str, ...]
    grounds: Mapping[str, Mapping[str, Any]]
    derive: Callable[[Rows, Sequence[str], Sequence[str]], list[dict[str, str]]]

    def apply(self, rows: Rows, patients: Sequence[str], names: Sequence[str]) -> list[Mapping[str, str]]:
        """The rows with the recipe's columns added.

        Raises:
            SemirayError: a column is missing, a cell can't be read, or a patient's rows contradict one another.
        """
        columns = {column for row in rows for column in row}
        missing = [column for column in self.needs if column not in columns]
        if missing:
            raise SemirayError(
                f"ground: recipe {self.name!r} ({self.about}) needs the column{'s' if missing[1:] else ''} "
                f"{', '.join(missing)}; the table has {', '.join(sorted(columns)) or 'none'}. Write rules for "
                "this table's own columns instead: ground: {factor: {column: ...}}"
            )
        ours = [i for i, row in enumerate(rows) if any(column in row for column in self.needs)]
        derived = self.derive([rows[i] for i in ours], [patients[i] for i in ours], [names[i] for i in ours])
        result = list(rows)  # images without a row in the table have no values
        for i, cells in zip(ours, derived, strict=True):
            result[i] = {**rows[i], **cells}
        return result


def _hannover(rows: Rows, patients: Sequence[str], names: Sequence[str]) -> list[dict[str, str]]:
    """Days since admission, from days relative to the exam: an event's offset minus that of the admission.

    Treatment ends with intensive care, or with death if that is later. If neither is known, it is censored on the last
    day on which the patient was observed: exam, laboratory value or admission to intensive care.
    """
    courses: dict[str, _Course] = {}
    for row, patient, name in zip(rows, patients, names, strict=True):
        courses.setdefault(patient, _Course(patient)).add(row, name)
    return [courses[patient].cells() for patient in patients]


@dataclass
class _Course:
    """The course of one patient of the Hannover table, from all rows."""

    patient: str
    died: bool = False
    intensive_care: bool = False
    last_observed: float | None = None
    ends: dict[str, float] = field(default_factory=dict)

    def add(self, row: Mapping[str, str], name: str) -> None:
        """Add one row: one exam."""
        offsets = {column: _days(row, column, name) for column in row if column.endswith("_offset")}
        known = {column: days for column, days in offsets.items() if days is not None}
        self.died |= "death_offset" in known
        self.intensive_care |= "icu_admission_offset" in known or "icu_release_offset" in known
        if "admission_offset" not in known:  # then no day of this exam can be placed in the stay
            return
        admission = known.pop("admission_offset")
        for end in ("icu_release_offset", "death_offset"):
            if end not in known:
                continue
            day = known.pop(end) - admission
            if abs(self.ends.setdefault(end, day) - day) > 1e-6:
                raise SemirayError(
                    f"ground: recipe 'hannover': {name}: the rows of patient {self.patient!r} contradict one another: "
                    f"{end} is day {day:g} after admission, but day {self.ends[end]:g} in an earlier row. Correct the "
                    "table"
                )
        observed = max([0.0, *known.values()]) - admission
        self.last_observed = observed if self.last_observed is None else max(self.last_observed, observed)

    def cells(self) -> dict[str, str]:
        """The derived columns."""
        ended = bool(self.ends)
        day = max(self.ends.values()) if ended else self.last_observed
        return {
            "survived": "no" if self.died else "yes",
            "intensive_care": "yes" if self.intensive_care else "no",
            # Patients observed only before admission were treated for at least 0 days.
            "treated_days": "" if day is None else f"{day if ended else max(0.0, day):g}",
            "treatment_ended": "yes" if ended else "no",
        }


def _ieee8023(rows: Rows, patients: Sequence[str], names: Sequence[str]) -> list[dict[str, str]]:
    """The day of the last image, a lower bound: no column says when the illness ended."""
    last: dict[str, float] = {}
    for row, patient, name in zip(rows, patients, names, strict=True):
        days = _days(row, "offset", name)
        if days is not None:
            last[patient] = max(days, last.get(patient, 0.0))
    return [{"last_day": f"{last[patient]:g}" if patient in last else "", "ended": "no"} for patient in patients]


def _days(row: Mapping[str, str], column: str, name: str) -> float | None:
    try:
        return read_cell(row.get(column, ""), {})
    except ValueError as error:
        raise SemirayError(
            f"ground: {name}, column {column!r}: {str(error)!r} is not a number of days. Correct the cell, or leave it "
            "empty if the value is missing"
        ) from None


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "hannover",
            "data.csv of the COVID-19 Image Repository, Hannover Medical School",
            "A patient without a date of death counts as a survivor, which the missing date does not prove. Duration "
            "runs from admission to the end of intensive care, or to death; without either it is censored on the last "
            "day on which the patient was observed.",
            ("admission_offset", "icu_admission_offset", "icu_release_offset", "death_offset"),
            {
                "survival": {"column": "survived"},
                "duration": {"time": "treated_days", "event": "treatment_ended"},
                "intensive_care": {"column": "intensive_care"},
            },
            _hannover,
        ),
        Recipe(
            "ieee8023",
            "metadata.csv of the COVID-19 image data collection, ieee8023/covid-chestxray-dataset",
            "No column says when an illness ended: every duration is censored on the day of the last image, and days "
            "count from first symptoms or from admission, whichever the source gave.",
            ("offset", "survival"),
            {
                "survival": {"column": "survival"},
                "duration": {"time": "last_day", "event": "ended"},
                "intensive_care": {"column": "went_icu"},
                "intubation": {"column": "intubated"},
            },
            _ieee8023,
        ),
        Recipe(
            "lateral",
            "left-right asymmetry of the images",
            "Asymmetry is measured in the pixels. It is no clinical finding.",
            (),
            {"presentation": {"measure": "asymmetry"}},
            lambda rows, _, __: [{} for _ in rows],
        ),
    )
}
"""The recipes by name."""
