from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.pseudonyms import pseudonym, read_salt


def test_the_salt_is_made_once_and_only_for_its_user(tmp_path):
    folder = tmp_path / "deep" / "cache"
    salt = read_salt(folder)
    assert len(salt) == 32
    assert read_salt(folder) == salt
    assert read_salt(tmp_path / "another") != salt
    if os.name != "nt":
        assert (folder / "patients.salt").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir() if "partial" in path.name] == []


def test_processes_that_start_together_get_one_salt(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read_salt, [tmp_path / "cache"] * 16))) == 1


def test_a_damaged_or_unwritable_salt_says_what_to_do(tmp_path):
    (tmp_path / "patients.salt").write_bytes(b"short")
    with pytest.raises(SemirayError, match=r"patients\.salt is damaged\. Delete it"):
        read_salt(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SemirayError, match=r"Choose another folder for it.* SEMIRAY_CACHE"):
        read_salt(tmp_path / "file")


def test_pseudonyms_tell_identifiers_apart_and_say_nothing_of_them():
    name = pseudonym(b"s" * 32, b"patient", b"4711", b"")
    assert len(name) == 20
    assert "4711" not in name
    others = [
        pseudonym(b"t" * 32, b"patient", b"4711", b""),
        pseudonym(b"s" * 32, b"patient", b"471", b"1"),
        pseudonym(b"s" * 32, b"patient", b"", b"4711"),
        pseudonym(b"s" * 32, b"study", b"4711", b""),
    ]
    assert len({name, *others}) == 5
    assert pseudonym(b"s" * 32, b"patient", b"4711", b"") == name
