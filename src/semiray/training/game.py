"""One step of the game: the discriminator tells real from generated and sorts, the generator convinces and commits."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from semiray.devices import bf16_is_fast
from semiray.networks import DiscriminatorOutput, LeadEstimates, NetworkShape, build_networks
from semiray.networks.intensities import to_input
from semiray.priors import JointPrior
from semiray.settings import Settings
from semiray.training import objectives
from semiray.training.augmentation import augment
from semiray.training.checkpoints import misfit
from semiray.training.codes import CodeEstimates, CodeMoves, CodeReader, RequestedCodes
from semiray.training.grounding import ObservedBatch
from semiray.training.process_group import ProcessGroup

__all__ = ["Game", "network_shape"]

CONTENT_PAIRS, CONTENT_EVERY = 8, 2  # images whose codes move, and in which steps


def network_shape(settings: Settings, prior: JointPrior, classes: int, grounded: int = 0) -> NetworkShape:
    """The sizes of a run's networks; `grounded` leads are told to the critic."""
    sizes = settings.networks.model_dump(exclude={"architecture"})
    return NetworkShape(
        resolution=settings.resolution, codes=prior.dimensions, classes=classes, grounded=grounded, **sizes
    )


@contextmanager
def statistics_held(network: nn.Module) -> Iterator[None]:
    """Within it, the running statistics of a network's batch normalisation stay as they are."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


class Game:
    """Both networks, the generator's moving average, their optimisers, and the step that changes them.

    Args:
        classes: number of classes, 0 without labels.
        grounded: the columns of the codes that metadata ground, in the order of `ObservedBatch`'s second axis.
        group: the processes that train together, each on its rows of every batch; None for this one alone.

    Initial weights and all random numbers come from torch's global random state.
    """

    def __init__(
        self,
        settings: Settings,
        prior: JointPrior,
        classes: int,
        device: torch.device,
        grounded: tuple[int, ...] = (),
        group: ProcessGroup | None = None,
    ) -> None:
        self.group = group or ProcessGroup()
        self.prior, self.device = prior, device
        self.objectives, self.optimisation = settings.objectives, settings.optimisation
        self.views = settings.augmentation
        shape = network_shape(settings, prior, classes, len(grounded))
        generator, discriminator = build_networks(settings.networks.architecture, shape)
        layout = torch.channels_last if self.optimisation.channels_last else torch.contiguous_format
        self.generator = generator.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.discriminator = discriminator.to(device, memory_format=layout)  # type: ignore[call-overload]
        if self.objectives.adversarial == "relativistic":
            # What is common to a pair has no gradient but rounding, and Adam would make whole steps of that.
            self.discriminator.heads.critic.bias.register_hook(torch.zeros_like)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.log_variance = nn.Parameter(torch.zeros(prior.dimensions, device=device))
        self.reader = CodeReader(prior, grounded, self.objectives.relaxation, device)
        self.moves = CodeMoves(prior)
        self.log_error = nn.Parameter(torch.zeros(len(grounded), device=device))
        self.twin = self._twin(classes) if classes and self.objectives.classify and self.objectives.twin else None
        self.generator_optimiser = self._adam([*self.generator.parameters()])
        learnt = [self.log_variance, self.log_error] if grounded else [self.log_variance]
        learnt += self.twin.parameters() if self.twin is not None else []
        self.discriminator_optimiser = self._adam([*self.discriminator.parameters(), *learnt])
        wanted = self.optimisation.bf16
        use_bf16 = self.group.from_leader(bf16_is_fast(device) if wanted is None else wanted)
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=use_bf16)
        self.axes = torch.eye(prior.dimensions, device=device)
        self.correlation = prior.correlation.to(device, torch.float32)
        weight = torch.ones(prior.dimensions)
        weight[list(grounded)] = settings.objectives.ground_lead
        weight = weight / weight.mean()
        # Generated images must not teach the sorter a grounded lead: both networks would agree on a sign of it that no
        # real image has.
        taught = weight.clone()
        taught[list(grounded)] = 0.0
        self.weight, self.taught = weight.to(device), taught.to(device)
        self.steps = 0

    def _twin(self, classes: int) -> nn.Sequential:
        """A class head that learns from generated images what the sorter's learns from real ones."""
        features = self.discriminator.heads.critic.in_features
        layers = (nn.Linear(features, features), nn.LeakyReLU(0.2), nn.Linear(features, classes))
        return nn.Sequential(*layers).to(self.device)

    def _adam(self, parameters: list[nn.Parameter]) -> torch.optim.Adam:
        rate, betas = self.optimisation.learning_rate, self.optimisation.betas
        return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=self.device.type in ("cpu", "cuda"))

    def step(
        self, real: Tensor, labels: Tensor, rate: float = 1.0, observed: ObservedBatch | None = None
    ) -> dict[str, Tensor]:
        """Update the discriminator, then the generator, on a batch of real images.

        Args:
            real: (B, H, W) uint8: this process's rows of the batch.
            labels: (B,) int64; all zeros without classes.
            rate: factor on the learning rate.
            observed: real images with metadata, where factors are grounded.

        Returns:
            Named scalar losses, and `error` (M,), the mean squared error of each standardised code estimated from
            generated images. All are detached means over the whole batch.
        """
        self._begin(rate)
        requested, z = self._request(len(real))
        with self.autocast:
            generated = self.generator(z, requested.codes, labels)  # one pass serves both: only D moves in between
        losses, critic_real = self._move_discriminator(real, generated.detach(), requested, labels, observed)
        losses |= self._move_generator(generated, requested, labels, critic_real)
        self._update_average()
        return losses

    def relearn(self, real: Tensor, labels: Tensor, rate: float = 1.0) -> dict[str, Tensor]:
        """Update the discriminator alone; images of the moving average teach the sorter codes and classes.

        Arguments are those of `step`, without metadata. Labels are those that the critic is told of real images, and
        that generated images are requested of.

        Returns:
            The discriminator's named losses, detached means over the whole batch.
        """
        self._begin(rate)
        requested, z = self._request(len(real))
        with torch.no_grad(), self.autocast:
            generated = self.average(z, requested.codes, labels)
        return self._move_discriminator(real, generated, requested, labels, None, by_generated=True)[0]

    def _begin(self, rate: float) -> None:
        """Count a step, and set the learning rate."""
        self.steps += 1
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = self.optimisation.learning_rate * rate

    def _request(self, images: int) -> tuple[RequestedCodes, Tensor]:
        """Codes and noise of the generated images of a step; this process's rows of them."""
        # Outside autocast: in bfloat16 a probability of 1 - 1e-6 rounds to 1, whose quantile is infinite.
        # Scores are drawn on the CPU, then moved: the same seed requests the same codes on every device.
        batch = images * self.group.size
        rows = self.group.rows(batch)
        scores = self.prior.sample_scores(batch)[rows]
        codes = self.prior.standardise(self.prior.codes(scores)).to(self.device)
        z = torch.randn(batch, self.generator.shape.noise, device=self.device)[rows]
        return RequestedCodes(codes, scores.to(self.device)), z

    def _move_discriminator(
        self,
        real: Tensor,
        generated: Tensor,
        requested: RequestedCodes,
        labels: Tensor,
        observed: ObservedBatch | None,
        by_generated: bool = False,
    ) -> tuple[dict[str, Tensor], Tensor]:
        weights = self.objectives
        real = augment(to_input(real, self.device), self.views, self.group)
        generated = augment(generated, self.views, self.group)
        on_real, on_generated = self._discriminate(real, generated, labels, requested)
        losses = {"adversarial": self._adversarial(on_real.critic, on_generated.critic)}
        losses["sort"] = self._sort(on_real.scores)
        weight = self.weight if by_generated else self.taught
        losses["commit"] = self._commit(self.reader.estimate(on_generated.scores), requested, weight)
        loss = losses["adversarial"] + weights.sort * losses["sort"] + weights.commit * losses["commit"]
        if weights.classify and on_real.classes.shape[1]:  # Odena et al. 2017, arXiv 1610.09585
            known = on_generated if by_generated else on_real
            losses["classify"] = functional.cross_entropy(known.classes, labels)
            loss = loss + weights.classify * losses["classify"]
        if self.twin is not None and not by_generated:
            losses["twin"] = functional.cross_entropy(self.twin(on_generated.features), labels)
            loss = loss + weights.classify * losses["twin"]
        if observed is not None:
            losses["ground"] = self._ground(observed)
            loss = loss + weights.ground * losses["ground"]
        if weights.penalty and self.steps % weights.penalty_every == 0:
            # The mean over real and generated images together is half the sum of R1 and R2, as in Huang et al. 2024.
            both, twice = self.discriminator.view(torch.cat([real, generated])), torch.cat([labels, labels])
            leads = self._leads_of_both(requested)
            with self.autocast:
                losses["penalty"] = objectives.gradient_penalty(
                    lambda view: self.discriminator.judge(view, twice, leads).critic, both
                )
            loss = loss + weights.penalty * weights.penalty_every * losses["penalty"]
        return self._move(self.discriminator_optimiser, loss, losses), on_real.critic.detach()

    def _discriminate(
        self, real: Tensor, generated: Tensor, labels: Tensor, requested: RequestedCodes
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        with self.autocast:
            if self.discriminator.couples_images:  # batch statistics of real and generated images must not mix
                on_real = self.discriminator(real, labels, self.reader.estimated_leads)
                return on_real, self.discriminator(generated, labels, lambda _: self.reader.leads(requested))
            both, twice = torch.cat([real, generated]), torch.cat([labels, labels])
            output = self.discriminator(both, twice, self._leads_of_both(requested))
        on_real, on_generated = zip(*(part.chunk(2) for part in output), strict=True)
        return DiscriminatorOutput(*on_real), DiscriminatorOutput(*on_generated)

    def _move_generator(
        self, generated: Tensor, requested: RequestedCodes, labels: Tensor, critic_real: Tensor
    ) -> dict[str, Tensor]:
        weights = self.objectives
        self._hold_judges(True)
        # Generated images would count twice in the running statistics otherwise.
        with statistics_held(self.discriminator), self.autocast:
            seen = augment(generated, self.views, self.group)
            output = self.discriminator(seen, labels, lambda _: self.reader.leads(requested))
        losses = {"generator": self._adversarial_generator(output.critic, critic_real)}
        estimated = self.reader.estimate(output.scores)
        legible = weights.commit * self._commit(estimated, requested, self.weight)
        if weights.classify and output.classes.shape[1]:
            legible = legible + weights.classify * self._misread(output, labels)
        loss = losses["generator"] + weights.generator_share * legible
        if weights.content and self.steps % CONTENT_EVERY == 0:
            losses["content"] = self._content()
            loss = loss + weights.content * CONTENT_EVERY * losses["content"]
        losses["error"] = (estimated.codes - requested.codes).square().mean(dim=0)
        losses = self._move(self.generator_optimiser, loss, losses)
        self._hold_judges(False)
        return losses

    def _move(self, optimiser: torch.optim.Adam, loss: Tensor, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Take a step down `loss`; return its named parts, detached and averaged over the whole batch."""
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        values = {name: value.detach() for name, value in losses.items()}
        gradients = [p.grad for p in optimiser.param_groups[0]["params"] if p.grad is not None]
        self.group.average_([*gradients, *values.values()])
        optimiser.step()
        return values

    def _leads_of_both(self, requested: RequestedCodes) -> LeadEstimates:
        """Leads of real images beside generated ones: as the sorter estimates them, then as requested."""
        return lambda scores: torch.cat([self.reader.estimated_leads(scores.chunk(2)[0]), self.reader.leads(requested)])

    def _hold_judges(self, still: bool) -> None:
        """Whether the weights of the discriminator and of the twin stay as they are."""
        self.discriminator.requires_grad_(not still)
        if self.twin is not None:
            self.twin.requires_grad_(not still)

    def _misread(self, output: DiscriminatorOutput, labels: Tensor) -> Tensor:
        """How badly classes are read in generated images, less what their own class head reads as badly.

        Cross-entropy alone makes classes purer than real ones, without the images between two classes. Where both heads
        agree, images are as mixed as real ones: Gong et al. 2019, arXiv 1907.02690, equation 5.
        """
        misread = functional.cross_entropy(output.classes, labels)
        if self.twin is None:
            return misread
        return misread - self.objectives.twin * functional.cross_entropy(self.twin(output.features), labels)

    def _content(self) -> Tensor:
        """How much of what a factor changes is exposure and framing; the same images in every process."""
        pairs, classes = CONTENT_PAIRS, max(1, self.generator.shape.classes)
        codes = torch.cat(self.moves.draw(pairs, self.steps // CONTENT_EVERY)).to(self.device)
        z = torch.randn(pairs, self.generator.shape.noise).to(self.device)
        labels = torch.randint(classes, (pairs,)).to(self.device)
        # Codes are more extreme here than those of the prior.
        with statistics_held(self.generator), self.autocast:
            images = self.generator(z.repeat(2, 1), codes, labels.repeat(2))
        return objectives.content(*images.float().chunk(2))

    def _adversarial(self, real: Tensor, generated: Tensor) -> Tensor:
        if self.objectives.adversarial == "relativistic":
            return objectives.relativistic(real, generated)
        return objectives.cross_entropy_critic(real, generated)

    def _adversarial_generator(self, generated: Tensor, real: Tensor) -> Tensor:
        if self.objectives.adversarial == "relativistic":
            return objectives.relativistic(generated, real)
        return objectives.cross_entropy_generator(generated)

    def _sort(self, scores: Tensor) -> Tensor:
        if not self.objectives.sort:
            return scores.new_zeros(())
        random = torch.randn(self.objectives.sort_directions, scores.shape[1], device=self.device)
        directions = torch.cat([self.axes, functional.normalize(random, dim=1)])
        spread = ((directions @ self.correlation) * directions).sum(dim=1).sqrt()
        return objectives.sliced_wasserstein(self.group.gather(scores), directions, spread)

    def _ground(self, observed: ObservedBatch) -> Tensor:
        anything = torch.zeros(len(observed.images), dtype=torch.int64, device=self.device)  # the sorter sees no label
        with statistics_held(self.discriminator), self.autocast:
            # Every process sees all of these few images: their number need not divide by the number of processes.
            seen = augment(to_input(observed.images, self.device), self.views)
            scores = self.discriminator(seen, anything).scores[:, self.reader.grounded]
        low, high, weight = (part.to(self.device) for part in observed[1:])
        return objectives.ground_likelihood(scores, low, high, self.log_error, weight)

    def _commit(self, estimated: CodeEstimates, requested: RequestedCodes, weight: Tensor) -> Tensor:
        if self.objectives.commit_form == "likelihood":
            return objectives.commit_likelihood(estimated.codes, requested.codes, self.log_variance, weight)
        of_codes = objectives.commit_squared_error(estimated.codes, requested.codes, weight)
        if self.objectives.commit_form == "squared_error":
            return of_codes
        levels = estimated.levels(self.reader.discrete), requested.levels(self.reader.discrete)
        return 0.5 * (of_codes + objectives.commit_squared_error(*levels, weight))

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of the generator, faster at first (Karras et al. 2018, arXiv 1710.10196)."""
        half_life = self.optimisation.average
        keep = min(0.5 ** (1 / half_life), (1 + self.steps) / (10 + self.steps)) if half_life else 0.0
        torch._foreach_lerp_([*self.average.parameters()], [*self.generator.parameters()], 1 - keep)
        for mine, new in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(new, 1 - keep)
            else:
                mine.copy_(new)

    def _networks(self) -> dict[str, nn.Module]:
        found: dict[str, nn.Module] = {name: getattr(self, name) for name in ("generator", "discriminator", "average")}
        return found if self.twin is None else found | {"twin": self.twin}

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name that the next step depends on, except the random state."""
        found: dict[str, Tensor] = {"log_variance": self.log_variance.detach()}
        if len(self.log_error):
            found["log_error"] = self.log_error.detach()
        for name, network in self._networks().items():
            found |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for name in ("generator_optimiser", "discriminator_optimiser"):
            for index, moments in getattr(self, name).state_dict()["state"].items():
                found |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        return found

    def restore(self, tensors: dict[str, Tensor], steps: int) -> None:
        """Go back to what `tensors` returned."""
        known = self.tensors()
        weights = {name: tensor for name, tensor in known.items() if "optimiser." not in name}
        if why := misfit({name: tensors[name] for name in tensors if "optimiser." not in name}, weights):
            raise ValueError(why)
        self.steps = steps
        with torch.no_grad():
            self.log_variance.copy_(tensors["log_variance"])
            if len(self.log_error):
                self.log_error.copy_(tensors["log_error"])
        for name, network in self._networks().items():
            network.load_state_dict(below(tensors, f"{name}."))
        for name in ("generator_optimiser", "discriminator_optimiser"):
            optimiser = getattr(self, name)
            parameters = optimiser.param_groups[0]["params"]
            moments: dict[int, dict[str, Any]] = {}
            for key, value in below(tensors, f"{name}.").items():
                index, _, part = key.partition(".")
                if value.ndim:  # the fused step walks moments and weights in memory order: their layouts must agree
                    value = torch.empty_like(parameters[int(index)]).copy_(value)
                moments.setdefault(int(index), {})[part] = value
            optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
