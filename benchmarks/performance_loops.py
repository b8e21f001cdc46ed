"""The loops that benchmarks/performance.py times: semiray's, and the same games written plainly."""

import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from semiray.memory import keep_freed_memory
from semiray.networks import build_networks
from semiray.priors import JointPrior
from semiray.settings import Settings, make_settings
from semiray.training import Game, network_shape
from semiray.training.augmentation import augment
from semiray.training.objectives import gradient_penalty, relativistic, sliced_wasserstein
from tutorial_infogan import tutorial_loop

CLASSES = 3
Step = Callable[[Tensor, Tensor], Any]


def settings_of(preset: str, resolution: int) -> Settings:
    """A preset at a resolution."""
    return make_settings({"preset": preset, "resolution": resolution})


def plain_loop(settings: Settings) -> Step:
    """One step of a preset's game, written plainly: the same networks, losses and batches.

    Float32, PyTorch's default memory format and optimiser; the generator runs anew for each player, and the gradient
    penalties, where the preset has them, are taken on every step, as the papers write them.
    """
    prior = JointPrior.default()
    generator, discriminator = build_networks(settings.networks.architecture, network_shape(settings, prior, CLASSES))
    generator.to(memory_format=torch.contiguous_format)
    discriminator.to(memory_format=torch.contiguous_format)
    rate, betas = settings.optimisation.learning_rate, settings.optimisation.betas
    moves_g = torch.optim.Adam(generator.parameters(), lr=rate, betas=betas)
    moves_d = torch.optim.Adam(discriminator.parameters(), lr=rate, betas=betas)
    weights, views, R = settings.objectives, settings.augmentation, prior.correlation.float()
    paired = weights.adversarial == "relativistic"

    def adversarial(better: Tensor, worse: Tensor) -> Tensor:
        if paired:
            return relativistic(better, worse)
        loss = functional.binary_cross_entropy_with_logits(better, torch.ones_like(better))
        return loss + functional.binary_cross_entropy_with_logits(worse, torch.zeros_like(worse))

    def step(real: Tensor, labels: Tensor) -> None:
        codes = prior.standardise(prior.sample(len(real)))
        z = torch.randn(len(real), settings.networks.noise)
        seen = augment(real[:, None].float() / 127.5 - 1, views)
        with torch.no_grad():
            generated = generator(z, codes, labels)
        generated = augment(generated, views)
        on_real, on_generated = discriminator(seen, labels), discriminator(generated, labels)
        random = functional.normalize(torch.randn(weights.sort_directions, prior.dimensions), dim=1)
        directions = torch.cat([torch.eye(prior.dimensions), random])
        spread = ((directions @ R) * directions).sum(dim=1).sqrt()
        loss = adversarial(on_real.critic, on_generated.critic)
        loss = loss + weights.sort * sliced_wasserstein(on_real.scores, directions, spread)
        loss = loss + weights.commit * functional.mse_loss(prior.relaxed(on_generated.scores), codes)
        if weights.classify:
            loss = loss + weights.classify * functional.cross_entropy(on_real.classes, labels)
        if weights.penalty:
            for images in (seen, generated):
                penalty = gradient_penalty(lambda x: discriminator(x, labels).critic, images)
                loss = loss + weights.penalty / 2 * penalty
        moves_d.zero_grad()
        loss.backward()
        moves_d.step()
        judgement = discriminator(augment(generator(z, codes, labels), views), labels)
        if paired:
            loss = relativistic(judgement.critic, on_real.critic.detach())
        else:
            loss = functional.binary_cross_entropy_with_logits(judgement.critic, torch.ones(len(real)))
        legible = weights.commit * functional.mse_loss(prior.relaxed(judgement.scores), codes)
        if weights.classify:
            legible = legible + weights.classify * functional.cross_entropy(judgement.classes, labels)
        loss = loss + weights.generator_share * legible
        moves_g.zero_grad()
        loss.backward()
        moves_g.step()

    return step


def make_loop(name: str, resolution: int, device: torch.device | None = None) -> tuple[Step, int]:
    """A loop's step, and the batch that it takes: `semiray PRESET`, `plain PRESET` or `tutorial`."""
    torch.manual_seed(0)
    kind, _, preset = name.partition(" ")
    if kind == "tutorial":
        return tutorial_loop(resolution), 64
    settings = settings_of(preset, resolution)
    batch = settings.optimisation.batch
    if kind == "plain":
        return plain_loop(settings), batch
    keep_freed_memory()  # as `train` does
    return Game(settings, JointPrior.default(), CLASSES, device or torch.device("cpu")).step, batch


def batch_of(batch: int, resolution: int) -> tuple[Tensor, Tensor]:
    """Images (B, H, W) uint8 and labels."""
    return torch.randint(0, 256, (batch, resolution, resolution), dtype=torch.uint8), torch.arange(batch) % CLASSES


def serve(name: str, resolution: int, channel: Connection) -> None:
    """Train for as many seconds as the channel asks, in whole rounds of eight steps; answer images/s and peak MB."""
    import resource

    step, batch = make_loop(name, resolution)
    real, labels = batch_of(batch, resolution)
    while (seconds := channel.recv()) is not None:
        started, steps = time.perf_counter(), 0
        while time.perf_counter() - started < seconds or steps % 8:  # penalties come every eighth
            step(real, labels)
            steps += 1
        rate = steps * batch / (time.perf_counter() - started)
        channel.send((rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
