"""Showing: results as sentences, figures and pages."""

from semiray.report.compare import ReportFigures, compare_lines, plot_comparison, read_reports
from semiray.report.evaluate import evaluate, judge
from semiray.report.headlines import headlines, summarise, verdict
from semiray.report.model_card import model_card, write_model_card
from semiray.report.publishing import Origin, publish
from semiray.report.report import Report, draw_figures, report_content, report_schema, write_report
from semiray.report.section import Headline

__all__ = [
    "Headline",
    "Origin",
    "Report",
    "ReportFigures",
    "compare_lines",
    "draw_figures",
    "evaluate",
    "headlines",
    "judge",
    "model_card",
    "plot_comparison",
    "publish",
    "read_reports",
    "report_content",
    "report_schema",
    "summarise",
    "verdict",
    "write_model_card",
    "write_report",
]
