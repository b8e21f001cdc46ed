"""The phantom: toy chest radiographs whose factors are known."""

from semiray.radiographs.phantom.phantom import (
    PHANTOM_CLASSES,
    check_amount,
    phantom_labels,
    render_phantoms,
    save_phantoms,
)

__all__ = ["PHANTOM_CLASSES", "check_amount", "phantom_labels", "render_phantoms", "save_phantoms"]
