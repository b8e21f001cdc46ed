"""A report in a few lines: the figures that matter, each beside its ceiling or its floor."""

import textwrap
from collections.abc import Mapping
from typing import Any

from semiray.evaluation.judgements.fidelity import MEASURES as FIDELITY
from semiray.report.plots.classification import CONDITIONS

__all__ = ["summarise"]


def summarise(content: Mapping[str, Any]) -> list[str]:
    r"""Put report.json's content into lines for a person.

    Args:
        content: what `Report.to_dict` returns.

    Example:
        ``print("\n".join(summarise(report.to_dict())))``
    """
    held_out = "phantoms" if content["phantom"] else "real images"
    lines = [f"Utility: balanced accuracy on held-out {held_out}"]
    utility = content["utility"]
    if "skipped" in utility:
        lines.append(f"  not measured: {utility['skipped']}")
    else:
        ceiling = utility["trtr"]["balanced_accuracy"]
        lines += [
            _row("trained on generated images", _interval(utility["tstr"]["balanced_accuracy"])),
            _row(f"trained on {held_out}, the ceiling", _interval(ceiling), f"chance {utility['chance']:.2f}"),
            _row("ratio of the two", _interval(utility["ratio_interval"])),
        ]
    if "skipped" not in content["benefit"]:
        lines.append("Benefit: beside real images with classical augmentation")
        lines += textwrap.wrap(content["benefit"]["verdict"], 110, initial_indent="  ", subsequent_indent="  ")
    commitment, sorting = content["commitment"], content["sorting"]
    if commitment is not None:
        lines.append("Commitment: do generated images show what was asked? 1 is perfect; the sorter's reading flatters")
        lines += _measured(commitment, commitment["sorter"])
        probe = commitment.get("probe")
        if probe is not None:
            lines += [
                _row(f"{name}, by a fresh probe", *_hardest({key: probe[key][name] for key in CONDITIONS}))
                for name in probe["clean"]
            ]
        if "effect" in commitment:
            effects = (
                (value, f"{name}[{j}]") for name, row in commitment["effect"].items() for j, value in enumerate(row)
            )
            least, dimension = min(effects)
            lines.append(_row(f"{dimension}, the least visible", f"{least:.1f} grey levels"))
    if sorting is not None:
        lines.append("Sorting: how far are held-out images' codes from the prior? 0 is perfect")
        lines += _measured(sorting, sorting["ks"])
        energy = sorting.get("energy", {})
        if "ratio" in energy:
            told = f"p = {energy['p_value']:.3f}"
            lines.append(_row("all together (energy distance)", f"{energy['ratio']:.1f} times its floor", told))
    if content["grounding"]:
        lines.append("Grounding: are held-out patients in the order of their metadata? 1 is perfect, 0.5 chance")
        for name, found in content["grounding"].items():
            if "skipped" in found:
                lines.append(f"  {name}: not measured: {found['skipped']}")
            else:
                figure = _interval({"mean": found["value"], **found})
                lines.append(_row(f"{name} ({found['measure']})", figure, f"{found['n_patients']:,} patients"))
    fidelity = content["fidelity"]
    if "skipped" not in fidelity:
        lines.append(f"Fidelity and coverage, in the features of {fidelity['space']}: beside real images")
        for name in ("frechet", "precision", "coverage"):
            found = fidelity["measures"][name]
            figure = _interval({"mean": found["value"], **found})
            lines.append(_row(FIDELITY[name], figure, f"real: {found['real']:.2f}"))
    privacy, shortcuts = content["privacy"], content["shortcuts"]
    if "skipped" not in privacy:
        lines.append("Privacy: 0 copies and 0.5 are best")
        copies = privacy["copies"]
        alarms = f"{privacy['copies_among_held_out']['copied']:,} among held-out images"
        lines.append(_row("copies of training images", f"{copies['copied']:,} of {copies['n_images']:,}", alarms))
        for name, found in privacy.get("authenticity", {}).items():
            beside = f"held out: {found['held_out']['authenticity']['mean']:.2f}"
            lines.append(_row(f"authentic, by {name}", _interval(found["synthetic"]["authenticity"]), beside))
        for name, found in privacy["membership"].items():
            lines.append(_row(f"membership inferred, {name.replace('_', ' ')}", _interval(found["auroc"])))
    if shortcuts is not None and shortcuts["warning"]:
        lines.append(f"Warning: {shortcuts['warning']}")
    return lines


def _measured(part: Mapping[str, Any], figures: Mapping[str, list[float]]) -> list[str]:
    return [
        _row(f"{name} ({part['measure'][name]})", _mean(found), f"floor {_mean(part['floor'][name])}")
        for name, found in figures.items()
    ]


def _hardest(conditions: Mapping[str, list[float]]) -> tuple[str, str]:
    """The condition under which the probe reads worst, and how well it reads there."""
    name = min(conditions, key=lambda key: sum(conditions[key]))
    return _mean(conditions[name]), f"hardest: {CONDITIONS[name]}"


def _row(title: str, *columns: str) -> str:
    return "  " + f"{title:42}" + "   ".join(f"{column:20}" for column in columns).rstrip()


def _mean(dimensions: list[float]) -> str:
    return f"{sum(dimensions) / len(dimensions):.2f}"


def _interval(interval: Mapping[str, Any]) -> str:
    low, high = interval["low"], interval["high"]
    return f"{interval['mean']:.2f}" + (f" ({low:.2f} to {high:.2f})" if low is not None and high is not None else "")
