"""Computes event_references.json: what 10^7 draws by plain rejection say of conditional distributions.

Each event stands beside a function written by hand, so that neither the grammar nor the sampler takes part. Of the
accepted draws the file keeps their number; for every column that matters 101 order statistics and their ranks, or the
counts of discrete values; and the same for a few projections of the scores, which show dependence.

    OMP_NUM_THREADS=1 nice -n 15 python tests/priors/events/make_event_references.py     # some minutes on one core
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semiray.priors import JointPrior

DRAWS, CHUNK, SEED = 10_000_000, 250_000, 20_261_123
POINTS, PROJECTIONS = 101, 3
OUT = Path(__file__).with_name("event_references.json")

STUDY = JointPrior.default().to_dict()
CLINICAL = {
    "factors": {
        "severity": {"family": "categorical", "probabilities": [0.6, 0.3, 0.1], "dimensions": 2, "correlation": 0.6},
        "dose": {"family": "lognormal", "median": 3.0, "sigma": 0.6, "dimensions": 3, "correlation": 0.4},
        "stay": {"family": "weibull", "shape": 1.7, "scale": 12.0, "dimensions": 3, "correlation": 0.5},
        "age": {"family": "normal", "mean": 60.0, "standard_deviation": 15.0, "dimensions": 1},
    },
    "between": [["severity", "stay", 0.5], ["dose", "stay", -0.4], ["age", "severity", 0.3]],
}
TIGHT = {
    "factors": {
        "x": {"family": "normal", "mean": 0.0, "standard_deviation": 1.0, "dimensions": 4, "correlation": 0.9},
        "d": {"family": "exponential", "mean": 10.0, "dimensions": 4, "correlation": 0.9},
        "b": {"family": "bernoulli", "probability": 0.2, "dimensions": 5, "correlation": 0.9},
    },
    "between": [["x", "d", 0.7]],
}
Codes = dict[str, np.ndarray]
# name -> (prior, events as text and as what they mean for a factor's columns (n, k))
EVENTS: dict[str, tuple[dict[str, Any], list[tuple[str, Callable[[Codes], np.ndarray]]]]] = {
    "study": (
        STUDY,
        [
            ("survival == 1", lambda c: c["survival"][:, 0] == 1),
            ("presentation < texture", lambda c: c["presentation"][:, 0] < c["texture"][:, 0]),
            (
                "survival == 1 and not duration > 14 or texture[2] > 0.8",
                lambda c: ((c["survival"][:, 0] == 1) & (c["duration"][:, 0] <= 14)) | (c["texture"][:, 2] > 0.8),
            ),
            ("all(survival) == 1", lambda c: (c["survival"] == 1).all(1)),
            (
                "7 <= duration < 14 and survival[1] in {1}",
                lambda c: (c["duration"][:, 0] >= 7) & (c["duration"][:, 0] < 14) & (c["survival"][:, 1] == 1),
            ),
            (
                "any(survival) == 1 and duration > 30",
                lambda c: (c["survival"] == 1).any(1) & (c["duration"][:, 0] > 30),
            ),
            ("mean(duration) > 30", lambda c: c["duration"].mean(1, dtype=np.float64) > 30),
            (
                "duration > 30 and duration[1] > 30 and duration[2] > 30",
                lambda c: (c["duration"][:, :3] > 30).all(1),
            ),
            (
                "mean(survival) == 0.6 and -0.05 <= presentation <= 0.05",
                lambda c: (c["survival"].sum(1) == 3) & (np.abs(c["presentation"][:, 0]) <= np.float32(0.05)),
            ),
            (
                "all(presentation) > 0.6 and texture < presentation[1]",
                lambda c: (c["presentation"] > np.float32(0.6)).all(1) & (c["texture"][:, 0] < c["presentation"][:, 1]),
            ),
            ("any(duration) > 100", lambda c: (c["duration"] > 100).any(1)),
            ("mean(duration) > 50", lambda c: c["duration"].mean(1, dtype=np.float64) > 50),
            ("duration > 92", lambda c: c["duration"][:, 0] > 92),
        ],
    ),
    "clinical": (
        CLINICAL,
        [
            (
                "severity in {1, 2} and dose > 6",
                lambda c: (c["severity"][:, 0] >= 1) & (c["dose"][:, 0] > 6),
            ),
            ("dose > stay", lambda c: c["dose"][:, 0] > c["stay"][:, 0]),
            ("severity == 2 and stay < 3", lambda c: (c["severity"][:, 0] == 2) & (c["stay"][:, 0] < 3)),
            (
                "any(stay) > 25 and dose >= 5 and age > 75",
                lambda c: (c["stay"] > 25).any(1) & (c["dose"][:, 0] >= 5) & (c["age"][:, 0] > 75),
            ),
        ],
    ),
    "tight": (
        TIGHT,
        [
            ("all(x) > 1 and b == 0", lambda c: (c["x"] > 1).all(1) & (c["b"][:, 0] == 0)),
            ("d > 40 and d[3] < 15", lambda c: (c["d"][:, 0] > 40) & (c["d"][:, 3] < 15)),
            ("mean(x) > 3.5", lambda c: c["x"].mean(1, dtype=np.float64) > 3.5),
            (
                "x < -1 and x[1] > 0 or mean(d) > 70",
                lambda c: ((c["x"][:, 0] < -1) & (c["x"][:, 1] > 0)) | (c["d"].mean(1, dtype=np.float64) > 70),
            ),
        ],
    ),
}


def columns_that_matter(prior: JointPrior, text: str) -> list[int]:
    """Leads and first companions of all factors, and all columns of factors under a quantifier or a mean."""
    wanted = []
    for factor in prior.factors:
        part = prior.slices[factor.name]
        whole = f"({factor.name})" in text
        wanted += [i for i in range(part.start, part.stop) if i < part.start + 2 or whole or prior.names[i] in text]
    return wanted


def ranks(accepted: int) -> np.ndarray:
    """Ranks of the order statistics that are kept, from the lowest to the highest."""
    return np.unique(np.linspace(1, accepted, POINTS).round().astype(int))


def summary(values: np.ndarray, discrete: bool) -> dict[str, Any]:
    """Counts of discrete values, or order statistics."""
    if discrete:
        value, count = np.unique(values, return_counts=True)
        return {"values": value.tolist(), "counts": count.tolist()}
    return {"at": [float(f"{x:.9g}") for x in np.sort(values)[ranks(len(values)) - 1].tolist()]}


def references(name: str, spec: dict[str, Any], events: list[Any]) -> list[dict[str, Any]]:
    prior = JointPrior.from_dict(spec)
    generator = torch.Generator().manual_seed(SEED)
    columns = [columns_that_matter(prior, text) for text, _ in events]
    kept: list[tuple[list[np.ndarray], list[np.ndarray]]] = [([], []) for _ in events]
    for _ in range(DRAWS // CHUNK):
        scores = prior.sample_scores(CHUNK, generator)
        codes = prior.codes(scores).numpy()
        parts = {factor: codes[:, part] for factor, part in prior.slices.items()}
        for (_, holds), wanted, (some_codes, some_scores) in zip(events, columns, kept, strict=True):
            hit = holds(parts)
            some_codes.append(codes[hit][:, wanted])
            some_scores.append(scores.numpy()[hit][:, wanted])
    result = []
    for (text, _), wanted, chunks in zip(events, columns, kept, strict=True):
        codes, scores = (np.concatenate(chunk) for chunk in chunks)
        weights = np.random.default_rng(SEED).normal(size=(PROJECTIONS, len(wanted))).round(2)
        result.append(
            {
                "prior": name,
                "event": text,
                "draws": DRAWS,
                "accepted": len(codes),
                "ranks": ranks(len(codes)).tolist(),
                "columns": {
                    prior.names[i]: summary(codes[:, k], bool(prior.discrete[i])) for k, i in enumerate(wanted)
                },
                "projections": [
                    {"weights": w.tolist(), **summary(scores.astype(np.float64) @ w, False)} for w in weights
                ],
            }
        )
        print(f"{len(codes) / DRAWS:.3g}  {text}", flush=True)
    return result


def main() -> None:
    torch.set_num_threads(1)
    found = [entry for name, (spec, events) in EVENTS.items() for entry in references(name, spec, events)]
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in found)
    priors = json.dumps({name: spec for name, (spec, _) in EVENTS.items()}, separators=(",", ":"))
    OUT.write_text(f'{{"priors":{priors},\n"references":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
