"""Training images per second: the preset `study` as semiray trains it, beside a plain loop of the same networks.

Both play the same game with the same losses on the same networks and batches; the plain loop is what a tutorial would
write: float32, default memory format, one backward pass a network, nothing shared between the players. Each runs in a
process of its own, and they take turns, so that a machine whose speed drifts slows both.

    python benchmarks/training_speed.py --resolution 64 --batch 64 --out speed.json
"""

import argparse
import json
import multiprocessing
import platform
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch.nn import functional

import semiray
from semiray.networks import build_networks
from semiray.priors import JointPrior
from semiray.settings import Settings, make_settings
from semiray.training import Game, network_shape
from semiray.training.objectives import sliced_wasserstein

CLASSES = 3


def plain_loop(settings: Settings, prior: JointPrior) -> Callable[[torch.Tensor, torch.Tensor], None]:
    """One step of the study's game, written plainly."""
    generator, discriminator = build_networks(settings.networks.architecture, network_shape(settings, prior, CLASSES))
    generator.to(memory_format=torch.contiguous_format)
    discriminator.to(memory_format=torch.contiguous_format)
    rate, betas = settings.optimisation.learning_rate, settings.optimisation.betas
    moves_g = torch.optim.Adam(generator.parameters(), lr=rate, betas=betas)
    moves_d = torch.optim.Adam(discriminator.parameters(), lr=rate, betas=betas)
    weights, R = settings.objectives, prior.correlation.float()

    def step(real: torch.Tensor, labels: torch.Tensor) -> None:
        codes = prior.standardise(prior.sample(len(real)))
        z = torch.randn(len(real), settings.networks.noise)
        images = real[:, None].float() / 127.5 - 1
        with torch.no_grad():
            generated = generator(z, codes, labels)
        on_real, on_generated = discriminator(images, labels), discriminator(generated, labels)
        random = functional.normalize(torch.randn(weights.sort_directions, prior.dimensions), dim=1)
        directions = torch.cat([torch.eye(prior.dimensions), random])
        spread = ((directions @ R) * directions).sum(dim=1).sqrt()
        loss = functional.binary_cross_entropy_with_logits(on_real.critic, torch.ones(len(real)))
        loss = loss + functional.binary_cross_entropy_with_logits(on_generated.critic, torch.zeros(len(real)))
        loss = loss + weights.sort * sliced_wasserstein(on_real.scores, directions, spread)
        loss = loss + weights.commit * functional.mse_loss(prior.relaxed(on_generated.scores), codes)
        moves_d.zero_grad()
        loss.backward()
        moves_d.step()
        judgement = discriminator(generator(z, codes, labels), labels)
        loss = functional.binary_cross_entropy_with_logits(judgement.critic, torch.ones(len(real)))
        loss = loss + weights.commit * functional.mse_loss(prior.relaxed(judgement.scores), codes)
        moves_g.zero_grad()
        loss.backward()
        moves_g.step()

    return step


def images_per_second(step: Callable[..., object], real: torch.Tensor, labels: torch.Tensor, seconds: float) -> float:
    """Whole steps for about `seconds`."""
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        step(real, labels)
        steps += 1
    return steps * len(real) / (time.perf_counter() - started)


LOOPS = ("plain fp32 loop, study's networks", "semiray, preset study", "semiray, preset default")


def serve(name: str, resolution: int, batch: int, channel: Connection) -> None:
    """Train for as many seconds as the channel asks, and answer with the images per second; end at None."""
    torch.manual_seed(0)
    prior = JointPrior.default()
    preset = "default" if name == LOOPS[2] else "study"
    settings = make_settings({"preset": preset, "resolution": resolution, "optimisation": {"batch": batch}})
    plain = name == LOOPS[0]
    step = plain_loop(settings, prior) if plain else Game(settings, prior, CLASSES, torch.device("cpu")).step
    real = torch.randint(0, 256, (batch, resolution, resolution), dtype=torch.uint8)
    labels = torch.arange(batch) % CLASSES
    while (seconds := channel.recv()) is not None:
        channel.send(images_per_second(step, real, labels, seconds))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--seconds", type=float, default=6.0, help="of each turn")
    options.add_argument("--out", type=Path, help="a JSON file to write")
    asked = options.parse_args()

    context = multiprocessing.get_context("spawn")
    channels: dict[str, Connection] = {}
    for name in LOOPS:
        channels[name], other = context.Pipe()
        arguments = (name, asked.resolution, asked.batch, other)
        context.Process(target=serve, args=arguments, daemon=True).start()

    def turn(name: str, seconds: float) -> float:
        channels[name].send(seconds)
        return float(channels[name].recv())

    for name in LOOPS:
        turn(name, 2.0)  # warm-up
    rates: dict[str, list[float]] = {name: [] for name in LOOPS}
    for _ in range(asked.turns):
        for name in LOOPS:
            rates[name].append(turn(name, asked.seconds))
    for channel in channels.values():
        channel.send(None)
    ratio = [b / a for a, b in zip(rates[LOOPS[0]], rates[LOOPS[1]], strict=True)]
    result = {
        "machine": f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {"semiray": semiray.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "resolution": asked.resolution,
        "batch": asked.batch,
        "images_per_second": {name: round(statistics.median(values), 1) for name, values in rates.items()},
        "ratio": {
            "median": round(statistics.median(ratio), 2),
            "low": round(min(ratio), 2),
            "high": round(max(ratio), 2),
        },
    }
    print(f"{asked.resolution} px, batch {asked.batch}, {result['machine']}")
    for name, values in rates.items():
        print(f"  {name:36} {statistics.median(values):7.1f} images/s  ({min(values):.1f} to {max(values):.1f})")
    print(f"  preset study over the plain loop: {result['ratio']}")
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
