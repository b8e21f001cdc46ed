"""A folder of phantoms: written completely or not at all, every image marked as one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from semiray.errors import SemirayError

__all__ = ["new_folder", "save_png"]


@contextmanager
def new_folder(out: Path, folders: Sequence[str], table: str) -> Iterator[Path]:
    """Give a folder to write to, with some folders in it, that becomes ``out`` when all is written.

    Raises:
        SemirayError: if ``out`` isn't a new or an empty folder, or can't be written.
    """
    out = out.resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SemirayError(f"{out} exists and isn't an empty folder; choose another folder for the phantoms")
    there = out.exists()  # then it may be the current folder, which is filled, not replaced
    partial = (out if there else out.parent) / f".{out.name}.{os.getpid()}.partial"
    try:
        for name in folders:
            (partial / name).mkdir(parents=True, exist_ok=True)
        yield partial
        if there:
            for name in (*folders, table):  # the table last: it means that all is there
                (partial / name).replace(out / name)
        else:
            partial.replace(out)
    except OSError as error:
        raise SemirayError(f"can't write phantoms to {out}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def save_png(path: Path, image: NDArray[np.uint8], texts: Mapping[str, str]) -> None:
    """Write an image whose text metadata mark it as a phantom, and say ``texts``."""
    info = PngInfo()
    for key, text in ({"Phantom": "true", "Synthetic": "true", "Software": "semiray"} | dict(texts)).items():
        info.add_text(key, text)
    Image.fromarray(image).save(path, pnginfo=info)
