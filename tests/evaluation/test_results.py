import pytest

from semiray.evaluation import Results, Skipped, registry
from semiray.evaluation.judgements.effect import DimensionEffect
from semiray.evaluation.results import ByDimension
from semiray.priors import JointPrior


def test_results_are_found_by_class_and_by_name() -> None:
    kind, (energy, *_) = Skipped("why"), registry.result_types("energy")
    results = Results(subject="RUN", data="data", judgements={"energy": kind}, prior=JointPrior.default())
    assert results.get(energy) is results.energy is kind
    assert results.utility is None
    assert "energy" in dir(results)
    assert results.assumed == ("survival", "duration", "presentation", "texture")
    with pytest.raises(AttributeError, match="enrgy"):
        results.enrgy  # noqa: B018
    with pytest.raises(TypeError, match="Skipped is not the result of a judgement"):
        Results(subject="a", data="b", judgements={"results": energy.__new__(energy)}).get(Skipped)
    assert set(results.model_dump(mode="json")) == {
        "subject", "data", "phantom", "judgements", "grounded", "measured", "notes", "overlap", "created",
    }  # fmt: skip


def test_a_factors_figure_is_the_mean_of_its_dimensions() -> None:
    found = ByDimension(tuple(DimensionEffect(name, value, 0.0, 9.0) for name, value in FIGURES.items()))
    assert found.means == {"texture": 2.0, "survival": 5.0}
    assert ByDimension(()).means == {}


FIGURES = {"texture[0]": 1.0, "texture[1]": 3.0, "survival[0]": 5.0}
