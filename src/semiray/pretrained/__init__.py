"""Trained runs that come with semiray, a folder each, or lie on the Hub: found by name, coded to be small.

What needs PyTorch is in `semiray.pretrained.packing`, so that names and lists are there at once.
"""

from semiray.pretrained.hub import PUBLISHED, check_repository, push
from semiray.pretrained.listing import describe_shipped
from semiray.pretrained.names import called, find_run, shipped_runs

__all__ = ["PUBLISHED", "called", "check_repository", "describe_shipped", "find_run", "push", "shipped_runs"]
