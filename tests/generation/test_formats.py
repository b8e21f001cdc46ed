"""Generated images on disk: PNG files with a manifest, and parts in every format, complete or absent."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.generation import Request, generate, write_sample
from semiray.generation.formats import FORMATS, PngFolder, open_format, write_images
from semiray.radiographs import ReadingOptions, load_radiographs
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.reading.readers import read_records
from semiray.training import Run


@pytest.mark.parametrize("name", FORMATS)
def test_a_part_is_complete_or_absent_and_always_the_same(run: Run, tmp_path: Path, name: str) -> None:
    sample = generate(run, 3)
    layout = open_format(name, tmp_path, "RUN", run.classes, run.prior.names)
    stored = [layout.store(sample, i) for i in range(3)]
    with pytest.raises((AttributeError, TypeError)), layout.part(0) as add:
        add(None, stored)  # type: ignore[arg-type]
    assert not layout.place(0).exists()
    written = []
    for _ in range(2):
        with layout.part(0) as add:
            add(sample, stored)
        written.append(layout.place(0).read_bytes())
    assert written[0] == written[1] != b""
    assert layout.finish(1).exists()


def test_an_unknown_format_is_refused_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(SemirayError, match="png, dicom, imagefolder, webdataset, parquet"):
        open_format("zip", tmp_path, "RUN", (), ())


def test_dicom_without_pydicom_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", {}.get)
    with pytest.raises(SemirayError, match=r"form=dicom needs pydicom: pip install 'semiray\[dicom\]'"):
        open_format("dicom", tmp_path, "RUN", (), ())
    assert list(tmp_path.iterdir()) == []


def test_metadata_of_an_image_folder(run: Run, tmp_path: Path) -> None:
    """A row per file, numbers as numbers: what `datasets.load_dataset("imagefolder", data_dir=...)` reads."""
    sample = generate(run, 100, seed=4)
    listing = write_sample(Request(run, seed=4), 100, tmp_path / "out", form="imagefolder", per_part=64)
    assert listing == tmp_path / "out" / "metadata.jsonl"
    rows = [json.loads(line) for line in listing.read_text(encoding="utf-8").splitlines()]
    assert list(rows[0]) == ["file_name", "label", *run.prior.names, "seed", "index", "synthetic"]
    assert [row["index"] for row in rows] == list(range(100))
    assert (np.array([[row[name] for name in run.prior.names] for row in rows], np.float32) == sample.codes).all()
    assert all(row["label"] == Path(row["file_name"]).parent.name and row["synthetic"] is True for row in rows)
    with Image.open(tmp_path / "out" / rows[70]["file_name"]) as image:
        assert (np.asarray(image) == sample.images[70]).all()
    assert set(bytes_of(tmp_path / "out")) == {row["file_name"] for row in rows} | {"metadata.jsonl", "request.json"}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_manifest_gives_the_sample_back(run: Run, tmp_path: Path) -> None:
    sample = generate(run, 20, seed=7, start=5)
    manifest = write_images(sample, tmp_path / "out")
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["file", "label", *run.prior.names, "seed", "index"]
    assert [row["label"] for row in rows] == [sample.label_name(i) for i in range(20)]
    assert [int(row["index"]) for row in rows] == list(range(5, 25))
    assert {row["seed"] for row in rows} == {"7"}
    codes = np.array([[np.float32(row[name]) for name in run.prior.names] for row in rows])
    assert (codes == sample.codes).all()
    for i, row in enumerate(rows):
        with Image.open(tmp_path / "out" / row["file"]) as image:
            assert image.mode == "L"
            assert (np.asarray(image) == sample.images[i]).all()


def test_every_png_says_that_it_is_synthetic(run: Run, tmp_path: Path) -> None:
    sample = generate(run, 6, where="survival == 1 and duration <= 14", seed=9)
    write_images(sample, tmp_path / "out", run_name="my run")
    files = sorted((tmp_path / "out").rglob("*.png"), key=lambda path: path.name)
    assert len(files) == 6
    for i, file in enumerate(files):
        with Image.open(file) as image:
            text = image.text  # type: ignore[attr-defined]
        assert text["Synthetic"] == "true"
        assert text["Software"].startswith("semiray ")
        assert "not a radiograph" in text["Comment"]
        assert (text["Label"], text["Seed"], text["Index"]) == (sample.label_name(i), "9", str(i))
        assert text["Event"] == "survival == 1 and duration <= 14"
        assert float(text["Event probability"]) == pytest.approx(sample.event_probability, rel=1e-5)
        assert text["Run"] == "my run"
        codes = json.loads(text["Codes"])
        assert tuple(codes) == run.prior.names
        assert (np.array(list(codes.values()), np.float32) == sample.codes[i]).all()


def test_the_same_command_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_images(generate(run, 40, seed=2), tmp_path / name)
    first = bytes_of(tmp_path / "a")
    assert first == bytes_of(tmp_path / "b")
    assert len(first) == 41
    assert {Path(name).parts[0] for name in first} == {*run.classes, "manifest.csv"}


def test_the_reader_finds_what_was_written(run: Run, unlabelled_run: Run, tmp_path: Path) -> None:
    sample = generate(run, 9)
    write_images(sample, tmp_path / "out")
    decoder = Decoder(read_records(tmp_path / "out", ReadingOptions()), 32, synthetic=True)
    read = sorted(zip(decoder.listing.records, decoder.decode(), strict=True), key=lambda one: one[0].path.stem)
    assert (np.array([image for _, (_, image) in read]) == sample.images).all()
    assert [record.label for record, _ in read] == [sample.label_name(i) for i in range(9)]

    write_images(generate(unlabelled_run, 4), tmp_path / "flat")
    assert sorted(path.name for path in (tmp_path / "flat").iterdir())[:2] == ["000000.png", "000001.png"]
    assert [record.label for record in read_records(tmp_path / "flat", ReadingOptions()).records] == [None] * 4


def test_they_are_no_data_unless_asked_for(run: Run, tmp_path: Path) -> None:
    write_images(generate(run, 3), tmp_path / "out")
    with pytest.raises(SemirayError, match="Left out: 3 synthetic images"):
        load_radiographs(tmp_path / "out", resolution=32, cache=tmp_path / "cache")


def test_a_folder_in_use_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    with pytest.raises(SemirayError, match="not empty"):
        write_images(generate(run, 2), tmp_path / "out")
    assert bytes_of(tmp_path / "out") == {"thesis.txt": b"x"}
    with pytest.raises(SemirayError, match="is a file"):
        write_images(generate(run, 2), tmp_path / "out" / "thesis.txt")
    with pytest.raises(SemirayError, match="can't write"):
        write_images(generate(run, 2), tmp_path / "out" / "thesis.txt" / "below")


def test_a_failure_leaves_nothing_behind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PngFolder, "finish", fail)
        with pytest.raises(SemirayError, match="No space left"):
            write_images(generate(run, 5), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    write_images(generate(run, 5), tmp_path / "out")
    assert (tmp_path / "out" / "manifest.csv").exists()


def test_what_a_killed_command_left_goes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out" / ".partial" / "normal").mkdir(parents=True)
    (tmp_path / "out" / ".partial" / "normal" / "000000.png").write_bytes(b"half")
    write_images(generate(run, 3), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "bacteria",
        "manifest.csv",
        "normal",
        "virus",
    ]


def test_class_names_that_no_folder_may_have(run: Run, tmp_path: Path) -> None:
    sample = replace(generate(run, 3), classes=("../up", "Viral Pneumonia", "ø/ü"))
    write_images(sample, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"__up", "Viral Pneumonia", "ø_ü", "manifest.csv"}
    with pytest.raises(SemirayError, match="share the folder"):
        write_images(replace(sample, classes=("a/b", "A:b", "c")), tmp_path / "other")


def test_progress_counts_images(run: Run, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    write_images(generate(run, 5), tmp_path / "out", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i, 5) for i in range(1, 6)]
