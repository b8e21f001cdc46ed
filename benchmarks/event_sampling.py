"""Seconds to sample rare events: `prior.given(event)` and 10,000 codes, beside what plain rejection would need.

Events of all kinds of the grammar, nearly all of a probability near 1e-4 and some far below. Rejection's seconds are
extrapolated from the speed of unconditional draws. Nothing is kept between repetitions; the slowest one is given. With
one thread, the processor's seconds tell what an idle machine would take, even on a busy one.

    OMP_NUM_THREADS=1 python benchmarks/event_sampling.py --out events.json
"""

import argparse
import json
import platform
import time
from pathlib import Path

import torch

from semiray.priors import Factor, JointPrior

EVENTS = {
    "study": [
        "survival == 1 and duration <= 14",
        "presentation < texture",
        "duration > 92",
        "any(duration) > 108",
        "all(duration) > 40 and any(survival) == 1",
        "mean(duration) > 64",
        "mean(duration) > 60 and presentation < texture",
        "mean(survival) == 0.6 and -0.0006 < texture < 0.0006",
        "all(presentation) < texture and mean(duration) > 54",
        "13.9999 < duration < 14.0001 and texture > 0.99 and survival == 1",
        "duration > 200",
    ],
    "strongly correlated (0.9)": [
        "mean(d) > 86",
        "d > 40 and d[3] < 13",
        "x > d and mean(d) > 83",
    ],
    "20 dimensions of a factor": [
        "any(d) > 120",
        "all(d) > 20",
    ],
}
PRIORS = {
    "study": JointPrior.default(),
    "strongly correlated (0.9)": JointPrior(
        [
            Factor("d", "exponential", 5, {"mean": 10.0}, 0.9),
            Factor("x", "lognormal", 2, {"median": 12.0, "sigma": 1.5}, 0.9),
        ],
        between=[("d", "x", 0.5)],
    ),
    "20 dimensions of a factor": JointPrior([Factor("d", "exponential", 20, {"mean": 10.0}, 0.4)]),
}


def seconds(prior: JointPrior, event: str, draws: int) -> dict[str, float]:
    started, processor = time.perf_counter(), time.process_time()
    conditional = prior.given(event)
    given = time.perf_counter()
    conditional.sample(draws, torch.Generator().manual_seed(0))
    return {
        "probability": conditional.probability,
        "probability_error": conditional.probability_error,
        "given": given - started,
        "sample": time.perf_counter() - given,
        "processor": time.process_time() - processor,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=10_000)
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--out", type=Path)
    said = options.parse_args()

    results = []
    print("probability   given + sample = all [s]   processor [s]   rejection [s]   event")
    for name, prior in PRIORS.items():
        started = time.process_time()
        prior.sample(100_000)
        speed = 100_000 / (time.process_time() - started)
        for event in EVENTS[name]:
            times = [seconds(prior, event, said.draws) for _ in range(said.repetitions)]
            worst = max(times, key=lambda t: t["processor"])
            rejection = said.draws / worst["probability"] / speed
            results.append({"prior": name, "event": event, "rejection": rejection, **worst})
            print(
                f"{worst['probability']:11.3g}   {worst['given']:5.2f} + {worst['sample']:6.2f} = "
                f"{worst['given'] + worst['sample']:5.2f}   {worst['processor']:13.2f}   {rejection:13.3g}   "
                f"{event}   ({name})",
                flush=True,
            )
    if said.out:
        machine = {"machine": platform.processor() or platform.machine(), "torch": torch.__version__}
        content = {**machine, "threads": torch.get_num_threads(), "draws": said.draws, "events": results}
        said.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
