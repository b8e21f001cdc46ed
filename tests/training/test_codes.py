"""A discriminator's output as codes, and the leads that the critic is told."""

import torch

from semiray.priors import JointPrior
from semiray.training.codes import CodeEstimates, CodeReader, RequestedCodes

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
