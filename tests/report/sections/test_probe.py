from typing import Any

import pytest

from semiray.evaluation import CommitmentResult, ProbeResult
from semiray.evaluation.judgements.commitment import DimensionCommitment
from semiray.report.sections.commitment import CONDITIONS
from semiray.report.sections.probe import SECTION
from semiray.report.theme import LIGHT


def test_one_panel_per_condition_and_rings_for_the_sorter(make: Any) -> None:
    rows = tuple(DimensionCommitment(name, "r2", 0.5, 0.4, 0.6, 0.0) for name in ("a[0]", "b[0]"))
    sorter = CommitmentResult(tuple(DimensionCommitment(r.name, "r2", 0.9, 0.9, 0.9, 0.0) for r in rows), 10)
    probe = ProbeResult(dict.fromkeys(CONDITIONS, CommitmentResult(rows, 10)), 20, 30)
    results = make.results(commitment=sorter, probe=probe)
    figure = SECTION.draw("probe", results, LIGHT)
    assert figure is not None
    assert [a.get_title(loc="left") for a in figure.axes] == ["Clean", "Noise", "Half size", "JPEG"]
    assert figure.axes[0].lines[-1].get_xdata() == pytest.approx(0.9)
    assert len(list(SECTION.body(probe, results))) == 3
