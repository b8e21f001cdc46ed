from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.pixels.framing import (
    UnreadableImageError,
    axis_weights,
    decode_grey,
    frame,
    read_radiograph,
    unframe,
)

GREY = np.random.default_rng(0).integers(0, 256, (13, 17), dtype=np.uint8)
GREY[0, :2] = 0, 255


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def rgba(alpha: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([GREY, GREY, GREY, alpha]))


grey = Image.fromarray(GREY)
opaque = np.full_like(GREY, 255)
SAME = {
    "L png": encode(grey),
    "L tiff": encode(grey, "TIFF"),
    "L bmp": encode(grey, "BMP"),
    "RGB png": encode(grey.convert("RGB")),
    "RGB bmp": encode(grey.convert("RGB"), "BMP"),
    "RGB webp": encode(grey.convert("RGB"), "WEBP", lossless=True),
    "RGBA png": encode(rgba(opaque)),
    "LA png": encode(Image.merge("LA", [grey, Image.fromarray(opaque)])),
    "palette png": encode(grey.convert("P")),
    "palette tiff": encode(grey.convert("P"), "TIFF"),
    "I;16 png of 8 bits": encode(Image.fromarray(GREY.astype(np.uint16))),
    "I;16 png of widened 8 bits": encode(Image.fromarray(GREY.astype(np.uint16) * 257)),
    "I;16 tiff of widened 8 bits": encode(Image.fromarray(GREY.astype(np.uint16) * 257), "TIFF"),
    "white-is-zero tiff": encode(grey, "TIFF", tiffinfo={262: 0}),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_picture_is_the_same_grey_however_it_is_stored(name):
    decoded = decode_grey(SAME[name])
    assert decoded[0].dtype == np.float32
    assert decoded[0].shape == (13, 17)
    np.testing.assert_array_equal(decoded[0], GREY)


def test_kinds_are_named():
    kinds = {name: decode_grey(content)[1] for name, content in SAME.items()}
    assert kinds["L png"] == "8-bit grey"
    assert kinds["I;16 png of 8 bits"] == kinds["I;16 tiff of widened 8 bits"] == "16-bit grey"
    assert kinds["palette png"] == "palette"
    assert kinds["RGBA png"] == "RGBA"
    assert decode_grey(encode(grey.convert("1")))[1] == "1-bit"


def test_one_bit_is_black_and_white():
    pixels = decode_grey(encode(grey.convert("1", dither=Image.Dither.NONE)))[0]
    np.testing.assert_array_equal(pixels, np.where(GREY >= 128, 255, 0))


def test_transparency_shows_black():
    alpha = np.where(np.arange(17) < 5, 0, 255).astype(np.uint8) * np.ones((13, 1), np.uint8)
    np.testing.assert_array_equal(decode_grey(encode(rgba(alpha)))[0], np.where(alpha, GREY, 0))


def test_an_image_that_is_transparent_all_over_keeps_its_grey():
    decoded = decode_grey(encode(rgba(np.zeros_like(GREY))))
    np.testing.assert_array_equal(decoded.pixels, GREY)
    assert decoded.transparent == 1
    assert decode_grey(SAME["RGBA png"]).transparent == 0


def test_a_transparent_colour_that_is_not_used_changes_nothing():
    indexed = Image.frombytes("P", grey.size, np.minimum(GREY, 254).tobytes())
    indexed.putpalette([level for level in range(256) for _ in "RGB"])
    np.testing.assert_array_equal(decode_grey(encode(indexed, transparency=255)).pixels, np.minimum(GREY, 254))


def test_colour_becomes_luma():
    colour = Image.new("RGB", (2, 2), (200, 100, 50))
    assert decode_grey(encode(colour))[0][0, 0] == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=0.6)
    assert decode_grey(encode(colour.convert("CMYK"), "JPEG", quality=95))[0][0, 0] == pytest.approx(124, abs=4)


@pytest.mark.parametrize(("low", "high"), [(0, 1023), (100, 4095), (300, 65535), (20_000, 40_000)])
def test_deep_grey_is_scaled_by_the_range_in_use(low, high):
    ramp = np.linspace(low, high, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    for kind in ("PNG", "TIFF"):
        pixels = decode_grey(encode(Image.fromarray(ramp), kind))[0]
        np.testing.assert_allclose(pixels, np.linspace(0, 255, 64 * 64).reshape(64, 64), atol=0.6)


def test_a_hot_pixel_does_not_set_the_range():
    deep = np.random.default_rng(1).integers(1000, 3000, (64, 64)).astype(np.uint16)
    clean = decode_grey(encode(Image.fromarray(deep)))[0]
    deep[5, 5] = 65535
    np.testing.assert_allclose(
        np.delete(decode_grey(encode(Image.fromarray(deep)))[0], 5, 0), np.delete(clean, 5, 0), atol=1
    )


def test_float_and_signed_files_have_finite_pixels():
    values = np.random.default_rng(2).normal(size=(20, 20)).astype(np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    for image in (Image.fromarray(values), Image.fromarray(np.arange(-200, 200, dtype=np.int32).reshape(20, 20))):
        pixels = decode_grey(encode(image, "TIFF"))[0]
        assert np.isfinite(pixels).all()
        assert pixels.min() == 0
        assert pixels.max() == 255


def test_white_is_zero_is_inverted_at_16_bits_too():
    ramp = (np.arange(400, dtype=np.uint16) * 160).reshape(20, 20)
    pixels = decode_grey(encode(Image.fromarray(ramp), "TIFF", tiffinfo={262: 0}))[0]
    assert pixels[0, 0] == 255
    assert pixels[-1, -1] == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 10))
def test_exif_orientation_is_applied_once(kind, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    stored = encode(grey.convert("RGB") if kind == "WEBP" else grey, kind, exif=exif, **options)
    with Image.open(io.BytesIO(encode(grey, "JPEG", exif=exif) if kind == "JPEG" else encode(grey))) as image:
        expected = np.asarray(image)
    turn = {2: np.fliplr, 3: lambda p: p[::-1, ::-1], 4: np.flipud, 5: np.transpose, 6: lambda p: np.rot90(p, -1)}
    turn |= {7: lambda p: p[::-1, ::-1].T, 8: np.rot90}
    np.testing.assert_array_equal(decode_grey(stored).pixels, turn.get(orientation, np.asarray)(expected))


def test_a_broken_note_about_orientation_does_no_harm():
    stored = encode(grey, "JPEG", exif=b"Exif\0\0not a note")
    assert decode_grey(stored).pixels.shape == (13, 17)


def test_of_several_frames_the_first_counts():
    stack = encode(grey, "TIFF", save_all=True, append_images=[Image.new("L", (17, 13))])
    np.testing.assert_array_equal(decode_grey(stack)[0], GREY)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"not an image at all", "format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "format"),
        (SAME["L png"][:-60], "decoded"),
        (encode(Image.effect_noise((200, 200), 50), "JPEG")[:2000], "decoded"),
        (encode(Image.effect_noise((50, 50), 50), "TIFF")[:400], "decoded|format"),
    ],
)
def test_broken_files_give_their_reason(content, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        decode_grey(content)


def test_random_damage_never_escapes_as_another_error():
    rng = np.random.default_rng(3)
    for name, content in SAME.items():
        for _ in range(20):
            damaged = np.frombuffer(content, np.uint8).copy()
            damaged[rng.integers(0, len(damaged), 4)] = rng.integers(0, 256, 4)
            try:
                pixels = decode_grey(damaged.tobytes())[0]
            except UnreadableImageError:
                continue
            assert pixels.ndim == 2, name


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UnreadableImageError, match="100 million"):
        decode_grey(SAME["L png"])


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((1, 25_000), "1 x 25,000 px: more than 20 times as long as wide"),
        ((40_000, 4_000), "40,000 x 4,000 px: a side of more than 30,000"),
        ((11_000, 10_000), "11,000 x 10,000 px: more than 100 million"),
    ],
)
def test_sizes_are_bounded_before_anything_is_decoded(size, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        decode_grey(encode(Image.new("1", size)))


@pytest.mark.parametrize("shape", [(20, 1), (1, 20), (10, 10), (1, 1)])
def test_small_images_are_read(shape):
    assert frame(decode_grey(encode(Image.new("L", shape, 77))).pixels, 16, "pad").max() == 77


def test_long_images_take_no_more_memory_than_they_need():
    tracemalloc.start()
    assert frame(np.zeros((30_000, 1_500), np.float32), 64, "pad").shape == (64, 64)
    assert tracemalloc.get_traced_memory()[1] < 500e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encode(grey, "GIF"), "GIF file: convert it to PNG"),
        (encode(grey, "JPEG2000"), "JPEG 2000 file: convert it to PNG"),
        (encode(grey, "JPEG2000", no_jp2=True), "JPEG 2000 file: convert it to PNG"),
        (b"\0" * 128 + b"DICM" + b"\0" * 99, "DICOM file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><title>404</title>", "web page"),
        (b"PK\3\4" + b"\0" * 50, "zip archive"),
    ],
)
def test_what_lies_there_instead_is_named(content, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        decode_grey(content)


@pytest.mark.parametrize(("before", "after"), [(4, 2), (7, 3), (299, 64), (5, 5), (3, 8), (1, 4), (9, 1)])
def test_resampling_keeps_constants_and_means(before, after):
    weights = axis_weights(before, after).astype(np.float64)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert weights.min() >= 0
    if after <= before:
        # Every pixel weighs the same in all: nothing is dropped, which is what aliasing is.
        np.testing.assert_allclose(weights.sum(axis=0), after / before, atol=1e-6)


def test_shrinking_is_the_mean_of_the_area():
    image = np.random.default_rng(4).uniform(0, 255, (12, 12)).astype(np.float32)
    blocks = image.reshape(4, 3, 4, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(frame(image, 4), np.rint(blocks).astype(np.uint8))
    checkers = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.float32)
    assert set(np.unique(frame(checkers, 16))) <= {127, 128}


@pytest.mark.parametrize("framing", ["crop", "pad"])
@pytest.mark.parametrize("shape", [(40, 80), (80, 40), (64, 64), (10, 20), (1, 50), (3, 3)])
def test_nothing_is_stretched(framing, shape):
    y, x = np.indices(shape)
    disc = ((y - (shape[0] - 1) / 2) ** 2 + (x - (shape[1] - 1) / 2) ** 2 <= (0.4 * min(shape)) ** 2) * np.float32(255)
    square = frame(disc.astype(np.float32), 32, framing)
    assert square.shape == (32, 32)
    assert square.dtype == np.uint8
    if min(shape) > 30:
        rows, columns = np.flatnonzero(square.max(axis=1) > 127), np.flatnonzero(square.max(axis=0) > 127)
        assert len(rows) == len(columns)
        expected = 0.8 * 32 * (1 if framing == "crop" else min(shape) / max(shape))
        assert len(rows) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("shape", [(20, 40), (41, 13), (30, 30), (10, 200)])
def test_unframing_leaves_the_padding_away(shape):
    pixels = np.full(shape, 200, np.float32)
    padded = unframe(frame(pixels, 16, "pad"), *shape, "pad")
    assert (padded == 200).all()
    assert max(padded.shape) == 16
    assert unframe(frame(pixels, 16), *shape, "crop").shape == (16, 16)


def test_padding_is_black_and_centred():
    square = frame(np.full((20, 40), 200, np.float32), 16, "pad")
    np.testing.assert_array_equal(square[4:12], 200)
    assert not square[:4].any()
    assert not square[12:].any()


def test_read_radiograph_names_the_file(tmp_path, draw):
    assert read_radiograph(draw(tmp_path / "a.png"), 16).shape == (16, 16)
    (tmp_path / "b.png").write_bytes(b"")
    for name, reason in (("b.png", "empty"), ("none.png", "No such file")):
        with pytest.raises(SemirayError, match=rf"{name}: .*{reason}"):
            read_radiograph(tmp_path / name, 16)
