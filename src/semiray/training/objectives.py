"""The game on one page: adversarial, sort, commit, ground.

Functions of tensors, which know nothing of devices, logs or loops. The equations are in docs/method.md.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "commit_likelihood",
    "commit_squared_error",
    "content",
    "cross_entropy_critic",
    "cross_entropy_generator",
    "gradient_penalty",
    "ground_likelihood",
    "relativistic",
    "sliced_wasserstein",
]


def relativistic(better: Tensor, worse: Tensor) -> Tensor:
    """Relativistic pairing loss: softplus(worse - better), averaged over pairs of critic logits (B,) of one label.

    The discriminator calls it with (real, generated), the generator with (generated, real).

    Source: Jolicoeur-Martineau 2019, arXiv 1807.00734; Huang et al. 2024, arXiv 2501.05441, equation 2.
    """
    return functional.softplus(worse - better).mean()


def cross_entropy_critic(real: Tensor, generated: Tensor) -> Tensor:
    """The first GAN's discriminator loss, on logits (B,): Goodfellow et al. 2014, arXiv 1406.2661, equation 1."""
    return functional.softplus(-real).mean() + functional.softplus(generated).mean()


def cross_entropy_generator(generated: Tensor) -> Tensor:
    """Its non-saturating generator loss, on logits (B,). Source: Goodfellow et al. 2014, section 3."""
    return functional.softplus(-generated).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Zero-centred gradient penalty: E ||d critic / d image||².

    R1 where `images` (B, 1, H, W), or the critic's views of them, are real, R2 where they are generated. `critic` maps
    them to logits (B,).

    Source: Mescheder et al. 2018, arXiv 1801.04406, equation 9; both at once: Huang et al. 2024, equation 4.
    """
    images = images.detach().float().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


def sliced_wasserstein(scores: Tensor, directions: Tensor, spread: Tensor) -> Tensor:
    """Squared sliced 2-Wasserstein distance between a batch of score estimates and the prior N(0, R).

    In one dimension the optimal transport is sorting both. Under the Gaussian copula every projection of the prior is
    itself normal, so that the sorted prior sample can be replaced by its expectation, the quantiles at (i - 1/2) / B:
    no sampling noise from the prior's side.

    Args:
        scores: (B, M) estimates for real images.
        directions: (P, M) unit vectors.
        spread: (P,) standard deviation of the prior along each, sqrt(w' R w).

    Source: Rabin et al. 2012; Bonneel et al. 2015, doi 10.1007/s10851-014-0506-3; closed form from DESIGN section 3.
    """
    projected = (scores @ directions.T).sort(dim=0).values
    levels = (torch.arange(len(scores), device=scores.device, dtype=torch.float32) + 0.5) / len(scores)
    wanted = torch.special.ndtri(levels)[:, None] * spread
    distance: Tensor = (projected - wanted).square().mean()
    return distance


def commit_squared_error(estimate: Tensor, codes: Tensor, weight: Tensor) -> Tensor:
    """The study's commitment: mean squared error of standardised codes (B, M), weighted by `weight` (M,), mean 1."""
    return ((estimate - codes).square() * weight).mean()


def commit_likelihood(estimate: Tensor, codes: Tensor, log_variance: Tensor, weight: Tensor) -> Tensor:
    """Negative log-likelihood of the codes (B, M) under a normal with learnt variance, per dimension, averaged.

    Args:
        estimate: (B, M) standardised codes, estimated.
        codes: (B, M) standardised codes, requested.
        log_variance: (M,) learnt.
        weight: (M,) weight of each dimension, 1 on average.

    Source: InfoGAN's variational bound, Chen et al. 2016, arXiv 1606.03657, equation 5.
    """
    error = (estimate - codes).square() * torch.exp(-log_variance)
    return 0.5 * ((error + log_variance + math.log(2 * math.pi)) * weight).mean()


FAINT = 1e-4
"""A mean squared difference of images in [-1, 1], about a grey level: smaller ones don't count as a change."""

RIDGE = 1e-3
"""Keeps the fit solvable where two of the changes look alike, on a flat image say."""


def content(first: Tensor, second: Tensor) -> Tensor:
    """The share of the squared difference of two images that a change of exposure and of framing explains.

    To first order, a linear change of grey levels and an affine warp turn an image m into m + d with

        d = a + b m + (A p + t) . grad m    at the place p,

    eight parameters, which are fitted by least squares. The images are compared at a quarter of their size as well,
    where a movement of several pixels is still a small one.

    Args:
        first: (N, 1, H, W) in [-1, 1].
        second: (N, 1, H, W), which differ little.

    Returns:
        The mean share, from 0 (all is anatomy or opacity) to 1 (all is exposure and framing).

    Source: the linearised warp of Lucas and Kanade 1981 (IJCAI, 674-679); its span as an image's tangent space: Simard
    et al. 1998, doi 10.1007/3-540-49430-8_13. Its use as a penalty on a generator's codes is ours.
    """
    with torch.no_grad():
        middle = (first + second)[:, 0] / 2
        down, across = torch.gradient(middle, dim=(1, 2))
        y, x = (torch.linspace(-1, 1, side, device=first.device) for side in middle.shape[1:])
        grey = [torch.ones_like(middle), middle]
        warp = [slope * place for slope in (across, down) for place in (torch.ones_like(x), x, y[:, None])]
        changes = torch.stack([*grey, *warp], dim=1)  # (N, 8, H, W)
    difference = second - first
    coarse = _explained(functional.avg_pool2d(difference, 4), functional.avg_pool2d(changes, 4))
    return (_explained(difference, changes) + coarse) / 2


def _explained(difference: Tensor, changes: Tensor) -> Tensor:
    """The mean share of the squares of (N, 1, H, W) that a least-squares fit of (N, K, H, W) explains."""
    wanted, changes = difference.flatten(1), changes.flatten(2)
    changes = changes / changes.square().mean(dim=2, keepdim=True).sqrt().clamp(min=1e-3)
    gram = changes @ changes.mT / changes.shape[2] + RIDGE * torch.eye(changes.shape[1], device=changes.device)
    along = (changes @ wanted[:, :, None])[:, :, 0] / changes.shape[2]
    explained = (along * torch.linalg.solve(gram, along)).sum(dim=1)
    share: Tensor = explained / (wanted.square().mean(dim=1) + FAINT)
    return share.mean()


LEAST_ERROR = 0.1
"""The sorter's standard error never falls below: a few images learnt by heart must not outweigh all else."""

FAR = 1e3
"""Stands for an infinite bound: Phi is 0 or 1 there, and its gradient 0 instead of undefined."""


def ground_likelihood(estimate: Tensor, low: Tensor, high: Tensor, log_error: Tensor, weight: Tensor) -> Tensor:
    """Negative log-likelihood of what metadata say of a lead's score, under a normal about the sorter's estimate.

    The score is known exactly (low = high: a normal density), right-censored (high = inf: Tobit), or within the
    interval that a discrete value stands for (ordered probit). In score space one normal serves every family: for
    durations this is a transformation model of survival analysis, T = F^-1(Phi(m + sigma e)).

    Args:
        estimate: (K, F) estimates m of the leads' scores.
        low: (K, F) where the score is known to begin, -inf allowed.
        high: (K, F) where it ends, inf allowed.
        log_error: (F,) learnt; the standard error sigma is `LEAST_ERROR` + its exponential.
        weight: (K, F), 0 where nothing is known.

    Source: Tobin 1958, Econometrica 26, 24-36; McCullagh 1980, JRSS B 42, 109-142, section 2.1; Cheng, Wei and Ying
    1995, Biometrika 82, 835-845, for the transformation model.
    """
    sigma = LEAST_ERROR + log_error.exp()
    exact = low == high
    error = (low.clamp(min=-FAR) - estimate) / sigma
    begin = error.float()
    end = ((torch.where(exact, low + 1.0, high).clamp(max=FAR) - estimate) / sigma).float()
    # By symmetry the far tail is always the lower one, where log Phi is precise.
    upper = begin > 0
    begin, end = torch.where(upper, -end, begin), torch.where(upper, -begin, end)
    log_begin, log_end = torch.special.log_ndtr(begin), torch.special.log_ndtr(end)
    within = log_end + torch.log1p(-torch.exp(log_begin - log_end))
    density = (
        -0.5 * ((low.clamp(min=-FAR) - estimate) / sigma).square() - torch.log(sigma) - 0.5 * math.log(2 * math.pi)
    )
    return -(weight * torch.where(exact, density, within)).mean()
