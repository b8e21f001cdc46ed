"""Measuring: arrays in, typed results out; no figure, no page, no sentence of a report."""

from semiray.evaluation.evaluate import measure_run, measure_set
from semiray.evaluation.judgements.authenticity import AuthenticityResult
from semiray.evaluation.judgements.benefit import BenefitResult, measure_benefit
from semiray.evaluation.judgements.commitment import CommitmentResult, measure_commitment
from semiray.evaluation.judgements.content import ContentResult, measure_content
from semiray.evaluation.judgements.correlation import CorrelationResult, measure_correlation
from semiray.evaluation.judgements.effect import EffectResult, measure_effect
from semiray.evaluation.judgements.energy import EnergyResult, measure_energy
from semiray.evaluation.judgements.fidelity import FidelityResult, measure_fidelity
from semiray.evaluation.judgements.findings import FindingsResult, measure_findings
from semiray.evaluation.judgements.grounding import (
    ConcordanceResult,
    GroundingResult,
    measure_concordance,
    measure_grounding,
)
from semiray.evaluation.judgements.membership import MembershipResult, measure_membership
from semiray.evaluation.judgements.privacy import PrivacyResult, measure_privacy
from semiray.evaluation.judgements.probe import ProbeResult, measure_probe
from semiray.evaluation.judgements.shortcuts import PairShortcut, ShortcutResult, measure_shortcuts
from semiray.evaluation.judgements.sorting import SortingResult, measure_sorting
from semiray.evaluation.judgements.utility import UtilityResult, measure_utility
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.judges.feature_spaces import FeatureSpace, feature_space
from semiray.evaluation.options import QUICK_BENEFIT, BenefitSettings, EvaluationOptions, UtilitySettings
from semiray.evaluation.registry import JUDGEMENTS, judgement_module
from semiray.evaluation.results import ImageSamples, Overlap, Result, Results, Skipped
from semiray.evaluation.statistics.classification import ClassificationScores, ClassScores
from semiray.evaluation.statistics.intervals import Interval
from semiray.networks.classifier import Classifier, train_classifier

__all__ = [
    "JUDGEMENTS",
    "QUICK_BENEFIT",
    "Architecture",
    "AuthenticityResult",
    "BenefitResult",
    "BenefitSettings",
    "ClassScores",
    "ClassificationScores",
    "Classifier",
    "CommitmentResult",
    "ConcordanceResult",
    "ContentResult",
    "CorrelationResult",
    "EffectResult",
    "EnergyResult",
    "EvaluationOptions",
    "FeatureSpace",
    "FidelityResult",
    "FindingsResult",
    "GroundingResult",
    "ImageSamples",
    "Interval",
    "MembershipResult",
    "Overlap",
    "PairShortcut",
    "PrivacyResult",
    "ProbeResult",
    "Result",
    "Results",
    "ShortcutResult",
    "Skipped",
    "SortingResult",
    "UtilityResult",
    "UtilitySettings",
    "feature_space",
    "judgement_module",
    "measure_benefit",
    "measure_commitment",
    "measure_concordance",
    "measure_content",
    "measure_correlation",
    "measure_effect",
    "measure_energy",
    "measure_fidelity",
    "measure_findings",
    "measure_grounding",
    "measure_membership",
    "measure_privacy",
    "measure_probe",
    "measure_run",
    "measure_set",
    "measure_shortcuts",
    "measure_sorting",
    "measure_utility",
    "train_classifier",
]
