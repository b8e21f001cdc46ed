"""Large samples: the same bytes whoever writes which part, in every format, whatever is killed."""

import io
import json
import shutil
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet

from semiray.errors import SemirayError
from semiray.files import hold_folder
from semiray.generation import CopyFilter, Request, Share, generate, sharding, write_images, write_sample
from semiray.training import Run

Killable = Callable[[Sequence[object], float | None], int | None]
FORMS = ("png", "webdataset", "parquet")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", FORMS)
def test_any_sharding_gives_the_same_bytes(run: Run, tmp_path: Path, form: str) -> None:
    request = Request(run, seed=3)
    whole = write_sample(request, 300, tmp_path / "whole", start=10, form=form, per_part=64)
    assert whole is not None
    for number in (2, 0, 1):
        share = Share(number, 3)
        found = write_sample(request, 300, tmp_path / "shared", start=10, form=form, per_part=64, share=share)
        assert (found is None) == (number != 1)  # the last one finds all complete
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "shared")
    assert not list((tmp_path / "shared").rglob("*.lock"))


def test_a_folder_of_png_files_is_what_write_images_makes(run: Run, tmp_path: Path) -> None:
    write_sample(Request(run, label="virus", where="duration <= 14", seed=4), 70, tmp_path / "parts", per_part=64)
    sample = generate(run, 70, label="virus", where="duration <= 14", seed=4)
    write_images(sample, tmp_path / "whole", run_name=run.path.name)
    made = bytes_of(tmp_path / "parts")
    asked = json.loads(made.pop("request.json"))
    assert (asked["n"], asked["label"], asked["synthetic"]) == (70, "virus", True)
    assert made == bytes_of(tmp_path / "whole")


def test_tar_shards_hold_images_and_what_was_asked(run: Run, tmp_path: Path) -> None:
    write_sample(Request(run, seed=5), 100, tmp_path / "out", form="webdataset", per_part=64)
    sample = generate(run, 100, seed=5)
    members = []
    for shard in sorted((tmp_path / "out").glob("*.tar")):
        with tarfile.open(shard) as tar:
            members += [(member.name, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
            assert {(member.mtime, member.uid, member.mode) for member in tar.getmembers()} == {(0, 0, 0o644)}
    assert [name for name, _ in members] == [f"{i:09d}.{kind}" for i in range(100) for kind in ("png", "json")]
    for i, ((_, png), (_, said)) in enumerate(zip(members[::2], members[1::2], strict=True)):
        with Image.open(io.BytesIO(png)) as image:
            assert image.info["Synthetic"] == "true"
            assert (np.asarray(image) == sample.images[i]).all()
        tree = json.loads(said)
        assert (tree["synthetic"], tree["label"], tree["index"]) == (True, sample.label_name(i), i)
        assert np.float32(list(tree["codes"].values())).tolist() == sample.codes[i].tolist()


def test_tables_hold_images_and_what_was_asked(run: Run, unlabelled_run: Run, tmp_path: Path) -> None:
    write_sample(Request(run, seed=5), 100, tmp_path / "out", form="parquet", per_part=64)
    sample = generate(run, 100, seed=5)
    table = parquet.read_table(tmp_path / "out" / "shard-000001.parquet")
    assert table.schema.metadata[b"Synthetic"] == b"true"
    assert table["index"].to_pylist() == list(range(64, 100))
    assert table["label"].to_pylist() == [sample.label_name(i) for i in range(64, 100)]
    assert np.float32(table["duration[0]"]).tolist() == sample.codes[64:, 5].tolist()
    with Image.open(io.BytesIO(table["image"][0].as_py())) as image:
        assert (np.asarray(image) == sample.images[64]).all()


def test_memory_holds_a_chunk_at_a_time_and_copies_are_left_out(run: Run, tmp_path: Path) -> None:
    sizes: list[int] = []

    class EverySecond(CopyFilter):
        def __init__(self) -> None:
            self.fingerprint = "x"

        def keep(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
            sizes.append(len(images))
            return np.arange(len(images)) % 2 == 0

    out = tmp_path / "out"
    write_sample(Request(run), 200, out, form="parquet", per_part=128, reject_copies=EverySecond(), chunk=64)
    assert sizes == [64, 64, 64, 8]
    tables = [parquet.read_table(path) for path in sorted(out.glob("*.parquet"))]
    assert [i for table in tables for i in table["index"].to_pylist()] == list(range(0, 200, 2))


def test_bfloat16_moves_grey_levels_by_little(run: Run) -> None:
    exact, fast = (Request(run, bf16=bf16).images(0, 32).images.astype(int) for bf16 in (False, True))
    assert 0 < np.abs(exact - fast).max() <= 4
    assert np.abs(exact - fast).mean() < 0.5


def test_another_sample_is_refused_and_the_same_one_gone_on_with(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_sample(Request(run, seed=1), 70, out, per_part=64)
    before = bytes_of(out)
    assert write_sample(Request(run, seed=1), 70, out, per_part=64) == out / "manifest.csv"
    with pytest.raises(SemirayError, match="another sample: its seed, n differ"):
        write_sample(Request(run, seed=2), 71, out, per_part=64)
    with pytest.raises(SemirayError, match="another sample: its seed differs, see"):
        write_sample(Request(run, seed=2), 70, out, per_part=64)
    assert bytes_of(out) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(SemirayError, match="not empty"):
        write_sample(Request(run), 5, tmp_path / "mine")
    with pytest.raises(SemirayError, match="is a file"):
        write_sample(Request(run), 5, tmp_path / "mine" / "thesis.txt")
    with pytest.raises(SemirayError, match="can't write"):
        write_sample(Request(run), 5, tmp_path / "mine" / "thesis.txt" / "below")


def test_two_processes_don_t_write_the_same_share(run: Run, tmp_path: Path) -> None:
    write_sample(Request(run), 70, tmp_path / "out", per_part=64, share=Share(0, 2))
    with hold_folder(tmp_path / "out", "share-1-of-2"):
        with pytest.raises(SemirayError, match="another process is writing share-1-of-2"):
            write_sample(Request(run), 70, tmp_path / "out", per_part=64, share=Share(1, 2))
        write_sample(Request(run), 70, tmp_path / "out", per_part=64, share=Share(0, 2))


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_keeps_what_is_complete(
    run: Run, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    encode = sharding.Request.images

    def full(self: Request, start: int, n: int) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(28, "No space left on device")
        return encode(self, start, n)

    with monkeypatch.context() as patch:
        patch.setattr(sharding.Request, "images", full)
        with pytest.raises(SemirayError, match=r"No space left on device.*the same command continues"):
            write_sample(Request(run), 200, tmp_path / "out", form=form, per_part=64)
    write_sample(Request(run), 200, tmp_path / "out", form=form, per_part=64)
    write_sample(Request(run), 200, tmp_path / "whole", form=form, per_part=64)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


@pytest.mark.parametrize("text", ["5/4", "4/4", "x", "1", "-1/2", "1/0", ""])
def test_a_share_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SemirayError, match="K/OF"):
        Share.parse(text)


def test_shares_cover_all_parts_once() -> None:
    for of in (1, 3, 7):
        dealt = [part for number in range(of) for part in Share(number, of).parts(10)]
        assert dealt == list(range(10))


def test_numbers_and_formats_that_make_no_sense_are_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SemirayError, match="multiple of 64"):
        write_sample(Request(run), 5, tmp_path / "out", per_part=100)
    with pytest.raises(SemirayError, match="form=jpeg: choose one of png, dicom, imagefolder, webdataset"):
        write_sample(Request(run), 5, tmp_path / "out", form="jpeg")
    with pytest.raises(SemirayError, match="at least one"):
        write_sample(Request(run), 0, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a Unix signal")
def test_thirty_kills_leave_no_gap_and_no_repeat(run: Run, tmp_path: Path, killable: Killable) -> None:
    words = {form: ["generate", run.path, "-n", "640", "--per-shard", "64", "--format", form] for form in FORMS}
    whole, seconds = {}, {}
    for form in FORMS:
        for _ in range(2):  # the first one warms the machine up
            shutil.rmtree(tmp_path / form, ignore_errors=True)
            started = time.monotonic()
            assert killable([*words[form], "--out", tmp_path / form], None) == 0
            seconds[form] = time.monotonic() - started
        whole[form] = bytes_of(tmp_path / form)
    draws, killed, turn = np.random.default_rng(0), 0, 0
    while killed < 30:
        form, out = FORMS[turn % 3], tmp_path / f"killed-{turn}"
        turn += 1
        while True:
            moment = float(draws.uniform(0.0, seconds[form])) if killed < 30 else None
            code = killable([*words[form], "--out", out], moment)
            there = bytes_of(out) if out.exists() else {}
            final = {name: raw for name, raw in there.items() if not Path(name).name.startswith(".")}
            final = {name: raw for name, raw in final.items() if not name.startswith("manifest/")}
            assert all(whole[form][name] == raw for name, raw in final.items())  # whole, or absent
            if code == 0:
                break
            assert code == -9
            killed += 1
        assert there.keys() == whole[form].keys()
