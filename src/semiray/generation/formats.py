"""File formats of generated images: folders, WebDataset shards, Parquet tables; in parts, complete or absent."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from semiray.errors import SemirayError
from semiray.files import PARTIAL, check_unused, user_path, whole_file, write_whole
from semiray.generation.dicom import encode_dicom
from semiray.generation.synthetic import (
    WARNING,
    Synthetic,
    describe_image,
    encode_image,
    file_name,
    manifest_head,
    manifest_row,
    metadata_row,
)

__all__ = ["FORMATS", "Format", "open_format", "write_images"]

Add = Callable[[Synthetic, list[Any]], None]


def write_images(
    synthetic: Synthetic,
    out: Path | str,
    *,
    run_name: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write OUT/<label>/000000.png ... and OUT/manifest.csv; without classes the images lie in OUT itself.

    Every PNG says in its text metadata that it is synthetic, and its codes. The manifest's columns are file, label,
    every code by name, seed, index. The same sample gives the same bytes. All files are written aside, in OUT/.partial,
    and moved into place when complete, the manifest last: a manifest means that all is there.

    Args:
        synthetic: The images.
        out: A folder that is new or empty.
        run_name: The run's name, for the metadata.
        progress: Called with (images written, N).

    Returns:
        The path of the manifest.

    Raises:
        SemirayError: ``out`` is not empty, is a file, or can't be written; two class names need the same folder.

    Examples:
        ``write_images(generate(run, 600, seed=7), "synthetic")``
    """
    out = user_path(out)
    staging = out / ".partial"
    try:
        check_unused(out)
        shutil.rmtree(staging, ignore_errors=True)  # what a killed command left
        try:
            layout, stored = PngFolder(staging, run_name, synthetic.classes, synthetic.names), []
            with layout.part(0) as add, ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
                for name in pool.map(partial(layout.store, synthetic), range(len(synthetic))):
                    stored.append(name)
                    if progress is not None:
                        progress(len(stored), len(synthetic))
                add(synthetic, stored)
            manifest = layout.finish(1)
            for entry in sorted(staging.iterdir(), key=lambda path: (path == manifest, path.name)):
                entry.rename(out / entry.name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise SemirayError(f"{out}: can't write there ({error.strerror or error}). Choose another folder.") from error
    return out / manifest.name


class Format:
    """A file format for the parts of a sample; this one has a file per part, OUT/shard-000000.tar or .parquet.

    A part is complete when the file of `place` exists, which is written last and in one step; a part that was written
    before is written over with the same bytes.

    Raises:
        SemirayError: the package that the format needs isn't installed, or two classes need the same folder.
    """

    suffix = ""

    def __init__(self, out: Path, run_name: str, classes: tuple[str, ...], names: Sequence[str]) -> None:  # noqa: ARG002
        self.out, self.run_name, self.names = out, run_name, names

    def place(self, part: int) -> Path:
        """The file whose presence says that a part is complete."""
        return self.out / f"shard-{part:06d}{self.suffix}"

    def store(self, synthetic: Synthetic, i: int) -> Any:
        """Encode image ``i``, in one of several threads; what the function of `part` needs of it."""
        return encode_image(synthetic, i, self.run_name)

    def part(self, number: int) -> AbstractContextManager[Add]:
        """Write a part: a function that takes the next images of it and what `store` made of each."""
        raise NotImplementedError

    def finish(self, parts: int) -> Path:  # noqa: ARG002
        """What remains when all parts are complete; where to look."""
        return self.out

    @contextmanager
    def _whole(self, part: int) -> Iterator[Path]:
        for left in self.out.glob(f".{self.place(part).name}.*{PARTIAL}"):  # of a process that was killed
            left.unlink(missing_ok=True)
        with whole_file(self.place(part)) as temporary:
            yield temporary


class PngFolder(Format):
    """OUT/<label>/000000.png ... and OUT/manifest.csv; rows of its parts are in OUT/manifest until all are there."""

    ending, listing = ".png", "manifest.csv"

    def __init__(self, out: Path, run_name: str, classes: tuple[str, ...], names: Sequence[str]) -> None:
        super().__init__(out, run_name, classes, names)
        self.folders, self.manifest = _class_folders(classes), out / self.listing
        for folder in (*self.folders, "manifest"):
            (out / folder).mkdir(parents=True, exist_ok=True)

    def place(self, part: int) -> Path:
        if self.manifest.exists():
            return self.manifest
        return self.out / "manifest" / f"{part:06d}{self.manifest.suffix}"

    def store(self, synthetic: Synthetic, i: int) -> str:
        name = file_name(synthetic, i, self.folders, self.ending)
        write_whole(self.out / name, self.encode(synthetic, i), sync=False)
        return name

    def encode(self, synthetic: Synthetic, i: int) -> bytes:
        """The file of image ``i``."""
        return encode_image(synthetic, i, self.run_name)

    def head(self) -> str:
        """What the listing begins with."""
        return _csv([manifest_head(self.names)])

    def rows(self, synthetic: Synthetic, files: list[str]) -> str:
        """What the listing says of the images in some files."""
        return _csv(manifest_row(synthetic, i, file) for i, file in enumerate(files))

    @contextmanager
    def part(self, number: int) -> Iterator[Add]:
        text: list[str] = []
        yield lambda synthetic, stored: text.append(self.rows(synthetic, stored))
        write_whole(self.place(number), "".join(text))

    def finish(self, parts: int) -> Path:
        if not self.manifest.exists():
            places = [self.place(part) for part in range(parts)]
            try:
                with whole_file(self.manifest) as path, path.open("w", encoding="utf-8", newline="") as stream:
                    stream.write(self.head())
                    for place in places:
                        stream.write(place.read_text(encoding="utf-8"))
            except FileNotFoundError:
                if not self.manifest.exists():  # else another process has just finished
                    raise
        for left in (self.out / "manifest").glob(f"*{self.manifest.suffix}"):
            left.unlink(missing_ok=True)
        for folder in ("manifest", *self.folders):  # classes of which no image was requested
            with suppress(OSError):  # it holds images, or another process has just done the same
                (self.out / folder).rmdir()
        return self.manifest


class DicomFolder(PngFolder):
    """The same with DICOM files, OUT/<label>/000000.dcm."""

    ending = ".dcm"

    def __init__(self, out: Path, run_name: str, classes: tuple[str, ...], names: Sequence[str]) -> None:
        if importlib.util.find_spec("pydicom") is None:
            raise SemirayError("form=dicom needs pydicom: pip install 'semiray[dicom]'")
        super().__init__(out, run_name, classes, names)

    def encode(self, synthetic: Synthetic, i: int) -> bytes:
        return encode_dicom(synthetic, i, self.run_name)


class ImageFolder(PngFolder):
    """The same with OUT/metadata.jsonl in the manifest's place, as `datasets` of Hugging Face reads it."""

    listing = "metadata.jsonl"

    def head(self) -> str:
        return ""

    def rows(self, synthetic: Synthetic, files: list[str]) -> str:
        said = (metadata_row(synthetic, i, file) for i, file in enumerate(files))
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in said)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _class_folders(classes: tuple[str, ...]) -> tuple[str, ...]:
    """A folder name for each class: what file systems refuse, and spreadsheets would run, is an underscore."""
    refused = (
        '[\x00-\x1f\x7f-\x9f\ud800-\udfff/\\\\:*?"<>|]|^\\.+|[. ]+$'
        "|^['=+\\-@\uff1d\uff0b\uff0d\uff20]|^manifest(\\.csv)?$|^metadata\\.jsonl$"
    )
    names = tuple(re.sub(refused, "_", name, flags=re.IGNORECASE) or "_" for name in classes)
    folded = [name.casefold() for name in names]
    for i, name in enumerate(folded):
        if name in folded[:i]:
            twin = classes[folded.index(name)]
            raise SemirayError(f"classes {twin!r} and {classes[i]!r} would share the folder {names[i]!r}: rename one.")
    return names


class WebDataset(Format):
    """Tar shards as `webdataset` reads them: 000000000.png and 000000000.json of every image, one after the other."""

    suffix = ".tar"

    def store(self, synthetic: Synthetic, i: int) -> tuple[bytes, bytes]:
        said = json.dumps(describe_image(synthetic, i, self.run_name), ensure_ascii=False)
        return encode_image(synthetic, i, self.run_name), said.encode()

    @contextmanager
    def part(self, number: int) -> Iterator[Add]:
        with self._whole(number) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:

            def add(synthetic: Synthetic, stored: list[Any]) -> None:
                for index, (png, said) in zip(synthetic.index, stored, strict=True):
                    for suffix, content in ((".png", png), (".json", said)):
                        member = tarfile.TarInfo(f"{index:09d}{suffix}")  # its time is 0: the same bytes every time
                        member.size = len(content)
                        tar.addfile(member, BytesIO(content))

            yield add


class Parquet(Format):
    """Tables with one row per image: the PNG's bytes, label, every code, seed, index."""

    suffix = ".parquet"

    def __init__(self, out: Path, run_name: str, classes: tuple[str, ...], names: Sequence[str]) -> None:
        super().__init__(out, run_name, classes, names)
        try:
            import pyarrow as pa
        except ImportError as error:
            raise SemirayError("form=parquet needs pyarrow: pip install 'semiray[parquet]'") from error
        columns = [("image", pa.binary()), ("label", pa.string()), *((name, pa.float32()) for name in names)]
        columns += [("seed", pa.uint64()), ("index", pa.int64())]
        marks = {"Synthetic": "true", "Comment": WARNING, "Run": run_name}
        self.schema = pa.schema(columns, metadata=marks)

    @contextmanager
    def part(self, number: int) -> Iterator[Add]:
        import pyarrow as pa
        from pyarrow import parquet

        with self._whole(number) as temporary, parquet.ParquetWriter(temporary, self.schema) as writer:

            def add(synthetic: Synthetic, stored: list[Any]) -> None:
                labels = [synthetic.label_name(i) or None for i in range(len(synthetic))]
                columns = [stored, labels, *synthetic.codes.T, [synthetic.seed] * len(stored), synthetic.index]
                arrays = [pa.array(values, kind) for values, kind in zip(columns, self.schema.types, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))

            yield add


FORMATS: dict[str, type[Format]] = {
    "png": PngFolder,
    "dicom": DicomFolder,
    "imagefolder": ImageFolder,
    "webdataset": WebDataset,
    "parquet": Parquet,
}


def open_format(name: str, out: Path, run_name: str, classes: tuple[str, ...], names: Sequence[str]) -> Format:
    """The format of a name, for a folder. Errors as of `Format`, and where there is no such format."""
    if name not in FORMATS:
        raise SemirayError(f"form={name}: choose one of {', '.join(FORMATS)}.")
    return FORMATS[name](out, run_name, classes, names)
