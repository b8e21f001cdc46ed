"""The demo, whole but in seconds: what it promises is there, and it says what it is."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semiray.cli import main
from semiray.demo import EVENT, FULL, OVERHEAD, PROBE_STEPS, make_phantoms, plan, run_demo, show_trained
from semiray.errors import SemirayError
from semiray.training import Run


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What `semiray demo` leaves and says in a few seconds."""
    out = tmp_path_factory.mktemp("demo") / "demo"
    said = []
    few = {"phantoms": 150, "seeds": 1, "steps": 3, "n_synthetic": 96, "probe_steps": 2}
    few |= {"commitment_images": 64, "effect_patients": 4, "permutations": 19}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("semiray.commands.console.console.print", lambda *words, **_: said.append(" ".join(words)))
        patch.setattr("semiray.demo.run_demo", partial(run_demo, **few))
        patch.setattr("semiray.pretrained.names.SHIPPED", tmp_path_factory.mktemp("none"))
        assert main(["demo", "--out", str(out), "--minutes", "0.02"]) == 0
    return out, "\n".join(said)


@pytest.mark.slow
def test_it_leaves_all_five_parts(demo: tuple[Path, str]) -> None:
    out, _ = demo
    for part in (
        "prior.png",
        "phantoms/factors.csv",
        "run/model.safetensors",
        "synthetic/manifest.csv",
        "traversal.png",
    ):
        assert (out / part).stat().st_size > 500, part
    report = json.loads((out / "proof" / "report.json").read_text(encoding="utf-8"))
    assert report["phantom"] is True
    found = report["judgements"]
    assert set(found["commitment"]["means"]) == {"survival", "duration", "presentation", "texture"}
    assert 0 <= found["utility"]["ratio"]["mean"] < 5
    assert "phantom" in (out / "proof" / "report.html").read_text(encoding="utf-8").lower()


@pytest.mark.slow
def test_it_says_what_it_is_and_where_the_report_lies(demo: tuple[Path, str]) -> None:
    out, said = demo
    assert "These are phantoms" in said
    assert str(out / "proof" / "report.html") in said
    for word in ("Assume", "Train", "Ask", "Look", "Prove", "No trained run comes", "Utility", "Commitment", "Sorting"):
        assert word in said, word


def test_a_trained_run_is_shown_first(shipped: Run, tmp_path: Path) -> None:
    said: list[str] = []
    show_trained(tmp_path / "trained", say=said.append)
    assert len(list((tmp_path / "trained" / "synthetic").rglob("*.png"))) == 60
    assert (tmp_path / "trained" / "traversal.png").stat().st_size > 10_000
    told = "\n".join(said)
    for words in (f"Ask tiny-32, a run that was trained before: 60 images where {EVENT}", "semiray explore tiny-32"):
        assert words in told
    assert "Assumed, grounded on no image" in told


def test_without_a_trained_run_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semiray.pretrained.names.SHIPPED", tmp_path)
    said: list[str] = []
    show_trained(tmp_path / "trained", say=said.append)
    assert said == ["No trained run comes with this installation: the demo trains one"]
    assert not (tmp_path / "trained").exists()


@pytest.mark.parametrize(("words", "minutes"), [((), 4.0), (("--full",), FULL), (("--minutes", "7"), 7.0)])
def test_full_is_ten_minutes(words: tuple[str, ...], minutes: float, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, float] = {}

    def stop(_: Path, **options: float) -> None:
        asked.update(options)
        raise SemirayError("enough")

    monkeypatch.setattr("semiray.demo.run_demo", stop)
    assert main(["demo", *words]) == 2
    assert asked["minutes"] == minutes
    assert FULL == 10


def test_it_never_writes_into_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SemirayError, match="not empty"):
        run_demo(tmp_path)
    with pytest.raises(SemirayError, match="not empty"):
        make_phantoms(tmp_path, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_phantoms_are_seeded_and_in_equal_shares(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_phantoms(tmp_path / name, 9, resolution=32, seed=seed)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.png"))
    assert len(files) == 9
    assert [len(list((tmp_path / "a" / name).iterdir())) for name in ("normal", "lobar", "diffuse")] == [3, 3, 3]
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    one, other = (np.asarray(Image.open(next((tmp_path / name / "lobar").iterdir()))) for name in "ac")
    assert one.shape == (32, 32)
    assert (one != other).any()


def test_the_time_is_kept_and_half_of_it_trains() -> None:
    for minutes in (4.0, 10.0, 60.0):
        for step in (0.001, 0.01, 0.03, 0.05, 0.1, 1.0):
            training, seeds = plan(minutes, step)
            assert training >= minutes / 2
            assert 1 <= seeds <= 3
            fits_at_all = OVERHEAD + (2 * 600 + PROBE_STEPS) * step / 60 <= minutes / 2
            if fits_at_all and seeds > 1:
                assert training + OVERHEAD + (2 * seeds * 600 + PROBE_STEPS) * step / 60 <= minutes
    assert plan(10, 0.001)[1] == 3
    assert plan(10, 1.0) == (5, 1)


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_minutes_are_refused_before_anything_is_made(tmp_path: Path, minutes: float) -> None:
    with pytest.raises(SemirayError, match="finite number above 0"):
        run_demo(tmp_path / "demo", minutes=minutes)
    assert not (tmp_path / "demo").exists()
