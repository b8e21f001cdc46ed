"""The discrete families: a table of ascending values and their probabilities, reached by thresholds on the score."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from semiray.priors.families.family import Constants, Family, Parameter, normal_score

__all__ = ["BERNOULLI", "CATEGORICAL", "discrete_family"]


def discrete_family(
    name: str,
    parameters: Mapping[str, Parameter],
    levels: Callable[[Constants], tuple[Tensor, Tensor]],
    check: Callable[[Constants], str | None] = lambda _: None,
) -> Family:
    """A discrete family from its values and their probabilities, from which everything else follows.

    Args:
        name: its name in YAML.
        parameters: the parameters by name.
        levels: parameters -> ascending values (d, K) and their probabilities (d, K).
        check: the problem with a combination of parameters in words, or None.

    Example:
        >>> from semiray.priors import Parameter
        >>> def levels(p):
        ...     return torch.tensor([[0.0, 5.0]]), torch.stack([1 - p["share"], p["share"]], -1)
        >>> family = discrete_family("zero_or_five", {"share": Parameter("probability of 5", 0.0, 1.0)}, levels)
        >>> family.mean(family.prepare({"share": torch.tensor([0.2])}))
        tensor([1.])
    """

    def prepare(p: Constants) -> dict[str, Tensor]:
        values, probabilities = levels(p)
        lower = probabilities.cumsum(-1)[..., :-1]
        upper = probabilities.flip(-1).cumsum(-1).flip(-1)[..., 1:]  # summed from above: exact in the upper tail
        start = torch.cat([torch.zeros_like(lower[..., :1]), lower], -1)
        end = torch.cat([upper, torch.zeros_like(upper[..., :1])], -1)
        return {
            **p,
            "values": values,
            "probabilities": probabilities,
            "thresholds": normal_score(lower, upper),
            "middles": normal_score(start + probabilities / 2, end + probabilities / 2),
            "first": values[..., 0],
            "jumps": values.diff(dim=-1),
            "cuts": (values[..., 1:] + values[..., :-1]) / 2,
        }

    def pick(table: Tensor, index: Tensor) -> Tensor:
        return table.expand(*index.shape, table.shape[-1]).gather(-1, index.unsqueeze(-1)).squeeze(-1)

    def nearest(c: Tensor, p: Constants) -> Tensor:
        return (c.unsqueeze(-1) > p["cuts"]).sum(-1)

    def mean(p: Constants) -> Tensor:
        return (p["probabilities"] * p["values"]).sum(-1)

    return Family(
        name=name,
        parameters=parameters,
        from_score=lambda s, p: pick(p["values"], (s.unsqueeze(-1) > p["thresholds"]).sum(-1)),
        to_score=lambda c, p: pick(p["middles"], nearest(c, p)),
        log_prob=lambda c, p: torch.where(
            (c.unsqueeze(-1) == p["values"]).any(-1), pick(p["probabilities"], nearest(c, p)).log(), -math.inf
        ),
        mean=mean,
        variance=lambda p: (p["probabilities"] * (p["values"] - mean(p).unsqueeze(-1)) ** 2).sum(-1),
        support=lambda p: (p["values"][..., 0], p["values"][..., -1]),
        check=check,
        prepare=prepare,
        discrete=True,
    )


def _bernoulli_levels(p: Constants) -> tuple[Tensor, Tensor]:
    one = p["probability"]
    return torch.stack([torch.zeros_like(one), torch.ones_like(one)], -1), torch.stack([1 - one, one], -1)


def _categorical_levels(p: Constants) -> tuple[Tensor, Tensor]:
    probabilities = p["probabilities"]
    values = p.get("values")
    if values is None:
        values = torch.arange(probabilities.shape[-1], dtype=probabilities.dtype).expand_as(probabilities).clone()
    return values, probabilities / probabilities.sum(-1, keepdim=True)


def _categorical_check(p: Constants) -> str | None:
    probabilities, values = p["probabilities"], p.get("values")
    if probabilities.shape[-1] < 2:
        return "probabilities must list at least two categories"
    worst = float((probabilities.sum(-1) - 1).abs().max())
    if worst > 1e-4:
        return f"probabilities must sum to 1; they sum to {float(probabilities.sum(-1).flatten()[0]):.6g}"
    if values is not None and values.shape != probabilities.shape:
        return f"values lists {values.shape[-1]} categories, probabilities {probabilities.shape[-1]}"
    if values is not None and not bool((values.diff(dim=-1) > 0).all()):
        return "values must ascend: the categories are ordered"
    return None


BERNOULLI = discrete_family(
    "bernoulli",
    {"probability": Parameter("probability of 1", low=0.0, high=1.0)},
    _bernoulli_levels,
)

CATEGORICAL = discrete_family(
    "categorical",
    {
        "probabilities": Parameter("probability of each category", low=0.0, high=1.0, listed=True),
        "values": Parameter("ascending value of each category, 0, 1, 2, ... unless given", listed=True, optional=True),
    },
    _categorical_levels,
    _categorical_check,
)
