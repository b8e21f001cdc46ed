"""The registry of families."""

from __future__ import annotations

import dataclasses

import pytest

from semiray.errors import SemirayError
from semiray.priors import FAMILIES, Factor, register


def test_the_issue_s_families_are_there() -> None:
    assert {"bernoulli", "exponential", "uniform", "normal", "lognormal", "weibull", "categorical"} <= set(FAMILIES)
    for name, entry in FAMILIES.items():
        assert entry.name == name


def test_a_registered_family_works_and_its_name_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(FAMILIES, "gauss", raising=False)
    entry = register(dataclasses.replace(FAMILIES["normal"], name="gauss"))
    try:
        assert Factor("x", "Gauss", parameters={"mean": 0, "standard_deviation": 1}).entry is entry
        with pytest.raises(SemirayError, match="'gauss' exists already"):
            register(entry)
    finally:
        del FAMILIES["gauss"]
