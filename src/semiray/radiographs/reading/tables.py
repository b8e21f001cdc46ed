"""Reads tables of every common format as text, with pandas: CSV, TSV, lists, Excel, Parquet, JSON, compressed or not.

pandas rather than polars: it reads UTF-16, ragged files and spreadsheets, and its errors name the line.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semiray.errors import SemirayError
from semiray.radiographs.reading.records import table_suffix
from semiray.radiographs.reading.summary import counted
from semiray.structured import parse_json

if TYPE_CHECKING:
    import pandas

__all__ = ["Row", "Table", "choose_column", "plain", "plain_words", "read_table", "read_tables", "roles"]

Row = Mapping[str, str]

_DELIMITERS = ",;\t|"
_MOST_CLASSES = 20
_LARGEST = 1 << 30  # bytes of a table, unpacked
_OPENERS: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_SHEETS = {".xlsx", ".xls", ".xlsb", ".ods"}


@dataclass(frozen=True)
class Table:
    """Rows of text, every row with every column.

    Attributes:
        path: the file.
        columns: the header.
        rows: one mapping per row; an empty cell is the empty string.
        notes: what was repaired, in sentences.
        first: the first line as it stands, where names of columns were made unique.
        headed: whether the first line names the columns; else they are called ``column 1`` and so on.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    headed: bool = True
    first: tuple[str, ...] = ()

    def without_header(self) -> Table:
        """The same with the first line as a row."""
        names = tuple(f"column {number}" for number in range(1, len(self.columns) + 1))
        first = dict(zip(names, self.first or self.columns, strict=True))
        rows = (dict(zip(names, row.values(), strict=True)) for row in self.rows)
        notes = tuple(note for note in self.notes if "several columns called" not in note)
        return Table(self.path, names, (first, *rows), notes, headed=False)

    def renamed(self, names: Sequence[str]) -> Table:
        """The same with other names of its columns."""
        rows = tuple(dict(zip(names, row.values(), strict=True)) for row in self.rows)
        return replace(self, columns=tuple(names), rows=rows)


def read_table(path: Path) -> Table:
    """Read one table; all cells become text, missing ones the empty string. Of a workbook, the longest sheet.

    The delimiter of a text is a comma, semicolon, tab or bar, whichever is most frequent in the header; in ``.txt``
    files blanks too. The encoding is UTF-8, UTF-16 or, failing these, that of Windows in western Europe.

    Raises:
        SemirayError: if the file isn't a table, naming the line, or if a library is missing.
    """
    return max(read_tables(path), key=lambda table: len(table.rows))


def read_tables(path: Path) -> list[Table]:
    """Read one file: a table, or each sheet of a workbook that isn't empty.

    Raises:
        SemirayError: as for `read_table`.
    """
    suffix = table_suffix(path)
    try:
        if suffix == ".parquet":
            return [_read_parquet(path)]
        raw = _read_whole(path)
        if suffix in _SHEETS:
            tables = _read_sheets(path, raw)
        elif suffix in (".json", ".jsonl"):
            tables = [_read_json(path, raw)]
        else:
            tables = [_read_text(path, raw, suffix)]
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SemirayError(f"{path}: the table can't be read ({reason}).") from error
    if not tables:
        raise SemirayError(f"{path}: the table is empty. Its first line should name the columns.")
    return tables


def _read_whole(path: Path) -> bytes:
    opener = _OPENERS.get(path.suffix.lower())
    if path.suffix.lower() == ".zst":
        raise SemirayError(f"{path}: unpack the table first (zstd -d).")
    with opener(path, "rb") if opener else path.open("rb") as file:
        raw: bytes = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise SemirayError(f"{path}: more than 1 GB of text in a table. Split it, or save it as Parquet.")
    return raw


def decode_text(raw: bytes) -> str:
    """Decode the bytes of a text in UTF-8, UTF-16 with or without a mark, or Windows-1252."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    head = raw[:4096]
    if len(head) > 3 and head[1::2].count(0) > len(head) // 4:
        return raw.decode("utf-16-le", "replace")
    if len(head) > 3 and head[::2].count(0) > len(head) // 4:
        return raw.decode("utf-16-be", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Written by spreadsheets on Windows; any bytes can be decoded, so that at least a column of names is usable.
        return raw.decode("cp1252", "replace")


def _read_text(path: Path, raw: bytes, suffix: str) -> Table:
    text = decode_text(raw)
    lines = iter(io.StringIO(text))
    header = next((line for line in lines if line.strip()), "").rstrip("\r\n")
    sample = [re.sub(r'"[^"]*"', "", line) for line in (header, *islice((one for one in lines if one.strip()), 20))]
    # That which most lines have as often as the header, and most often.
    counts = {one: _agreement([line.count(one) for line in sample]) for one in _DELIMITERS}
    if not any(counts.values()):
        counts = {one: sample[0].count(one) for one in _DELIMITERS}
    delimiter = "\t" if suffix == ".tsv" and counts["\t"] else max(counts, key=lambda one: counts[one])
    if suffix == ".txt" and not counts[delimiter]:
        delimiter = " "
    notes: list[str] = []
    table = _to_table(path, _parse(path, text, delimiter, notes))
    width = len(table.columns)
    # A quote that isn't closed swallows the lines up to the next one: a cell then contains whole lines.
    long = (
        number
        for number, row in enumerate(table.rows, 2)
        for cell in row.values()
        if "\n" in cell and any(line.count(delimiter) >= width - 1 for line in cell.split("\n")[1:])
    )
    if width > 1 and (number := next(long, None)) is not None:
        notes.append(
            f"{path.name}, row {number}: a cell contains whole lines of the table. A quote isn't closed there, "
            "so rows are lost."
        )
    return replace(table, notes=(*table.notes, *notes))


def _agreement(counts: Sequence[int]) -> int:
    same = sum(count == counts[0] for count in counts)
    return counts[0] if same > len(counts) / 2 else 0


def _parse(path: Path, text: str, delimiter: str, notes: list[str]) -> Iterable[Sequence[str]]:
    """The lines of a text as lists of cells; every line as long as the first."""
    import pandas
    from pandas.errors import EmptyDataError, ParserError

    common: dict[str, Any] = {"header": None, "dtype": object, "keep_default_na": False, "skipinitialspace": True}
    separator = r"\s+" if delimiter == " " else delimiter
    try:
        try:
            frame = pandas.read_csv(io.StringIO(text), sep=separator, **common)
        except ParserError as error:
            if "EOF inside string" in str(error) or separator == r"\s+":
                raise
            width = len(pandas.read_csv(io.StringIO(text), sep=separator, nrows=1, **common).columns)
            long = _Trimmer(width)
            frame = pandas.read_csv(io.StringIO(text), sep=separator, engine="python", on_bad_lines=long, **common)
            if len(long.left_out) * 10 > len(frame):
                line = re.search(r"line (\d+)", str(error))
                place = f", line {line[1]}" if line else ""
                raise SemirayError(
                    f"{path}{place}: {long.width_seen} cells ({long.left_out[0]}, ...), but the header has {width} "
                    "columns. Quote cells that contain the delimiter."
                ) from error
            if long.left_out:
                have = counted(len(long.left_out), "row has", "rows have")
                notes.append(
                    f"{path.name}: {have} more cells than the header; left out, such as: "
                    f"{long.left_out[0]}. Quote cells that contain the delimiter."
                )
    except EmptyDataError:
        return []
    except (ParserError, ValueError, OverflowError, RecursionError) as error:
        raise SemirayError(f"{path}: this isn't a table: {_reason(str(error))}.") from error
    # pandas fills lines that are too short, and doesn't say so.
    short, width = 0, len(frame.columns)
    with suppress(csv.Error):
        short = sum(0 < len(cells) < width for cells in csv.reader(io.StringIO(text), delimiter=delimiter))
    if short and delimiter != " ":
        have = counted(short, "row has", "rows have")
        notes.append(f"{path.name}: {have} fewer cells than the header; the missing ones count as empty.")
    return _cells(frame)


class _Trimmer:
    """Cuts empty cells from lines that have more cells than the header; any other such line is left out."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.left_out: list[str] = []
        self.width_seen = 0

    def __call__(self, cells: list[str]) -> list[str] | None:
        if any(cell.strip() for cell in cells[self.width :]):
            self.left_out.append(", ".join(cells[:2]))
            self.width_seen = self.width_seen or len(cells)
            return None
        return cells[: self.width]


def _reason(said: str) -> str:
    """What pandas said, in plain words."""
    said = said.splitlines()[0] if said else "it can't be parsed"
    if match := re.search(r"EOF inside string starting at row (\d+)", said):
        return f"line {int(match[1]) + 1} opens a quote that is never closed"
    if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", said):
        return f"line {match[2]} has {match[3]} cells, but the first has {match[1]}"
    return said.removeprefix("Error tokenizing data. C error: ").rstrip(".")


def _cells(frame: pandas.DataFrame) -> Iterable[Sequence[str]]:
    columns = [["" if value is None or value != value else str(value).strip() for value in frame[c]] for c in frame]
    return zip(*columns, strict=True)


def _to_table(path: Path, lines: Iterable[Sequence[str]]) -> Table:
    """Take the first line that isn't empty as the header; names are made unique."""
    kept = [cells for cells in lines if any(cells)]
    notes: list[str] = []
    # A title has one cell, where the lines below it have more.
    while len(kept) > 2 and len(kept[0]) > 1 and sum(map(bool, kept[0])) == 1 and sum(map(bool, kept[1])) > 1:
        notes.append(f"{path.name}: the line {''.join(kept[0])!r} above the header is passed over.")
        del kept[0]
    filled = iter(kept)
    header = list(next(filled, ()))
    if not header:
        raise SemirayError(f"{path}: the table is empty. Its first line should name the columns.")
    first = tuple(header)
    taken, seen = set(first), {""}
    numbers: dict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for i, name in enumerate(first):
        if name in seen:
            others = (f"{name or 'column'} ({number})" for number in numbers[name])
            header[i] = next(new for new in chain([f"column {i + 1}"] * (not name), others) if new not in taken)
            taken.add(header[i])
        seen.add(name)
    if repeated := [name for name, times in Counter(first).items() if name and times > 1]:
        notes.append(f"{path.name} has several columns called {', '.join(repeated)}; the first is used.")
    rows = tuple(dict(zip(header, cells, strict=True)) for cells in filled)
    return Table(path, tuple(header), rows, tuple(notes), first=first)


def _read_sheets(path: Path, raw: bytes) -> list[Table]:
    import pandas

    try:
        sheets = pandas.read_excel(io.BytesIO(raw), sheet_name=None, header=None, dtype=object, engine="calamine")
    except ImportError as error:
        raise SemirayError(
            f"{path}: reading spreadsheets needs python-calamine: pip install python-calamine."
        ) from error
    except Exception as error:  # calamine raises whatever a damaged archive or sheet made it meet
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SemirayError(f"{path}: this isn't a workbook that can be read ({reason}).") from error
    return [_to_table(path, _sheet_cells(sheet)) for sheet in sheets.values() if sheet.notna().to_numpy().any()]


def _sheet_cells(sheet: pandas.DataFrame) -> Iterable[Sequence[str]]:
    def text(value: Any) -> str:
        if value is None or value != value:
            return ""
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()

    return zip(*([text(value) for value in sheet[column]] for column in sheet), strict=True)


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SemirayError(f"{path}: reading Parquet needs pyarrow: pip install 'semiray[parquet]'.") from error
    try:
        schema = pyarrow.parquet.read_schema(path)
        # Sets may hold the images themselves: bytes are no cells, and wouldn't fit into memory.
        of_bytes = (pyarrow.types.is_binary, pyarrow.types.is_large_binary, pyarrow.types.is_struct)
        cells = [one.name for one in schema if not any(is_kind(one.type) for is_kind in of_bytes)]
        content = pyarrow.parquet.read_table(path, columns=cells if len(cells) < len(schema) else None)
        values = [["" if value is None else str(value) for value in column.to_pylist()] for column in content.columns]
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SemirayError(f"{path}: this isn't a Parquet table ({reason}).") from error
    return _to_table(path, [[str(name) for name in content.column_names], *zip(*values, strict=True)])


def _read_json(path: Path, raw: bytes) -> Table:
    """A list of objects, pairs of names and labels, or StyleGAN's ``{"labels": [[name, 0], ...]}``."""
    try:
        text = decode_text(raw)
        if table_suffix(path) == ".jsonl":
            content = [parse_json(line, path.name, halves=True) for line in text.splitlines() if line.strip()]
        else:
            content = parse_json(text, path.name, halves=True)
    except (SemirayError, ValueError) as error:
        raise SemirayError(f"{path}: this isn't a JSON file ({str(error).splitlines()[0]}).") from error
    if isinstance(content, dict) and isinstance(content.get("labels"), list | dict):
        content = content["labels"]
    if isinstance(content, dict) and all(isinstance(value, str | int) for value in content.values()):
        content = list(content.items())
    if isinstance(content, dict) and all(isinstance(value, dict) for value in content.values()):
        content = [{"name": name} | value | {"name": name} for name, value in content.items()]
    if not isinstance(content, list) or not content:
        raise SemirayError(f"{path}: this JSON file isn't a table: a list of objects, or of names and labels.")
    if all(isinstance(one, dict) for one in content):
        columns = list(dict.fromkeys(str(name) for one in content for name in one))
        return _to_table(path, [columns, *([_as_text(one.get(name)) for name in columns] for one in content)])
    if all(isinstance(one, list) and len(one) == 2 and _is_vector(one[1]) for one in content):
        if all(sum(one[1]) == 1 for one in content):
            content = [[name, values.index(1)] for name, values in content]
        else:
            width = max(len(values) for _, values in content)
            header = ["name", *(f"label {i}" for i in range(width))]
            padded = ([str(name), *map(str, values), *[""] * (width - len(values))] for name, values in content)
            return _to_table(path, [header, *padded])
    if all(isinstance(one, list | tuple) and len(one) == 2 for one in content):
        return _to_table(path, [["name", "label"], *([_as_text(value) for value in one] for one in content)])
    raise SemirayError(f"{path}: this JSON file isn't a table: a list of objects, or of names and labels.")


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(one in (0, 1) for one in value)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return str([_as_text(one) for one in value])
    return str(value).strip()


def plain(name: str) -> str:
    """A column's name without case and without anything but letters and digits."""
    return "".join(character for character in name.lower() if character.isalnum())


def plain_words(name: str) -> str:
    """A column's name in lower case with _ between its words: ``PatientID`` is patient_id."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", "_", name).lower()


def choose_column(columns: Iterable[str], known: Sequence[str]) -> str | None:
    """Return the first column with one of the known names, whatever their case and punctuation, else None."""
    names: dict[str, str] = {}
    for column in columns:
        names.setdefault(plain(column), column)
    return next((names[plain(name)] for name in known if plain(name) in names), None)


def roles(table: Table, column: str) -> list[str]:
    """Names for the columns of a list without a header, such as ``patient file class source`` of COVIDx."""
    names = list(table.columns)
    place = names.index(column)
    different = {name: {row[name] for row in table.rows} for name in names}
    names[place] = "file"
    after = [i for i in range(place + 1, len(names)) if 1 < len(different[names[i]]) <= _MOST_CLASSES]
    binary = [i for i in range(place + 1, len(names)) if different[names[i]] <= {"0", "1", "-1", ""}]
    if len(binary) > 1 and len(binary) == len(names) - place - 1:  # a column a finding, of which nothing tells the name
        for number, i in enumerate(binary, 1):
            names[i] = f"finding {number}"
    elif after:
        names[after[0]] = "label"
    before = [i for i in range(place) if len(different.get(table.columns[i], ())) > _MOST_CLASSES or i == 0]
    if before:
        names[before[0]] = "patient"
    return names
