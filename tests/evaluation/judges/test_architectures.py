from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semiray.errors import SemirayError
from semiray.evaluation.judges.architectures import Architecture, ResNet18


@pytest.mark.parametrize("name", ["small-cnn", "cnn", "resnet18"])
@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_every_classifier_gives_logits(name: str, resolution: int) -> None:
    network = Architecture(name).build(3, resolution).eval()
    assert network(torch.zeros(2, 1, resolution, resolution)).shape == (2, 3)


def test_the_resnet_is_resnet18() -> None:
    # kuangliu/pytorch-cifar's has 11,173,962 parameters for three channels and ten classes.
    assert sum(p.numel() for p in ResNet18(10).parameters()) == 11_173_962 - 2 * 64 * 9


def test_libraries_or_how_to_get_them() -> None:
    for library, model in (("timm", "resnet10t"), ("torchvision", "resnet18")):
        architecture = Architecture(f"{library}:{model}")
        try:
            __import__(library)
        except ImportError:
            with pytest.raises(SemirayError, match="classifiers"):
                architecture.build(3, 64)
            continue
        assert architecture.build(3, 64).eval()(torch.zeros(2, 1, 64, 64)).shape == (2, 3)
        with pytest.raises(SemirayError, match="can't make"):
            Architecture(f"{library}:no-such-network").build(3, 64)


def test_weights_are_started_from_but_for_another_head(tmp_path: Path) -> None:
    network = Architecture("small-cnn").build(5, 32)
    save_file({name: part.contiguous() for name, part in network.state_dict().items()}, tmp_path / "w.safetensors")
    torch.save(network.state_dict(), tmp_path / "w.pt")
    for file in ("w.safetensors", "w.pt"):
        started = Architecture("small-cnn", tmp_path / file).build(3, 32)
        assert torch.equal(started.features[0].weight, network.features[0].weight)  # type: ignore[union-attr, index]
        assert started.head.out_features == 3  # type: ignore[union-attr]


def test_what_is_no_weights_is_refused(tmp_path: Path) -> None:
    torch.save(Architecture("small-cnn").build(3, 32), tmp_path / "whole.pt")  # a pickle that could run anything
    (tmp_path / "noise.safetensors").write_bytes(b"noise" * 100)
    (tmp_path / "noise.pt").write_bytes(b"noise" * 100)
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save([1, 2], tmp_path / "list.pt")
    for file in ("whole.pt", "noise.safetensors", "noise.pt", "empty.pt", "list.pt"):
        with pytest.raises(SemirayError, match=file):
            Architecture("small-cnn", tmp_path / file).build(3, 32)
    torch.save(Architecture("cnn").build(3, 32).state_dict(), tmp_path / "other.pt")
    with pytest.raises(SemirayError, match="weights of another"):
        Architecture("small-cnn", tmp_path / "other.pt").build(3, 32)
    with pytest.raises(SemirayError, match="can't be read"):
        Architecture("small-cnn", tmp_path / "missing.pt").build(3, 32)


def test_an_unknown_name_lists_the_known() -> None:
    for name in ("vgg", "timm:", "keras:x"):
        with pytest.raises(SemirayError, match="resnet18, timm:NAME"):
            Architecture(name)
