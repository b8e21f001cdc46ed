from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from semiray.generation.figures import blank_figure
from semiray.generation.synthetic import Synthetic, encode_image
from semiray.priors import JointPrior
from semiray.radiographs.phantom import save_phantoms
from semiray.radiographs.pixels.marks import HEAD, OUTPUT, SYNTHETIC, marked, png_text, synthetic_mark
from semiray.radiographs.sheet import contact_sheet
from semiray.report.theme import LIGHT, blank, png
from semiray.training.sheets import save_sheet

GREY = np.zeros((16, 16), np.uint8)


def stored(text: PngInfo | None = None, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, kind, pnginfo=text, **options)
    return stream.getvalue()


def texts(**said: str) -> PngInfo:
    info = PngInfo()
    for key, value in said.items():
        info.add_text(key, value)
    return info


@pytest.mark.parametrize(("classes", "seed"), [(("a", "b"), 0), ((), 7)])
def test_generated_images_are_synthetic(classes, seed):
    label = np.array([0 if classes else -1])
    codes = np.zeros((1, 200), np.float32)
    names = tuple(f"a_rather_long_name_of_a_factor[{i}]" for i in range(200))
    synthetic = Synthetic(GREY[None], codes, label, classes, names, np.array([0]), seed)
    content = encode_image(synthetic, 0, "run")
    assert content.index(b"IDAT") > 8000  # the texts are long
    assert synthetic_mark(content[:HEAD]) == SYNTHETIC


def test_figures_and_sheets_are_output(tmp_path):
    drawings = {
        "prior": JointPrior.default().plot("marginals"),
        "samples": blank_figure(1, 1),
        "comparison": blank(1, 1, LIGHT),
    }
    for name, figure in drawings.items():
        figure.savefig(tmp_path / f"{name}.png")
    save_sheet(GREY, tmp_path / "sheet.png")
    (tmp_path / "report.png").write_bytes(png(blank(1, 1, LIGHT)))
    for kind in ("png", "jpg", "tif"):
        contact_sheet(np.zeros((3, 16, 16), np.uint8)).save(tmp_path / f"contact.{kind}")
    assert {path.name: marked(path) for path in tmp_path.iterdir()} == {
        path.name: OUTPUT for path in tmp_path.iterdir()
    }
    assert len(list(tmp_path.iterdir())) == 8


def test_phantoms_are_data(tmp_path):
    prior = JointPrior.default()
    codes = prior.sample(2, torch.Generator().manual_seed(0)).numpy()
    save_phantoms(tmp_path / "out", np.stack([GREY, GREY]), codes, np.array([0, 1]), prior.names)
    paths = sorted((tmp_path / "out").rglob("*.png"))
    assert [marked(path) for path in paths] == ["", ""]


@pytest.mark.parametrize(
    ("content", "mark"),
    [
        (stored(), ""),
        (stored(kind="JPEG"), ""),
        (stored(png_text()), OUTPUT),
        (stored(png_text({"Synthetic": "in part"})), OUTPUT),
        (stored(texts(Software="semirayed", Comment="x")), ""),
        (stored(texts(Software="Matplotlib version3.10, https://matplotlib.org/")), ""),  # imsave's radiographs too
        (stored(texts(Synthetic="True", Software="another")), SYNTHETIC),
        (stored(texts(Synthetic="false")), ""),
        (stored(kind="JPEG", xmp=b"<x DigitalSourceType='.../digitalsourcetype/trainedAlgorithmicMedia'/>"), SYNTHETIC),
        (bytes(128) + b"DICM\x08\0\x1c\0CS\x04\0YES ", SYNTHETIC),
        (b"\x08\0\x08\0\x02\0\0\0A \x08\0\x1c\0\x04\0\0\0YES ", SYNTHETIC),
        (bytes(128) + b"DICM\x08\0\x1c\0CS\x02\0NO", ""),
        (b"", ""),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXtSynthetic\0true", SYNTHETIC),
    ],
)
def test_what_files_say(content, mark):
    assert synthetic_mark(content) == mark


def test_international_text_counts():
    info = PngInfo()
    info.add_itxt("Synthetic", "true", "en", "Synthetisch")
    assert synthetic_mark(stored(info)) == SYNTHETIC


def test_damaged_heads_are_read_as_far_as_they_go():
    content = stored(png_text({"Synthetic": "true", "Seed": "1"}))
    assert {synthetic_mark(content[:n]) for n in range(len(content))} == {"", OUTPUT, SYNTHETIC}
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(8, len(damaged), 6)] = rng.integers(0, 256, 6)
        assert synthetic_mark(damaged.tobytes()) in ("", OUTPUT, SYNTHETIC)


def test_a_file_that_cannot_be_read_has_no_mark(tmp_path):
    assert marked(tmp_path / "nowhere.png") == ""
    assert marked(Path(tmp_path)) == ""
