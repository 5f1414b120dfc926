"""Reading files of facts: every cell by its declaration, overlay rows over the rows of the package."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from caudal.common.counted import counted
from caudal.reference import older
from caudal.reference.files.declaration import SYNTHETIC, Cell, FactFile, FileColumn
from caudal.reference.files.errors import FactError
from caudal.reference.reading.validity import ALWAYS, Validity

if TYPE_CHECKING:
    import polars as pl

DATA = Path(__file__).parents[1] / "data"

Key = tuple[Cell, ...]


@dataclass(frozen=True)
class Row:
    """A row of facts, the file and line it was read from, and whether that file is an overlay's."""

    values: Mapping[str, Cell]
    file: Path
    line: int
    overlay: bool = False
    validity: Validity = ALWAYS

    def error(self, column: str, problem: str) -> FactError:
        """Return the error that says what is wrong in a column of this row."""
        return FactError(self.file, self.line, column, problem)

    def key(self, file: FactFile) -> Key:
        """Return the cells of the file's key."""
        return tuple(self.values[name] for name in file.key)


@dataclass(frozen=True)
class Facts:
    """The rows of one file of facts; where an overlay has rows of a key, these and none of the package's.

    `rows` are by their key and, behind it, the first day on which they hold: a fact that changed has several.
    """

    file: FactFile
    rows: Mapping[Key, Row]

    @cached_property
    def frame(self) -> "pl.DataFrame":
        """The rows as a frame, typed as declared, in the order of the file; `overlay` marks a deployment's own."""
        from caudal.reference.reading.frames import frame

        return frame(self)

    def on(self, day: date) -> "Facts":
        """Return the facts that hold on a day; figures of whatever period are kept."""
        if not self.file.since:
            return self
        held = {key: row for key, row in self.rows.items() if row.validity.holds(day)}
        return self if len(held) == len(self.rows) else Facts(self.file, held)

    def newest(self) -> date:
        """Return the newest date that a row gives for itself."""
        dates = (row.values["as_of"] for row in self.rows.values())
        return max((day for day in dates if isinstance(day, date)), default=date.min)

    def digest(self) -> bytes:
        """Return a hash of the rows that depends neither on their order nor on how they were written."""
        digest = hashlib.sha256(self.file.name.encode())
        for cells in sorted(repr(list(row.values.values())) for row in self.rows.values()):
            digest.update(cells.encode())
        return digest.digest()


def load_facts(file: FactFile, overlay: Path | None = None, directory: Path = DATA) -> Facts:
    """Return the facts of one file: rows of the package, those of the overlay in place of rows of the same key.

    Raises FactError for the first cell that is wrong, for a key given twice in one file for the same time,
    and for a synthetic row outside an overlay.
    """
    faults: list[FactError] = []
    facts = read_facts(file, faults, overlay, directory)
    raise_first(faults)
    return facts


def read_facts(
    file: FactFile, faults: list[FactError], overlay: Path | None = None, directory: Path | None = DATA
) -> Facts:
    """Return the rows that can be read of one file of facts, and append every fault to `faults`.

    A row with a wrong cell is kept with that cell as None, so that what refers to it is not a fault as well;
    one whose key is wrong is left out. Without `directory`, only the overlay is read.
    """
    shipped = _read(file, directory / file.filename, faults, overlay=False) if directory else []
    own = []
    if overlay is not None and (overlay / file.filename).exists():
        own = _read(file, overlay / file.filename, faults, overlay=True)
    replaced = {row.key(file) for row in own}
    rows = (*(row for row in shipped if row.key(file) not in replaced), *own)
    return Facts(file, {(*row.key(file), row.validity.since): row for row in rows})


def raise_first(faults: list[FactError]) -> None:
    """Raise the first fault, if there is one; it says how many more there are."""
    if faults:
        first = faults[0]
        raise FactError(first.file, first.line, first.column, first.problem, len(faults) - 1) from first


def check_overlay(overlay: Path, files: Iterable[FactFile]) -> Iterator[FactError]:
    """Yield the faults of a directory as an overlay: it may hold only files of facts."""
    if not overlay.is_dir():
        yield FactError(overlay, 0, "", "is not a directory; an overlay is a directory of files of facts")
        return
    known = {file.filename for file in files}
    for path in sorted(overlay.iterdir()):
        if path.name not in known and not path.name.startswith("."):
            problem = f"is no file of facts; an overlay may hold {', '.join(sorted(known))}"
            if path.name in older.GONE:
                problem = f"is no file of facts any more; `caudal reference convert {overlay}` sets it aside"
            yield FactError(path, 0, "", problem)


def _read(file: FactFile, path: Path, faults: list[FactError], *, overlay: bool) -> list[Row]:
    rows: list[Row] = []
    seen: dict[Key, list[Row]] = {}
    try:
        text = _text(path)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(reader, [])
        if overlay and older.is_older(file, header, _cells(text)):
            problem = f"is in the form of an earlier version; `caudal reference convert {path.parent}` writes it anew"
            raise FactError(path, 0, "", problem)
        columns = _columns(file, path, header, overlay=overlay)
    except FactError as error:
        faults.append(error)
        return []
    except csv.Error as error:
        faults.append(FactError(path, 1, "", f"is not CSV: {error}"))
        return []
    try:
        end = reader.line_num
        for cells in reader:
            line, end = end + 1, reader.line_num
            if not cells:
                continue
            if len(cells) != len(columns):
                problem = (
                    f"has {counted(len(cells), 'cell')}; the header names {counted(len(columns), 'column')}"
                )
                faults.append(FactError(path, line, "", problem))
                continue
            row = _row(file, path, line, dict(zip(columns, cells, strict=True)), faults, overlay=overlay)
            if row is not None:
                _check_repeated(file, row, seen, faults)
                rows.append(row)
    except csv.Error as error:
        faults.append(FactError(path, reader.line_num, "", f"is not CSV: {error}"))
    return rows


def _check_repeated(file: FactFile, row: Row, seen: dict[Key, list[Row]], faults: list[FactError]) -> None:
    key = row.key(file)
    for other in seen.setdefault(key, []):
        if not row.validity.overlaps(other.validity):
            continue
        named = ", ".join(f"{name} {value}" for name, value in zip(file.key, key, strict=True))
        if row.validity == other.validity:
            faults.append(row.error(file.key[0], f"{named} is given twice; first on line {other.line}"))
        else:
            problem = (
                f"{named} holds here ({row.validity}) and on line {other.line} ({other.validity}) at once; "
                f"end one on the day before the other begins"
            )
            faults.append(row.error(file.since or file.key[0], problem))
        break
    seen[key].append(row)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise FactError(path, line, "", f"is not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise FactError(path, 0, "", f"cannot be read: {error.strerror}") from error


def _cells(text: str) -> list[list[str]]:
    """Return the rows behind the header, as far as they are CSV."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(cells for cells in csv.reader(io.StringIO(text, newline=""), strict=True) if cells)
    return rows[1:]


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


def _row(
    file: FactFile, path: Path, line: int, cells: dict[str, str], faults: list[FactError], *, overlay: bool
) -> Row | None:
    values: dict[str, Cell] = {}
    wrong: set[str] = set()
    for column in file.columns:
        try:
            values[column.name] = _cell(column, cells.get(column.name, ""), path, line)
        except FactError as error:
            faults.append(error)
            values[column.name] = None
            wrong.add(column.name)
    if values["status"] == SYNTHETIC and not overlay:
        faults.append(FactError(path, line, "status", "is synthetic; made-up rows belong in an overlay"))
    if wrong.intersection(file.key):
        return None
    return Row(values, path, line, overlay, _validity(file, values, path, line, faults))


def _validity(
    file: FactFile, values: Mapping[str, Cell], path: Path, line: int, faults: list[FactError]
) -> Validity:
    if not file.since:
        return ALWAYS
    since, until = values[file.since], values[file.until]
    validity = Validity(
        since if isinstance(since, date) else None, until if isinstance(until, date) else None
    )
    if validity.since is not None and validity.until is not None and validity.until < validity.since:
        problem = f"{until} is before {file.since} {since}"
        faults.append(FactError(path, line, file.until, problem))
        return ALWAYS
    return validity


def _cell(column: FileColumn, text: str, path: Path, line: int) -> Cell:
    if text != text.strip():
        raise FactError(path, line, column.name, f"{text!r} begins or ends with white space")
    try:
        return column.read(text)
    except ValueError as error:
        raise FactError(path, line, column.name, str(error)) from error
