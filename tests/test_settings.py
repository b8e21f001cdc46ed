"""The tree of settings: presets, files, assignments, and errors that name the option."""

from pathlib import Path

import pytest
import yaml

from semiray.errors import SemirayError
from semiray.settings import PRESETS, Settings, known_options, load_settings, make_settings


@pytest.mark.parametrize("preset", PRESETS)
def test_written_settings_read_back(preset: str, tmp_path: Path) -> None:
    settings = load_settings(preset=preset, seed=3)
    path = tmp_path / "settings.yaml"
    path.write_text(settings.to_yaml(), encoding="utf-8")
    assert load_settings(path) == settings
    assert settings.preset == preset


def test_presets_differ_in_the_game_they_play() -> None:
    study, default = make_settings({"preset": "study"}), make_settings()
    assert study.networks.architecture == "dcgan"
    assert study.objectives.adversarial == "cross_entropy"
    assert default.objectives.adversarial == "relativistic"
    assert default == Settings()


def test_the_later_wins(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("seed = 1\n[objectives]\nsort = 0.1\ncommit = 2.0\n", encoding="utf-8")
    settings = load_settings(path, ["objectives.sort=0.5"], seed=2)
    assert (settings.seed, settings.objectives.sort, settings.objectives.commit) == (2, 0.5, 2.0)


def test_every_option_has_a_line_of_meaning() -> None:
    def walk(model: type) -> None:
        for name, field in model.model_fields.items():  # type: ignore[attr-defined]
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                walk(field.annotation)
            else:
                assert field.description, name

    walk(Settings)
    assert "objectives.sort" in known_options(Settings)


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("objectives.srot=1", "did you mean objectives.sort"),
        ("sort=1", "did you mean objectives.sort"),
        ("objectives.sort=-1", "greater than or equal to 0"),
        ("resolution=48", "32, 64, 128, 256 or 512"),
        ("resolution", "option=value"),
        ("seed=[1", "valid YAML"),
        ("preset=best", "preset"),
        ("objectives=3", "objectives"),
        ("optimisation.betas=[0,1]", "less than 1"),
        ("seed=99999999999999999999999", "seed"),
        ("seed=2024-13-45", "valid integer"),
        ("minutes=.inf", "finite"),
    ],
)
def test_errors_name_the_option(assignment: str, says: str) -> None:
    with pytest.raises(SemirayError, match=says):
        load_settings(assignments=[assignment])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.yaml", b"seed: [1", "line 1, column 9: not valid YAML"),
        ("a.toml", b"seed = ", "not TOML"),
        ("a.yaml", b"- 1\n- 2\n", "expected `option: value`"),
        ("a.yaml", b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_files_that_are_no_settings(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SemirayError, match=says):
        load_settings(path)
    with pytest.raises(SemirayError, match="can't be read"):
        load_settings(tmp_path / "missing.yaml")


def test_a_class_map_is_replaced_whole() -> None:
    settings = load_settings(assignments=["data.classes={a: a, b: b}", "data.classes={c: c}"])
    assert settings.data.classes == {"c": "c"}


def test_a_runs_own_settings_file_can_be_used_again(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    record = {"settings": {"seed": 4}, "data": {"fingerprint": "abc"}}
    path.write_text(yaml.safe_dump(record), encoding="utf-8")
    assert load_settings(path).seed == 4


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("", encoding="utf-8")
    assert load_settings(path) == Settings()
    assert yaml.safe_load(Settings().to_yaml())["preset"] == "default"


def test_class_shares_are_read_as_text_and_sum_to_one() -> None:
    shares = load_settings(assignments=['class_shares="COVID=0.1, Viral Pneumonia=0.9"']).class_shares
    assert shares == {"COVID": 0.1, "Viral Pneumonia": 0.9}
    assert make_settings({"class_shares": {"a": 0.5, "b": 0.5}}).class_shares == {"a": 0.5, "b": 0.5}
    for wrong in ("a=0.5,b=0.6", "a=0,b=1", "a,b"):
        with pytest.raises(SemirayError, match="class_shares"):
            make_settings({"class_shares": wrong})


def option(tree: object, name: str) -> object:
    for part in name.split("."):
        tree = getattr(tree, part)
    return tree


def test_the_documentation_lists_every_option_and_its_values() -> None:
    lines = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    rows = {cells[1].strip(" `"): cells for line in lines if line.startswith("| `") and (cells := line.split("|"))}
    assert sorted(rows) == sorted(known_options(Settings))
    default, study = make_settings(), make_settings({"preset": "study"})
    for name, cells in rows.items():
        ours, theirs = (yaml.safe_load(cell.strip(" `") or "null") for cell in cells[3:5])
        for documented, value in ((ours, option(default, name)), (theirs, option(study, name))):
            if documented is not None:
                assert documented == (list(value) if isinstance(value, tuple) else value), name
        if theirs is None:
            assert option(study, name) == option(default, name), name


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("networks.noise=true", "true and false"),
        ("minutes=true", "true and false"),
        ("optimisation.betas=[true, 0.5]", "true and false"),
        ("data.fractions=[true, 0, 0]", "true and false"),
        ("networks.noise=99999", "less than or equal to 4096"),
        ("networks.width=100000", "less than or equal to 512"),
        ("optimisation.batch=1000000000", "65536"),
        ("minutes=1e9", "less than or equal to"),
        ("seed=" + "9" * 400, "300 digits"),
        ("a." * 5_000 + "b=1", "option=value"),
        ("minutes=" + "[" * 1_000, "levels deep"),
        ("data.classes={[a]: b}", "a key must be"),
        ("networks={1: 2}", "keys should be strings"),
        ("minutes=&a [*a]", "inside of"),
        ("prior=" + "x" * 10_000, "valid dictionary"),
    ],
)
def test_what_no_run_can_have_is_a_sentence(assignment: str, says: str) -> None:
    with pytest.raises(SemirayError, match=says) as caught:
        load_settings(assignments=[assignment])
    assert len(str(caught.value)) < 500


def test_yes_is_a_truth_value_only_where_one_belongs() -> None:
    assert load_settings(assignments=["optimisation.bf16=true"]).optimisation.bf16 is True
