import csv
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.generation.encoding import critic_logits, discriminate, encode, encode_scores, write_codes
from semiray.generation.sampling import generate
from semiray.networks import build_networks
from semiray.training import Run


def test_codes_are_the_prior_s_of_the_sorter_s_scores(run: Run) -> None:
    images = generate(run, 70).images
    scores = encode_scores(run, images)
    assert scores.shape == (70, 20)
    assert scores.dtype == np.float32
    x = torch.from_numpy(images.astype(np.float32) / 127.5 - 1)[:, None]
    with torch.inference_mode():
        expected = run.discriminator(x, torch.zeros(70, dtype=torch.long)).scores.numpy()
    assert np.abs(scores - expected).max() < 1e-4
    codes = encode(run, images)
    assert codes.dtype == np.float32
    assert (codes == run.prior.codes(torch.from_numpy(scores)).numpy()).all()
    assert set(np.unique(codes[:, run.prior.slices["survival"]])) <= {0, 1}
    assert (codes[:, run.prior.slices["duration"]] >= 0).all()


def test_no_image_depends_on_its_neighbours(run: Run) -> None:
    images = generate(run, 80).images
    assert np.abs(encode_scores(run, images)[66:67] - encode_scores(run, images[66:67])).max() < 1e-5


def test_memory_mapped_and_no_images(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", generate(run, 3).images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r", allow_pickle=False)
    assert encode(run, mapped).shape == (3, 20)
    assert encode(run, mapped[:0]).shape == (0, 20)


def test_progress(run: Run) -> None:
    calls: list[tuple[int, int]] = []
    encode(run, generate(run, 70).images, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (70, 70)


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_table_of_codes_beside_what_is_known(
    run: Run, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semiray.generation.encoding._CHUNK", 70)
    data = run.load_data(data_folder, cache=tmp_path / "cache")
    metadata = [{"age": str(i), "label": "=cmd"} for i in range(len(data))]
    calls: list[tuple[int, int]] = []
    table = write_codes(
        run, replace(data, metadata=metadata), tmp_path / "codes.csv", progress=lambda *done: calls.append(done)
    )
    rows = rows_of(table)
    assert list(rows[0]) == [
        *("file", "patient", "label", "part", "estimated_label", "probability"),
        *(*run.prior.names, "age", "metadata.label"),
    ]
    assert [row["file"] for row in rows] == list(data.keys)
    assert [row["label"] for row in rows] == [data.classes[label] for label in data.labels]
    found = np.array([[row[name] for name in run.prior.names] for row in rows], np.float32)
    expected = encode(run, np.asarray(data.images))
    assert np.isclose(found, expected, atol=1e-4).mean() > 0.999  # a discrete code may lie at its threshold
    held_out = {data.keys[i] for i in run.split(data).test}
    assert {row["file"] for row in rows if row["part"] == "test"} == held_out != set()
    assert {row["estimated_label"] for row in rows} <= set(run.classes)
    assert all(1 / 3 <= float(row["probability"]) <= 1 for row in rows)
    assert (rows[5]["age"], rows[5]["metadata.label"]) == ("5", "'=cmd")
    assert calls[-1] == (108, 108)


def test_a_table_is_written_whole_or_not_at_all(
    unlabelled_run: Run, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = unlabelled_run.load_data(data_folder, cache=tmp_path / "cache").take(range(5))
    out = tmp_path / "out"
    out.mkdir()
    head = list(rows_of(write_codes(unlabelled_run, data, out / "codes.csv"))[0])
    assert head == ["file", "patient", "label", *unlabelled_run.prior.names]  # another run's set, and no classes
    before = (out / "codes.csv").read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SemirayError, match="No space left"):
        write_codes(unlabelled_run, data, out / "codes.csv", progress=fail)
    with pytest.raises(SemirayError, match="resolution=32"):
        write_codes(unlabelled_run, replace(data, images=data.images[:, :16, :16]), out / "other.csv")
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("codes.csv", before)]


def test_errors_say_what_to_do(run: Run) -> None:
    with pytest.raises(SemirayError, match="resolution=32"):
        encode(run, np.zeros((2, 64, 64), np.uint8))
    with pytest.raises(SemirayError, match="uint8"):
        encode(run, np.zeros((2, 32, 32), np.float32))
    with pytest.raises(SemirayError, match=r"\(N, H, W\)"):
        encode(run, np.zeros((32, 32), np.uint8))


def test_the_critic_is_told_labels_and_leads_as_it_was_in_training(run: Run) -> None:
    images = generate(run, 70).images
    labels = np.arange(70) % 3
    logits = critic_logits(run, images, labels)
    x = torch.from_numpy(images.astype(np.float32) / 127.5 - 1)[:, None]
    with torch.inference_mode():
        expected = run.discriminator(x, torch.from_numpy(labels)).critic.numpy()
    assert np.abs(logits - expected).max() < 1e-4
    torch.manual_seed(0)
    shape = replace(run.discriminator.shape, grounded=1)
    _, discriminator = build_networks("residual", shape)
    grounded = replace(run, discriminator=discriminator.eval(), grounded={"duration": 5})
    column = run.prior.slices["duration"].start
    with torch.inference_mode():
        expected = discriminator(x, torch.from_numpy(labels), lambda scores: scores[:, [column]]).critic.numpy()
        untold = discriminator(x, torch.from_numpy(labels)).critic.numpy()
    logits = critic_logits(grounded, images, labels)
    assert np.abs(logits - expected).max() < 1e-4
    assert np.abs(logits - untold).max() > 1e-3


def test_of_an_unknown_class_the_critic_is_told_what_the_sorter_reads(run: Run) -> None:
    images, labels = generate(run, 20).images, np.arange(20) % 3
    read = np.concatenate([output.classes.argmax(dim=1) for _, output in discriminate(run, images, 0 * labels)])
    unknown = np.where(np.arange(20) < 12, -1, labels)
    expected = critic_logits(run, images, np.where(unknown < 0, read, labels))
    np.testing.assert_allclose(critic_logits(run, images, unknown), expected, atol=1e-5)


def test_a_gpu_reads_images_without_mixing_devices(
    make_run: Callable[..., Run], fake_cuda: Callable[[], AbstractContextManager[torch.device]]
) -> None:
    run = replace(make_run(), grounded={"duration": 5})
    images, labels = np.zeros((70, 32, 32), np.uint8), np.zeros(70, np.int64)
    with fake_cuda() as device:
        run.discriminator.to(device)
        (found,) = discriminate(run, images, labels)  # at once: a GPU's batches are larger
        assert found[0] == slice(0, 70)
        assert {part.device for part in found[1]} == {device}
