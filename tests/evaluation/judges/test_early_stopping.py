import torch
from torch import Tensor, nn

from semiray.evaluation.judges.early_stopping import EVERY, LEAST, fit_until_best


def line(seed: int = 0) -> tuple[nn.Sequential, Tensor, Tensor]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    return network, torch.randn(200, 4), torch.randn(200, 1)


def test_the_best_weights_are_kept_and_patience_ends_it() -> None:
    network, inputs, targets = line()
    told = iter([3.0, 2.5, 1.0, *[2.0] * 7, 0.0])
    seen: list[dict[str, Tensor]] = []

    def validate(average: nn.Module) -> float:
        assert not average.training
        seen.append({name: part.clone() for name, part in average.state_dict().items()})
        return next(told)

    found = fit_until_best(
        network, lambda: nn.functional.mse_loss(network(inputs), targets), validate,
        ceiling=10 * EVERY, patience=2 * EVERY, learning_rate=1e-2,
    )  # fmt: skip
    assert (found.steps, found.best) == (LEAST + 2 * EVERY, 2 * EVERY)
    assert not network.training
    assert all(torch.equal(part, seen[2][name]) for name, part in network.state_dict().items())
    assert not torch.equal(seen[2]["0.weight"], seen[3]["0.weight"])


def test_the_ceiling_ends_it_and_is_validated() -> None:
    network, inputs, targets = line()
    loss = lambda: nn.functional.mse_loss(network(inputs), targets)  # noqa: E731
    before = loss().item()
    found = fit_until_best(
        network, loss, lambda one: nn.functional.mse_loss(one(inputs), targets).item(),
        ceiling=EVERY + 7, patience=10**6, learning_rate=1e-2,
    )  # fmt: skip
    assert found.steps == EVERY + 7
    assert loss().item() < before


def test_where_nothing_gets_better_the_first_weights_stay() -> None:
    network, inputs, targets = line()
    before = {name: part.clone() for name, part in network.state_dict().items()}
    found = fit_until_best(
        network, lambda: nn.functional.mse_loss(network(inputs), targets), lambda _: float("nan"),
        ceiling=3, patience=1, learning_rate=1e-2,
    )  # fmt: skip
    assert (found.steps, found.best) == (3, 0)
    assert all(torch.equal(part, network.state_dict()[name]) for name, part in before.items())
