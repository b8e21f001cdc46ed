"""Findings: what can be learned from synthetic images, and how often these show what was requested."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.evaluation import FindingsResult, Skipped
from semiray.evaluation.context import Context
from semiray.evaluation.judgements.findings import cost, measure, measure_findings
from semiray.evaluation.options import EvaluationOptions, UtilitySettings
from semiray.generation import Synthetic
from semiray.radiographs import RadiographSet
from semiray.settings import override

SETTINGS = UtilitySettings(seeds=2, steps=60, batch=24, resamples=100)
FACTORS = {"Effusion": "Effusion", "Big_heart": "Big heart"}


def drawn(count: int, seed: int, rates: tuple[float, ...] = (0.5, 0.3)) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, 16, 16) with a bright corner for each of two findings, which exclude each other, and these."""
    draws = np.random.default_rng(seed)
    chosen = np.searchsorted(np.cumsum(rates), draws.random(count))
    findings = (chosen[:, None] == np.arange(2)).astype(np.float32)
    images = draws.integers(0, 60, (count, 16, 16))
    images[:, :8, :8] += (120 * findings[:, 0]).astype(int)[:, None, None]
    images[:, 8:, 8:] += (120 * findings[:, 1]).astype(int)[:, None, None]
    return images.astype(np.uint8), findings


def real(count: int, seed: int) -> RadiographSet:
    images, findings = drawn(count, seed)
    findings[::9, 0] = np.nan
    return RadiographSet(
        images=images,
        labels=np.full(count, -1),
        classes=(),
        patients=np.array([f"p{seed}-{i}" for i in range(count)]),
        keys=tuple(f"{i}.png" for i in range(count)),
        metadata=tuple({} for _ in range(count)),
        fingerprint=f"{seed}",
        finding_names=("Big heart", "Effusion"),
        findings=findings[:, ::-1],
    )


def synthetic(count: int, seed: int, rates: tuple[float, ...] = (0.5, 0.3)) -> Synthetic:
    images, findings = drawn(count, seed, rates)
    codes = np.column_stack([np.zeros(count, np.float32), findings])
    names = ("dose[0]", "Effusion[0]", "Big_heart[0]")
    return Synthetic(images, codes, np.full(count, -1), (), names, np.arange(count), seed)


def measured(on: Synthetic, fresh: Synthetic, **changes: Any) -> FindingsResult:
    found = measure_findings(on, fresh, real(150, 1), real(100, 2), FACTORS, SETTINGS, **changes)
    assert isinstance(found, FindingsResult)
    return found


def test_findings_that_are_shown_are_learned_and_as_frequent_as_requested() -> None:
    found = measured(synthetic(150, 3), synthetic(200, 4))
    assert [one.name for one in found.findings] == ["Effusion", "Big heart"]
    assert found.trtr.auroc.mean > 0.95
    assert found.auroc_ratio.low > 0.9
    assert found.tstr.auroc.mean == pytest.approx(np.mean([one.tstr.auroc.mean for one in found.findings]))
    for one in found.findings:
        assert one.shown > 0.95
        assert one.frequency.estimated == pytest.approx(one.frequency.requested, abs=0.12)
        assert one.frequency.low <= one.frequency.estimated <= one.frequency.high
    assert found.findings[0].n_images == 88  # an unknown finding is not tested
    assert found.findings[0].frequency.known == pytest.approx(0.5, abs=0.1)
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.frequency.requested) == ("Effusion", "Big_heart", 0.0)
    assert pair.frequency.estimated < 0.1


def test_images_that_do_not_show_what_was_requested_teach_nothing() -> None:
    on, fresh = synthetic(150, 3), synthetic(200, 4, rates=(0.1, 0.1))
    shuffled = np.random.default_rng(0).permutation(on.codes)
    found = measured(replace(on, codes=shuffled), replace(fresh, codes=np.ones_like(fresh.codes)))
    assert found.tstr.auroc.mean < 0.75
    assert found.auroc_ratio.mean < 0.8
    assert np.isnan(found.findings[0].shown)  # all were requested
    assert found.findings[0].frequency.requested == 1
    assert found.findings[0].frequency.estimated < 0.4


def test_rare_findings_are_left_out_and_none_is_a_reason() -> None:
    train, test = real(60, 1), real(60, 2)
    rare = test.findings.copy()
    rare[:, 0] = np.arange(60) < 4
    found = measure_findings(
        synthetic(60, 3), synthetic(60, 4), train, replace(test, findings=rare), FACTORS, replace(SETTINGS, steps=2)
    )
    assert isinstance(found, FindingsResult)
    assert found.left_out == {"Big heart": "4 held-out patients have it; at least 5 are needed"}
    assert found.pairs == ()
    only = {"Big_heart": "Big heart"}
    none = measure_findings(
        synthetic(60, 3), synthetic(60, 4), train, replace(test, findings=rare), only, replace(SETTINGS, steps=2)
    )
    assert isinstance(none, Skipped)
    assert "4 held-out patients" in none.reason


def test_a_run_s_findings_are_judged_on_its_own_data(run_maker: Any, set_maker: Any, tmp_path: Path) -> None:
    data = set_maker(120)
    run, split = run_maker(tmp_path / "RUN", data)
    options = EvaluationOptions(seeds=1, steps=2, batch=8, n_synthetic=24, commitment_images=64, device="cpu")
    assert measure(Context(options, data, split, run=run)) is None
    assert cost(Context(options, data, split, run=run)) == 0
    rules = {"survival": {"finding": "haze"}, "duration": {"column": "days"}}
    learned = replace(run, settings=override(run.settings, ground=rules))
    assert learned.findings == {"survival": "haze"}
    found = measure(Context(options, data, split, run=learned))
    assert isinstance(found, Skipped)
    assert "read without the findings" in found.reason
    haze = (np.arange(120) // 4 % 2)[:, None].astype(np.float32)
    context = Context(options, replace(data, finding_names=("haze",), findings=haze), split, run=learned)
    assert cost(context) == 4
    found = measure(context)
    assert isinstance(found, FindingsResult)
    (one,) = found.findings
    assert (one.name, one.factor) == ("haze", "survival")
    assert found.n_train == len(split.train)
    assert one.n_images == len(split.test)
    assert one.frequency.requested == pytest.approx(0.5, abs=0.2)
