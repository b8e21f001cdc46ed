"""What stands in a report in place of a judgement that could not be made."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Skipped"]


@dataclass(frozen=True)
class Skipped:
    """A judgement that could not be made, and why."""

    reason: str
