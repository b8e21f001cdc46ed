"""Correlations: built, checked, repaired."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.priors import CorrelationError, Factor, JointPrior, nearest_correlation

A = Factor("a", "normal", 3, {"mean": 0, "standard_deviation": 1}, 0.5)
B = Factor("b", "exponential", 2, {"mean": 1}, 0.2)
C = Factor("c", "bernoulli", 1, {"probability": 0.5})


def test_within_and_between_make_blocks() -> None:
    R = JointPrior([A, B], between=[["a", "b", 0.4]]).correlation
    expected = [[0.4, 0.4 * 0.2], [0.2, 0.2 * 0.2], [0.2, 0.2 * 0.2]]  # r a b^T with a = (1, .5, .5), b = (1, .2)
    np.testing.assert_allclose(R[:3, 3:], expected)
    np.testing.assert_allclose(R[:3, :3], [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
    R = JointPrior([A, B], between=[["a", "b", 0.4, "all"]]).correlation
    np.testing.assert_allclose(R[:3, 3:], np.full((3, 2), 0.4))


def test_through_the_leads_any_single_correlation_is_valid() -> None:
    for r in (-0.99, -0.5, 0.7, 0.99):
        R = JointPrior([A, B], between=[["a", "b", r]]).correlation
        assert float(torch.linalg.eigvalsh(R)[0]) > 0


WRONG_BETWEEN = [
    ([["a", "bb", 0.3]], r"between\[0\]: no factor 'bb', did you mean 'b'\?"),
    ([["a", "a", 0.3]], r"between\[0\]: 'a' twice"),
    ([["a", "b", 1.3]], r"between\[0\]: \(a, b\) = 1.3 is outside its range, between -1 and 1"),
    ([["a", "b", "x"]], r"between\[0\] \(a, b\) must be a number, not 'x'"),
    ([["a", "b"]], r"must read \[factor, factor, correlation\]"),
    ([["a", "b", 0.1], ["b", "a", 0.2]], r"between\[1\]: the pair \(b, a\) is given twice"),
    ([["a", "b", 0.1, "leads"]], r"'leads' must be lead or all"),
    ("a b 0.3", r"between must be a list of entries"),
    (["a b 0.3"], r"must read \[factor, factor, correlation\]"),
]


@pytest.mark.parametrize(("between", "message"), WRONG_BETWEEN, ids=[message[:30] for _, message in WRONG_BETWEEN])
def test_errors_name_the_entry(between, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        JointPrior([A, B], between=between)


def _with(i: int, j: int, value: float, mirror: float | None = None) -> np.ndarray:
    R = np.eye(4)
    R[i, j], R[j, i] = value, value if mirror is None else mirror
    return R


WRONG_MATRIX = [
    (_with(0, 3, 1.2), r"correlation of \(a\[0\], c\[0\]\) = 1.2 is outside its range, between -1 and 1"),
    (_with(0, 1, 0.2, 0.3), r"correlation of \(a\[0\], a\[1\]\) = 0.2, but its mirror image is 0.3"),
    (_with(2, 2, 0.9), r"correlation of \(a\[2\], a\[2\]\) = 0.9 must be 1"),
    (_with(0, 1, float("nan")), r"correlation of \(a\[0\], a\[1\]\) = nan is outside its range"),
    (np.eye(3), r"must be a 4 x 4 matrix, one row per dimension \(a\[0\] ...\), not 3 x 3"),
    ("no", r"must be a 4 x 4 matrix of numbers"),
    ([[1, 2], [3]], r"must be a 4 x 4 matrix of numbers"),
]


@pytest.mark.parametrize(("matrix", "message"), WRONG_MATRIX, ids=[message[:40] for _, message in WRONG_MATRIX])
def test_errors_name_the_pair(matrix, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        JointPrior([A, C], correlation=matrix)


def test_a_contradiction_offers_the_nearest_matrix() -> None:
    factors = [Factor(name, "bernoulli", 1, {"probability": 0.5}) for name in ("x", "y", "w")]
    between = [["x", "y", 0.9], ["y", "w", 0.9], ["x", "w", -0.9]]
    with pytest.raises(
        CorrelationError, match=r"contradict .* worst pair is \(.\[0\], .\[0\]\) = .*nearest: true"
    ) as caught:
        JointPrior(factors, between=between)
    repaired = JointPrior(factors, correlation=caught.value.nearest)
    asked = JointPrior(factors, between=between, nearest=True)
    torch.testing.assert_close(repaired.correlation, asked.correlation)
    assert JointPrior.from_dict(asked.to_dict()) == asked


def test_nearest_reproduces_higham_2002() -> None:
    # The example of section 4 in Higham (2002): distance 0.5278, entries 0.7607 and 0.1573.
    asked = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]], dtype=torch.float64)
    R = nearest_correlation(asked, floor=0.0)
    np.testing.assert_allclose(R, [[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]], atol=6e-5)
    assert float((R - asked).norm()) == pytest.approx(0.5278, abs=5e-5)


def test_nearest_is_a_valid_matrix_and_leaves_valid_ones_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    for size in (2, 5, 20):
        noise = torch.rand(size, size, dtype=torch.float64, generator=generator) * 2 - 1
        R = nearest_correlation(((noise + noise.T) / 2).fill_diagonal_(1.0))
        assert float(torch.linalg.eigvalsh(R)[0]) > 0
        torch.testing.assert_close(R.diagonal(), torch.ones(size, dtype=torch.float64))
        assert torch.equal(R, R.T)
        torch.testing.assert_close(nearest_correlation(R), R, atol=1e-6, rtol=0)
