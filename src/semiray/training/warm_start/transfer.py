"""Which tensors of a trained run's networks have a place in those of another run, and what that means, in words.

Tensors of equal name and shape are taken over whole. Rows and columns that stand for a code, a class or a grounded lead
go by its name; a new class starts at the mean of the known ones (cf. Shahbazi et al. 2021, arXiv 2102.06696).
At another resolution, stages go by the side of their maps, and the layers next to the image are new: progressive
growing (Karras et al. 2018, arXiv 1710.10196) in one step.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from semiray.networks import NetworkShape

__all__ = ["LAYOUTS", "Meaning", "take_over"]

Place = tuple[str, object]


class Layout(NamedTuple):
    """Where an architecture's stages are: the generator counts them from 4 x 4 pixels, the discriminator to there."""

    outer: tuple[str, ...]
    stages: str
    first: int
    layers: int


LAYOUTS = {
    "residual": Layout(
        ("generator.last.", "generator.norm.", "generator.to_pixels.", "discriminator.from_pixels."),
        "discriminator.stages.",
        first=0,
        layers=1,
    ),
    "dcgan": Layout(("discriminator.layers.0.",), "discriminator.layers.", first=2, layers=3),
}


class Meaning(NamedTuple):
    """What the rows and columns of a run's tensors stand for.

    Attributes:
        architecture: the networks' family.
        shape: their sizes.
        codes: names of the code's dimensions, (M,).
        classes: names of the classes.
        leads: names of the grounded factors, in the order in which the critic gets their leads.
    """

    architecture: str
    shape: NetworkShape
    codes: tuple[str, ...]
    classes: tuple[str, ...]
    leads: tuple[str, ...]

    def axes(self) -> dict[str, tuple[int, list[Place]]]:
        """Tensor -> its axis that has a meaning, and what each place on that axis stands for."""
        codes: list[Place] = [("code", name) for name in self.codes]
        classes: list[Place] = [("class", name) for name in self.classes]
        size = self.shape.embedding
        embedding: list[Place] = [("embedding", (i, size)) for i in range(size if classes else 0)]
        inputs = [*(("noise", i) for i in range(self.shape.noise)), *codes, *embedding]
        return {
            "generator.base.weight": (1, inputs),
            "generator.mapping.0.weight": (1, inputs),
            "generator.embedding.weight": (0, classes),
            "discriminator.heads.projection.weight": (0, classes),
            "discriminator.heads.sorter.2.weight": (0, codes + classes),
            "discriminator.heads.sorter.2.bias": (0, codes + classes),
            "discriminator.heads.leads.weight": (1, [("lead", name) for name in self.leads]),
        }


def take_over(
    fresh: Mapping[str, Tensor], new: Meaning, trained: Mapping[str, Tensor], old: Meaning
) -> tuple[dict[str, Tensor], str]:
    """Initial tensors of a run with those of a trained run where they have a place, and what was taken over, in words.

    Args:
        fresh: `generator.` and `discriminator.` -> tensors as initialised, on the CPU.
        new: what they mean.
        trained: those of the trained run.
        old: what these mean.
    """
    grown = new.shape.resolution.bit_length() - old.shape.resolution.bit_length()
    placed = {_place(name, LAYOUTS[old.architecture], grown): tensor for name, tensor in trained.items()}
    theirs, ours = old.axes(), new.axes()
    started, whole, part = dict[str, Tensor](), 0, 0
    for name, tensor in fresh.items():
        taken, share = tensor, 0.0
        if name in placed:
            taken, share = _blend(tensor, ours.get(name), placed[name], theirs.get(name))
        started[name], whole, part = taken, whole + (share == 1), part + (0 < share < 1)
    if old.classes and not new.classes:
        _keep_mean_class(started, trained, theirs["generator.base.weight"][1])
    said = [
        f"{whole:,} of {len(fresh):,} tensors taken over" + f", {part:,} in part" * bool(part),
        _compared("classes", new.classes, old.classes),
        _compared("codes", _factors(new.codes), _factors(old.codes)),
        _compared("leads", new.leads, old.leads),
    ]
    if grown:
        said.append(
            f"{old.shape.resolution} to {new.shape.resolution} px: stages of equal maps taken over, the layers next to "
            "the image new"
        )
    return started, "; ".join(filter(None, said))


def _place(name: str, layout: Layout, grown: int) -> str:
    """The name that a tensor has in networks of `grown` more stages; empty where it has no place there."""
    if not grown:
        return name
    if name.startswith(layout.outer):
        return ""
    stage = re.match(rf"{re.escape(layout.stages)}(\d+)(?=\.)", name)
    if stage is None:
        return name
    number = int(stage[1]) + grown * layout.layers
    return f"{layout.stages}{number}{name[stage.end() :]}" if number >= layout.first else ""


def _blend(
    fresh: Tensor,
    ours: tuple[int, Sequence[Place]] | None,
    trained: Tensor,
    theirs: tuple[int, Sequence[Place]] | None,
) -> tuple[Tensor, float]:
    """A tensor with what a trained one has for it, and the share of its places that comes from there, 0 to 1."""
    if ours is None or theirs is None:
        return (trained, 1.0) if fresh.shape == trained.shape else (fresh, 0.0)
    (axis, wanted), (_, known) = ours, theirs
    rest = [(one.shape[:axis], one.shape[axis + 1 :]) for one in (fresh, trained)]
    place = {meaning: i for i, meaning in enumerate(known)}
    shared = [i for i, meaning in enumerate(wanted) if meaning in place]
    if rest[0] != rest[1]:
        return fresh, 0.0
    blended = fresh.clone()
    old = torch.tensor([place[wanted[i]] for i in shared], dtype=torch.long)
    blended.index_copy_(axis, torch.tensor(shared, dtype=torch.long), trained.index_select(axis, old))
    classes = [i for i, meaning in enumerate(known) if meaning[0] == "class"]
    others = [i for i, meaning in enumerate(wanted) if meaning[0] == "class" and meaning not in place]
    if classes and others:  # classes are rows
        blended[others] = trained[classes].mean(dim=0)
    return blended, len(shared) / len(wanted)


def _keep_mean_class(started: dict[str, Tensor], trained: Mapping[str, Tensor], inputs: Sequence[Place]) -> None:
    """What the mean class adds to a layer becomes part of its bias, where there are no classes any more; in place."""
    mean = trained["generator.embedding.weight"].mean(dim=0)
    columns = [i for i, (kind, _) in enumerate(inputs) if kind == "embedding"]
    for layer in ("generator.base", "generator.mapping.0"):
        weight, bias = trained.get(f"{layer}.weight"), started.get(f"{layer}.bias")
        if weight is not None and bias is not None and len(bias) == len(weight):
            started[f"{layer}.bias"] = bias + weight[:, columns] @ mean
    critic = started["discriminator.heads.critic.weight"]
    projection = trained["discriminator.heads.projection.weight"]
    if critic.shape[1] == projection.shape[1]:
        started["discriminator.heads.critic.weight"] = critic + projection.mean(dim=0)


def _factors(codes: Sequence[str]) -> tuple[str, ...]:
    """The factors of the code's dimensions, in their order."""
    return tuple(dict.fromkeys(name.partition("[")[0] for name in codes))


def _compared(what: str, new: Sequence[str], old: Sequence[str]) -> str:
    """Which names are in both, only in the new, only in the old; empty where there are none."""
    parts = {
        "taken over": [name for name in new if name in old],
        "new": [name for name in new if name not in old],
        "left out": [name for name in old if name not in new],
    }
    words = [f"{', '.join(names)} {fate}" for fate, names in parts.items() if names]
    return f"{what} {', '.join(words)}" if words else ""
