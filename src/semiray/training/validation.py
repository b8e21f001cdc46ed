"""The record of what was measured on validation patients: which weights to keep, and when nothing gets better."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

__all__ = ["Measurement", "advice", "kept", "measurements_in"]

SLACK = 0.03  # distances this close, relative to the smallest, are equal
EVERY_MINUTES, EVERY_IMAGES, MOST = 3.0, 25_000, 20  # so that measuring takes 1 to 3 % of the time of one core
STALE_MEASUREMENTS, STALE_SHARE = 3, 0.25


@dataclass(frozen=True)
class Measurement:
    """Figures of the generator's moving average on validation patients.

    Attributes:
        images: real images shown so far, repeats counted.
        seconds: of training so far.
        distance: Fréchet distance of generated to validation images, in the features of a tiny network.
        floor: the same distance of real training images.
        tstr: balanced accuracy of a tiny classifier trained on generated images; None without classes.
        trtr: the same, trained on real training images.
    """

    images: int
    seconds: float
    distance: float
    floor: float
    tstr: float | None = None
    trtr: float | None = None

    @property
    def ratio(self) -> float | None:
        """TSTR over TRTR; None without classes."""
        return None if self.tstr is None or not self.trtr else self.tstr / self.trtr

    @property
    def curves(self) -> dict[str, float]:
        """The figures that TensorBoard draws."""
        found = {"distance": self.distance, "distance of real images": self.floor, "TSTR over TRTR": self.ratio}
        return {f"validation/{name}": value for name, value in found.items() if value is not None}

    @property
    def possible(self) -> bool:
        """Whether these are numbers: a file may hold anything."""
        numbers = (self.seconds, self.distance, self.floor, self.tstr or 0.0, self.trtr or 0.0)
        return type(self.images) is int and all(type(one) in (int, float) and isfinite(one) for one in numbers)

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f"TSTR/TRTR {self.ratio:.2f}, "
        return f"{ratio}distance {self.distance:.3g} (floor {self.floor:.2g})"


def measurements_in(minutes: float | None, images: int | None, resolution: int = 64) -> int:
    """How often a budget is measured, at even distances and last at its end: 0 where it is too small for that.

    The number depends on the settings only, not on the speed, so that runs of so many images keep the same weights
    on every machine. Above 64 px, where generating takes longer, there are fewer.

    Examples:
        >>> measurements_in(30, None), measurements_in(None, 150_000), measurements_in(1, None)
        (10, 6, 0)
    """
    every = EVERY_MINUTES * max(1.0, resolution / 64)
    fits = [MOST, *([int(minutes / every)] if minutes else []), *([images // EVERY_IMAGES] if images else [])]
    return min(fits) if min(fits) > 1 else 0


def kept(record: Sequence[Measurement]) -> Measurement:
    """The measurement whose weights are kept: the last whose distance is within `SLACK` of the smallest.

    The distance decides, not TSTR, which scatters several times as much. What is equal within its scatter goes to the
    later weights, whose codes are sorted and obeyed better.

    Examples:
        >>> distances = [9.0, 5.0, 5.1, 6.0]
        >>> kept([Measurement(i, i, distance, 1.0) for i, distance in enumerate(distances)]).images
        2
    """
    return record[_near_smallest(record)[-1]]


def advice(record: Sequence[Measurement], fraction: float, cool_from: float) -> str:
    """What to do where nothing has been better for a while, in a sentence or two; empty where something has.

    Args:
        record: at least one measurement.
        fraction: of the budget that is spent.
        cool_from: the fraction from which the step size falls.
    """
    first, last = _near_smallest(record)[0], len(record) - 1
    stale = record[last].seconds - record[first].seconds
    if last - first < STALE_MEASUREMENTS or stale < STALE_SHARE * record[last].seconds:
        return ""
    said = f"No better on validation patients for {_minutes(stale)} (since {record[first].images:,} images)"
    if fraction >= cool_from or cool_from == 1:
        return f"{said}: you may stop with Ctrl-C; everything is saved, and the best weights are those used."
    spent = record[last]
    return (
        f"{said}, but the step size hasn't fallen yet, which usually helps. To end sooner: Ctrl-C, then resume with a "
        f"budget of {_minutes(spent.seconds / cool_from)} or {round(spent.images / cool_from):,} images in all: it "
        "falls at once."
    )


def _near_smallest(record: Sequence[Measurement]) -> list[int]:
    smallest = min(one.distance for one in record)
    return [i for i, one in enumerate(record) if one.distance <= smallest * (1 + SLACK)]


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' * (minutes > 1)}"
