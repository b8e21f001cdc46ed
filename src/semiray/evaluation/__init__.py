"""Prove: numbers that can't flatter, one judgement a file, and the report that gathers them."""

from semiray.evaluation.classifier import Classifier, train_classifier
from semiray.evaluation.commitment import CommitmentResult, measure_commitment
from semiray.evaluation.metrics import ClassificationScores, ClassScores, Interval
from semiray.evaluation.protocol import evaluate, judge
from semiray.evaluation.report import Report, Skipped
from semiray.evaluation.sorting import SortingResult, measure_sorting
from semiray.evaluation.utility import UtilityResult, UtilitySettings, measure_utility

__all__ = [
    "ClassScores",
    "ClassificationScores",
    "Classifier",
    "CommitmentResult",
    "Interval",
    "Report",
    "Skipped",
    "SortingResult",
    "UtilityResult",
    "UtilitySettings",
    "evaluate",
    "judge",
    "measure_commitment",
    "measure_sorting",
    "measure_utility",
    "train_classifier",
]
