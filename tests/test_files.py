import subprocess
import sys
from pathlib import Path

import pytest

import semiray
from semiray.errors import SemirayError
from semiray.files import check_not_input, check_unused, hold_folder, is_installed, user_path, whole_file, write_whole


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "old")
    with pytest.raises(OSError), whole_file(path) as temporary:  # noqa: PT011, PT012
        temporary.write_text("new")
        temporary.rename(tmp_path)  # refused
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_folder_is_held_by_one_process_and_let_go_when_it_dies(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from semiray.files import hold_folder\n"
    code += "with hold_folder(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(SemirayError, match="another process is writing files to"), hold_folder(tmp_path):
        pass
    process.kill()
    process.wait()
    with hold_folder(tmp_path):
        pass


def test_an_error_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "gone" / "a.txt", "x")
    assert caught.value.filename == str(tmp_path / "gone" / "a.txt")


def test_shares_of_a_folder_are_held_side_by_side_but_each_by_one(tmp_path: Path) -> None:
    left = tmp_path / ".a.png.x.partial"
    with hold_folder(tmp_path, "1of2"), hold_folder(tmp_path, "2of2"):
        left.write_bytes(b"another share writes this")
        with pytest.raises(SemirayError, match="another process is writing 2of2 to"), hold_folder(tmp_path, "2of2"):
            pass
        assert left.exists()
    assert list(tmp_path.iterdir()) == [left]


def test_what_a_kill_left_is_removed_but_not_what_another_process_writes(tmp_path: Path) -> None:
    inner = tmp_path / "held"
    for folder in (tmp_path, inner):
        folder.mkdir(exist_ok=True)
        (folder / ".a.png.x.partial").write_bytes(b"half")
    (tmp_path / ".mine.partially").write_bytes(b"no leftover of ours")
    (inner / ".lock").touch()
    with hold_folder(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {".lock", ".mine.partially", "held"}
        assert (inner / ".a.png.x.partial").exists()


@pytest.mark.parametrize("becomes", ["nothing", "another"])
def test_a_folder_that_was_removed_or_replaced_is_noticed(tmp_path: Path, becomes: str) -> None:
    folder = tmp_path / "run"
    with hold_folder(folder) as check:
        check()
        folder.rename(tmp_path / "moved")
        if becomes == "another":
            folder.mkdir()
            (folder / ".lock").touch()
        with pytest.raises(SemirayError, match="was removed, moved or replaced"):
            check()
    assert (folder / ".lock").exists() == (becomes == "another")


def test_a_folder_in_which_nothing_was_written_leaves_no_trace(tmp_path: Path) -> None:
    with pytest.raises(SemirayError), hold_folder(tmp_path / "run"):
        raise SemirayError("the prior can't be read")
    assert not (tmp_path / "run").exists()


def test_names_that_no_file_can_have_are_sentences(tmp_path: Path) -> None:
    for name, says in (("~no-such-user/x", "no user"), ("a\0b", "no file"), ("x" * 5_000, "too long")):
        with pytest.raises(SemirayError, match=says):
            user_path(name)
    assert user_path(tmp_path / "new" / "file") == tmp_path / "new" / "file"
    assert user_path("~") == Path.home()


def test_no_input_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "table.csv").touch()
    check_not_input(tmp_path / "prior.yaml", tmp_path / "table.csv", None, "hannover")
    with pytest.raises(SemirayError, match="would be lost"):
        check_not_input(tmp_path / "." / "table.csv", tmp_path / "table.csv")


def test_nothing_is_written_into_the_installed_package(tmp_path: Path) -> None:
    inside = Path(semiray.__file__).parent / "pretrained" / "some-run"
    assert is_installed(inside)
    assert not is_installed(tmp_path)
    with pytest.raises(SemirayError, match="came with semiray and stays as it is"), hold_folder(inside):
        pass
    with pytest.raises(SemirayError, match="choose another folder with out="):
        check_unused(inside)
    assert not inside.exists()
