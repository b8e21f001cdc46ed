"""The phantom: toy chest radiographs whose factors, or findings, are known."""

from semiray.radiographs.phantom.findings import PHANTOM_FINDINGS, read_findings, render_findings, save_findings
from semiray.radiographs.phantom.phantom import (
    PHANTOM_CLASSES,
    check_amount,
    phantom_labels,
    render_phantoms,
    save_phantoms,
)

__all__ = [
    "PHANTOM_CLASSES",
    "PHANTOM_FINDINGS",
    "check_amount",
    "phantom_labels",
    "read_findings",
    "render_findings",
    "render_phantoms",
    "save_findings",
    "save_phantoms",
]
