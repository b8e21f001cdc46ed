import subprocess
import sys
from pathlib import Path

import pytest

from semiray.errors import SemirayError
from semiray.files import hold_folder, whole_file, write_whole


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
