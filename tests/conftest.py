"""Fixtures that several rooms share: a GPU that is not there, processes that can be killed, small sets and reports."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

if "PYTEST_XDIST_WORKER" in os.environ:  # one process of tests per core: threads within them would fight for it
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from semiray.networks import NetworkShape, build_networks
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet, Split, split_by_patient
from semiray.settings import make_settings
from semiray.training import Run

FakeCuda = Callable[[], AbstractContextManager[torch.device]]


class OneDevice(TorchDispatchMode):
    """Raise where an operation gets tensors of two devices, as CUDA does; FakeTensorMode lets some pass."""

    MAY_MIX = ("aten::_to_copy", "aten::copy_", "aten::index", "aten::index_put_", "aten::_index_put_impl_")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs or {})) if isinstance(leaf, Tensor)]
        devices = {tensor.device.type for tensor in tensors if tensor.ndim}  # CUDA takes numbers from anywhere
        if len(devices) > 1 and func._schema.name not in self.MAY_MIX:
            raise RuntimeError(f"{func}: tensors of different devices, {sorted(devices)}")
        return func(*args, **(kwargs or {}))


def copy_fake(tensor: FakeTensor, memo: dict[int, Tensor]) -> Tensor:
    """`Tensor.__deepcopy__`; PyTorch's own copies the mode that a fake tensor belongs to as well, and crashes."""
    if id(tensor) not in memo:
        copied = tensor.detach().clone()
        memo[id(tensor)] = nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied
    return memo[id(tensor)]


def replace_tensors(module: nn.Module, change: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """`Module._apply`, which moves a module; PyTorch's own can't replace fake parameters."""
    for part in module.modules() if recurse else (module,):
        for name, parameter in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(change(parameter.detach()), parameter.requires_grad))
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, change(buffer))
    return module


@contextmanager
def pretend_cuda() -> Iterator[torch.device]:
    """The second device of a machine without a GPU: tensors there have shapes and types, but no values (fake tensors).

    It is PyTorch's device "meta", because PyTorch built for CPUs can't differentiate fake CUDA tensors. Mixing it with
    the CPU raises as mixing CUDA with the CPU does. Priors, settings and data are made before entering: making them
    reads values. Do not use them, or their tensors, afterwards: they may keep fake constants.
    """
    start_autocast = torch.autocast.__init__

    def autocast(self: Any, device_type: str, *args: Any, **kwargs: Any) -> None:  # which knows no device "meta"
        start_autocast(self, "cpu" if device_type == "meta" else device_type, *args, **kwargs)

    with (
        mock.patch.object(nn.Module, "_apply", replace_tensors),
        mock.patch.object(FakeTensor, "__deepcopy__", copy_fake),
        mock.patch.object(torch.autocast, "__init__", autocast),
        FakeTensorMode(allow_non_fake_inputs=True),
        OneDevice(),
    ):
        yield torch.device("meta")


@pytest.fixture(scope="session")
def fake_cuda() -> FakeCuda:
    """() -> a context manager that gives a device on which nothing is computed, but which can't be mixed with the CPU.

    Example:
        prior = JointPrior.default()
        with fake_cuda() as device:
            game = Game(settings, prior, 2, device)
    """
    return pretend_cuda


Killable = Callable[[Sequence[object] | str, float | None], int | None]


@pytest.fixture(scope="session")
def killable() -> Killable:
    """(words after `semiray` or Python code, seconds or None) -> exit code; -9 if killed after so many seconds.

    The processes are forked from a server that has imported everything, so that a moment is one of the work.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["semiray.cli", "semiray.evaluation", "semiray.commands.console", "torch.utils.tensorboard"]
    )

    def run(work: Sequence[object] | str, seconds: float | None) -> int | None:
        if not isinstance(work, str):
            work = f"import sys; from semiray.cli import main; sys.exit(main({[str(word) for word in work]!r}))"
        process = context.Process(target=exec, args=(work, {}))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode

    return run


CLASSES = ("dark", "middle", "bright")
SIDE = 32


def make_set(
    n: int = 90, *, classes: tuple[str, ...] = CLASSES, seed: int = 0, per_patient: int = 2, prefix: str = "real"
) -> RadiographSet:
    """Noisy flat images whose brightness is their class; two images a patient."""
    rng = np.random.default_rng(seed)
    patients = np.array([f"p{i // per_patient}" for i in range(n)])
    labels = np.array([(i // per_patient) % len(classes) for i in range(n)], np.int64)
    grey = 60 + 120 * labels / max(len(classes) - 1, 1)
    images = np.clip(grey[:, None, None] + rng.normal(0, 20, (n, SIDE, SIDE)), 0, 255).astype(np.uint8)
    keys = tuple(f"{prefix}/{i:03d}.png" for i in range(n))
    return RadiographSet(images, labels, classes, patients, keys, ({},) * n, f"fingerprint-{prefix}-{seed}")


def make_run(
    folder: Path, data: RadiographSet, classes: tuple[str, ...] = CLASSES, prior: JointPrior | None = None
) -> tuple[Run, Split]:
    """What a run is to this room, with networks that learned nothing, and a true split on disk."""
    prior = prior or JointPrior.default()
    torch.manual_seed(0)
    shape = NetworkShape(SIDE, prior.dimensions, len(classes), noise=16, width=8, widest=32, embedding=8)
    generator, discriminator = build_networks("residual", shape)
    split = split_by_patient(data, seed=3)
    folder.mkdir(exist_ok=True)
    split.save(folder / "split.json", data.keys)
    run = Run(
        path=folder,
        settings=make_settings({"resolution": SIDE}),
        prior=prior,
        classes=classes,
        generator=generator.eval(),
        discriminator=discriminator.eval(),
        data={"fingerprint": data.fingerprint},
    )
    return run, split


def make_report(folder: Path, subject: str, copies: float = 0.0) -> Path:
    """A report with two figures, as `evaluate` would write it about a run."""
    figures = [
        {"section": "Utility", "name": "synthetic / real", "value": 0.9, "low": 0.8, "high": 1.0},
        {"section": "Privacy", "name": "copies of training images, per cent", "value": copies},
    ]
    report = {"schema": 3, "subject": subject, "data": "18 held-out real images", "headlines": figures}
    folder.mkdir(exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return folder


@pytest.fixture
def trained(real: RadiographSet, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that `publish` takes: as `make_run`, with the settings of its networks."""
    run, _ = make_run(tmp_path_factory.mktemp("trained") / "RUN", real)
    networks = {"noise": 16, "width": 8, "widest": 32, "embedding": 8}
    data = {"fingerprint": real.fingerprint, "classes": list(run.classes)}
    return replace(run, settings=make_settings({"resolution": SIDE, "networks": networks}), data=data)


@pytest.fixture
def report_maker() -> Any:
    return make_report


@pytest.fixture
def shipped(
    trained: Run, real: RadiographSet, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """A run named tiny-32, as if it, and no other, came with semiray."""
    from semiray.report import Origin, publish

    place = tmp_path_factory.mktemp("shipped")
    report = make_report(trained.path / "report", "RUN")
    run = publish(trained, place / "tiny-32", Origin("mit", "From here."), report=report, data=real)
    monkeypatch.setattr("semiray.pretrained.names.SHIPPED", place)
    return run


@pytest.fixture(scope="session")
def real() -> RadiographSet:
    return make_set()


@pytest.fixture(scope="session")
def set_maker() -> Any:
    return make_set


@pytest.fixture(scope="session")
def run_maker() -> Any:
    return make_run
