"""Facts about files that are whole: written last, with sizes and checksums, so that damage and kills are noticed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semiray.errors import SemirayError
from semiray.files import write_whole
from semiray.radiographs.pixels.decoding import digest

__all__ = ["read_json", "seal", "unseal"]

_CHEAP = 1 << 26  # bytes of a file whose checksum is always compared: well below 0.1 s


def seal(path: Path, facts: Mapping[str, object], names: Sequence[str]) -> None:
    """Write facts as JSON in one step, with sizes and checksums of files in the same folder.

    Args:
        path: the file to write, after all the others.
        facts: what it says.
        names: the files that belong to it.
    """
    sums = {name: ((path.parent / name).stat().st_size, _checksum(path.parent / name)) for name in names}
    content = {**facts, "files": sums}
    write_whole(path, json.dumps({**content, "sealed": digest(json.dumps(content), ())}))


def unseal(path: Path, *, verify: bool = False, cheap: int = _CHEAP) -> dict[str, Any]:
    """Read facts and check that their files are whole: all sizes, and the checksums of small files.

    Args:
        path: the facts.
        verify: compare the checksums of large files too.
        cheap: size in bytes up to which a file is small.

    Raises:
        SemirayError: if a file is missing or has changed.
    """
    facts = read_json(path)
    damaged = path.name
    try:
        if facts.pop("sealed") != digest(json.dumps(facts), ()):
            raise ValueError
        for name, (size, checksum) in facts["files"].items():
            damaged, file = name, path.parent / name
            if file.stat().st_size != size or ((verify or size <= cheap) and _checksum(file) != checksum):
                raise ValueError
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SemirayError(f"{path.parent}: {damaged} is missing or damaged.") from error
    return facts


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or an empty one if the file is missing or broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
