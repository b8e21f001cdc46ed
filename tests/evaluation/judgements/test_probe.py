import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.evaluation.judgements.probe import ProbeResult, _Columns, measure_probe, train_probe
from semiray.priors import Factor, JointPrior

SIDE = 16
Y, X = np.mgrid[:SIDE, :SIDE]
SQUARE = {"low": -1.0, "high": 1.0}
PRIOR = JointPrior(
    [
        Factor("survival", "bernoulli", 1, {"probability": 0.7}),
        Factor("texture", "uniform", 1, SQUARE),
        Factor("grid", "uniform", 1, SQUARE),
        Factor("hidden", "uniform", 1, SQUARE),
    ]
)


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images with a bright left half if survival is 1, texture from top to bottom, a faint grid; hidden isn't shown."""
    codes = PRIOR.sample(n, torch.Generator().manual_seed(seed)).numpy()
    survival, texture, grid, _ = codes.T[:, :, None, None]
    noise = np.random.default_rng(seed).normal(0, 2, (n, SIDE, SIDE))
    shown = 60 * survival * (X < SIDE // 2) + 30 * texture * np.sign(SIDE / 2 - 0.5 - Y) + 15 * grid * (-1.0) ** (X + Y)
    return (100 + shown + noise).clip(0, 255).astype(np.uint8), codes


@pytest.fixture(scope="module")
def result() -> ProbeResult:
    return measure_probe(*draw(600, 0), *draw(300, 1), PRIOR, steps=100, resamples=100)


def test_what_is_seen_is_read_under_every_condition(result: ProbeResult) -> None:
    assert list(result.conditions) == ["clean", "noise", "half", "jpeg"]
    assert (result.n_train, result.steps) == (600, 100)
    for found in result.conditions.values():
        survival, texture, *_ = found.dimensions
        assert (survival.measure, texture.measure) == ("accuracy", "r2")
        assert survival.value > 0.95
        assert survival.floor == pytest.approx(0.7, abs=0.1)
        assert texture.value > 0.8
        assert texture.low <= texture.value <= texture.high


def test_a_grid_is_read_but_not_through_half_the_size(result: ProbeResult) -> None:
    grid = {name: found.dimensions[2].value for name, found in result.conditions.items()}
    assert grid["clean"] > 0.6
    assert grid["half"] < 0.1


def test_what_is_not_shown_is_not_read(result: ProbeResult) -> None:
    assert all(found.dimensions[3].value < 0.1 for found in result.conditions.values())


def test_the_same_seed_gives_the_same_probe_and_leaves_global_randomness_alone() -> None:
    images, codes = draw(40, 0)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a, b, c = (train_probe(images, codes, PRIOR, steps=3, seed=seed)(images) for seed in (1, 1, 2))
    assert torch.rand(1) == expected
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert set(np.unique(a[:, 0])) <= {0.0, 1.0}


def test_perfect_outputs_are_read_as_the_codes_with_a_loss_near_nothing() -> None:
    mixed = JointPrior(
        [
            Factor("grade", "categorical", 2, {"probabilities": [0.2, 0.3, 0.5]}),
            Factor("duration", "exponential", 2, {"mean": 10.0}),
        ]
    )
    codes = mixed.sample(50, torch.Generator().manual_seed(0))
    columns = _Columns(mixed)
    assert columns.total == 2 + 3 + 3
    outputs = torch.zeros(50, columns.total)
    outputs[:, :2] = mixed.standardise(codes)[:, 2:]
    for j, values in columns.values.items():
        outputs[:, columns.places[j]] = 50.0 * torch.isclose(codes[:, j, None], values)
    assert torch.allclose(columns.codes(outputs), codes, atol=1e-4)
    assert columns.loss(outputs, codes) < 1e-6
    assert columns.loss(torch.zeros(50, columns.total), codes) > 0.5


def test_errors() -> None:
    images = np.zeros((4, SIDE, SIDE), np.uint8)
    with pytest.raises(SemirayError, match=r"\(images, 4\)"):
        train_probe(images, np.zeros((4, 3), np.float32), PRIOR)
    with pytest.raises(SemirayError, match="uint8"):
        train_probe(images.astype(np.float32), np.zeros((4, 4), np.float32), PRIOR)
