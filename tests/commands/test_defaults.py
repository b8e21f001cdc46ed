"""A command and the function it calls do the same by default."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import semiray
from semiray.commands import ask, data, train
from semiray.demo import run_demo
from semiray.generation import Request, plot_samples, write_sample
from semiray.radiographs import inspect as inspect_radiographs

PAIRS = [
    (ask.generate, semiray.generate),
    (ask.generate, Request),
    (ask.generate, write_sample),
    (ask.samples, plot_samples),
    (ask.traverse, semiray.traverse),
    (data.inspect_data, inspect_radiographs),
    (data.phantom, semiray.make_phantoms),
    (data.prepare_data, semiray.prepare_radiographs),
    (train.demo, run_demo),
    (ask.represent, semiray.represent),
    (train.train, semiray.train),
]


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Parameters that need not be given, and their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}


@pytest.mark.parametrize(("command", "function"), PAIRS, ids=lambda one: one.__name__)
def test_defaults_agree(command: Callable[..., Any], function: Callable[..., Any]) -> None:
    ours, theirs = defaults(command), defaults(function)
    shared = ours.keys() & theirs.keys()
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}
