"""What of a trained network another one starts with: by name, by meaning, by the side of the maps."""

from typing import Any

import pytest
import torch
from torch import Tensor

from semiray.networks import Discriminator, Generator, NetworkShape, build_networks
from semiray.networks.presets import ARCHITECTURES
from semiray.training.game import below
from semiray.training.warm_start.transfer import Meaning, take_over

BOTH = pytest.mark.parametrize("architecture", ARCHITECTURES)
CODES, CLASSES = ("a[0]", "a[1]", "b"), ("x", "y")


class Pair:
    """Two networks in evaluation mode, with batch statistics that aren't those of the start, and what they mean."""

    def __init__(
        self,
        architecture: str,
        resolution: int = 32,
        codes: tuple[str, ...] = CODES,
        classes: tuple[str, ...] = CLASSES,
        leads: tuple[str, ...] = (),
        seed: int = 0,
        **sizes: int,
    ) -> None:
        torch.manual_seed(seed)
        small = {"noise": 5, "width": 8, "widest": 16, "embedding": 4} | sizes
        shape = NetworkShape(resolution, len(codes), len(classes), grounded=len(leads), **small)
        self.generator, self.discriminator = (one.eval() for one in build_networks(architecture, shape))
        self.meaning = Meaning(architecture, shape, codes, classes, leads)
        for name, tensor in self.tensors().items():
            if name.endswith(("running_mean", "running_var")):
                tensor.uniform_(0.5, 1.5)

    def tensors(self) -> dict[str, Tensor]:
        parts = (("generator", self.generator), ("discriminator", self.discriminator))
        return {f"{name}.{key}": value for name, part in parts for key, value in part.state_dict().items()}

    def start_from(self, other: "Pair") -> str:
        taken, said = take_over(self.tensors(), self.meaning, other.tensors(), other.meaning)
        self.generator.load_state_dict(below(taken, "generator."))
        self.discriminator.load_state_dict(below(taken, "discriminator."))
        return said


def drawn(size: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    draws = torch.Generator().manual_seed(3)
    labels = torch.arange(size) % len(CLASSES)
    return torch.randn(size, 5, generator=draws), torch.randn(size, len(CODES), generator=draws), labels


@BOTH
def test_every_size_that_a_meaning_decides_is_taken_over_by_its_meaning(architecture: str) -> None:
    old = Pair(architecture, leads=("a",))
    new = Pair(architecture, codes=(*CODES, "c"), classes=(*CLASSES, "z"), leads=("a", "b"))
    sizes = {name: tensor.shape for name, tensor in old.tensors().items()}
    changed = {name for name, tensor in new.tensors().items() if tensor.shape != sizes[name]}
    assert changed == old.meaning.axes().keys() & sizes.keys()


@BOTH
def test_the_same_networks_are_taken_over_whole(architecture: str) -> None:
    old, new = Pair(architecture, leads=("b",)), Pair(architecture, leads=("b",), seed=1)
    count = len(old.tensors())
    assert new.start_from(old) == (
        f"{count} of {count} tensors taken over; classes x, y taken over; codes a, b taken over; leads b taken over"
    )
    for name, tensor in new.tensors().items():
        assert torch.equal(tensor, old.tensors()[name]), name


@BOTH
@torch.no_grad()
def test_codes_and_classes_keep_their_meaning_in_another_order(architecture: str) -> None:
    old, new = Pair(architecture), Pair(architecture, codes=("b", "a[1]", "a[0]"), classes=("y", "x"), seed=1)
    new.start_from(old)
    z, codes, labels = drawn()
    images = old.generator(z, codes, labels)
    torch.testing.assert_close(new.generator(z, codes.flip(1), 1 - labels), images)
    before, after = old.discriminator(images, labels), new.discriminator(images, 1 - labels)
    torch.testing.assert_close(after.critic, before.critic)
    torch.testing.assert_close(after.scores, before.scores.flip(1))
    torch.testing.assert_close(after.classes, before.classes.flip(1))


@BOTH
@torch.no_grad()
def test_a_new_class_starts_as_the_mean_class_and_new_codes_at_random(architecture: str) -> None:
    old = Pair(architecture)
    new = Pair(architecture, codes=("c", *CODES[:2]), classes=("y", "z"), seed=1)
    fresh = new.tensors()["generator.base.weight"][:, 5].clone()
    said = new.start_from(old)
    assert said.endswith(" in part; classes y taken over, z new, x left out; codes a taken over, c new, b left out")
    embedding = new.generator.embedding
    assert embedding is not None
    assert old.generator.embedding is not None
    torch.testing.assert_close(embedding.weight[1], old.generator.embedding.weight.mean(dim=0))
    assert torch.equal(embedding.weight[0], old.generator.embedding.weight[1])
    base = new.tensors()["generator.base.weight"]
    assert torch.equal(base[:, 5], fresh)
    assert torch.equal(base[:, 6], old.tensors()["generator.base.weight"][:, 5])


@torch.no_grad()
def test_without_classes_all_images_are_of_the_mean_class() -> None:
    old, new = Pair("residual"), Pair("residual", classes=(), seed=1)
    said = new.start_from(old)
    assert "classes x, y left out" in said
    z, codes, labels = drawn()
    images = new.generator(z, codes, labels)
    critic = new.discriminator(images, labels).critic
    assert old.generator.embedding is not None
    assert old.discriminator.heads.projection is not None
    for table in (old.generator.embedding.weight, old.discriminator.heads.projection.weight):
        table.copy_(table.mean(dim=0).expand_as(table))
    torch.testing.assert_close(images, old.generator(z, codes, labels))
    torch.testing.assert_close(critic, old.discriminator(images, labels).critic)


def maps(generator: Generator, *inputs: Tensor) -> list[Tensor]:
    found: list[Tensor] = []
    handles = [one.register_forward_hook(lambda _m, _i, output: found.append(output)) for one in generator.maps]
    generator(*inputs)
    for handle in handles:
        handle.remove()
    return found


def last_stages(discriminator: Discriminator, architecture: str, x: Tensor) -> Tensor:
    """Features of maps of 16 x 16 pixels, with as many channels as either network has there."""
    stages: Any = discriminator.stages if architecture == "residual" else discriminator.layers
    for stage in stages[-2 if architecture == "residual" else -6 :]:
        x = stage(x)
    return x


@BOTH
@pytest.mark.parametrize(("before", "after", "widths"), [(32, 64, (16, 8)), (64, 32, (8, 16))])
@torch.no_grad()
def test_at_another_resolution_maps_of_the_same_side_stay(
    architecture: str, before: int, after: int, widths: tuple[int, int]
) -> None:
    old = Pair(architecture, before, width=widths[0], widest=32)
    new = Pair(architecture, after, width=widths[1], widest=32, seed=1)
    first = "discriminator.from_pixels.weight" if architecture == "residual" else "discriminator.layers.0.weight"
    outer = new.tensors()[first].clone()
    said = new.start_from(old)
    assert said.endswith(f"{before} to {after} px: stages of equal maps taken over, the layers next to the image new")
    sides = zip(maps(old.generator, *drawn()), maps(new.generator, *drawn()), strict=False)
    for one, other in sides:
        torch.testing.assert_close(one, other)
    x = torch.randn(6, 16, 16, 16)
    expected = last_stages(old.discriminator, architecture, x)
    torch.testing.assert_close(last_stages(new.discriminator, architecture, x), expected)
    assert torch.equal(new.tensors()[first], outer)


def test_what_does_not_fit_is_left_as_initialised() -> None:
    old, new = Pair("residual", width=16), Pair("residual", seed=1)
    before = {name: tensor.clone() for name, tensor in new.tensors().items()}
    said = new.start_from(old)
    fits = {name for name, tensor in before.items() if tensor.shape == old.tensors()[name].shape}
    assert 0 < len(fits) < len(before)
    assert said.startswith(f"{len(fits)} of {len(before)} tensors taken over; ")
    for name, tensor in new.tensors().items():
        assert torch.equal(tensor, before[name] if name not in fits else old.tensors()[name]), name
