"""Feature spaces with random weights: what is opened by name gives features; what is missing is reported."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from semiray.errors import SemirayError
from semiray.evaluation.judges import feature_spaces
from semiray.evaluation.judges.feature_networks import DenseNet121
from semiray.evaluation.judges.feature_spaces import FeatureSpace, check_space, feature_space

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32)).astype(np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "cache"))


def test_xrv_takes_tensors_only(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = DenseNet121().eval()
    save_file(network.state_dict(), tmp_path / "xrv.safetensors")
    found = feature_space("xrv", weights=tmp_path / "xrv.safetensors").extract(IMAGES)
    assert found.shape == (5, 1024)
    alike = feature_space("xrv", weights=tmp_path / "xrv.safetensors").extract(np.repeat(IMAGES, 2, axis=0)[::2])
    np.testing.assert_allclose(alike, found, rtol=1e-5)
    with pytest.raises(SemirayError, match=r"can't be downloaded.*save_file"):
        feature_space("xrv", download=True)
    torch.save(network, tmp_path / "published.pt")
    with pytest.raises(SemirayError, match="save_file"):
        feature_space("xrv", weights=tmp_path / "published.pt")
    torch.save({"features.conv0.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(SemirayError, match="another network"):
        feature_space("xrv", weights=tmp_path / "other.pt")


def test_xrv_is_torchxrayvisions_own(tmp_path: Path) -> None:
    xrv = pytest.importorskip("torchxrayvision", reason="torchxrayvision isn't installed (it isn't needed)")
    torch.manual_seed(0)
    network = xrv.models.DenseNet(op_threshs=torch.zeros(18)).eval()
    save_file(network.state_dict(), tmp_path / "xrv.safetensors")
    images = np.random.default_rng(2).integers(0, 256, (3, 64, 64)).astype(np.uint8)
    seen = torch.from_numpy(np.stack([xrv.datasets.normalize(image, 255)[None] for image in images]))
    network.input_resolution = 224  # as its published weights say
    with torch.inference_mode():
        expected = network.features2(seen).numpy()
    found = feature_space("xrv", weights=tmp_path / "xrv.safetensors").extract(images)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_inception_is_torch_fidelitys(tmp_path: Path) -> None:
    module = pytest.importorskip(
        "torch_fidelity.feature_extractor_inceptionv3", reason="the extra semiray[spaces] isn't installed"
    )
    torch.manual_seed(0)
    state = inception_state(module)
    torch.save(state, tmp_path / "inception.pth")
    space = feature_space("inception", weights=tmp_path / "inception.pth")
    found = space.extract(IMAGES)
    assert found.shape == (5, 2048)
    made = module.FeatureExtractorInceptionV3(
        "mine", ["2048"], feature_extractor_weights_path=str(tmp_path / "inception.pth")
    )
    with torch.inference_mode():
        expected = made(torch.from_numpy(IMAGES)[:, None].repeat(1, 3, 1, 1))[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(SemirayError, match="FID's Inception"):
        feature_space("inception", weights=tmp_path / "other.pth")


def inception_state(module: Any) -> dict[str, Tensor]:
    """Random weights: its constructor always loads some, so it is given its own names and shapes."""
    grown: dict[str, Tensor] = {}

    class CaughtError(Exception):
        pass

    def catch(self: nn.Module, _: object) -> None:
        grown.update(self.state_dict())
        raise CaughtError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.FeatureExtractorInceptionV3, "load_state_dict", catch)
        patch.setattr(module.torch, "load", lambda *_, **__: {})
        with pytest.raises(CaughtError):
            module.FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path="x")
    return grown


def test_rad_dino_is_read_from_a_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the extra semiray[spaces] isn't installed")
    torch.manual_seed(0)
    settings = transformers.Dinov2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    network = transformers.Dinov2Model(settings).eval()
    network.save_pretrained(tmp_path)
    images = np.random.default_rng(2).integers(0, 256, (9, 28, 28)).astype(np.uint8)

    def expected(mean: float, deviation: float) -> NDArray[np.float32]:
        seen = ((torch.from_numpy(images) / 255 - mean) / deviation)[:, None].repeat(1, 3, 1, 1)
        with torch.inference_mode():
            token: NDArray[np.float32] = network(seen).pooler_output.numpy()
        return token

    found = feature_space("rad-dino", weights=tmp_path).extract(images)
    np.testing.assert_allclose(found, expected(0.5307, 0.2583), rtol=1e-3, atol=1e-4)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.4] * 3, "image_std": [0.2] * 3}))
    space = feature_space("rad-dino", weights=tmp_path)
    np.testing.assert_allclose(space.extract(images), expected(0.4, 0.2), rtol=1e-3, atol=1e-4)
    assert space.extract(IMAGES).shape == (5, 24)  # of another size: resized
    with pytest.raises(SemirayError, match="does not hold RAD-DINO"):
        feature_space("rad-dino", weights=tmp_path / "config.json")
    save_file({"layernorm.weight": torch.ones(24)}, tmp_path / "model.safetensors")
    with pytest.raises(SemirayError, match=r"lacks weights|can't be read"):
        feature_space("rad-dino", weights=tmp_path)


@pytest.mark.parametrize("name", ["inception", "rad-dino"])
def test_what_is_missing_is_reported_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_spaces, "import_module", lambda _: None)
    with pytest.raises(SemirayError, match="download=True, or give your own copy as weights"):
        feature_space(name)

    def absent(module: str) -> None:
        raise ModuleNotFoundError(module)

    def broken(module: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(feature_spaces, "import_module", absent)
    with pytest.raises(SemirayError, match=r"pip install 'semiray\[spaces\]'"):
        feature_space(name)
    monkeypatch.setattr(feature_spaces, "import_module", broken)
    with pytest.raises(SemirayError, match="torchvision::nms"):
        feature_space(name)


@pytest.mark.parametrize("name", ["other", "trtr", "mine.pt"])
def test_other_names_are_errors(name: str) -> None:
    with pytest.raises(SemirayError, match="inception, xrv, rad-dino, or leave it out for trtr"):
        feature_space(name)


def test_images_of_another_kind_and_spaces_of_another_shape_are_errors(tmp_path: Path) -> None:
    save_file(DenseNet121().state_dict(), tmp_path / "xrv.safetensors")
    space = feature_space("xrv", weights=tmp_path / "xrv.safetensors", device="cpu")
    for images in (IMAGES.astype(np.float32), IMAGES[0], IMAGES[:0]):
        with pytest.raises(SemirayError, match="Expected uint8 images"):
            space.extract(images)  # type: ignore[arg-type]
    for function in (lambda images: images[:, 0, 0].astype(np.float64), lambda images: images[0, :1]):
        with pytest.raises(SemirayError, match=r"not \(N, D\)"):
            check_space(FeatureSpace("flat", function), IMAGES)
    check_space(FeatureSpace("rows", lambda images: images.mean(axis=2)), IMAGES)
