"""Packages load their names when these are used: what generating leaves unloaded, and what a package says it has."""

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from semiray.lazy import offer

LAZY = ("semiray", "semiray.generation", "semiray.priors", "semiray.radiographs", "semiray.training")
UNNEEDED = ("matplotlib", "scipy", "sklearn", "pandas", "jinja2", "starlette", "pydicom", "pyarrow")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with one module, `inner`, which offers `answer`."""
    name = f"offering_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    code = "from semiray.lazy import offer\n__getattr__, __dir__ = offer(__name__, {'inner': ('answer',)})\n"
    (folder / "__init__.py").write_text(code)
    (folder / "inner.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_name_is_loaded_when_it_is_used(package: str) -> None:
    loaded = import_module(package)
    assert f"{package}.inner" not in sys.modules
    assert "answer" in dir(loaded)
    assert loaded.answer == 42
    assert vars(loaded)["answer"] == 42  # the next time without a search


def test_a_name_that_is_not_there_says_so() -> None:
    load, listed = offer("semiray", {"errors": ("SemirayError",)})
    assert "SemirayError" in listed()
    with pytest.raises(AttributeError, match="module 'semiray' has no attribute 'nonsense'"):
        load("nonsense")


@pytest.mark.parametrize("name", LAZY)
def test_packages_list_what_they_offer(name: str) -> None:
    loaded = import_module(name)
    assert set(loaded.__all__) <= set(dir(loaded))
    modules = {module.name for module in pkgutil.iter_modules(loaded.__path__)}
    assert not modules & set(loaded.__all__)  # the module would take the name's place


@pytest.mark.slow  # a process of its own generates
def test_generating_loads_nothing_that_draws_fits_or_judges(tmp_path: Path) -> None:
    words = ["generate", "kermany-64", "-n", "2", "--out", str(tmp_path / "images")]
    program = f"import sys; from semiray.cli import main; code = main({words}); print(*sys.modules); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "torch" in loaded
    assert [name for name in UNNEEDED if name in loaded] == []
    ours = {name for name in loaded if name.startswith("semiray.")}
    assert not ours & {"semiray.generation.figures", "semiray.priors.grounding.fitting", "semiray.training.loop"}
