"""Promises about the package as a whole: what is public, what importing costs, how files are kept."""

import ast
import importlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import semiray

SOURCE = Path(semiray.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
TESTS = Path(__file__).parent
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


def test_no_folder_holds_more_than_twenty_source_files() -> None:
    counts = Counter(path.parent for path in FILES)
    assert {str(folder): count for folder, count in counts.items() if count > 20} == {}


def test_every_source_file_has_its_test_file() -> None:
    expected = {
        path.relative_to(SOURCE).with_name(f"test_{path.name}") for path in FILES if not path.name.startswith("__")
    }
    found = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    assert sorted(map(str, expected - found)) == []


def test_every_test_can_fail() -> None:
    helpers = {name for path in TESTS.rglob("*.py") for name, body in functions(path) if checks(body, set())}
    idle = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for name, body in functions(path)
        if name.startswith("test_") and not checks(body, helpers)
    ]
    assert idle == []


def functions(path: Path) -> list[tuple[str, ast.FunctionDef]]:
    """All functions of a file by their names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(node.name, node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def checks(body: ast.FunctionDef, helpers: set[str]) -> bool:
    """Whether a function asserts something, itself or through what it calls or is given."""
    given = {argument.arg for argument in body.args.args + body.args.kwonlyargs}
    called = {ast.unparse(node.func).rsplit(".", 1)[-1] for node in ast.walk(body) if isinstance(node, ast.Call)}
    return any(isinstance(node, ast.Assert) for node in ast.walk(body)) or any(
        name in helpers or name.startswith("assert_") or name in ("raises", "warns", "fail") for name in called | given
    )
