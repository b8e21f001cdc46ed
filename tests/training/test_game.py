"""One step of the game, in every form it can take."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch

from semiray.priors import Factor, JointPrior
from semiray.settings import AugmentationSettings, make_settings
from semiray.training.codes import RequestedCodes
from semiray.training.game import Game
from semiray.training.grounding import ObservedBatch
from semiray.training.reports import Window

TINY = {
    "resolution": 32,
    "networks": {"width": 4, "widest": 16, "noise": 8, "embedding": 4},
    "optimisation": {"batch": 8, "bf16": False},
    "objectives": {"penalty_every": 1, "sort_directions": 4},
}
PRIOR = JointPrior.default()


def make(tree: dict[str, object] | None = None, classes: int = 2) -> Game:
    torch.manual_seed(0)
    settings = make_settings(TINY | (tree or {}))
    return Game(settings, PRIOR, classes, torch.device("cpu"))


def batch(classes: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (8, 32, 32), dtype=torch.uint8, generator=draws), torch.arange(8) % max(1, classes)


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"preset": "study"},
        {"objectives": {"commit_form": "likelihood"}},
        {"objectives": {"commit_form": "codes_and_scores"}},
        {"optimisation": {"batch": 8, "bf16": True}},
        {"objectives": {"sort": 0.0, "penalty": 0.0, "classify": 0.0}},
    ],
)
@pytest.mark.parametrize("classes", [0, 2])
def test_a_step_moves_both_players_and_the_average(tree: dict[str, object], classes: int) -> None:
    game = make(tree, classes)
    before = {name: value.clone() for name, value in game.tensors().items()}
    losses = game.step(*batch(classes))
    for name, value in losses.items():
        assert torch.isfinite(value).all(), name
        assert not value.requires_grad
    assert losses["error"].shape == (20,)
    after = game.tensors()
    for player in ("generator", "discriminator", "average"):
        assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith(f"{player}.")), (
            player
        )
    assert all(p.requires_grad for p in game.discriminator.parameters())


def test_the_game_goes_on_from_restored_tensors_bit_for_bit() -> None:
    game = make()
    game.step(*batch())
    state = torch.get_rng_state()
    saved = {name: value.clone(memory_format=torch.contiguous_format) for name, value in game.tensors().items()}
    game.step(*batch())
    expected = game.tensors()

    again = make()
    again.restore(saved, steps=1)
    torch.set_rng_state(state)
    again.step(*batch())
    for name, value in again.tensors().items():
        assert torch.equal(value, expected[name]), name


def test_content_moves_the_generator_in_every_second_step_and_leaves_its_statistics() -> None:
    game, other = make({"objectives": {"content": 5.0}}), make({"objectives": {"content": 0.0}})
    for player in (game, other):
        torch.manual_seed(3)
        assert ("content" in player.step(*batch())) is False
        torch.manual_seed(4)
        assert ("content" in player.step(*batch())) is (player is game)
    mine, others = game.generator.state_dict(), other.generator.state_dict()
    for name, value in mine.items():
        assert torch.equal(value, others[name]) is ("running" in name or "tracked" in name), name


def test_the_twin_learns_from_generated_images_alone_and_is_subtracted_from_the_generators_share() -> None:
    game, plain = make({"objectives": {"twin": 1.0}}), make({"objectives": {"twin": 0.0}})
    assert plain.twin is None
    assert game.twin is not None
    before = {name: value.clone() for name, value in game.twin.state_dict().items()}
    assert "twin" in game.step(*batch())
    assert "twin" not in plain.step(*batch())
    assert all(not torch.equal(value, before[name]) for name, value in game.twin.state_dict().items())
    output = game.discriminator(torch.zeros(2, 1, 32, 32), torch.tensor([0, 1]))
    sorters = output._replace(classes=game.twin(output.features))
    assert game._misread(sorters, torch.tensor([0, 1])) == 0
    assert make(classes=0).twin is None


@pytest.mark.slow
def test_training_makes_codes_legible() -> None:
    """With commitment to the fore, every factor can be read from generated images after a hundred steps."""
    torch.manual_seed(0)
    settings = make_settings(
        {
            "resolution": 32,
            "networks": {"width": 16, "widest": 64, "noise": 8, "embedding": 8},
            "optimisation": {"batch": 32, "bf16": False, "learning_rate": 2e-3},
            # The images are ramps, in which nothing but exposure can show a code.
            "objectives": {"penalty": 0.0, "commit": 10.0, "generator_share": 1.0, "content": 0.0},
            "augmentation": dict.fromkeys(AugmentationSettings.model_fields, 0.0),
        }
    )
    game = Game(settings, PRIOR, 2, torch.device("cpu"))
    draws = torch.Generator().manual_seed(2)
    ramps = torch.rand(32, 1, 1, generator=draws) * torch.linspace(0, 255, 32)
    images = ramps.expand(32, 32, 32).to(torch.uint8)
    errors = torch.stack([game.step(images, torch.arange(32) % 2)["error"].view(4, 5).mean(dim=1) for _ in range(100)])
    assert errors[:5].mean() > 0.8
    assert errors[-10:].mean(dim=0).max() < 0.75


def test_codes_and_scores_care_for_short_durations_too() -> None:
    """Most durations are short, and lie so near in standardised codes that it costs next to nothing to misread them."""
    lead = PRIOR.index("duration")

    def cost(form: str, score: float) -> float:
        """What it costs to read a lead half a deviation too high where its score is this."""
        asked = torch.zeros(8, PRIOR.dimensions)
        asked[:, lead] = score
        read = asked.clone()
        read[:, lead] += 0.5
        codes = RequestedCodes(PRIOR.standardise(PRIOR.codes(asked)), asked)
        game = make({"objectives": {"commit_form": form}})
        wrong, right = (game._commit(game.reader.estimate(scores), codes, game.weight) for scores in (read, asked))
        return float(wrong - right)

    assert cost("squared_error", 1.5) > 20 * cost("squared_error", -1.0)
    assert cost("codes_and_scores", 1.5) < 6 * cost("codes_and_scores", -1.0)


def test_discrete_codes_have_no_score_of_their_own() -> None:
    binary = JointPrior([Factor("survival", "bernoulli", 3, {"probability": 0.4})])
    scores = binary.sample_scores(50, torch.Generator().manual_seed(4))
    asked = RequestedCodes(binary.standardise(binary.codes(scores)), scores)
    read = scores + 0.3
    games = (
        Game(make_settings(TINY | {"objectives": {"commit_form": form}}), binary, 2, torch.device("cpu"))
        for form in ("squared_error", "codes_and_scores")
    )
    one, other = (game._commit(game.reader.estimate(read), asked, game.weight) for game in games)
    torch.testing.assert_close(one, other)


def asked_for(count: int) -> RequestedCodes:
    scores = PRIOR.sample_scores(count, torch.Generator().manual_seed(0))
    return RequestedCodes(PRIOR.standardise(PRIOR.codes(scores)), scores)


@pytest.mark.parametrize("preset", ["default", "study"])
def test_the_critic_is_told_leads_as_estimated_of_real_images_and_as_requested_of_generated_ones(preset: str) -> None:
    assert make({"preset": preset}).discriminator.heads.leads is None
    settings = make_settings(TINY | {"preset": preset})
    game = Game(settings, PRIOR, 2, torch.device("cpu"), grounded=(0, 5))
    told: list[torch.Tensor] = []
    assert game.discriminator.heads.leads is not None
    game.discriminator.heads.leads.register_forward_hook(lambda _m, inputs, _o: told.append(inputs[0]))
    asked, labels = asked_for(8), torch.zeros(8, dtype=torch.long)
    with torch.no_grad():
        on_real, _ = game._discriminate(torch.rand(8, 1, 32, 32), torch.zeros(8, 1, 32, 32), labels, asked)
    as_read, as_asked = torch.cat(told).chunk(2)
    torch.testing.assert_close(as_read[:, 0], PRIOR.relaxed(on_real.scores, 4.0)[:, 0].float())  # survival: its value
    torch.testing.assert_close(as_read[:, 1], on_real.scores[:, 5])  # duration: its score
    torch.testing.assert_close(as_asked, torch.stack([asked.codes[:, 0], asked.scores[:, 5]], dim=1).float())


def test_the_critic_does_not_teach_the_sorter_what_it_is_told() -> None:
    game = Game(make_settings(TINY), PRIOR, 2, torch.device("cpu"), grounded=(0, 5))
    judgement = game.discriminator(
        torch.rand(4, 1, 32, 32), torch.zeros(4, dtype=torch.long), game.reader.estimated_leads
    )
    judgement.critic.sum().backward()
    assert game.discriminator.heads.leads is not None
    assert game.discriminator.heads.leads.weight.grad is not None
    assert all(parameter.grad is None for parameter in game.discriminator.heads.sorter.parameters())


def test_leads_of_grounded_factors_weigh_more_and_no_others() -> None:
    assert torch.equal(make().weight, torch.ones(20))
    settings = make_settings(TINY | {"objectives": {"ground_lead": 5.0}})
    grounded = Game(settings, PRIOR, 2, torch.device("cpu"), grounded=(0, 10)).weight
    assert grounded.mean() == pytest.approx(1.0)
    heavy = torch.zeros(20, dtype=torch.bool)
    heavy[[0, 10]] = True
    assert torch.unique(grounded[heavy]).tolist() == pytest.approx([5 * float(grounded[1])])
    assert len(torch.unique(grounded[~heavy])) == 1


def test_generated_images_teach_the_sorter_companions_but_no_grounded_lead() -> None:
    assert torch.equal(make().taught, torch.ones(20))
    game = Game(make_settings(TINY), PRIOR, 2, torch.device("cpu"), grounded=(0, 10))
    read = torch.zeros(4, 20, requires_grad=True)
    asked = asked_for(4)

    def taught(weight: torch.Tensor) -> list[int]:
        (gradient,) = torch.autograd.grad(game._commit(game.reader.estimate(read), asked, weight), read)
        return gradient.abs().sum(dim=0).nonzero().flatten().tolist()

    assert taught(game.weight) == list(range(20))  # what the generator hears
    assert taught(game.taught) == [i for i in range(20) if i not in (0, 10)]


def test_batch_statistics_of_real_and_generated_images_do_not_mix() -> None:
    """The study's discriminator normalises over its batch: generated images beside it must not change a judgement."""
    game = make({"preset": "study"})
    real = torch.rand(8, 1, 32, 32)
    labels = torch.zeros(8, dtype=torch.long)
    with torch.no_grad():
        on_real, _ = game._discriminate(real, torch.zeros(8, 1, 32, 32), labels, asked_for(8))
        alone = game.discriminator(real, labels)
    torch.testing.assert_close(on_real.critic, alone.critic)


@pytest.mark.parametrize("preset", ["default", "study"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_the_memory_format_is_the_one_asked_for(preset: str, channels_last: bool) -> None:
    tree = {"preset": preset, "optimisation": {"batch": 8, "bf16": False, "channels_last": channels_last}}
    game = make(tree)
    found: list[bool] = []
    for network in (game.generator, game.discriminator):
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d) and module.out_channels > 1:
                module.register_forward_hook(
                    lambda _m, _i, out: found.append(out.is_contiguous(memory_format=torch.channels_last))
                )
    game.step(*batch())
    assert found
    assert all(last == channels_last for last in found)


def test_running_statistics_count_real_and_generated_images_alike() -> None:
    game = make({"preset": "study"})
    norm = next(m for m in game.discriminator.modules() if isinstance(m, torch.nn.BatchNorm2d))
    game.step(*batch())
    assert norm.num_batches_tracked == 2
    assert norm.track_running_stats


@pytest.mark.parametrize(
    ("preset", "form"), [("default", "squared_error"), ("default", "codes_and_scores"), ("study", "likelihood")]
)
def test_a_step_on_a_gpu_mixes_no_devices(
    preset: str, form: str, fake_cuda: Callable[[], AbstractContextManager[torch.device]]
) -> None:
    settings = make_settings(TINY | {"preset": preset, "objectives": {"penalty_every": 1, "commit_form": form}})
    prior = JointPrior.default()
    images, labels = batch()
    interval = torch.full((5, 2), -1.0), torch.ones(5, 2), torch.ones(5, 2)
    with fake_cuda() as device:
        game, window = Game(settings, prior, 2, device, grounded=(0, 5)), Window()
        losses = game.step(images, labels.to(device), observed=ObservedBatch(images[:5], *interval))
        window.add(losses, 8)
        assert {"adversarial", "sort", "commit", "ground", "generator", "error"} <= set(losses)
        assert ("penalty" in losses) == (preset == "default")
        assert {value.device for value in losses.values()} == {device}
        assert {tensor.device for tensor in game.tensors().values() if tensor.ndim} == {device}
