"""File formats of generated images: PNG files, WebDataset tar shards, Parquet tables; in parts, complete or absent."""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Protocol

from semiray.errors import SemirayError
from semiray.files import PARTIAL, whole_file, write_whole
from semiray.generation.marking import (
    WARNING,
    describe_image,
    encode_image,
    manifest_head,
    manifest_row,
    png_name,
)
from semiray.generation.sampling import Synthetic
from semiray.generation.writers import class_folders

__all__ = ["FORMATS", "Add", "Format", "open_format"]

Add = Callable[[Synthetic, list[Any]], None]


class Format(Protocol):
    """A file format for the parts of a sample.

    A part is complete when the file of `place` exists, which is written last and in one step; a part that was written
    before is written over with the same bytes.
    """

    def place(self, part: int) -> Path:
        """The file whose presence says that a part is complete."""

    def store(self, synthetic: Synthetic, i: int) -> Any:
        """Encode image ``i``, in one of several threads; what `Add` needs of it."""

    def part(self, number: int) -> AbstractContextManager[Add]:
        """Write a part: a function that takes the next images of it and what `store` made of each."""

    def finish(self, parts: int) -> Path:
        """What remains when all parts are complete; where to look."""


class PngFolder:
    """OUT/<label>/000000.png ... and OUT/manifest.csv; its parts are in OUT/manifest until all are there."""

    def __init__(self, out: Path, run_name: str, classes: tuple[str, ...], names: tuple[str, ...]) -> None:
        self.out, self.run_name, self.names = out, run_name, names
        self.folders = class_folders(classes)
        for folder in (*self.folders, "manifest"):
            (out / folder).mkdir(parents=True, exist_ok=True)

    def place(self, part: int) -> Path:
        manifest = self.out / "manifest.csv"
        return manifest if manifest.exists() else self.out / "manifest" / f"{part:06d}.csv"

    def store(self, synthetic: Synthetic, i: int) -> str:
        name = png_name(synthetic, i, self.folders)
        path = self.out / name
        write_whole(path, encode_image(synthetic, i, self.run_name), sync=False)
        return name

    @contextmanager
    def part(self, number: int) -> Iterator[Add]:
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")

        def add(synthetic: Synthetic, stored: list[Any]) -> None:
            writer.writerows(manifest_row(synthetic, i, file) for i, file in enumerate(stored))

        yield add
        write_whole(self.place(number), text.getvalue())

    def finish(self, parts: int) -> Path:
        manifest = self.out / "manifest.csv"
        if not manifest.exists():
            places = [self.place(part) for part in range(parts)]
            try:
                with whole_file(manifest) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
                    csv.writer(stream, lineterminator="\n").writerow(manifest_head(self.names))
                    for place in places:
                        stream.write(place.read_text(encoding="utf-8"))
            except FileNotFoundError:
                if not manifest.exists():  # else another process has just finished
                    raise
        for left in (self.out / "manifest").glob("*.csv"):
            left.unlink(missing_ok=True)
        with suppress(OSError):  # another process may be doing the same
            (self.out / "manifest").rmdir()
        for folder in self.folders:
            with suppress(OSError):  # a class of which no image was asked
                (self.out / folder).rmdir()
        return manifest


class Shards:
    """One file per part: OUT/shard-000000.tar or .parquet."""

    suffix = ""

    def __init__(self, out: Path, run_name: str, classes: tuple[str, ...], names: tuple[str, ...]) -> None:
        self.out, self.run_name, self.classes, self.names = out, run_name, classes, names

    def place(self, part: int) -> Path:
        return self.out / f"shard-{part:06d}{self.suffix}"

    def store(self, synthetic: Synthetic, i: int) -> Any:
        return encode_image(synthetic, i, self.run_name)

    def finish(self, parts: int) -> Path:  # noqa: ARG002
        return self.out

    @contextmanager
    def _whole(self, part: int) -> Iterator[Path]:
        for left in self.out.glob(f".{self.place(part).name}.*{PARTIAL}"):  # of a process that was killed
            left.unlink(missing_ok=True)
        with whole_file(self.place(part)) as temporary:
            yield temporary


class WebDataset(Shards):
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


class Parquet(Shards):
    """Tables with one row per image: the PNG's bytes, label, every code, seed, index."""

    suffix = ".parquet"

    def __init__(self, out: Path, run_name: str, classes: tuple[str, ...], names: tuple[str, ...]) -> None:
        super().__init__(out, run_name, classes, names)
        try:
            import pyarrow as pa
        except ImportError as error:
            raise SemirayError("--format parquet needs pyarrow: pip install 'semiray[parquet]'") from error
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


FORMATS: dict[str, type[PngFolder | WebDataset | Parquet]] = {
    "png": PngFolder,
    "webdataset": WebDataset,
    "parquet": Parquet,
}


def open_format(name: str, out: Path, run_name: str, classes: tuple[str, ...], names: Sequence[str]) -> Format:
    """The format of a name, for a folder.

    Raises:
        SemirayError: there is no such format, or the package that it needs isn't installed.
    """
    if name not in FORMATS:
        raise SemirayError(f"--format {name}: choose one of {', '.join(FORMATS)}.")
    chosen: Format = FORMATS[name](out, run_name, classes, tuple(names))
    return chosen
