from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from semiray.radiographs.pixels.depth import deep_colour
from semiray.radiographs.pixels.framing import UnreadableImageError, decode_grey

COLOUR = np.random.default_rng(0).integers(0, 65536, (13, 17, 4)).astype(np.uint16)
GREY = np.random.default_rng(1).integers(0, 256, (13, 17)).astype(np.uint16)
GREY[0, :2] = 0, 255


def png(channels: np.ndarray, *, transparent: tuple[int, ...] = (), predicted: bool = False) -> bytes:
    """A 16-bit PNG (H, W, C): grey, grey + alpha, RGB, RGBA, which Pillow can't write."""
    height, width, count = channels.shape
    lines = channels.astype(">u2").reshape(height, -1).view(np.uint8)
    if predicted:  # every byte as its difference to that of the pixel before
        lines = lines - np.pad(lines, ((0, 0), (2 * count, 0)))[:, : -2 * count]
    body = b"".join(bytes([predicted]) + line.tobytes() for line in lines)
    header = struct.pack(">IIBBBBB", width, height, 16, (0, 4, 2, 6)[count - 1], 0, 0, 0)
    chunks = [b"IHDR" + header, b"IDAT" + zlib.compress(body), b"IEND"]
    if transparent:
        chunks.insert(1, b"tRNS" + struct.pack(f">{count}H", *transparent))
    framed = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def tiff(channels: np.ndarray, order: str, compression: int) -> bytes:
    """A 16-bit TIFF (H, W, C) of one strip, plain (1) or deflated (8); the fourth channel is alpha."""
    height, width, count = channels.shape
    strip = channels.astype(f"{order}u2").tobytes()
    strip = zlib.compress(strip) if compression == 8 else strip
    entries = 11 if count == 4 else 10
    bits = 10 + 12 * entries + 4
    tags = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, compression), (262, 3, 2)]
    tags += [(273, 4, bits + 2 * count), (277, 3, count), (278, 4, height), (279, 4, len(strip)), (284, 3, 1)]
    tags += [(338, 3, 2)] * (count == 4)
    lines = [
        struct.pack(f"{order}HHI", tag, kind, count if tag == 258 else 1)
        + (struct.pack(f"{order}HH", value, 0) if kind == 3 and tag != 258 else struct.pack(f"{order}I", value))
        for tag, kind, value in tags
    ]
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, entries)
    return head + b"".join(lines) + bytes(4) + struct.pack(f"{order}{count}H", *[16] * count) + strip


FILES = {
    "png": png,
    "png, predicted": lambda channels: png(channels, predicted=True),
    **{
        f"tiff {order} {compression}": lambda channels, o=order, c=compression: tiff(channels, o, c)
        for order in "<>"
        for compression in (1, 8)
    },
}


def read(content: bytes):
    with Image.open(io.BytesIO(content)) as image:
        return deep_colour(image, content)


def luma(channels: np.ndarray) -> np.ndarray:
    return np.rint(channels[..., :3] @ np.array([0.299, 0.587, 0.114]))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("name", FILES)
def test_every_bit_of_colour_counts(name, channels):
    deep = read(FILES[name](COLOUR[..., :channels]))
    np.testing.assert_allclose(deep.grey, luma(COLOUR), atol=2)
    assert deep.kind == ("16-bit RGB" if channels == 3 else "16-bit RGBA")
    if channels == 4:
        np.testing.assert_allclose(deep.alpha, COLOUR[..., 3] / 65535, atol=1e-6)
    else:
        assert deep.alpha is None


@pytest.mark.parametrize("predicted", [False, True])
def test_every_bit_of_grey_with_alpha_counts(predicted):
    deep = read(png(COLOUR[..., 2:], predicted=predicted))
    np.testing.assert_array_equal(deep.grey, COLOUR[..., 2])
    np.testing.assert_allclose(deep.alpha, COLOUR[..., 3] / 65535, atol=1e-6)
    assert deep.kind == "16-bit grey + alpha"


@pytest.mark.parametrize("factor", [1, 16, 257])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_same_grey_whatever_the_depth_and_the_channels(factor, channels):
    values = np.repeat((GREY * factor)[..., None], channels, axis=2)
    if channels in (2, 4):
        values[..., -1] = 65535
    np.testing.assert_allclose(decode_grey(png(values)).pixels, GREY, atol=1e-4)


@pytest.mark.parametrize("factor", [1, 257])
def test_8_bit_values_in_such_a_file_are_not_stretched(factor):
    values = np.repeat((GREY // 2 * factor)[..., None], 3, axis=2)
    np.testing.assert_array_equal(decode_grey(png(values)).pixels, GREY // 2)


def test_what_is_transparent_is_black():
    values = np.repeat((GREY * 16)[..., None], 4, axis=2)
    values[..., 3] = np.where(np.arange(17) < 5, 0, 65535)
    decoded = decode_grey(png(values))
    assert not decoded.pixels[:, :5].any()
    assert decoded.transparent == pytest.approx(5 / 17)
    values[..., 3] = 0
    np.testing.assert_allclose(decode_grey(png(values)).pixels, GREY, atol=1e-4)


def test_one_colour_may_be_transparent():
    values = np.repeat((GREY * 16)[..., None], 3, axis=2)
    values[5, 5] = 4080, 4080, 4081
    assert decode_grey(png(values)).pixels[5, 5] > 250
    decoded = decode_grey(png(values, transparent=(4080, 4080, 4081)))
    assert decoded.pixels[5, 5] == 0
    np.testing.assert_allclose(decoded.pixels[6:], GREY[6:], atol=0.1)


def test_other_images_are_left_to_pillow():
    stream = io.BytesIO()
    Image.fromarray(GREY.astype(np.uint8)).save(stream, "PNG")
    assert read(stream.getvalue()) is None
    assert read(png(GREY[..., None])) is None


def test_damage_is_one_error():
    content = png(COLOUR)
    with pytest.raises(UnreadableImageError, match="can't be decoded"):
        decode_grey(content[: len(content) // 2])
