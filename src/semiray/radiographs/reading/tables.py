"""Reads tables of every common format as text, with pandas: CSV, TSV, lists, Excel, Parquet, JSON, compressed or not.

pandas rather than polars: it reads UTF-16, ragged files and spreadsheets, and its errors name the line.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semiray.errors import SemirayError
from semiray.radiographs.reading.records import table_suffix
from semiray.structured import parse_json

if TYPE_CHECKING:
    import pandas

__all__ = ["Row", "Table", "choose_column", "plain", "read_table", "read_tables"]

Row = Mapping[str, str]

_DELIMITERS = ",;\t|"
_LARGEST = 4 << 30  # bytes of a table, unpacked
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
        headed: whether the first line names the columns; else they are called ``column 1`` and so on.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    headed: bool = True

    def without_header(self) -> Table:
        """The same with the first line as a row."""
        names = tuple(f"column {number}" for number in range(1, len(self.columns) + 1))
        first = dict(zip(names, self.columns, strict=True))
        rows = (dict(zip(names, row.values(), strict=True)) for row in self.rows)
        return Table(self.path, names, (first, *rows), self.notes, headed=False)

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
        elif suffix == ".json":
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
        raise SemirayError(f"{path}: more than 4 GB of text in a table. Split it, or save it as Parquet.")
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
    unquoted = re.sub(r'"[^"]*"', "", header)
    counts = {delimiter: unquoted.count(delimiter) for delimiter in _DELIMITERS}
    delimiter = "\t" if suffix == ".tsv" and counts["\t"] else max(counts, key=lambda one: counts[one])
    if suffix == ".txt" and not counts[delimiter]:
        delimiter = " "
    return _to_table(path, _parse(path, text, delimiter))


def _parse(path: Path, text: str, delimiter: str) -> Iterable[Sequence[str]]:
    """The lines of a text as lists of cells; every line as long as the first."""
    import pandas
    from pandas.errors import EmptyDataError, ParserError

    common: dict[str, Any] = {"header": None, "dtype": str, "keep_default_na": False, "skipinitialspace": True}
    separator = r"\s+" if delimiter == " " else delimiter
    try:
        try:
            frame = pandas.read_csv(io.StringIO(text), sep=separator, **common)
        except ParserError as error:
            if "EOF inside string" in str(error) or separator == r"\s+":
                raise
            width = len(pandas.read_csv(io.StringIO(text), sep=separator, nrows=1, **common).columns)
            long = _Trimmer(path, width, str(error))
            frame = pandas.read_csv(io.StringIO(text), sep=separator, engine="python", on_bad_lines=long, **common)
    except EmptyDataError:
        return []
    except (ParserError, ValueError, OverflowError, RecursionError) as error:
        raise SemirayError(f"{path}: this isn't a table: {_reason(str(error))}.") from error
    return _cells(frame)


class _Trimmer:
    """Cuts empty cells from lines that have more cells than the header; any other such line is an error."""

    def __init__(self, path: Path, width: int, said: str) -> None:
        self.path, self.width, self.said = path, width, said

    def __call__(self, cells: list[str]) -> list[str]:
        if any(cell.strip() for cell in cells[self.width :]):
            line = re.search(r"line (\d+)", self.said)
            place = f", line {line[1]}" if line else ""
            raise SemirayError(
                f"{self.path}{place}: {len(cells)} cells ({', '.join(cells[:2])}, ...), but the header has "
                f"{self.width} columns. Quote cells that contain the delimiter."
            )
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
    filled = (cells for cells in lines if any(cells))
    header = list(next(filled, ()))
    if not header:
        raise SemirayError(f"{path}: the table is empty. Its first line should name the columns.")
    notes: list[str] = []
    seen: Counter[str] = Counter()
    for i, name in enumerate(header):
        seen[name] += 1
        if not name:
            header[i] = f"column {i + 1}"
        elif seen[name] > 1:
            header[i] = f"{name} ({seen[name]})"
    if repeated := [name for name, count in seen.items() if name and count > 1]:
        notes.append(f"{path.name} has several columns called {', '.join(repeated)}; the first is used.")
    rows = tuple(dict(zip(header, cells, strict=True)) for cells in filled)
    swallowed = next((n for n, row in enumerate(rows, 2) if any(cell.count("\n") > 20 for cell in row.values())), None)
    if swallowed is not None:
        notes.append(
            f"{path.name}, row {swallowed}: a cell has more than 20 lines. Is a quote not closed there, so that rows "
            "are lost?"
        )
    return Table(path, tuple(header), rows, tuple(notes))


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
        content = pyarrow.parquet.read_table(path)
        values = [["" if value is None else str(value) for value in column.to_pylist()] for column in content.columns]
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SemirayError(f"{path}: this isn't a Parquet table ({reason}).") from error
    return _to_table(path, [[str(name) for name in content.column_names], *zip(*values, strict=True)])


def _read_json(path: Path, raw: bytes) -> Table:
    """A list of objects, pairs of names and labels, or StyleGAN's ``{"labels": [[name, 0], ...]}``."""
    try:
        content = parse_json(decode_text(raw), path.name, halves=True)
    except (SemirayError, ValueError) as error:
        raise SemirayError(f"{path}: this isn't a JSON file ({str(error).splitlines()[0]}).") from error
    if isinstance(content, dict) and isinstance(content.get("labels"), list | dict):
        content = content["labels"]
    if isinstance(content, dict) and all(isinstance(value, str | int) for value in content.values()):
        content = list(content.items())
    if isinstance(content, dict) and all(isinstance(value, dict) for value in content.values()):
        content = [{"name": name, **value} for name, value in content.items()]
    if not isinstance(content, list) or not content:
        raise SemirayError(f"{path}: this JSON file isn't a table: a list of objects, or of names and labels.")
    if all(isinstance(one, dict) for one in content):
        columns = list(dict.fromkeys(str(name) for one in content for name in one))
        return _to_table(path, [columns, *([_as_text(one.get(name)) for name in columns] for one in content)])
    if all(isinstance(one, list | tuple) and len(one) == 2 for one in content):
        return _to_table(path, [["name", "label"], *([_as_text(value) for value in one] for one in content)])
    raise SemirayError(f"{path}: this JSON file isn't a table: a list of objects, or of names and labels.")


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return str([_as_text(one) for one in value])
    return str(value).strip()


def plain(name: str) -> str:
    """A column's name without case and without anything but letters and digits."""
    return "".join(character for character in name.lower() if character.isalnum())


def choose_column(columns: Iterable[str], known: Sequence[str]) -> str | None:
    """Return the first column with one of the known names, whatever their case and punctuation, else None."""
    names: dict[str, str] = {}
    for column in columns:
        names.setdefault(plain(column), column)
    return next((names[plain(name)] for name in known if plain(name) in names), None)
