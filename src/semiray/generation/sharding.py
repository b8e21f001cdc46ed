"""Samples of any size, written in parts by any number of processes, each of which may be killed and started again.

Part p holds images p * size ... (p + 1) * size - 1 of the sample. Its bytes don't depend on the process that writes it;
it is complete or absent; only the images of one chunk are in memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.files import check_unused, hold_folder, sweep, user_path, write_whole
from semiray.generation.copies import CopyFilter
from semiray.generation.formats import Format, open_format
from semiray.generation.sampling import BLOCK, Request, check_range
from semiray.generation.synthetic import Synthetic
from semiray.structured import read_json
from semiray.training.checkpoints import checksum

if TYPE_CHECKING:
    from semiray.radiographs import ImageArray, RadiographSet

__all__ = ["Share", "write_sample"]

REQUEST = "request.json"
PER_PART = {"png": 1_024, "dicom": 1_024, "imagefolder": 1_024, "webdataset": 10_240, "parquet": 10_240}
"""Images per part; a shard at 64 pixels takes 40 MB."""

CHUNK = 1_024  # images in memory at a time, besides those that are being encoded
_ROWS = 32  # images that a thread encodes at a time


@dataclass(frozen=True)
class Share:
    """Which parts of a sample a process writes: share `number` of `of`, from 0."""

    number: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read ``"K/OF"``, e.g. ``"3/16"``: the fourth of sixteen."""
        number, slash, of = text.partition("/")
        known = slash and all(part.isdecimal() and part.isascii() and len(part) <= 7 for part in (number, of))
        if not (known and int(number) < int(of)):
            raise SemirayError(
                f"shard={text[:80]}: write K/OF with K from 0 to OF - 1, such as 0/4 for the first of four."
            )
        return cls(int(number), int(of))

    def parts(self, count: int) -> range:
        """This share's parts of `count`: consecutive, divided as evenly as possible."""
        return range(count * self.number // self.of, count * (self.number + 1) // self.of)


def write_sample(
    request: Request,
    n: int,
    out: Path | str,
    *,
    start: int = 0,
    form: str = "png",
    per_part: int | None = None,
    share: Share | None = None,
    reject_copies: RadiographSet[ImageArray] | CopyFilter | None = None,
    chunk: int = CHUNK,
    progress: Callable[[int, int], None] | None = None,
) -> Path | None:
    """Generate images ``start`` ... ``start + n - 1`` of a request and write them, or this process's share of them.

    Called again with the same arguments, it continues where it was killed; the bytes are the same as without a kill.
    Processes with other shares may write to the same folder at the same time, or to folders of their own.

    Args:
        request: What is requested.
        n: Number of images of the whole sample.
        out: A folder that is new, empty, or holds parts of the same sample.
        start: Index of its first image.
        form: ``png``, ``dicom``, ``imagefolder``, ``webdataset`` or ``parquet``.
        per_part: Images per part, a multiple of 64; for a file per image, how much work a kill can cost. None: 1,024
            for a file per image, else 10,240.
        share: Which parts this process writes; None: all.
        reject_copies: The radiographs that the run was trained on, or a filter made of them, which counts: images that
            are copies of them are left out.
        chunk: Images in memory at a time, besides those that are being encoded; a multiple of 64.
        progress: Called with (images done, images of this share).

    Returns:
        Where to look: the manifest of single files, the folder of shards; None while shares of others are missing.

    Raises:
        SemirayError: The folder holds something else or another sample, another process writes the same share, the
            disk is full, an argument is out of range.
    """
    out = user_path(out)
    check_range(n, start)
    per_part = PER_PART.get(form, BLOCK) if per_part is None else per_part
    if not BLOCK <= per_part <= _MOST_PER_PART or per_part % BLOCK:
        raise SemirayError(
            f"{shortened(per_part)} images per shard: choose a multiple of {BLOCK} up to {_MOST_PER_PART:,}, "
            "such as 10240."
        )
    share, count = share or Share(), -(-n // per_part)
    run, copies = request.run, CopyFilter.of(request.run, reject_copies)
    try:
        check_request(out, describe(request, n, start, form, per_part, copies))
        with hold_folder(out, f"share-{share.number}-of-{share.of}"):
            layout = open_format(form, out, run.path.resolve().name, run.classes, run.prior.names)
            write_parts(request, n, start, per_part, share.parts(count), layout, copies, chunk, progress)
            if not all(layout.place(part).exists() for part in range(count)):
                return None
            found = layout.finish(count)
            sweep(out)  # all is there: what is half written, a kill left
            return found
    except OSError as error:
        raise SemirayError(
            f"{out}: can't write there ({error.strerror or error}). What is complete is kept: solve that, "
            "then the same command continues."
        ) from error


def describe(
    request: Request, n: int, start: int, form: str, per_part: int, copies: CopyFilter | None
) -> dict[str, Any]:
    """Everything that determines a sample."""
    return {
        "synthetic": True,
        "run": request.run.path.resolve().name,
        "weights": checksum({name: tensor.cpu() for name, tensor in request.run.generator.state_dict().items()}, {}),
        "label": request.label,
        "where": request.where,
        "seed": request.seed,
        "bf16": request.bf16,
        "start": start,
        "n": n,
        "format": form,
        "per_part": per_part,
        "without_copies_of": "" if copies is None else copies.fingerprint,
    } | ({"hold": request.hold} if request.hold else {})


def check_request(out: Path, asked: dict[str, Any]) -> None:
    """Refuse a folder that contains anything else; record the request in a new one."""
    path = out / REQUEST
    try:
        found = read_json(path, largest=1 << 20)
    except (FileNotFoundError, NotADirectoryError):
        check_unused(out)
        out.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asked, indent=1, ensure_ascii=False) + "\n")
        return
    except SemirayError as error:
        raise SemirayError(f"{path} is damaged: choose another folder.") from error
    found = found if isinstance(found, dict) else {}
    differing = [name for name in {**asked, **found} if found.get(name) != asked.get(name)]
    if differing:
        differ = "differ" if len(differing) > 1 else "differs"
        raise SemirayError(
            f"{out} holds another sample: its {', '.join(differing)} {differ}, see {path}. Choose another folder, or "
            "repeat its command to go on with it."
        )


_MOST_PER_PART = 64 * 2**20
Encoded = tuple[Synthetic, list["Future[list[Any]]"]]


def write_parts(
    request: Request,
    n: int,
    start: int,
    per_part: int,
    parts: range,
    layout: Format,
    copies: CopyFilter | None,
    chunk: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the parts that are missing; on a GPU images are encoded while it generates the next ones.

    On a CPU both want the same cores, and encoders among the generator's threads cost more than they save.
    """

    def store(synthetic: Synthetic, rows: range) -> list[Any]:
        return [layout.store(synthetic, i) for i in rows]

    def encoded(first: int, last: int) -> Iterator[Encoded]:
        """Images first ... last - 1 of the request in chunks, their encoding begun."""
        for begin in range(first, last, chunk):
            synthetic = request.images(begin, min(chunk, last - begin))
            if copies is not None:
                synthetic = synthetic.take(copies.keep(synthetic.images))
            if count := len(synthetic):
                slices = [range(row, min(count, row + _ROWS)) for row in range(0, count, _ROWS)]
                yield synthetic, [pool.submit(store, synthetic, rows) for rows in slices]

    overlap = ahead if next(request.run.generator.parameters()).is_cuda else iter
    bounds = {part: (part * per_part, min(n, (part + 1) * per_part)) for part in parts}
    total, done = sum(last - first for first, last in bounds.values()), 0
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="semiray-encode") as pool:
        for part, (first, last) in bounds.items():
            if not layout.place(part).exists():
                with layout.part(part) as add:
                    for synthetic, stored in overlap(encoded(start + first, start + last)):
                        add(synthetic, [one for rows in stored for one in rows.result()])
                        if progress is not None:
                            progress(done + int(synthetic.index[-1]) + 1 - start - first, total)
            done += last - first
            if progress is not None:
                progress(done, total)


def ahead(chunks: Iterator[Encoded]) -> Iterator[Encoded]:
    """The same chunks; each is given when the next one has been generated."""
    waiting = list(islice(chunks, 1))
    for chunk in chunks:
        yield waiting.pop()
        waiting.append(chunk)
    yield from waiting
