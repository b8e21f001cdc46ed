from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from semiray.radiographs.pixels.facts import FileFacts
from semiray.radiographs.pixels.framing import decode_grey, frame
from semiray.radiographs.pixels.suspects import Namesakes, attitudes, look, suspects


def mask(side: int, *, levels: tuple[int, int] = (0, 255)) -> Image.Image:
    image = Image.new("L", (side, side), levels[0])
    for box in ((0.12, 0.2, 0.42, 0.85), (0.55, 0.25, 0.87, 0.8)):
        ImageDraw.Draw(image).ellipse([round(side * part) for part in box], fill=levels[1])
    return image


def stored(image: Image.Image, kind: str = "PNG", **options: object) -> np.ndarray:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return decode_grey(stream.getvalue()).pixels


@pytest.mark.parametrize("side", [96, 256, 1000])
@pytest.mark.parametrize("levels", [(0, 255), (0, 1), (20, 120)])
def test_masks_are_two_valued(side, levels):
    assert look(stored(mask(side, levels=levels))) == "two-valued"


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_masks_are_two_valued_after_compression_and_resampling(quality):
    assert look(stored(mask(256), "JPEG", quality=quality)) == "two-valued"
    assert look(stored(mask(512).resize((200, 200), Image.Resampling.BICUBIC))) == "two-valued"


def test_masks_of_several_organs_and_small_findings_count():
    image = mask(200)
    ImageDraw.Draw(image).rectangle((90, 120, 130, 170), fill=128)
    assert look(stored(image)) == "two-valued"
    small = Image.new("L", (200, 200))
    ImageDraw.Draw(small).rectangle((10, 10, 14, 14), fill=255)
    assert look(stored(small)) == "two-valued"


def test_what_has_nothing_in_it():
    assert look(np.zeros((50, 40), np.float32)) == "black"
    assert look(np.full((50, 40), 127.5, np.float32)) == "empty"
    noise = np.random.default_rng(0).normal(0, 1, (50, 40)).astype(np.float32)
    assert look((6 + noise).clip(0)) == "black"
    assert look(140 + noise.clip(-2, 2)) == "empty"


def test_a_picture_is_nothing_of_it(draw, tmp_path):
    for seed in range(20):
        pixels = decode_grey(draw(tmp_path / "a.png", seed=seed).read_bytes()).pixels
        assert look(pixels) == ""
        assert look(pixels, 0.6) == "transparent"
        assert look(pixels * 0, 1.0) == "black,transparent"


def chest(side: int = 64, seed: int = 0) -> np.ndarray:
    """Dark lungs between a bright spine, bright flanks and a bright abdomen, below dark corners; with noise."""
    y, x = np.mgrid[:side, :side] / side
    picture = 120 + 80 * y
    for centre in (0.28, 0.72):
        picture -= 90 * (((x - centre) / 0.16) ** 2 + ((y - 0.42) / 0.3) ** 2 < 1)
    picture -= 110 * ((y < 0.15) & (np.abs(x - 0.5) > 0.2)) + 60 * (np.abs(x - 0.5) > 0.46)
    noisy = picture + np.random.default_rng(seed).normal(0, 8, picture.shape)
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("side", [16, 64, 100, 300])
def test_inverted_and_rotated_ones_are_recognised(side):
    images = [chest(side, seed) for seed in range(3)]
    assert attitudes(images) == [""] * 3
    assert attitudes([255 - image for image in images]) == ["inverted"] * 3
    assert attitudes([np.rot90(image) for image in images]) == ["rotated"] * 3
    assert attitudes([np.rot90(image, 3) for image in images]) == ["rotated"] * 3


def test_images_of_any_shape_are_compared_together():
    image = Image.fromarray(chest(128))
    sizes = [(64, 40), (20, 64), (64, 64), (64, 40), (3, 64), (1, 1)]
    shown = [np.asarray(image.resize(size, Image.Resampling.BOX)) for size in sizes]
    assert attitudes([255 - picture for picture in shown])[:4] == ["inverted"] * 4
    assert len(attitudes(shown)) == 6
    assert attitudes([]) == []
    assert attitudes([np.full((8, 8), 200, np.uint8)]) == [""]


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("lung masks/covid_1.png", "images/covid_1.png"),
        ("b/X.PNG", "a/x.jpg"),
        ("x_mask.png", "x.png"),
        ("x-left lung.png", "x.jpg"),
        ("gt/x_seg.png", "images/x.png"),
        ("mask_x.png", "x.png"),
        ("x_lung_mask_left.png", "other/x.png"),
    ],
)
def test_a_two_valued_image_beside_its_namesake_is_a_mask(key, other):
    namesakes = Namesakes([key, other, "y.png"])
    assert namesakes.has(key, "two-valued")
    assert not namesakes.has(key, "inverted")
    assert not namesakes.has("y.png", "two-valued")


def test_a_two_valued_image_alone_is_none():
    keys = ["mask.png", "x_mask.png", "a.png", "b_2.png"]
    namesakes = Namesakes(keys)
    assert not any(namesakes.has(key, "two-valued") for key in keys)


def test_a_black_one_is_a_mask_only_of_the_same_class_and_part():
    keys = ["Normal/images/1.png", "Normal/other/1.png", "COVID/images/1.png", "COVID/images/2.png", "test/2.png"]
    namesakes = Namesakes(keys)
    assert [namesakes.has(key, "black") for key in keys] == [True, True, False, False, False]


@pytest.mark.parametrize("looks", ["black", "two-valued"])
def test_names_that_many_share_tell_nothing(looks):
    keys = [f"patient{i}/study1/view1_frontal.jpg" for i in range(9)]
    assert not Namesakes(keys).has(keys[0], looks)
    assert Namesakes(keys[:8]).has(keys[0], looks)


def facts(key: str, looks: str = "", left_out: str = "", problem: str = "") -> FileFacts:
    return FileFacts(key, "", 8, 8, "8-bit grey", problem, left_out, looks)


def test_what_is_left_out_and_what_is_said():
    files = [facts("m.png", "two-valued", "masks", "a mask"), facts("good.png"), facts("broken.png", problem="cut off")]
    files += [facts(f"{i}.png", "inverted") for i in range(4)]
    files += [facts("black.png", "black,transparent")]
    left, advice = suspects(files)
    assert left == {"m.png": "masks"}
    assert [one.text.split(". ")[0] for one in advice] == [
        "1 image is black or nearly so: black.png",
        "4 images look inverted (air bright, bones dark): 0.png, 1.png, 2.png, ...",
        "1 image is mostly transparent: black.png",
    ]
    assert "photometric_interpretation" in advice[1].text
    assert suspects([facts("good.png")]) == ({}, [])


def test_one_is_spoken_of_as_one():
    kinds = ("empty", "two-valued", "inverted", "rotated")
    said = [suspects([facts("a.png", kind)])[1][0].text.split(":")[0] for kind in kinds]
    assert said == [
        "1 image has one grey level only",
        "1 image has very few grey levels, as masks do",
        "1 image looks inverted (air bright, bones dark)",
        "1 image looks rotated, or isn't a frontal chest radiograph",
    ]


def test_real_radiographs_look_right_and_their_copies_wrong(shared_data):
    paths = [
        *sorted((shared_data / "kermany").rglob("*.jpeg"))[::40],
        *sorted((shared_data / "hannover").rglob("*.png"))[::4],
    ]
    pictures = [decode_grey(path.read_bytes()).pixels for path in paths]
    assert {look(pixels) for pixels in pictures} == {""}
    images = [frame(pixels, 64) for pixels in pictures]
    assert set(attitudes(images)) == {""}
    inverted = attitudes([255 - image for image in images])
    assert inverted.count("inverted") >= 0.9 * len(images)
    assert attitudes([np.rot90(image) for image in images]).count("rotated") >= 0.8 * len(images)
