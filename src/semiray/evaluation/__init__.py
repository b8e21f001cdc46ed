"""Prove: numbers that can't flatter, one judgement a file, and the report that gathers them."""

from semiray.evaluation.architectures import Architecture
from semiray.evaluation.authenticity import AuthenticityResult
from semiray.evaluation.benefit import QUICK_BENEFIT, BenefitResult, BenefitSettings, measure_benefit
from semiray.evaluation.classifier import Classifier, train_classifier
from semiray.evaluation.commitment import CommitmentResult, measure_commitment
from semiray.evaluation.compare import ReportFigures, compare_lines, plot_comparison, read_reports
from semiray.evaluation.concordance import ConcordanceResult, measure_concordance, measure_grounding
from semiray.evaluation.correlation import CorrelationResult, measure_correlation
from semiray.evaluation.disentanglement import (
    DCI,
    MIG,
    SAP,
    Disentanglement,
    PhantomDisentanglement,
    dci,
    measure_disentanglement,
    measure_phantoms,
    mig,
    sap,
)
from semiray.evaluation.effect import EffectResult, measure_effect
from semiray.evaluation.energy import EnergyResult, measure_energy
from semiray.evaluation.feature_spaces import feature_space
from semiray.evaluation.fidelity import FeatureSpace, FidelityResult, measure_fidelity
from semiray.evaluation.membership import MembershipResult, measure_membership
from semiray.evaluation.metrics import ClassificationScores, ClassScores, Interval
from semiray.evaluation.model_card import model_card, write_model_card
from semiray.evaluation.privacy import PrivacyResult, measure_privacy
from semiray.evaluation.probe import ProbeResult, measure_probe
from semiray.evaluation.protocol import evaluate, judge
from semiray.evaluation.report import Report
from semiray.evaluation.schema import report_schema
from semiray.evaluation.shortcuts import PairShortcut, ShortcutResult, measure_shortcuts
from semiray.evaluation.skipped import Skipped
from semiray.evaluation.sorting import SortingResult, measure_sorting
from semiray.evaluation.utility import UtilityResult, UtilitySettings, measure_utility
from semiray.evaluation.verdict import verdict

__all__ = [
    "DCI",
    "MIG",
    "QUICK_BENEFIT",
    "SAP",
    "Architecture",
    "AuthenticityResult",
    "BenefitResult",
    "BenefitSettings",
    "ClassScores",
    "ClassificationScores",
    "Classifier",
    "CommitmentResult",
    "ConcordanceResult",
    "CorrelationResult",
    "Disentanglement",
    "EffectResult",
    "EnergyResult",
    "FeatureSpace",
    "FidelityResult",
    "Interval",
    "MembershipResult",
    "PairShortcut",
    "PhantomDisentanglement",
    "PrivacyResult",
    "ProbeResult",
    "Report",
    "ReportFigures",
    "ShortcutResult",
    "Skipped",
    "SortingResult",
    "UtilityResult",
    "UtilitySettings",
    "compare_lines",
    "dci",
    "evaluate",
    "feature_space",
    "judge",
    "measure_benefit",
    "measure_commitment",
    "measure_concordance",
    "measure_correlation",
    "measure_disentanglement",
    "measure_effect",
    "measure_energy",
    "measure_fidelity",
    "measure_grounding",
    "measure_membership",
    "measure_phantoms",
    "measure_privacy",
    "measure_probe",
    "measure_shortcuts",
    "measure_sorting",
    "measure_utility",
    "mig",
    "model_card",
    "plot_comparison",
    "read_reports",
    "report_schema",
    "sap",
    "train_classifier",
    "verdict",
    "write_model_card",
]
