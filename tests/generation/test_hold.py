import csv
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semiray.errors import SemirayError
from semiray.generation.hold import check_hold, hold_codes, parse_hold
from semiray.generation.sampling import Request, generate
from semiray.generation.sharding import write_sample
from semiray.generation.synthetic import describe_image, encode_image
from semiray.priors import Factor, JointPrior
from semiray.training import Run


def test_words_become_values_and_bad_words_are_refused() -> None:
    assert parse_hold(["duration=14", " texture[2] =-0.5"]) == {"duration": 14.0, "texture[2]": -0.5}
    for wrong in ("duration", "duration=", "duration=long", "duration=nan", "duration=inf"):
        with pytest.raises(SemirayError, match="FACTOR=VALUE"):
            parse_hold([wrong])
    with pytest.raises(SemirayError, match="held twice"):
        parse_hold(["duration=1", "duration=2"])


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        ({"duraton": 1.0}, "duraton"),
        ({"duration[9]": 1.0}, r"duration\[0\] to duration\[4\]"),
        ({"duration": -1.0}, "days"),
        ({"texture": 1.5}, "-1 to 1"),
        ({"survival": 0.5}, "0 or 1"),
        ({"duration": float("nan")}, "days"),
    ],
)
def test_what_the_prior_cannot_draw_is_refused(hold: dict[str, float], said: str) -> None:
    with pytest.raises(SemirayError, match=said):
        check_hold(JointPrior.default(), hold)


def test_companions_go_to_the_same_quantile_and_a_dimension_overrules_its_factor() -> None:
    prior = JointPrior(
        [
            Factor("dose", "exponential", 3, {"mean": [1.0, 10.0, 1.0]}),
            Factor("grade", "categorical", 2, {"probabilities": [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]}),
        ]
    )
    codes = torch.full((4, 5), 0.25)
    held = hold_codes(prior, codes, {"dose[2]": 5.0, "dose": 2.0, "grade": 2.0})
    assert torch.allclose(held, torch.tensor([2.0, 20.0, 5.0, 2.0, 2.0]).expand(4, 5), rtol=1e-6)
    assert (codes == 0.25).all(), "the codes that were given stay as they are"
    assert torch.equal(hold_codes(prior, codes, {}), codes)


def test_the_patients_stay_and_only_what_is_held_moves(run: Run) -> None:
    drawn = generate(run, 5, seed=3, label="virus")
    held = generate(run, 5, seed=3, label="virus", hold={"duration": 14.0})
    duration = run.prior.slices["duration"]
    assert (held.codes[:, duration] == 14).all()
    others = np.delete(np.arange(20), np.arange(duration.start, duration.stop))
    assert (held.codes[:, others] == drawn.codes[:, others]).all()
    assert not np.array_equal(held.images, drawn.images)
    again = Request(run, seed=3, label="virus").holding({"duration": 14.0}).images(0, 5)
    assert np.array_equal(again.images, held.images)


def test_variants_are_the_images_that_generate_makes(run: Run) -> None:
    request = Request(run, seed=3, where="survival == 1")
    holds: list[dict[str, float]] = [{}, {"duration": 2.0}, {"duration": 30.0, "texture[1]": 0.5}]
    for one, hold in zip(request.variants(17, holds), holds, strict=True):
        alone = generate(run, 1, seed=3, where="survival == 1", start=17, hold=hold)
        assert np.array_equal(one.codes, alone.codes)
        assert np.abs(one.images.astype(int) - alone.images).max() <= 1
        assert (one.labels[0], one.index[0], dict(one.held)) == (alone.labels[0], 17, hold)


def test_files_say_what_was_held_and_nothing_where_nothing_was(run: Run, tmp_path: Path) -> None:
    held, drawn = generate(run, 1, hold={"duration": 14}), generate(run, 1)
    said = Image.open(BytesIO(encode_image(held, 0, "RUN"))).info
    assert json.loads(said["Held"]) == {"duration": 14}
    assert "Held" not in Image.open(BytesIO(encode_image(drawn, 0, "RUN"))).info
    assert describe_image(held, 0, "RUN")["held"] == {"duration": 14}
    assert "held" not in describe_image(drawn, 0, "RUN")
    assert "Held: duration = 14." in held._repr_html_()


def test_a_folder_of_held_images_is_not_continued_with_others(run: Run, tmp_path: Path) -> None:
    write_sample(Request(run, hold={"duration": 14}), 3, tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "manifest.csv").open(encoding="utf-8")))
    assert {row["duration[0]"] for row in rows} == {"14"}
    for other in (None, {"duration": 15.0}):
        with pytest.raises(SemirayError, match="hold differ"):
            write_sample(Request(run, hold=other), 3, tmp_path / "out")
    assert write_sample(Request(run, hold={"duration": 14}), 3, tmp_path / "out") == tmp_path / "out" / "manifest.csv"
