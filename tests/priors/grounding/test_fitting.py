"""A prior fitted to a table: the truth comes back, what the table doesn't tell stays, and it is said which is which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from semiray.errors import SemirayError
from semiray.priors import RECIPES, FittedPrior, JointPrior, fit_prior, read_grounds

START = JointPrior.default()
TRUE = JointPrior.from_dict(
    {
        "factors": {
            "survival": {"family": "bernoulli", "probability": 0.8},
            "duration": {"family": "exponential", "mean": 25, "unit": "days"},
            "presentation": {"family": "uniform", "low": -3, "high": 2},
        },
        "between": [["survival", "duration", -0.5], ["duration", "presentation", 0.4]],
    }
)
RULES = {
    "survival": {"column": "alive"},
    "duration": {"time": "days", "event": "discharged"},
    "presentation": {"column": "side"},
}
Rows = list[dict[str, str]]


def table(n: int, seed: int = 0) -> Rows:
    """Patients of the true prior, some cells empty, about half of the durations censored."""
    generator = torch.Generator().manual_seed(seed)
    codes = TRUE.sample(n, generator)[:, [TRUE.index(name) for name in RULES]].tolist()
    watched = (-25 * torch.rand(n, generator=generator).log()).tolist()
    known = (torch.rand(n, 3, generator=generator) < 0.8).tolist()
    rows = []
    for (alive, days, side), until, (a, b, c) in zip(codes, watched, known, strict=True):
        time, ended = (f"{min(days, until):.2f}", "yes" if days < until else "no") if b else ("", "")
        rows.append(
            {
                "alive": ("Y" if alive else "N") if a else "",
                "days": time,
                "discharged": ended,
                "side": f"{side}" if c else "NA",
            }
        )
    return rows


def fit(rows: Rows, patients: list[str] | None = None, rules: Any = None, prior: JointPrior = START) -> FittedPrior:
    whose = patients or [str(i) for i in range(len(rows))]
    return fit_prior(rows, whose, read_grounds(RULES if rules is None else rules, prior), prior)


@pytest.fixture(scope="module")
def fitted() -> FittedPrior:
    return fit(table(1200))


def test_rates_and_correlations_come_back(fitted: FittedPrior) -> None:
    truth = {"probability": 0.8, "mean": 25}
    for name in ("survival", "duration"):
        (estimate,) = fitted.parameters[name]
        assert estimate.error is not None
        assert abs(estimate.value - truth[estimate.name]) < 3 * estimate.error
    assert fitted.prior.marginal("presentation").support == pytest.approx((-3, 2), abs=0.05)
    for pair, value in {("survival", "duration"): -0.5, ("duration", "presentation"): 0.4}.items():
        error = fitted.correlations[pair].error
        assert error is not None
        assert abs(fitted.correlations[pair].value - value) < 3 * error
    i, j = fitted.prior.index("survival"), fitted.prior.index("duration")
    assert float(fitted.prior.correlation[i, j]) == pytest.approx(
        fitted.correlations["survival", "duration"].value, 1e-5
    )


def test_what_the_table_does_not_tell_stays(fitted: FittedPrior) -> None:
    before, after = START.to_dict()["factors"], fitted.prior.to_dict()["factors"]
    assert after["texture"] == before["texture"]
    for name in before:
        for key in ("family", "dimensions", "correlation"):
            assert after[name][key] == before[name][key]


def test_the_yaml_is_read_back_and_tells_a_person(fitted: FittedPrior, tmp_path: Path) -> None:
    text = fitted.to_yaml("Fitted to table.csv")
    path = tmp_path / "prior.yaml"
    path.write_text(text, encoding="utf-8")
    assert JointPrior.from_yaml(path) == fitted.prior
    comment = [line for line in text.splitlines() if line.startswith("#")]
    assert comment[0] == "# Fitted to table.csv"
    for words in (
        "1,200 patients, 1,200 rows",
        "duration ~ exponential [days]: mean",
        "censored",
        "survival with duration",
    ):
        assert any(words in line for line in comment), words


def test_the_same_table_gives_the_same_prior(fitted: FittedPrior) -> None:
    assert fit(table(1200)).to_yaml() == fitted.to_yaml()


def test_repeated_rows_of_a_patient_change_nothing() -> None:
    rows = table(80)
    often = [(row, str(i)) for i, row in enumerate(rows) for _ in range(1 + i % 4)]
    once, repeated = fit(rows), fit([row for row, _ in often], [patient for _, patient in often])
    for name, estimates in once.parameters.items():
        assert [e.value for e in repeated.parameters[name]] == pytest.approx([e.value for e in estimates], rel=1e-6)
    for pair, estimate in once.correlations.items():
        assert repeated.correlations[pair].value == pytest.approx(estimate.value, abs=1e-5)


def test_rows_that_follow_a_course_are_told_of() -> None:
    rows = [
        {"days": f"{day}", "discharged": ended} for end in (4, 6, 10) for day, ended in ((end - 2, "no"), (end, "yes"))
    ]
    found = fit(rows, list("aabbcc"), {"duration": RULES["duration"]})
    assert any(line.startswith("duration: the rows of 3 patients differ") for line in found.lines)


def test_starting_correlations_stay_where_the_table_tells_nothing() -> None:
    start = JointPrior.from_dict(
        START.to_dict() | {"between": [["survival", "duration", 0.1], ["texture", "duration", 0.3]]}
    )
    between = fit(table(200), prior=start).prior.to_dict()["between"]
    assert ["duration", "texture", 0.3] in between
    assert next(entry for entry in between if entry[:2] == ["survival", "duration"])[2] < -0.2


def test_a_factor_without_events_keeps_what_it_had_and_the_reason_is_given() -> None:
    rows = [row | {"discharged": "no"} for row in table(60)]
    found = fit(rows)
    assert found.prior.marginal("duration").mean == 10
    assert set(found.parameters) == {"survival", "presentation"}
    assert any(line.startswith("duration: unchanged; no event") for line in found.lines)


def test_contradicting_pairs_are_brought_together_and_it_is_said() -> None:
    names = ("a", "b", "c")
    one = {"family": "normal", "mean": 0, "standard_deviation": 1, "dimensions": 1}
    prior = JointPrior.from_dict({"factors": dict.fromkeys(names, one)})
    generator = torch.Generator().manual_seed(0)
    rows: Rows = []
    for missing, sign in (("a", 1), ("b", 1), ("c", -1)):  # every pair is seen in other patients, strongly correlated
        for x, e in torch.randn(60, 2, generator=generator).tolist():
            first, second = (name for name in names if name != missing)
            rows.append({missing: "", first: f"{x}", second: f"{sign * x + 0.2 * e}"})
    found = fit(rows, rules={name: {"column": name} for name in names}, prior=prior)
    assert any("contradict" in line for line in found.lines)
    assert float(torch.linalg.eigvalsh(found.prior.correlation)[0]) > 0


REFUSED = [
    ([], RULES, "no rows below its header"),
    ([{"alive": "Y"}], {}, "there is nothing to fit: name columns"),
    ([{"alive": "Y"}, {"alive": "Y"}], {"survival": RULES["survival"]}, "survival: every row has the same value, 1"),
    ([{"days": "3", "discharged": "no"}], {"duration": RULES["duration"]}, "duration: no event: all 1 patients"),
    (
        [{"days": "-3", "discharged": "no"}],
        {"duration": RULES["duration"]},
        "is -3, which is impossible under the prior",
    ),
]


@pytest.mark.parametrize(("rows", "rules", "message"), REFUSED)
def test_what_cannot_be_fitted_is_refused(rows: Rows, rules: Any, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        fit(rows, rules=rules)


def test_a_full_matrix_is_not_overwritten() -> None:
    prior = JointPrior(TRUE.factors, correlation=TRUE.correlation)
    with pytest.raises(SemirayError, match="one full matrix"):
        fit(table(40), prior=prior)


def test_patients_are_given_by_a_column_or_one_per_row() -> None:
    rows = [row | {"case": f"{i // 2}" if i < 40 else ""} for i, row in enumerate(table(60))]
    by_column = fit_prior(rows, "case", read_grounds(RULES, START), START)
    given = fit(rows, [f"{i // 2}" if i < 40 else f"row {i + 1}" for i in range(60)])
    assert by_column.prior == given.prior
    assert by_column.lines == ("Patients: column case names the patient of each row", *given.lines)
    assert "40 patients, 60 rows" in by_column.lines
    alone = fit_prior(rows, None, read_grounds(RULES, START), START)
    assert alone.prior == fit(rows).prior
    assert alone.lines[:2] == ("Patients: no column names them, so every row counts as one", "60 patients, 60 rows")


def test_a_fitted_prior_is_saved_where_it_is_asked(
    fitted: FittedPrior, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fitted.save("~/made/prior.yaml", "A title") == tmp_path / "made" / "prior.yaml"
    assert JointPrior.from_yaml("~/made/prior.yaml") == fitted.prior
    assert (tmp_path / "made" / "prior.yaml").read_text(encoding="utf-8").startswith("# A title\n# 1,200 patients")


def test_a_recipe_s_caveat_is_among_the_lines() -> None:
    columns = ("admission_offset", "icu_admission_offset", "icu_release_offset", "death_offset")
    cells = [("0", "0", "5", ""), ("-2", "", "", ""), ("-3", "", "", "6"), ("-1", "1", "8", "")]
    rows = [dict(zip(columns, row, strict=True)) for row in cells]
    found = fit_prior(rows, None, read_grounds("hannover", START), START)
    assert found.lines[-1] == f"note: {RECIPES['hannover'].caveat}"


def test_what_is_measured_in_images_is_left_as_it_was() -> None:
    rules = read_grounds({"duration": {"time": "d"}, "texture": {"measure": "asymmetry"}}, JointPrior.default())
    found = fit_prior([{"d": "4"}, {"d": "8"}], None, rules, JointPrior.default())
    assert found.prior.marginal("duration").mean == 6
    assert (
        "texture: unchanged; asymmetry is measured in images, and its order goes with any distribution" in found.lines
    )
    with pytest.raises(SemirayError, match="nothing to fit: texture is grounded in a measure or a finding of images"):
        fit_prior([{"d": "4"}], None, {"texture": rules["texture"]}, JointPrior.default())


def test_findings_are_not_in_the_table() -> None:
    rules = read_grounds({"duration": {"time": "d"}, "survival": {"finding": "Effusion"}}, JointPrior.default())
    found = fit_prior([{"d": "4"}, {"d": "8"}], None, rules, JointPrior.default())
    assert "survival: unchanged; the finding Effusion is read with the images" in found.lines
