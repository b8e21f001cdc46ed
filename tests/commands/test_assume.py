"""`semiray prior fit`: a table in, a prior out, and a sentence for whatever can't be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from semiray.priors import RECIPES, JointPrior

Semiray = Callable[..., tuple[int, str, str]]
HEADER = "patient_id,days,discharged,outcome\n"
ROWS = "a,4,yes,alive\na,4,yes,alive\nb,9,no,alive\nc,12,yes,dead\nd,,,alive\ne,7,yes,\n"
RULES = "ground:\n  survival: {column: outcome}\n  duration: {time: days, event: discharged}\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "table.csv").write_text(HEADER + ROWS, encoding="utf-8")
    (tmp_path / "ground.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path / "table.csv"


def test_a_prior_is_written_and_can_be_used(table: Path, semiray_says: Semiray) -> None:
    out = table.parent / "made" / "prior.yaml"
    code, said, _ = semiray_says("prior", "fit", table, "--ground", table.parent / "ground.yaml", "--out", out)
    assert code == 0
    for words in ("column patient_id", "5 patients, 6 rows", "4 patients, 3 events, 1 censored", f"Wrote {out}"):
        assert words in said, words
    prior = JointPrior.from_yaml(out)
    assert prior.marginal("duration").mean == pytest.approx((4 + 9 + 12 + 7) / 3, rel=1e-5)
    assert prior.marginal("survival").mean == pytest.approx(3 / 4, rel=1e-5)
    assert out.read_text(encoding="utf-8").startswith("# Fitted to table.csv")
    assert [path.name for path in out.parent.iterdir()] == ["prior.yaml"]


def test_rules_may_stand_alone_and_the_patients_column_be_named(table: Path, semiray_says: Semiray) -> None:
    table.write_text((HEADER + ROWS).replace("patient_id", "who"), encoding="utf-8")
    (table.parent / "ground.yaml").write_text("survival: {column: outcome}\n", encoding="utf-8")
    words = ("prior", "fit", table, "--ground", table.parent / "ground.yaml", "--out", table.parent / "p.yaml")
    code, said, _ = semiray_says(*words)
    assert code == 0
    assert "every row counts as one" in said
    assert "6 patients" in said
    code, said, _ = semiray_says(*words, "--patient-column", "who")
    assert code == 0
    assert "5 patients" in said


def test_help_names_the_recipes(semiray_says: Semiray) -> None:
    _, said, _ = semiray_says("prior", "fit", "--help")
    for recipe in RECIPES.keys() - {"lateral"}:  # which needs images, and no table
        assert recipe in said


def test_a_recipe_brings_its_caveat(table: Path, semiray_says: Semiray) -> None:
    columns = "patient_id,admission_offset,icu_admission_offset,icu_release_offset,death_offset\n"
    table.write_text(columns + "a,0,0,5,\na,-1,-1,4,\nb,-2,,,\nc,-3,,,6\nd,-1,1,8,\n", encoding="utf-8")
    code, said, _ = semiray_says("prior", "fit", table, "--ground", "hannover", "--out", table.parent / "p.yaml")
    assert code == 0
    assert "which the missing date does not prove" in said
    assert "4 patients, 3 events, 1 censored" in said


REFUSED = [
    (HEADER, RULES, "no rows below its header"),
    (HEADER + ROWS, "ground: {duration: {time: dayz}}", "no column 'dayz', did you mean 'days'?"),
    (HEADER + ROWS, "ground: {duratin: {time: days}}", "no factor 'duratin', did you mean 'duration'?"),
    (HEADER + ROWS, "ground: {duration: {time: outcome}}", "row 1, column 'outcome': 'alive' is not a number"),
    (HEADER + "a,3,no,\nb,4,no,\n", "duration: {time: days, event: discharged}", "no event: all 2 patients"),
    (HEADER + "a,3,no,alive\nb,4,no,alive\n", "survival: {column: outcome}", "every row has the same value, 1"),
    (HEADER + "a,-3,no,alive\n", "duration: {time: days}", "row 1, column 'days', is -3"),
    (HEADER + ROWS, "", "nothing to fit"),
]


@pytest.mark.parametrize(("content", "rules", "message"), REFUSED)
def test_refusals_are_sentences(table: Path, semiray_says: Semiray, content: str, rules: str, message: str) -> None:
    table.write_text(content, encoding="utf-8")
    (table.parent / "ground.yaml").write_text(rules, encoding="utf-8")
    out = table.parent / "prior.yaml"
    code, _, error = semiray_says("prior", "fit", table, "--ground", table.parent / "ground.yaml", "--out", out)
    assert code == 2
    assert message in error
    assert "Traceback" not in error
    assert not out.exists()


def test_what_is_not_there_is_said(table: Path, semiray_says: Semiray) -> None:
    code, _, error = semiray_says("prior", "fit", table, "--ground", "hanover")
    assert (code, "neither a file nor a recipe" in error) == (2, True)
    code, _, error = semiray_says("prior", "fit", table.parent / "none.csv", "--ground", "hannover")
    assert (code, "can't be read" in error) == (2, True)
    words = ("prior", "fit", table, "--ground", table.parent / "ground.yaml", "--patient-column", "who")
    code, _, error = semiray_says(*words)
    assert (code, "no column 'who' (--patient-column)" in error) == (2, True)


def test_a_prior_is_printed_as_it_can_be_read_and_drawn(tmp_path: Path, semiray_says: Semiray) -> None:
    code, said, _ = semiray_says("prior", "show", "--out", tmp_path / "a.png", "--marginals")
    assert code == 0
    (tmp_path / "prior.yaml").write_text(said[: said.index("Wrote ")], encoding="utf-8")
    code, again, _ = semiray_says("prior", "show", tmp_path / "prior.yaml", "--out", tmp_path / "b.png", "--marginals")
    assert code == 0
    assert again.replace("b.png", "a.png") == said
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_input_and_nothing_else_than_a_prior_is_written_over(table: Path, semiray_says: Semiray) -> None:
    rules, own = table.parent / "ground.yaml", table.parent / "notes.txt"
    own.write_text("mine", encoding="utf-8")
    before = {path: path.read_bytes() for path in (table, rules, own)}
    for out, says in ((table, "would be lost"), (rules, "would be lost"), (own, "isn't a prior")):
        code, _, error = semiray_says("prior", "fit", table, "--ground", rules, "--out", out)
        assert code == 2
        assert says in error
    assert {path: path.read_bytes() for path in before} == before
