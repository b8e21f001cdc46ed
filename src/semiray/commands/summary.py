"""A report in a few lines: the figures that matter, each beside its ceiling or its floor."""

from collections.abc import Mapping
from typing import Any

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
    for key, values, title in (
        ("commitment", "sorter", "Commitment: do generated images show what was asked? 1 is perfect"),
        ("sorting", "ks", "Sorting: how far are held-out images' codes from the prior? 0 is perfect"),
    ):
        part = content[key]
        if part is not None:
            lines.append(title)
            lines += [
                _row(f"{name} ({part['measure'][name]})", _mean(found), f"floor {_mean(part['floor'][name])}")
                for name, found in part[values].items()
            ]
    return lines


def _row(title: str, *columns: str) -> str:
    return "  " + f"{title:42}" + "   ".join(f"{column:20}" for column in columns).rstrip()


def _mean(dimensions: list[float]) -> str:
    return f"{sum(dimensions) / len(dimensions):.2f}"


def _interval(interval: Mapping[str, Any]) -> str:
    low, high = interval["low"], interval["high"]
    return f"{interval['mean']:.2f}" + (f" ({low:.2f} to {high:.2f})" if low is not None and high is not None else "")
