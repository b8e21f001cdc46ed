"""Keyed hashes that stand for patients: the same on one machine every time, and of no use on any other."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from semiray.errors import SemirayError

__all__ = ["pseudonym", "read_salt"]

_FILE = "patients.salt"
_BYTES = 32


def read_salt(folder: Path) -> bytes:
    """Return the random key of this user's hashes, made the first time; only the user can read its file.

    Args:
        folder: ``cache_folder()``, whatever cache a call is given. Where another is chosen, patients get other hashes.

    Raises:
        SemirayError: if it can't be read or written, or isn't what was written.
    """
    path = folder / _FILE
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f"{_FILE}.lock"):
                if not path.exists():
                    _make(path)
        salt = path.read_bytes()
    except OSError as error:
        raise SemirayError(
            f"{path}: the key for hashes of patients can't be read or written ({error.strerror or error}). Choose "
            "another folder for it and for the cache with the environment variable SEMIRAY_CACHE."
        ) from error
    if len(salt) != _BYTES:
        raise SemirayError(
            f"{path} is damaged. Delete it: a new one is made, with which patients of DICOM files get new hashes."
        )
    return salt


def pseudonym(salt: bytes, *parts: bytes) -> str:
    """Return 20 hexadecimal digits that stand for an identifier, by BLAKE2 with a key (RFC 7693)."""
    text = b"\0".join(len(part).to_bytes(4, "little") + part for part in parts)
    return hashlib.blake2b(text, key=salt, digest_size=10).hexdigest()


def _make(path: Path) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with suppress(FileNotFoundError):
        partial.unlink()
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(_BYTES))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
