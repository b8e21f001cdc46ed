from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.explorer.asking import Ask
from semiray.explorer.studio import Studio
from semiray.generation import generate
from semiray.radiographs import RadiographSet
from semiray.radiographs.pixels.marks import SYNTHETIC, synthetic_mark
from semiray.training import Run


def test_a_grid_is_the_sample_of_its_seed_and_every_picture_says_so(studio: Studio) -> None:
    shown = studio.grid(Ask(seed=3, count=5))
    sample = generate(studio.run, 5, seed=3)
    assert shown.head["labels"] == [sample.label_name(i) for i in range(5)]
    for picture, image in zip(shown.pictures, sample.images, strict=True):
        assert np.array_equal(np.asarray(Image.open(BytesIO(picture))), image)
        assert synthetic_mark(picture) == SYNTHETIC


def test_the_event_has_its_probability_and_wrong_ones_an_error(studio: Studio) -> None:
    event = studio.event(Ask(where=" survival == 1 ")).head["event"]
    assert event == {"text": "survival == 1", "probability": pytest.approx(0.5, abs=0.01)}
    assert studio.event(Ask()).head["event"] is None
    with pytest.raises(SemirayError, match="impossible"):
        studio.event(Ask(where="duration < 0"))


def test_what_is_held_may_leave_the_event_and_it_is_said(studio: Studio) -> None:
    asked = {"where": "duration <= 14", "count": 4}
    assert studio.grid(Ask(**asked, hold={"duration": 10.0})).head["left"] == 0
    assert studio.grid(Ask(**asked, hold={"duration": 20.0})).head["left"] == 4
    with pytest.raises(SemirayError, match="duraton"):
        studio.grid(Ask(hold={"duraton": 1.0}))


def test_differences_are_those_to_the_patients_as_drawn(studio: Studio) -> None:
    moved = studio.grid(Ask(count=2, difference=True, hold={"duration": 20.0}))
    plain = studio.grid(Ask(count=2, difference=True))
    assert Image.open(BytesIO(moved.pictures[0])).mode == "RGB"
    assert Image.open(BytesIO(plain.pictures[0])).mode == "L", "nothing is held, so images are shown"


def test_a_patient_stands_among_neighbours_along_a_factor(studio: Studio) -> None:
    shown = studio.patient(Ask(seed=3, index=4, factor="duration", hold={"duration": 20.0, "texture": 0.5}))
    drawn = generate(studio.run, 1, seed=3, start=4)
    assert shown.head["drawn"] == drawn.codes[0].tolist()
    assert np.array_equal(np.asarray(Image.open(BytesIO(shown.pictures[0]))), drawn.images[0])
    assert len(shown.head["values"]) == len(shown.pictures) - 2 == 7
    row = studio.neighbours(Ask(seed=3, index=4, factor="duration", hold={"duration": 20.0, "texture": 0.5}))[2:]
    assert [one.held for one in row] == [{"texture": 0.5, "duration": value} for value in shown.head["values"]]


def test_the_nearest_training_image_and_whether_it_is_copied(
    studio: Studio, known: tuple[Run, RadiographSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = studio.nearest(Ask(index=1)).head
    assert head["key"] in known[1].keys
    assert head["of"] == len(studio._copies.train)  # type: ignore[union-attr]
    copied = studio._copies.train.images[:1]  # type: ignore[union-attr]
    sample = generate(studio.run, 1)
    object.__setattr__(sample, "images", copied)
    monkeypatch.setattr(studio, "neighbours", lambda _: [sample, sample])
    found = studio.nearest(Ask()).head
    assert (found["copied"], found["ratio"]) == (True, 0.0)
    with pytest.raises(SemirayError, match="DATA"):
        Studio(studio.run).nearest(Ask())


@pytest.mark.usefixtures("short_search")
def test_an_upload_is_kept_until_others_take_its_place(studio: Studio, picture: Path) -> None:
    said: list[object] = []
    head = studio.take_upload(picture.read_bytes(), picture.name, None, said.append).head
    shown = studio.patient(Ask(upload=head["upload"], factor="texture", difference=True))
    assert len(shown.pictures) == 2 + 7 + 2
    assert shown.head["estimates"]["name"] == "patient 1.png"
    with pytest.raises(SemirayError, match="upload it again"):
        studio.patient(Ask(upload="other"))
