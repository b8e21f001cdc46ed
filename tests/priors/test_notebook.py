"""A prior in a notebook: every factor with what it assumes, and a figure that is one."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from semiray.priors import Factor, JointPrior


def _shown(prior: JointPrior) -> tuple[list[list[str]], np.ndarray]:
    """The cells of the table's rows, and the figure's pixels."""
    page = prior._repr_html_()
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    (data,) = re.findall(r"src='data:image/png;base64,([^']+)'", page)
    return rows[1:], np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))


def test_a_notebook_shows_each_factor_and_a_figure() -> None:
    rows, pixels = _shown(JointPrior.default())
    assert rows[0] == ["survival", "bernoulli", "probability = 0.5", "", "5"]
    assert rows[1] == ["duration", "exponential", "mean = 10.0", "days", "5"]
    assert [row[0] for row in rows] == ["survival", "duration", "presentation", "texture"]
    assert pixels.std() > 10


def test_every_family_is_shown_and_text_is_escaped(mixed: JointPrior) -> None:
    rows, _ = _shown(mixed)
    assert [row[1] for row in rows] == [factor.family for factor in mixed.factors]
    rows, _ = _shown(JointPrior([Factor("x", "uniform", 1, {"low": 0, "high": 1}, unit="<b>")]))
    assert rows == [["x", "uniform", "low = 0.0, high = 1.0", "&lt;b&gt;", "1"]]


@pytest.mark.slow  # a process of its own imports torch
def test_a_prior_needs_no_matplotlib_until_it_is_shown() -> None:
    program = "import sys; from semiray.priors import JointPrior; repr(JointPrior.default()); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "semiray.priors.joint" in said.split()
    assert "matplotlib" not in said.split()
