"""What the page is told of a run once: its factors and their scales, its classes, what it means, its report."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semiray.errors import SemirayError
from semiray.explorer.pictures import LIMIT
from semiray.explorer.scale import factor_scale
from semiray.structured import read_json

if TYPE_CHECKING:
    from semiray.priors.factors import Factor
    from semiray.training.run import Run

__all__ = ["describe_run", "find_report", "read_figures"]

_PLACES = ("proof", "report", "../proof", "../report")


def describe_run(run: Run, *, has_data: bool, report: Mapping[str, Any] | None) -> dict[str, Any]:
    """Everything that the page shows before it asks for images; ``report`` as from `read_figures`."""
    count = run.data.get("images")
    return {
        "name": run.path.resolve().name,
        "resolution": run.resolution,
        "trained_on": count if isinstance(count, int) else None,
        "classes": list(run.classes),
        "classifies": bool(run.classes) and run.settings.objectives.classify > 0,
        "factors": [_describe_factor(run, factor) for factor in run.prior.factors],
        "meaning": run.meaning,
        "limit": LIMIT,
        "has_data": has_data,
        "has_dicom": importlib.util.find_spec("pydicom") is not None,
        "report": report,
    }


def _describe_factor(run: Run, factor: Factor) -> dict[str, Any]:
    names = run.prior.names[run.prior.slices[factor.name]]
    scales = [factor_scale(run.prior, name) for name in names]
    return {
        "name": factor.name,
        "unit": factor.unit,
        "family": factor.family,
        "grounded": int(run.grounded.get(factor.name, 0)),
        "measure": run.measured.get(factor.name),
        "first": run.prior.slices[factor.name].start,
        "dimensions": [
            {"name": name, "values": scale.values, "quantiles": scale.quantiles, "discrete": scale.discrete}
            for name, scale in zip(names, scales, strict=True)
        ],
    }


def find_report(run: Run) -> Path | None:
    """The report.json that stands beside a run and was made of it, if there is one."""
    folder = run.path.resolve()
    for place in (*(folder / place for place in _PLACES), folder.with_name(f"{folder.name}-proof")):
        file = place / "report.json"
        try:
            if read_json(file).get("subject") == folder.name:
                return file.resolve()
        except (OSError, SemirayError, AttributeError):
            continue
    return None


def read_figures(file: Path) -> dict[str, Any]:
    """Verdict, warnings and main figures of a report.

    Raises:
        SemirayError: It can't be read, or is of another release.
    """
    from semiray.report.section import Headline  # draws, and takes a second to import

    try:
        content = read_json(file)
        shown = [Headline(**one) for one in content["headlines"]]
        said = {name: [str(line) for line in content[name]] for name in ("verdict", "warnings")}
    except OSError as error:
        raise SemirayError(f"{file}: there is no report ({error.strerror or error}).") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SemirayError(f"{file}: not a report of this release; make it again with `semiray evaluate`.") from error
    figures = [
        {"section": one.section, "name": one.name, "figure": str(one), "beside": one.beside, "says": one.sentence}
        for one in shown
    ]
    return said | {"file": str(file), "data": str(content.get("data", "")), "figures": figures}
