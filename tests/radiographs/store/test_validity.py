"""Promises about sets whose checksums hold: each part that no set can have is a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.store.validity import check_columns, check_facts, check_places, row_cells, row_key

FACTS: dict[str, Any] = {
    "layout": "folders",
    "resolution": 16,
    "framing": "crop",
    "options": {},
    "classes": ["a", "b"],
    "fingerprint": "0",
    "skipped": [["x.png", "broken"]],
    "finding_names": ["f"],
    "summary": None,
    "shards": [],
}
COLUMNS: dict[str, Any] = {
    "images": np.zeros((3, 16, 16), np.uint8),
    "labels": np.array([-1, 0, 1]),
    "patients": np.array(["p", "q", "p"]),
    "stored_codes": np.array([0, 1, 0], np.int32),
    "findings": np.array([[0], [1], [np.nan]], np.float32),
    "finding_names": ("f",),
}


def made(**change: Any) -> RadiographSet:
    rest: dict[str, Any] = {"classes": ("a", "b"), "keys": "xyz", "metadata": ({},) * 3, "fingerprint": ""}
    return RadiographSet(**rest | COLUMNS | change)


def test_a_set_as_it_was_written_passes() -> None:
    check_facts(Path("set"), FACTS)
    check_columns(Path("set"), FACTS, made())
    check_places(Path("set"), np.array([[0, 512, 30, 1]]), 1)
    assert row_key(["k", {"a": "1"}]) == "k"
    assert row_cells(["k", {"a": "1"}]) == {"a": "1"}


@pytest.mark.parametrize(
    "change",
    [
        {"resolution": True},
        {"resolution": -1},
        {"resolution": 10**400},
        {"framing": "stretch"},
        {"classes": ["a", "a"]},
        {"classes": [1]},
        {"classes": "ab"},
        {"skipped": [["x"]]},
        {"skipped": 3},
        {"shards": [1]},
        {"options": None},
        {"fingerprint": None},
        {"finding_names": [3]},
        {"summary": 3},
    ],
)
def test_facts_of_other_types_are_sentences(change: dict[str, Any]) -> None:
    with pytest.raises(SemirayError, match="damaged"):
        check_facts(Path("set"), FACTS | change)
    missing = {name: value for name, value in FACTS.items() if name not in change}
    with pytest.raises(SemirayError, match="damaged"):
        check_facts(Path("set"), missing)


@pytest.mark.parametrize(
    "change",
    [
        {"images": np.zeros((2, 16, 16), np.uint8)},
        {"images": np.zeros((3, 16, 16), np.float32)},
        {"labels": np.array([-2, 0, 1])},
        {"labels": np.array([0, 0, 2])},
        {"labels": np.array([0.0, 0.0, np.nan])},
        {"labels": np.array([0, 1])},
        {"patients": np.array([1, 2, 3])},
        {"patients": np.array(["a"])},
        {"stored_codes": np.array([0, -1, 0], np.int32)},
        {"stored_codes": np.array([0, 3, 0], np.int32)},
        {"findings": np.array([[0], [2], [np.nan]], np.float32)},
        {"findings": np.array([[0], [1], [1]])},
        {"finding_names": ("f", "g")},
    ],
)
def test_columns_that_do_not_belong_are_sentences(change: dict[str, Any]) -> None:
    with pytest.raises(SemirayError, match="damaged"):
        check_columns(Path("set"), FACTS, made(**change))


@pytest.mark.parametrize(
    "places", [[[1, 0, 1, 0]], [[0, -1, 1, 0]], [[0, 0, 2**62, 0]], [[0, 0, 1, 2]], [[0, 0]], [[0.5, 0, 0, 0]]]
)
def test_places_that_no_shard_has_are_sentences(places: list[list[float]]) -> None:
    with pytest.raises(SemirayError, match="damaged"):
        check_places(Path("set"), np.array(places), 1)


@pytest.mark.parametrize("row", [["k"], [1, {}], 3, "kx", None])
def test_rows_that_are_none_raise(row: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        (row_key(row), row_cells(row))
