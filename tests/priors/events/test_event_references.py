"""Draws given an event against 10^7 draws by plain rejection, as event_references.json sums them up.

Marginals by two-sample Kolmogorov-Smirnov tests (chi-squared for discrete columns), dependence by the same test on
projections of the scores, probabilities by the difference in standard errors. The whole is one test with one chance in
a thousand of failing by accident for another seed, shared out evenly over all comparisons (Bonferroni).
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from semiray.priors import ConditionalPrior, JointPrior

FILE = json.loads(Path(__file__).with_name("event_references.json").read_text())
REFERENCES = FILE["references"]
COMPARISONS = sum(len(entry["columns"]) + len(entry["projections"]) + 1 for entry in REFERENCES)
LEVEL = 0.001 / COMPARISONS
DRAWS = 10_000
COMMON = "dose > stay"


@cache
def _prior(name: str) -> JointPrior:
    return JointPrior.from_dict(FILE["priors"][name])


def _level(reference: dict[str, Any], drawn: np.ndarray, entry: dict[str, Any]) -> float:
    """How probable so large a difference is, at most.

    The largest difference of the two distribution functions is looked for at the reference's order statistics only,
    where its own is known exactly (rank / accepted). That can only lower the statistic, so the test keeps its level.
    """
    if "counts" in reference:
        counts = [int((drawn == value).sum()) for value in reference["values"]]
        if sum(counts) < len(drawn):
            return 0.0  # a value that never occurred
        return float(stats.chi2_contingency([counts, reference["counts"]])[1]) if len(counts) > 1 else 1.0
    accepted = entry["accepted"]
    ours = np.searchsorted(np.sort(drawn), reference["at"], side="right") / len(drawn)
    distance = np.abs(ours - np.asarray(entry["ranks"]) / accepted).max()
    size = len(drawn) * accepted / (len(drawn) + accepted)
    return float(stats.kstwobign.sf(distance * math.sqrt(size)))


def _worst(entry: dict[str, Any], scores: torch.Tensor) -> tuple[float, str]:
    prior = _prior(entry["prior"])
    codes = prior.codes(scores).numpy()
    wanted = [prior.index(name) for name in entry["columns"]]
    levels = [(_level(column, codes[:, prior.index(name)], entry), name) for name, column in entry["columns"].items()]
    for projection in entry["projections"]:
        drawn = scores[:, wanted].double().numpy() @ np.asarray(projection["weights"])
        levels.append((_level(projection, drawn, entry), f"projection {projection['weights']}"))
    return min(levels)


def test_the_references_span_what_is_promised() -> None:
    assert len(REFERENCES) >= 20
    probabilities = [entry["accepted"] / entry["draws"] for entry in REFERENCES]
    assert max(probabilities) == pytest.approx(0.5, abs=0.01)
    assert min(probabilities) < 1e-4
    assert all(entry["draws"] == 10_000_000 for entry in REFERENCES)


@pytest.mark.parametrize("entry", REFERENCES, ids=[entry["event"] for entry in REFERENCES])
def test_draws_and_probability_agree_with_rejection(entry: dict[str, Any]) -> None:
    conditional = ConditionalPrior(_prior(entry["prior"]), entry["event"])
    level, where = _worst(entry, conditional.sample_scores(DRAWS, torch.Generator().manual_seed(11)))
    assert level > LEVEL, where
    reference = entry["accepted"] / entry["draws"]
    error = math.hypot(conditional.probability_error, math.sqrt(reference * (1 - reference) / entry["draws"]))
    assert abs(conditional.probability - reference) < stats.norm.isf(LEVEL / 2) * error
    assert conditional.probability_error <= 0.015 * conditional.probability


def test_the_comparison_would_see_a_wrong_sampler() -> None:
    generator = torch.Generator().manual_seed(12)
    rare, common = (next(e for e in REFERENCES if e["event"] == text) for text in ("any(duration) > 100", COMMON))
    # The first dimension takes the blame for all five; the marginals of the companions tell.
    level, _ = _worst(rare, _prior(rare["prior"]).given("duration > 100").sample_scores(DRAWS, generator))
    assert level < LEVEL
    # Every marginal right, but all dependence lost: only the projections tell.
    scores = _prior(common["prior"]).given(COMMON).sample_scores(DRAWS, generator)
    shuffled = torch.stack([column[torch.randperm(DRAWS, generator=generator)] for column in scores.T], -1)
    level, where = _worst(common, shuffled)
    assert level < LEVEL
    assert where.startswith("projection")
