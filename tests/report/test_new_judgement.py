"""What a new judgement takes: one file that measures, one that shows, one line in the registry."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import semiray

MEASURES = '''
"""A judgement for this test."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from semiray.evaluation.context import Context
from semiray.evaluation.results import Number, Result


@dataclass(frozen=True)
class DummyResult(Result):
    """The number of test images."""

    n_test: int
    share: Number


def measure(context: Context) -> DummyResult | None:
    """Count."""
    return DummyResult(len(context.test), 0.25)
'''

SHOWS = '''
"""Shows it."""

from semiray.evaluation.judgements.dummy import DummyResult
from semiray.report.section import Guide, Headline, Section

SECTION = Section(
    DummyResult,
    "Dummy",
    Guide("What is measured", "How to read it", "Floor: 0. Ceiling: 1.", "It measures nothing."),
    lambda result, _: [f"{result.n_test} images under the dummy."],
    headlines=lambda result, _: [Headline("share", result.share, reference=0.0, reference_name="floor")],
)
'''

USES = """
import json, sys
from pathlib import Path

import jsonschema
import numpy as np

from semiray.radiographs import RadiographSet
from semiray.report import judge, report_schema, summarise

def images(n, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    pixels = np.clip(100 + 50 * labels[:, None, None] + rng.normal(0, 20, (n, 16, 16)), 0, 255).astype(np.uint8)
    names = np.array([f"{seed}-{i}" for i in range(n)])
    return RadiographSet(pixels, labels, ("a", "b"), names, tuple(names), ({},) * n, str(seed))

report = judge(images(20, 0), images(60, 1), "out", seeds=1, steps=2, batch=8, benefit=False, device="cpu")
content = json.loads(Path("out/report.json").read_text(encoding="utf-8"))
schema = report_schema()
jsonschema.validate(content, schema)
assert content["judgements"]["dummy"]["share"] == 0.25
assert "dummy" in schema["properties"]["judgements"]["properties"]
content["judgements"]["dummy"]["share"] = "no number"
assert not jsonschema.Draft202012Validator(schema).is_valid(content)
page = Path("out/report.html").read_text(encoding="utf-8")
assert '<section id="dummy"><h2>Dummy</h2>' in page and "images under the dummy" in page
assert any("0.25" in line and "floor" in line for line in summarise(report))
assert report.dummy.n_test == content["judgements"]["dummy"]["n_test"]
"""


@pytest.mark.slow
def test_a_judgement_is_one_file_that_measures_one_that_shows_and_one_line(tmp_path: Path) -> None:
    source = tmp_path / "src" / "semiray"
    shutil.copytree(Path(semiray.__file__).parent, source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "evaluation" / "judgements" / "dummy.py").write_text(MEASURES, encoding="utf-8")
    (source / "report" / "sections" / "dummy.py").write_text(SHOWS, encoding="utf-8")
    registry = source / "evaluation" / "registry.py"
    lines = registry.read_text(encoding="utf-8")
    assert lines.count('    "shortcuts",\n') == 1
    registry.write_text(lines.replace('    "shortcuts",\n', '    "shortcuts",\n    "dummy",\n'), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USES],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(source.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
