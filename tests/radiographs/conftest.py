"""Small image sets made on the spot."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Draw = Callable[..., Path]


@pytest.fixture
def draw() -> Draw:
    """Write a random but repeatable smooth grey picture; the same seed gives the same file."""

    def write(path: Path, seed: int = 0, size: tuple[int, int] = (24, 20)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
        return path

    return write


@pytest.fixture
def make_dicom() -> Callable[..., bytes]:
    """Make the bytes of a DICOM file: a chest radiograph of 12 bits unless elements say otherwise."""
    pydicom = pytest.importorskip("pydicom")

    def make(pixels: np.ndarray | bytes, syntax: str = "1.2.840.10008.1.2.1", **elements: object) -> bytes:
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
        rows, columns = pixels.shape[:2] if isinstance(pixels, np.ndarray) else (0, 0)
        given = {
            "Modality": "DX",
            "BodyPartExamined": "CHEST",
            "Rows": rows,
            "Columns": columns,
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 12,
            "PixelRepresentation": 0,
            **elements,
        }
        given.setdefault("HighBit", given["BitsStored"] - 1)
        for keyword, value in given.items():
            if value is not None:
                setattr(dataset, keyword, value)
            elif keyword in dataset:
                delattr(dataset, keyword)
        dataset.PixelData = pixels.tobytes() if isinstance(pixels, np.ndarray) else pixels
        dataset["PixelData"].VR = "OB" if dataset.BitsAllocated <= 8 or not isinstance(pixels, np.ndarray) else "OW"
        file = io.BytesIO()
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real radiographs, which aren't part of the project."""
    folder = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
    if not (folder / "kermany").is_dir() or not (folder / "hannover").is_dir():
        pytest.skip(f"the real radiographs aren't in {folder}")
    return folder.resolve()
