"""Promises about the package as a whole: what is public, what importing costs, how files are kept."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import semiray

SOURCE = Path(semiray.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
HEAVY = ("torch", "numpy", "matplotlib", "scipy", "sklearn", "PIL")


def test_public_names_are_there() -> None:
    for name in semiray.__all__:
        assert getattr(semiray, name) is not None, name
        assert name in dir(semiray)


def test_a_name_that_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        semiray.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [("import semiray", (*HEAVY, "pydantic")), ("import semiray.cli", HEAVY)],  # options are declared with pydantic
)
def test_importing_loads_nothing_heavy(statement: str, heavy: tuple[str, ...]) -> None:
    program = f"{statement}; import sys; print(*[name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == []


def test_help_is_fast() -> None:
    program = "import sys, time; from semiray.cli import main; main(['--help']); sys.exit(str(time.process_time()))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "generate" in said.stdout
    assert float(said.stderr) < 0.5  # seconds of the processor, Python's start among them: the machine may be busy


def test_files_say_why_they_exist_and_stay_short() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), f"{path}: no docstring that says why the file exists"
        assert text.count("\n") <= 400, f"{path}: over 400 lines, two ideas in one file"


def test_what_a_file_offers_is_there() -> None:
    for path in FILES:
        relative = path.relative_to(SOURCE.parent).with_suffix("")
        name = ".".join(relative.parts).removesuffix(".__init__")
        if not name.endswith("__main__"):  # which runs the command line when imported
            module = importlib.import_module(name)
            assert [offer for offer in getattr(module, "__all__", ()) if not hasattr(module, offer)] == [], name


def test_nothing_unpickles() -> None:
    loaders = {"pickle", "cloudpickle", "dill", "shelve", "joblib"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & loaders, f"{path}:{node.lineno}"
            if isinstance(node, ast.ImportFrom) and node.module in loaders:
                assert [alias.name for alias in node.names] == ["UnpicklingError"], f"{path}:{node.lineno}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert given.get("weights_only") == "True", f"{path}:{node.lineno} calls torch.load"
