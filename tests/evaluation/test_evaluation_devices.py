"""Every judge computes on the device that it is given: a GPU that is not there refuses tensors of the CPU."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch

from semiray.evaluation.judgements import benefit_trainings
from semiray.evaluation.judgements.benefit_trainings import Labelled, Laboratory, Training
from semiray.evaluation.judgements.probe import ProbeNetwork, _Columns
from semiray.evaluation.judges import feature_networks
from semiray.evaluation.judges.early_stopping import Stopped
from semiray.evaluation.options import BenefitSettings
from semiray.networks.classifier import train_classifier
from semiray.networks.intensities import to_input
from semiray.priors import JointPrior

FakeCuda = Callable[[], AbstractContextManager[torch.device]]
IMAGES, LABELS = np.random.default_rng(0).integers(0, 256, (12, 32, 32)).astype(np.uint8), np.arange(12) % 3


def test_the_classifier_learns_on_the_device(fake_cuda: FakeCuda) -> None:
    with fake_cuda() as device:
        trained = train_classifier(IMAGES, LABELS, n_classes=3, seed=0, steps=2, batch=4, device=device)
        assert {part.device.type for part in trained.network.parameters()} == {device.type}


def test_the_probes_loss_is_computed_on_the_device(fake_cuda: FakeCuda) -> None:
    columns, codes = _Columns(JointPrior.default()), torch.zeros(12, 20)
    columns.prior.standardise(codes)  # what it computes from values, it computes once
    with fake_cuda() as device:
        network = ProbeNetwork(columns.total, 32).to(device)
        loss = columns.loss(network(to_input(IMAGES, device)), codes)
        loss.backward()
        assert loss.device.type == device.type


def test_the_benefits_classifiers_learn_on_the_device(fake_cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_step(_: torch.nn.Module, loss: Callable[[], torch.Tensor], *__: object, **___: object) -> Stopped:
        loss().backward()  # without validation: a number, of which the pretence has none
        return Stopped(1, 1)

    monkeypatch.setattr(benefit_trainings, "fit_until_best", one_step)
    labelled = Labelled(IMAGES, LABELS)
    with fake_cuda() as device:
        laboratory = Laboratory(
            labelled, labelled, labelled, IMAGES[:0], IMAGES,
            n_classes=3, settings=BenefitSettings(steps=1, batch=4, mirror=True), store=None, device=device,
        )  # fmt: skip
        network, _ = laboratory._fit(Training(0, 0.5))  # threads leave the pretence
        assert {part.device.type for part in network.parameters()} == {device.type}


def test_a_feature_network_computes_on_the_device(fake_cuda: FakeCuda) -> None:
    with fake_cuda() as device:
        network = feature_networks.DenseNet121().to(device).eval()
        assert network(torch.zeros(2, 1, 64, 64, device=device)).device.type == device.type
