"""A page in the browser, on this machine alone, in which a run's factors are moved and its images looked at."""

from semiray.explorer.server import explore

__all__ = ["explore"]
