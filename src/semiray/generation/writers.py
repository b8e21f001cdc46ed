"""Write generated images to disk, marked as synthetic, with a table of what was requested."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from semiray.errors import SemirayError
from semiray.generation.marking import encode_image, manifest_head, manifest_row, png_name
from semiray.generation.sampling import Synthetic

__all__ = ["check_out", "class_folders", "write_images"]

_STAGING = ".partial"


def write_images(
    synthetic: Synthetic,
    out: Path | str,
    *,
    run_name: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write OUT/<label>/000000.png ... and OUT/manifest.csv; without classes the images lie in OUT itself.

    Every PNG says in its text metadata that it is synthetic: ``Software``, ``Synthetic`` = true, ``Comment``,
    ``Label``, ``Seed``, ``Index``, ``Event``, ``Event probability``, ``Run`` and ``Codes`` (JSON, name to value). The
    manifest's columns are file, label, every code by name, seed, index. Nothing depends on the time or on the order of
    threads: the same sample gives the same bytes. All files are written aside, in OUT/.partial, and moved into place
    when complete, the manifest last: a manifest means that all is there.

    Args:
        synthetic: The images.
        out: A folder that is new or empty.
        run_name: The run's name, for the metadata.
        progress: Called with (images written, N).

    Returns:
        The path of the manifest.

    Raises:
        SemirayError: ``out`` is not empty, is a file, or can't be written; two class names need the same folder.

    Example:
        ``write_images(generate(run, 600, seed=7), "synthetic")``
    """
    out = Path(out).expanduser()
    folders = class_folders(synthetic.classes)
    staging = out / _STAGING
    try:
        check_out(out)
        shutil.rmtree(staging, ignore_errors=True)  # what a killed command left
        staging.mkdir(parents=True)
        try:
            names = _write_pngs(synthetic, staging, folders, run_name, progress)
            _write_manifest(synthetic, staging / "manifest.csv", names)
            for entry in sorted(staging.iterdir(), key=lambda path: (path.name == "manifest.csv", path.name)):
                entry.rename(out / entry.name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise SemirayError(f"{out}: can't write there ({error.strerror or error}). Choose another folder.") from error
    return out / "manifest.csv"


def check_out(out: Path) -> None:
    """Refuse a folder that images can't be written to, before any work is done for it; changes nothing.

    Raises:
        SemirayError: ``out`` is a file or a folder that is not empty.
    """
    if out.exists() and not out.is_dir():
        raise SemirayError(f"{out} is a file: choose a folder for the images.")
    if out.is_dir() and any(path.name != _STAGING for path in out.iterdir()):
        raise SemirayError(
            f"{out} is not empty, and images of two samples must not mix. Choose another folder, or empty this one: "
            "the same run, seed and options give the same bytes again."
        )


def class_folders(classes: tuple[str, ...]) -> tuple[str, ...]:
    """A folder name for each class: the class name with what file systems refuse replaced by an underscore."""
    names = tuple(re.sub(r'[\x00-\x1f/\\:*?"<>|]|^\.+|[. ]+$', "_", name) or "_" for name in classes)
    folded = [name.casefold() for name in names]
    for i, name in enumerate(folded):
        if name in folded[:i]:
            twin = classes[folded.index(name)]
            raise SemirayError(f"classes {twin!r} and {classes[i]!r} would share the folder {names[i]!r}: rename one.")
    return names


def _write_pngs(
    synthetic: Synthetic,
    root: Path,
    folders: tuple[str, ...],
    run_name: str,
    progress: Callable[[int, int], None] | None,
) -> list[str]:
    """Encode in threads (zlib leaves Python's lock alone). Returns the files' names relative to root."""
    files = [png_name(synthetic, i, folders) for i in range(len(synthetic))]
    for folder in {folders[label] for label in np.unique(synthetic.labels) if label >= 0}:
        (root / folder).mkdir()

    def write(i: int) -> None:
        (root / files[i]).write_bytes(encode_image(synthetic, i, run_name))

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for done, _ in enumerate(pool.map(write, range(len(synthetic))), start=1):
            if progress is not None:
                progress(done, len(synthetic))
    return files


def _write_manifest(synthetic: Synthetic, path: Path, files: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(manifest_head(synthetic.names))
        writer.writerows(manifest_row(synthetic, i, file) for i, file in enumerate(files))
