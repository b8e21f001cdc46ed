"""The oracle: a regressor that reads the leads of phantoms, trained on phantom labels; what grounding is measured by.

Durations are read as F(days), between 0 and 1, since the phantom's opacity saturates. The oracle learns to read the
companions as well, whose pixels are those of the leads: it reads the leads better for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from semiray.devices import fast_autocast
from semiray.evaluation.judgements.probe import ProbeNetwork
from semiray.evaluation.judges.alterations import halve
from semiray.networks.classifier import fit, network_outputs
from semiray.networks.intensities import to_input
from semiray.priors import JointPrior
from semiray.radiographs.phantom import phantom_labels, render_phantoms

Floats = NDArray[np.float64]
PRIOR = JointPrior.default()
LEADS = {name: PRIOR.slices[name].start for name in PRIOR.slices}
RANGES = dict(zip(LEADS, (1.0, 1.0, 2.0, 2.0), strict=True))
CENTRES = np.array([0.5, 0.5, 0.0, 0.0])  # and deviations of the leads, a duration as F(days)
SPREADS = np.array([0.5, 12**-0.5, 3**-0.5, 3**-0.5])
SEED = 900_001  # of the oracle's phantoms, which no run has seen
HELD_OUT = 1500
PHANTOMS, STEPS = 60_000, 10_000  # what the oracle is trained on unless told otherwise
BATCH = 96
HALVED = 32  # images of a batch that go through half the size: generated ones are softer
REACH = 2  # pixels by which the second cycle shifts a batch
VIEWS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))  # that reading averages: as it is, and a pixel up, down, left, right
SECOND = 0.4  # length of the second cycle, in parts of the first


def as_read(codes: NDArray[np.float32]) -> Floats:
    """Codes (N, 20) with durations as F(days)."""
    read = codes.astype(np.float64)
    days = PRIOR.slices["duration"]
    read[:, days] = PRIOR.marginal("duration").cdf(torch.from_numpy(read[:, days])).numpy()
    return read


def leads(codes: NDArray[np.float32]) -> Floats:
    """The leads (N, 4) of codes (N, 20), a duration as F(days)."""
    return as_read(codes)[:, list(LEADS.values())]


def phantoms(
    count: int, resolution: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64]]:
    """Images (N, H, W), codes (N, 20) and labels (N,) of phantoms."""
    codes = PRIOR.sample(count, torch.Generator().manual_seed(seed)).numpy()
    labels = phantom_labels(count, seed=seed)
    return render_phantoms(codes, labels, resolution=resolution, seed=seed), codes, labels


def phantom_digest(resolution: int) -> str:
    """Changes when phantoms look otherwise, so that nothing is measured on other ones than it was made on."""
    return hashlib.sha256(phantoms(24, resolution, SEED)[0].tobytes()).hexdigest()[:16]


def shifted(images: NDArray[np.uint8], top: int, left: int, reach: int) -> NDArray[np.uint8]:
    """Images (N, H, W) cut at (top, left) out of themselves with edges repeated ``reach`` times: reach is no shift."""
    side = images.shape[1]
    return np.pad(images, ((0, 0), (reach, reach), (reach, reach)), mode="edge")[
        :, top : top + side, left : left + side
    ]


@dataclass(frozen=True)
class Oracle:
    """A trained reader of leads, and how well it reads phantoms that it hasn't seen.

    Attributes:
        network: standardised codes (N, 20) of images.
        figures: R² of every lead, and the accuracy for survival, on 1,500 phantoms.
    """

    network: ProbeNetwork
    figures: dict[str, float]

    def read(self, images: NDArray[np.uint8]) -> Floats:
        """Leads (N, 4) of images (N, H, W), the mean of five views: survival 0 or 1, a duration as F(days)."""
        views = [network_outputs(self.network, shifted(images, top, left, 1)) for top, left in VIEWS]
        outputs = torch.stack(views).double().mean(dim=0).numpy()[:, list(LEADS.values())]
        read: Floats = CENTRES + SPREADS * outputs
        read[:, 0] = read[:, 0] > 0.5
        return read


def get_oracle(folder: Path, resolution: int, count: int, steps: int) -> Oracle:
    """The oracle, trained unless it lies in the folder.

    Args:
        folder: where it is kept, as oracle-RESOLUTION.safetensors and .json.
        resolution: pixels a side.
        count: phantoms to train on.
        steps: batches of 96 in the first cycle.
    """
    weights, record = folder / f"oracle-{resolution}.safetensors", folder / f"oracle-{resolution}.json"
    made = {"phantom": phantom_digest(resolution), "count": count, "steps": steps}
    if weights.exists() and record.exists():
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["made"] != made:
            raise SystemExit(f"{record} is another oracle's ({known['made']}, not {made}): take another --out")
        network = ProbeNetwork(PRIOR.dimensions, resolution).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.load_state_dict(load_file(weights))
        return Oracle(network.eval(), known["figures"])
    images, codes, _ = phantoms(count + HELD_OUT, resolution, SEED)
    network = train_oracle(images[HELD_OUT:], codes[HELD_OUT:], steps)
    read, truth = Oracle(network, {}).read(images[:HELD_OUT]), leads(codes[:HELD_OUT])
    r2 = 1 - ((read - truth) ** 2).mean(axis=0) / truth.var(axis=0)
    found = dict(zip(LEADS, r2.tolist(), strict=True))
    found["survival"] = float((read[:, 0] == truth[:, 0]).mean())
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: part.contiguous() for name, part in network.state_dict().items()}, weights)
    record.write_text(json.dumps({"figures": found, "made": made}) + "\n", encoding="utf-8")
    return Oracle(network, found)


def train_oracle(images: NDArray[np.uint8], codes: NDArray[np.float32], steps: int) -> ProbeNetwork:
    """The probe's network, trained by the judge's recipe to read all standardised codes, leads above companions.

    Two cycles of the step size: on images as they are, then on shifted ones, against learning images by heart.
    """
    torch.manual_seed(0)
    network = ProbeNetwork(PRIOR.dimensions, images.shape[1]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(network, make_loss(network, images, codes, reach=0), steps=steps)
    fit(network, make_loss(network, images, codes, reach=REACH), steps=round(SECOND * steps))
    return network


def make_loss(
    network: ProbeNetwork, images: NDArray[np.uint8], codes: NDArray[np.float32], reach: int
) -> Callable[[], Tensor]:
    """The loss of a fresh batch, shifted as a whole by up to ``reach`` pixels each way, edges repeated."""
    read = as_read(codes)
    targets = torch.from_numpy((read - np.repeat(CENTRES, 5)) / np.repeat(SPREADS, 5)).float()
    weight = torch.full((PRIOR.dimensions,), 0.5 / 16)
    weight[list(LEADS.values())] = 0.5 / 4
    rng = np.random.default_rng(reach)

    def loss() -> Tensor:
        chosen = rng.integers(len(images), size=BATCH)
        top, left = rng.integers(2 * reach + 1, size=2)
        seen = np.concatenate([halve(images[chosen[:HALVED]]), images[chosen[HALVED:]]])
        with fast_autocast(torch.device("cpu")):
            outputs = network(to_input(shifted(seen, top, left, reach)))
        return ((outputs.float() - targets[torch.from_numpy(chosen)]).square() * weight).sum(dim=1).mean()

    return loss
