import json
from base64 import b64decode
from io import BytesIO

import numpy as np
from PIL import Image

from semiray.explorer.pictures import LIMIT, difference_picture, pack, real_picture
from semiray.radiographs.pixels.marks import OUTPUT, synthetic_mark


def test_differences_are_red_where_brighter_and_blue_where_darker() -> None:
    before = np.full((2, 2), 100, np.uint8)
    image = np.array([[100, 100 + LIMIT], [100 - LIMIT, 255]], np.uint8)
    picture = difference_picture(image, before)
    colours = np.asarray(Image.open(BytesIO(picture))).astype(int)
    assert colours[0, 0].tolist() == [247, 247, 247]
    assert colours[0, 1, 0] > colours[0, 1, 2] + 100
    assert colours[1, 0, 2] > colours[1, 0, 0] + 100
    assert colours[1, 1].tolist() == colours[0, 1].tolist(), "cut at the limit"


def test_pictures_are_never_taken_for_data() -> None:
    image = np.zeros((4, 4), np.uint8)
    assert synthetic_mark(difference_picture(image, image)) == OUTPUT
    assert Image.open(BytesIO(difference_picture(image, image))).info["Synthetic"] == "true"
    assert synthetic_mark(real_picture(image)) == OUTPUT


def test_an_answer_holds_its_head_and_its_pictures() -> None:
    answer = json.loads(pack({"a": 1}, [b"xx", b"yyy"]))
    assert answer["a"] == 1
    kinds, contents = zip(*(address.split(",") for address in answer["pictures"]), strict=True)
    assert set(kinds) == {"data:image/png;base64"}
    assert [b64decode(content) for content in contents] == [b"xx", b"yyy"]
