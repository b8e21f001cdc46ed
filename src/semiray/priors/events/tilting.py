"""Minimax tilting: proposals for a multivariate normal restricted to boxes, with a bound on their weights.

Source: Botev 2017, The normal law under linear restrictions: simulation and estimation via minimax tilting, JRSS B
79(1), arXiv 1603.04166. For s ~ N(0, R), R = L L^T, and a box lower < s < upper, write s = L z, D for the diagonal of
L, and A = D^-1 L - I (strictly lower triangular). z_1, z_2, ... are drawn one after the other,

    z_k ~ N(mu_k, 1) on the interval  (lower_k / D_k, upper_k / D_k) - (A z)_k,

and the density of s relative to that of the proposal is exactly exp psi(z; mu):

    psi(z; mu) = sum_k  mu_k^2 / 2 - mu_k z_k + log P(z_k in its interval under N(mu_k, 1)).

psi is concave in z and convex in mu. The best mu is the one at its saddle point: there the largest weight is smallest,
and it equals exp psi, because the gradient in z vanishes. Accepting a draw with probability exp(psi(z) - psi_max) gives
the normal distribution restricted to the box, exactly.

The functions on the standard normal distribution truncated to an interval are elementwise, in float64. An interval is
given by its lower end and its width, so that one much narrower than its distance from 0 is not lost to rounding; for
infinite ends use -FAR, or a width of 2 FAR. It is mirrored so that most of its mass lies below 0, where logarithms of
probabilities are exact.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["FAR", "TiltedBoxes", "draw", "log_mass", "mean_and_variance"]

FAR = 1e8
"""Stands for infinity: beyond any standard normal number, with a finite square."""

_NARROW = 1e-6  # below this width times distance from 0, the density is constant in the interval up to a factor of 1e-6
_DEEP = -600.0  # log probabilities below this have no inverse in float64: exp would leave its range
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)

_ITERATIONS = 60
_HALVINGS = 8
_CONVERGED = 1e-7
_REACH = 30.0  # no draw of z lies further from the saddle point, so the remaining gradient adds almost nothing
_CHUNK = 1 << 22  # most numbers in the equations that are solved at once


class TiltedBoxes:
    """Proposals for N(0, R) in each of K boxes.

    Args:
        lower: (K, d) float64, possibly -inf.
        upper: (K, d) float64, above `lower`, possibly inf.
        R: the correlation (d, d).
        tilted: solve for the best mu; False uses mu = 0, which is cheap and good enough to weigh boxes roughly.

    Attributes:
        bound: (K,) the logarithm of the largest weight in each box; its exp is at least the box's probability.
        solved: (K,) bool, whether the saddle point was found; elsewhere mu = 0, with a valid but coarse bound.
    """

    def __init__(self, lower: Tensor, upper: Tensor, R: Tensor, *, tilted: bool = True) -> None:
        self._box = lower, upper
        low, width = lower.clamp(min=-FAR), upper.clamp(max=FAR) - lower.clamp(min=-FAR)
        # The least likely dimension comes first: the others, drawn given it, then need less tilting.
        self._order = log_mass(low, width).argsort(-1)
        low, width = low.gather(-1, self._order), width.gather(-1, self._order)
        L = torch.linalg.cholesky(R[self._order.unsqueeze(-1), self._order.unsqueeze(-2)])
        self._scale = L.diagonal(dim1=-2, dim2=-1)
        self._rows = (L / self._scale.unsqueeze(-1)).tril(-1)
        self._low, self._width = low / self._scale, width / self._scale
        self._mu = torch.zeros_like(low)
        # Without tilting, the first interval is the same for every draw, and no other factor exceeds 1.
        self.bound = log_mass(self._low[:, 0], self._width[:, 0])
        self.solved = torch.full_like(self.bound, not tilted or lower.shape[1] == 1, dtype=torch.bool)
        if tilted and lower.shape[1] > 1:
            size = max(1, _CHUNK // (2 * lower.shape[1]) ** 2)
            for start in range(0, len(lower), size):
                self._solve(slice(start, start + size))

    def propose(self, box: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw scores (n, d) in the boxes with the numbers `box` (n,), and their log weights psi (n,).

        The mean of exp(psi) over draws of a box is its probability.
        """
        n, d = len(box), self._low.shape[1]
        device = generator.device
        order, scale, rows = self._order.to(device), self._scale.to(device), self._rows.to(device)
        low, width, mu = self._low.to(device), self._width.to(device), self._mu.to(device)
        z = torch.zeros(n, d, dtype=torch.float64, device=device)
        s = torch.zeros_like(z)
        weight = torch.zeros(n, dtype=torch.float64, device=device)
        uniform = torch.rand(d, n, dtype=torch.float64, device=device, generator=generator)
        for k in range(d):
            past = (rows[:, k, :k][box] * z[:, :k]).sum(-1)
            tilt = mu[:, k][box]
            step, mass = draw(low[:, k][box] - past - tilt, width[:, k][box], uniform[k])
            z[:, k] = tilt + step
            weight += mass - tilt * (step + tilt / 2)
            s[:, k] = scale[:, k][box] * (z[:, k] + past)
        s = torch.zeros_like(s).scatter_(-1, order[box], s)
        lower, upper = (end.to(device)[box] for end in self._box)
        return torch.minimum(torch.maximum(s, _inside(lower, torch.inf)), _inside(upper, -torch.inf)), weight

    def _solve(self, part: slice) -> None:
        """Find the saddle points by Newton's method with step halving; where that fails, mu = 0 and its bound stay."""
        rows, low, width = self._rows[part], self._low[part], self._width[part]
        d = low.shape[1]
        at = low.new_zeros(len(low), 2 * (d - 1))  # x, then mu: all but the last of each, which are 0
        gradient, jacobian, value = _saddle(rows, low, width, at)
        going = gradient.new_ones(len(low), dtype=torch.bool)
        for _ in range(_ITERATIONS):
            going &= gradient.abs().amax(-1) > 1e-3 * _CONVERGED
            active = going.nonzero()[:, 0]
            if not len(active):
                break
            step, failed = torch.linalg.solve_ex(jacobian[active], -gradient[active])
            step[failed != 0] = 0
            length, before = step.new_ones(len(active)), gradient[active].square().sum(-1)
            moved = torch.zeros_like(active, dtype=torch.bool)
            for _ in range(_HALVINGS):
                todo = (~moved).nonzero()[:, 0]
                if not len(todo):
                    break
                which = active[todo]
                trial = at[which] + length[todo, None] * step[todo]
                new_gradient, new_jacobian, new_value = _saddle(rows[which], low[which], width[which], trial)
                better = new_gradient.square().sum(-1) < before[todo]
                chosen = which[better]
                at[chosen], gradient[chosen] = trial[better], new_gradient[better]
                jacobian[chosen], value[chosen] = new_jacobian[better], new_value[better]
                moved[todo[better]] = True
                length[todo] /= 2
            going[active[~moved]] = False
        size = gradient.abs()
        # psi is concave in z: psi(z) <= psi(x) + gradient (z - x).
        bound = value + _REACH * size[:, : d - 1].sum(-1)
        solved = (size.amax(-1) < _CONVERGED) & bound.isfinite()
        self._mu[part, : d - 1] = torch.where(solved[:, None], at[:, d - 1 :], 0.0)
        self.bound[part] = torch.where(solved, bound, self.bound[part])
        self.solved[part] = solved


def _saddle(rows: Tensor, low: Tensor, width: Tensor, at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient (K, 2m) and Jacobian (K, 2m, 2m) of psi in (x, mu), m = d - 1, and psi itself (K,)."""
    m = low.shape[1] - 1
    x, mu = torch.nn.functional.pad(at[:, :m], (0, 1)), torch.nn.functional.pad(at[:, m:], (0, 1))
    start = low - mu - (rows @ x.unsqueeze(-1)).squeeze(-1)
    mass = log_mass(start, width)
    mean, variance = mean_and_variance(start, width, mass)
    value = (mu * (mu / 2 - x) + mass).sum(-1)
    in_x = (mean.unsqueeze(-2) @ rows).squeeze(-2) - mu
    in_mu = mu - x + mean
    bent = (variance - 1).unsqueeze(-1) * rows
    xx = (rows.mT @ bent)[:, :m, :m]
    mx = bent[:, :m, :m] - torch.eye(m, dtype=low.dtype, device=low.device)
    jacobian = torch.cat([torch.cat([xx, mx.mT], -1), torch.cat([mx, torch.diag_embed(variance[:, :m])], -1)], -2)
    return torch.cat([in_x[:, :m], in_mu[:, :m]], -1), jacobian, value


def _inside(end: Tensor, towards: float) -> Tensor:
    return torch.nextafter(end, torch.full_like(end, towards))


def log_mass(lower: Tensor, width: Tensor) -> Tensor:
    """The logarithm of P(lower < Z < lower + width).

    Examples:
        >>> log_mass(torch.zeros(1, dtype=torch.float64), torch.full((1,), 2 * FAR, dtype=torch.float64)).exp()
        tensor([0.5000], dtype=torch.float64)
    """
    a, b, _ = _mirrored(lower, width)
    below, above = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    wide = above + torch.log1p(-torch.exp(below - above).clamp(max=1 - 2**-53))
    return torch.where(_narrow(lower, width), _log_narrow(lower, width), wide)


def mean_and_variance(lower: Tensor, width: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of Z given lower < Z < lower + width, whose `log_mass` is given."""
    upper = lower + width
    at_lower = torch.exp(-0.5 * lower.square() - _HALF_LOG_TAU - mass)  # density of the truncated distribution
    at_upper = torch.exp(-0.5 * upper.square() - _HALF_LOG_TAU - mass)
    mean = at_lower - at_upper
    variance = 1 + lower * at_lower - upper * at_upper - mean.square()
    narrow = _narrow(lower, width)
    mean = torch.where(narrow, lower + width / 2, torch.maximum(torch.minimum(mean, upper), lower))
    return mean, torch.where(narrow, width.square() / 12, variance.clamp(1e-14, 1))


def draw(lower: Tensor, width: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Draws of Z given lower < Z < lower + width, and the interval's log mass.

    The draws are quantiles at the uniform numbers in [0, 1), or upper quantiles where the interval is mirrored.
    """
    a, b, mirrored = _mirrored(lower, width)
    below, above = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    ratio = torch.exp(below - above)  # P(Z < a) / P(Z < b)
    share = ratio + uniform.clamp(min=2**-54) * (1 - ratio)
    z = torch.special.ndtri(torch.exp(above) * share)
    deep = above < _DEEP
    if bool(deep.any()):
        z[deep] = _deep_quantile(above[deep] + share[deep].log())
    z = torch.where(mirrored, -z, z)
    narrow = _narrow(lower, width)
    z = torch.where(narrow, lower + uniform * width, torch.maximum(torch.minimum(z, lower + width), lower))
    wide = above + torch.log1p(-ratio.clamp(max=1 - 2**-53))
    return z, torch.where(narrow, _log_narrow(lower, width), wide)


def _mirrored(lower: Tensor, width: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    upper = lower + width
    mirrored = lower + upper > 0
    return torch.where(mirrored, -upper, lower), torch.where(mirrored, -lower, upper), mirrored


def _narrow(lower: Tensor, width: Tensor) -> Tensor:
    return width * (1 + lower.abs()) < _NARROW


def _log_narrow(lower: Tensor, width: Tensor) -> Tensor:
    return width.log() - 0.5 * (lower + width / 2).square() - _HALF_LOG_TAU


def _deep_quantile(log_probability: Tensor) -> Tensor:
    """The z with the given log Phi(z), far below -100, by Newton's method."""
    z = -torch.sqrt(-2 * log_probability)
    for _ in range(4):
        value = torch.special.log_ndtr(z)
        z = z - (value - log_probability) * torch.exp(0.5 * z.square() + _HALF_LOG_TAU + value)
    return z
