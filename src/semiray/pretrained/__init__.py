"""Trained runs that come with semiray, a folder each, or lie on the Hub: found by name, coded to be small."""

from semiray.pretrained.hub import PUBLISHED, check_repository, push
from semiray.pretrained.names import find_run, shipped_runs
from semiray.pretrained.packing import pack, unpack

__all__ = ["PUBLISHED", "check_repository", "find_run", "pack", "push", "shipped_runs", "unpack"]
