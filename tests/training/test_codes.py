"""A discriminator's output as codes, and the leads that the critic is told."""

import torch

from semiray.priors import Factor, JointPrior
from semiray.training.codes import REACH, SCATTER, STEP, CodeEstimates, CodeMoves, CodeReader, RequestedCodes

PRIOR = JointPrior.default()


def test_discrete_leads_are_codes_and_continuous_ones_scores() -> None:
    scores = PRIOR.sample_scores(6, torch.Generator().manual_seed(0))
    requested = RequestedCodes(PRIOR.standardise(PRIOR.codes(scores)), scores)
    reader = CodeReader(PRIOR, (0, 5), 4.0, torch.device("cpu"))
    leads = reader.leads(requested)
    assert torch.equal(leads, torch.stack([requested.codes[:, 0], scores[:, 5]], dim=1))  # survival, duration
    assert reader.leads(requested).dtype == torch.float32


def test_estimates_have_a_gradient_and_estimated_leads_have_none() -> None:
    reader = CodeReader(PRIOR, (5,), 4.0, torch.device("cpu"))
    scores = torch.zeros(3, 20, requires_grad=True)
    estimated = reader.estimate(scores)
    assert isinstance(estimated, CodeEstimates)
    assert torch.equal(estimated.codes, PRIOR.relaxed(scores, 4.0))
    assert estimated.codes.requires_grad
    assert not reader.estimated_leads(scores).requires_grad
    assert reader.estimated_leads(scores).shape == (3, 1)


def test_without_grounded_factors_there_are_no_leads() -> None:
    assert CodeReader(PRIOR, (), 4.0, torch.device("cpu")).estimated_leads(torch.zeros(3, 20)).shape == (3, 0)


def test_moves_change_one_factor_each_in_turn_by_a_small_step() -> None:
    torch.manual_seed(0)
    low, high = CodeMoves(PRIOR).draw(40, first=1)
    names = list(PRIOR.slices)
    uniform = torch.special.ndtri((torch.stack([low, high]) / 3**0.5 + 1) / 2)  # back to scores, where it is uniform
    for row in range(40):
        name = names[(row + 1) % 4]
        changed = low[row] != high[row]
        assert changed.nonzero()[:, 0].tolist() == list(range(20))[PRIOR.slices[name]]
        if name in ("presentation", "texture"):
            apart = uniform[:, row, PRIOR.slices[name]]
            torch.testing.assert_close((apart[1] - apart[0]).abs(), torch.full((5,), STEP), atol=1e-2, rtol=0)
            assert apart.abs().max() < REACH + 4 * SCATTER + STEP
    together = (high - low)[:, PRIOR.slices["presentation"]][1::4]
    assert 0 < ((together > 0).all(dim=1)).float().mean() < 1


def test_discrete_codes_move_from_one_end_to_the_other() -> None:
    torch.manual_seed(0)
    low, high = CodeMoves(PRIOR).draw(8, first=0)
    survival = PRIOR.slices["survival"]
    torch.testing.assert_close((high - low)[::4, survival].abs(), torch.full((2, 5), 2.0))


def test_rare_values_are_moved_to_as_well() -> None:
    rare = JointPrior([Factor("finding", "bernoulli", 1, {"probability": 0.001})])
    low, high = CodeMoves(rare).draw(4, first=0)
    assert (low != high).all()
