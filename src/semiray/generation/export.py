"""A run's networks as ONNX files, which programs without PyTorch run: the generator, and the sorter."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from semiray.errors import SemirayError
from semiray.files import user_path, write_whole
from semiray.generation.synthetic import WARNING, software

if TYPE_CHECKING:
    from semiray.priors import JointPrior
    from semiray.training.run import Run

__all__ = ["TOLERANCE", "export_onnx"]

TOLERANCE = 1e-4
"""How much an exported network may differ from PyTorch's, at images from -1 to 1, scores and probabilities."""

_REACH, _FINE, _COARSE = 6.0, 120_001, 300  # the table of quantiles: scores to +-6, points looked at, and taken of them
_STEP = 1e-6  # scores that a step of a discrete code takes


class _Generator(nn.Module):
    """The generator with codes in their factors' own units."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.generator = copy.deepcopy(run.generator).cpu()
        self.register_buffer("mean", run.prior.mean.float())
        self.register_buffer("deviation", run.prior.standard_deviation.float())

    def forward(self, z: Tensor, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.generator(z, (codes - self.mean) / self.deviation, labels)
        return images


class _Sorter(nn.Module):
    """The discriminator without its critic."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.discriminator = copy.deepcopy(run.discriminator).cpu()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        heads = self.discriminator.heads
        scores, classes = heads.sorter(self.discriminator.features(images)).split([heads.codes, heads.classes], dim=1)
        return (scores, classes.softmax(1)) if heads.classes else (scores,)


def export_onnx(run: Run, out: Path | str, network: Literal["generator", "sorter"] = "generator") -> float:
    """Write a network of a run as an ONNX file, run it with ONNX Runtime, and compare it with PyTorch.

    The generator takes ``z`` (B, Z), standard normal, ``codes`` (B, M) in the factors' own units and, if the run knows
    classes, ``labels`` (B,) int64; it gives ``images`` (B, 1, H, W) in [-1, 1]. The sorter takes ``images`` and gives
    ``scores`` (B, M) and, if the run knows classes, ``probabilities`` (B, K). B is any number. The file's metadata
    property ``semiray`` is JSON: classes, factors with units and what grounds them, the names of the codes, and the
    prior for drawing codes: the scores' ``correlation`` and, for each code, a line through (scores, codes).

    Args:
        run: A trained run.
        out: The file to write, ``.onnx``.
        network: Which of the two.

    Returns:
        The largest difference from PyTorch, of two batches.

    Raises:
        SemirayError: A package is missing, the file can't be written, or the difference is above ``TOLERANCE``.

    Examples:
        ``export_onnx(Run.load("RUN"), "generator.onnx")``
    """
    out = user_path(out)
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  PyTorch's exporter needs it
    except ImportError as error:
        raise SemirayError("ONNX needs packages of its own: pip install 'semiray[onnx]'") from error
    module: nn.Module = _Generator(run) if network == "generator" else _Sorter(run)
    module.eval().requires_grad_(False)
    names = ["images"] if network == "generator" else ["scores", "probabilities"][: 1 + bool(run.classes)]
    proto = _convert(module, _inputs(run, network, 3), names)
    onnx.helper.set_model_props(proto, {"semiray": json.dumps(_describe(run, network), ensure_ascii=False)})
    content = proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    worst = max(_difference(module, session, _inputs(run, network, count)) for count in (1, 5))
    if not worst <= TOLERANCE:
        raise SemirayError(f"the exported {network} differs from PyTorch's by {worst:.2g}: nothing was written.")
    try:
        write_whole(out, content)
    except OSError as error:
        raise SemirayError(f"{out}: can't write there ({error.strerror or error}). Choose another file.") from error
    return worst


def _inputs(run: Run, network: str, count: int) -> dict[str, Tensor]:
    """Arguments of a network, drawn anew from the same seed."""
    draw = torch.Generator().manual_seed(count)
    if network == "sorter":
        return {"images": torch.rand(count, 1, run.resolution, run.resolution, generator=draw) * 2 - 1}
    z = torch.randn(count, run.generator.shape.noise, generator=draw)
    inputs = {"z": z, "codes": run.prior.sample(count, draw)}
    return inputs | ({"labels": torch.arange(count) % len(run.classes)} if run.classes else {})


def _convert(module: nn.Module, inputs: dict[str, Tensor], names: list[str]) -> Any:
    """The ONNX model of a module, for batches of any size."""
    batch = torch.export.Dim("batch")
    shapes = {name: {0: batch} for name in inputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        logging.disable(logging.WARNING)
        try:
            program = torch.onnx.export(
                module,
                kwargs=inputs,
                input_names=list(inputs),
                output_names=names,
                dynamic_shapes=shapes,
                dynamo=True,
                verbose=False,
            )
        finally:
            logging.disable(logging.NOTSET)
    assert program is not None
    return program.model_proto


def _difference(module: nn.Module, session: Any, inputs: dict[str, Tensor]) -> float:
    with torch.inference_mode():
        expected = module(**inputs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    found = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, expected, strict=True))


def _describe(run: Run, network: str) -> dict[str, Any]:
    """What a program needs to know to use the file, as a tree for JSON."""
    prior = run.prior
    factors = [
        {
            "name": factor.name,
            "family": factor.family,
            "unit": factor.unit,
            "dimensions": factor.dimensions,
            "grounded_on": int(run.grounded.get(factor.name, 0)),
        }
        for factor in prior.factors
    ]
    return {
        "network": network,
        "comment": WARNING,
        "meaning": run.meaning,
        "software": software(),
        "run": run.path.resolve().name,
        "resolution": run.resolution,
        "noise": run.generator.shape.noise,
        "classes": list(run.classes),
        "factors": factors,
        "names": list(prior.names),
        "correlation": prior.correlation.tolist(),
        "quantiles": _quantiles(prior),
    }


def _quantiles(prior: JointPrior) -> list[tuple[list[float], list[float]]]:
    """For each code scores, increasing, and codes: a line through them is F^-1(Phi(score)), with steps if discrete."""
    scores = torch.linspace(-_REACH, _REACH, _FINE, dtype=torch.float64)
    codes = prior.codes(scores[:, None].expand(-1, prior.dimensions)).numpy()
    s, lines = scores.numpy(), []
    for column, discrete in zip(codes.T, prior.discrete.tolist(), strict=True):
        if discrete:
            before = np.flatnonzero(np.diff(column))
            middle = (s[before] + s[before + 1]) / 2
            at = np.array([s[0], *np.stack([middle, middle + _STEP], 1).ravel(), s[-1]])
            line = np.array([column[0], *column[np.stack([before, before + 1], 1).ravel()], column[-1]])
        else:
            at, line = s[::_COARSE], column[::_COARSE]
        lines.append(([round(float(x), 6) for x in at], [float(np.float32(x)) for x in line]))
    return lines
