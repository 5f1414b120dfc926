"""Reading files of facts: every cell by its declaration, overlay rows over the rows of the package."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from caudal.reference.declaration import SYNTHETIC, Cell, Column, FactFile
from caudal.reference.errors import FactError

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Row:
    """One row of facts, and the file and line it was read from."""

    values: Mapping[str, Cell]
    file: Path
    line: int

    def error(self, column: str, problem: str) -> FactError:
        """Return the error that says what is wrong in a column of this row."""
        return FactError(self.file, self.line, column, problem)


@dataclass(frozen=True)
class Facts:
    """The rows of one file of facts by key, those of an overlay in place of those they replace."""

    file: FactFile
    rows: Mapping[tuple[Cell, ...], Row]

    def frame(self) -> pl.DataFrame:
        """Return the rows as a frame, typed as declared, in the order of the file."""
        data: dict[str, list[Any]] = {
            column.name: [row.values[column.name] for row in self.rows.values()]
            for column in self.file.columns
        }
        return pl.DataFrame(data, schema=self.file.schema, orient="col")

    def newest(self) -> date:
        """Return the newest date that a row says it holds for."""
        dates = (row.values["as_of"] for row in self.rows.values())
        return max((day for day in dates if isinstance(day, date)), default=date.min)

    def digest(self) -> bytes:
        """Return a hash of the rows that depends neither on their order nor on how they were written."""
        digest = hashlib.sha256(self.file.name.encode())
        for cells in sorted(repr(list(row.values.values())) for row in self.rows.values()):
            digest.update(cells.encode())
        return digest.digest()


def load_facts(file: FactFile, overlay: Path | None = None, directory: Path = DATA) -> Facts:
    """Return the facts of one file: rows of the package, then those of the overlay that replace or add.

    Rows are matched by the key of the declaration. Raises FactError for the first cell that is wrong,
    for a key given twice in one file, and for a synthetic row outside an overlay.
    """
    rows = _read(file, directory / file.filename, overlay=False)
    if overlay is not None and (overlay / file.filename).exists():
        rows |= _read(file, overlay / file.filename, overlay=True)
    return Facts(file, rows)


def check_overlay(overlay: Path, files: Iterable[FactFile]) -> None:
    """Raise FactError unless the overlay is a directory that holds only files of facts."""
    if not overlay.is_dir():
        raise FactError(overlay, 0, "", "is not a directory; an overlay is a directory of files of facts")
    known = {file.filename for file in files}
    for path in sorted(overlay.iterdir()):
        if path.name not in known and not path.name.startswith("."):
            raise FactError(
                path, 0, "", f"is no file of facts; an overlay may hold {', '.join(sorted(known))}"
            )


def _read(file: FactFile, path: Path, *, overlay: bool) -> dict[tuple[Cell, ...], Row]:
    rows: dict[tuple[Cell, ...], Row] = {}
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        columns = _columns(file, path, header, overlay=overlay)
        end = reader.line_num
        for cells in reader:
            line, end = end + 1, reader.line_num
            if not cells:
                continue
            if len(cells) != len(columns):
                problem = f"has {len(cells)} cells; the header names {len(columns)} columns"
                raise FactError(path, line, "", problem)
            row = _row(file, path, line, dict(zip(columns, cells, strict=True)), overlay=overlay)
            key = tuple(row.values[name] for name in file.key)
            if key in rows:
                named = ", ".join(f"{name} {value}" for name, value in zip(file.key, key, strict=True))
                raise row.error(file.key[0], f"{named} is given twice; first on line {rows[key].line}")
            rows[key] = row
    except csv.Error as error:
        raise FactError(path, reader.line_num, "", f"is not CSV: {error}") from error
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FactError(path, 0, "", f"is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise FactError(path, 0, "", f"cannot be read: {error.strerror}") from error


def _columns(file: FactFile, path: Path, header: list[str], *, overlay: bool) -> list[str]:
    for name in header:
        if file.column(name) is None:
            known = ", ".join(column.name for column in file.columns)
            raise FactError(path, 1, name or "''", f"is not a column of {file.filename}; it has {known}")
        if header.count(name) > 1:
            raise FactError(path, 1, name, "is named twice in the header")
    for column in file.columns:
        # An overlay may leave out what may be empty; the package's own files say everything.
        if column.name not in header and (column.required or not overlay):
            raise FactError(path, 1, column.name, "is missing from the header")
    return header


def _row(file: FactFile, path: Path, line: int, cells: dict[str, str], *, overlay: bool) -> Row:
    values = {column.name: _cell(column, cells.get(column.name, ""), path, line) for column in file.columns}
    if values["status"] == SYNTHETIC and not overlay:
        raise FactError(path, line, "status", "is synthetic; made-up rows belong in an overlay")
    return Row(values, path, line)


def _cell(column: Column, text: str, path: Path, line: int) -> Cell:
    if text != text.strip():
        raise FactError(path, line, column.name, f"{text!r} begins or ends with white space")
    try:
        return column.read(text)
    except ValueError as error:
        raise FactError(path, line, column.name, str(error)) from error
