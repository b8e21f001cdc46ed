"""`semiray runs` and `export`: the runs that come with semiray, and a run for other programs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from semiray.training import Run

Semiray = Callable[..., tuple[int, str, str]]
Refuses = Callable[..., str]


def test_shipped_runs_are_listed(shipped: Run, semiray_says: Semiray) -> None:
    code, said, _ = semiray_says("runs")
    assert code == 0
    assert "tiny-32: dark, middle, bright; 32 px" in said


def test_no_shipped_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, semiray_says: Semiray) -> None:
    monkeypatch.setattr("semiray.pretrained.names.SHIPPED", tmp_path)
    code, said, _ = semiray_says("runs")
    assert code == 0
    assert "No run comes with this installation" in said


def test_commands_take_the_name(
    shipped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, semiray_says: Semiray
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (("generate", "tiny-32", "-n", "4", "--out", "made"), ("samples", "tiny-32", "--out", "samples.png")):
        code, _, error = semiray_says(*words)
        assert (code, error) == (0, "")
    assert (tmp_path / "made" / "manifest.csv").exists()


def test_a_shipped_run_is_not_resumed(shipped: Run, refuses: Refuses) -> None:
    said = refuses("train", "DATA", "--out", "tiny-32", "--resume")
    assert "tiny-32 came with semiray and stays as it is. Start a new run from it: --from tiny-32" in said


@pytest.mark.slow
def test_a_network_is_exported(work: Path, tmp_path: Path, semiray_says: Semiray, refuses: Refuses) -> None:
    assert "--to generator.pt: name a file that ends in .onnx, or hub-folder" in refuses(
        "export", "RUN", "--to", "generator.pt"
    )
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'semiray[onnx]'")
    code, said, _ = semiray_says("export", work / "run", "--to", tmp_path / "sorter.onnx", "--network", "sorter")
    assert code == 0
    assert "Differs from PyTorch by" in said
    assert "Assumed, grounded on no image: survival" in said
    assert (tmp_path / "sorter.onnx").stat().st_size > 10_000


def test_a_run_is_written_for_others_and_uploaded(
    work: Path, tmp_path: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[Path, str]] = []
    monkeypatch.setattr("semiray.pretrained.push", lambda *words: sent.append(words) or "https://hub/owner/name")
    monkeypatch.setenv("SEMIRAY_CACHE", str(work / "cache"))
    words = ("export", work / "run", "--to", "hub-folder", "--license", "mit", "--out")
    code, said, _ = semiray_says(*words, tmp_path / "a", "--traces", work / "data", "--dataset", "owner/set")
    assert code == 0
    assert "Next: huggingface-cli upload OWNER/NAME" in said
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == [
        *("README.md", "model.safetensors", "settings.yaml", "traces.npy")
    ]
    assert "- owner/set" in (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    code, said, _ = semiray_says(*words, tmp_path / "b", "--push", "owner/name")
    assert code == 0
    assert "Uploaded to https://hub/owner/name" in said
    assert sent == [(tmp_path / "b", "owner/name")]
    assert 'Run.load("hf://owner/name")' in (tmp_path / "b" / "README.md").read_text(encoding="utf-8")
    assert semiray_says("generate", tmp_path / "b", "-n", "3", "--out", tmp_path / "c")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--to hub-folder: say where it goes with --out"),
        (("--out", "NEW"), "licence with --license"),
        (("--out", "NEW", "--license", "mit", "--push", "me"), "--push me: expected OWNER/NAME"),
        (("--out", "NEW", "--license", "mit", "--report", "nowhere"), "there is no report"),
        (("--out", "NEW", "--license", "mit", "--network", "sorter"), "--network is for .onnx only"),
    ],
)
def test_what_others_need_is_asked_for(words: tuple[str, ...], told: str, refuses: Refuses) -> None:
    assert told in refuses("export", "RUN", "--to", "hub-folder", *words)


@pytest.mark.parametrize("words", [("--out", "NEW"), ("--license", "mit"), ("--push", "me/run"), ("--dataset", "a/b")])
def test_what_an_onnx_file_has_no_place_for_is_refused(words: tuple[str, str], refuses: Refuses) -> None:
    assert "only --network goes with it" in refuses("export", "RUN", "--to", "generator.onnx", *words)
