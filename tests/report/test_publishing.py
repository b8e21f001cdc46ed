"""A published run: small, without names, with a card; and what isn't published."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from semiray.errors import SemirayError
from semiray.generation import encode_scores, generate
from semiray.pretrained import PUBLISHED
from semiray.radiographs import RadiographSet
from semiray.report import Origin, publish
from semiray.training import Run


def test_a_published_run_is_the_same_but_small(
    trained: Run, real: RadiographSet, report_maker: Any, tmp_path: Path
) -> None:
    origin = Origin("cc-by-4.0", "From *here*.", ("owner/set",))
    report = report_maker(tmp_path / "report", "RUN")
    run = publish(trained, tmp_path / "hub", origin, report=report, data=real)
    assert {file.name for file in run.path.iterdir()} == set(PUBLISHED)
    assert run.settings == trained.settings
    apart = generate(run, 30, seed=3).images.astype(int) - generate(trained, 30, seed=3).images
    assert np.abs(apart).max() <= 1
    np.testing.assert_allclose(encode_scores(run, real.images), encode_scores(trained, real.images), atol=0.02)
    assert all(key not in (run.path / "settings.yaml").read_text(encoding="utf-8") for key in real.keys[:5])
    trained_on = trained.split(real).train
    assert run.data["trained"] == {"images": len(trained_on), "patients": len(np.unique(real.patients[trained_on]))}
    _, front, text = (run.path / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    tree = yaml.safe_load(front)
    assert (tree["license"], tree["pipeline_tag"]) == ("cc-by-4.0", "unconditional-image-generation")
    assert tree["datasets"] == ["owner/set"]
    (result,) = tree["model-index"][0]["results"]
    assert result["metrics"][0] == {
        "type": "Utility: synthetic / real",
        "name": "Utility: synthetic / real",
        "value": 0.9,
    }
    for words in (
        "From *here*.",
        "## Privacy audit",
        "not a medical device",
        'Run.load("hub")',
        "traces.npy",
        f"Trained on {len(trained_on)} images",
    ):
        assert words in text, words


def test_without_data_and_report_nothing_is_claimed(trained: Run, tmp_path: Path) -> None:
    run = publish(trained, tmp_path / "hub", Origin("mit", phantom=True), name="hf://owner/name")
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert {file.name for file in run.path.iterdir()} == set(PUBLISHED) - {"traces.npy"}
    assert "model-index" not in card
    assert "## What was measured" not in card
    assert "phantoms" in card
    assert 'Run.load("hf://owner/name")' in card
    assert "# owner/name" in card


def test_what_leaks_or_is_not_this_run_s_is_not_published(trained: Run, report_maker: Any, tmp_path: Path) -> None:
    leaking = report_maker(tmp_path / "leaking", "RUN", copies=0.02)
    with pytest.raises(SemirayError, match=r"0\.02 per cent of the generated images are copies"):
        publish(trained, tmp_path / "hub", Origin("mit"), report=leaking)
    other = report_maker(tmp_path / "other", "another")
    with pytest.raises(SemirayError, match="is about another, not about RUN"):
        publish(trained, tmp_path / "hub", Origin("mit"), report=other)
    assert not (tmp_path / "hub").exists()
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "mine").touch()
    with pytest.raises(SemirayError, match="not empty"):
        publish(trained, tmp_path / "hub", Origin("mit"))


def test_a_published_run_knows_its_training_images_by_content(shipped: Run, trained: Run, real: RadiographSet) -> None:
    split = shipped.split(replace(real, keys=tuple(f"{i}.png" for i in range(len(real))), fingerprint="other"))
    named = trained.split(real)
    assert np.array_equal(split.train, named.train)
    assert np.array_equal(split.test, np.sort(np.concatenate([named.validation, named.test])))
    with pytest.raises(SemirayError, match=r"are among the 6\d that the run was trained on"):
        shipped.split(replace(real.take(np.arange(40)), fingerprint="other"))
