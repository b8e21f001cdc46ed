"""Every example in a docstring of priors runs by itself and gives the result it shows."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import semiray.priors

MODULES = ["semiray.priors"]
MODULES += [module.name for module in pkgutil.walk_packages(semiray.priors.__path__, "semiray.priors.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_examples_are_found() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = (importlib.import_module(name) for name in MODULES)
    assert sum(bool(test.examples) for module in modules for test in finder.find(module)) > 20
