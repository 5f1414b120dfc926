"""Differences between two versions of the facts: row by row by the key, column by column."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from caudal.reference.files.catalogue import FILES
from caudal.reference.files.declaration import FactFile
from caudal.reference.files.errors import FactError
from caudal.reference.reading.facts import DATA

SHIPPED = "shipped"
_IN_WHEEL = "caudal/reference/data/"
# What a directory of all facts has, and an overlay has no reason to.
_OF_ALL = ("countries.csv", "country_groups.csv", "attributions.csv")

Cells = Mapping[str, str]
Rows = Mapping[tuple[str, ...], Cells]


@dataclass(frozen=True)
class Change:
    """A row that one version has and the other has not, or has otherwise.

    `key` names the row, `before` and `after` hold the cells of the columns that differ; None where the row
    is not in that version.
    """

    file: str
    key: Cells
    before: Cells | None
    after: Cells | None

    def __str__(self) -> str:
        named = ", ".join(f"{name} {value}" for name, value in self.key.items() if value)
        if self.before is None or self.after is None:
            sign, cells = ("+", self.after) if self.before is None else ("-", self.before)
            listed = "; ".join(f"{name} {value}" for name, value in (cells or {}).items() if value)
            return f"{sign} {self.file}: {named}{': ' + listed if listed else ''}"
        listed = "; ".join(
            f"{name}: {value or '(empty)'} → {self.after[name] or '(empty)'}"
            for name, value in self.before.items()
        )
        return f"~ {self.file}: {named}: {listed}"


def differences(before: str, after: str) -> Iterator[Change]:
    """Yield the changes from one version to another, in order of the files and of the keys.

    A version is `shipped`, an overlay directory (its rows over those shipped), a directory with all files, or
    a wheel of Caudal. Cells are compared as they are written; a column that a version lacks is empty there, a
    file that it lacks has no rows. Raises FactError for what cannot be read.
    """
    old, new = _version(before), _version(after)
    for file in FILES:
        yield from _changes(file, old[file.name], new[file.name])


def _changes(file: FactFile, old: Rows, new: Rows) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        one, two = old.get(key), new.get(key)
        named = dict(zip((*file.key, "from"), key, strict=True))
        if one is None or two is None:
            cells = {name: value for name, value in (one or two or {}).items() if name not in file.key}
            yield Change(file.name, named, None if one is None else cells, None if two is None else cells)
            continue
        columns = [name for name in dict.fromkeys([*one, *two]) if one.get(name, "") != two.get(name, "")]
        if columns:
            before = {name: one.get(name, "") for name in columns}
            yield Change(file.name, named, before, {name: two.get(name, "") for name in columns})


def _version(name: str) -> dict[str, Rows]:
    if name == SHIPPED:
        return _all(DATA)
    path = Path(name)
    if path.suffix == ".whl":
        return _wheel(path)
    if not path.is_dir():
        problem = f"is neither {SHIPPED!r} nor a directory of files of facts, nor a wheel"
        raise FactError(path, 0, "", problem)
    if all((path / filename).exists() for filename in _OF_ALL):
        return _all(path)
    return _laid_over(_all(DATA), _all(path))


def _laid_over(shipped: dict[str, Rows], own: dict[str, Rows]) -> dict[str, Rows]:
    laid: dict[str, Rows] = {}
    for file in FILES:
        length = len(file.key)
        replaced = {key[:length] for key in own[file.name]}
        kept = {key: row for key, row in shipped[file.name].items() if key[:length] not in replaced}
        laid[file.name] = {**kept, **own[file.name]}
    return laid


def _all(directory: Path) -> dict[str, Rows]:
    return {
        file.name: _rows(file, _text(directory / file.filename), directory / file.filename) for file in FILES
    }


def _wheel(path: Path) -> dict[str, Rows]:
    try:
        with zipfile.ZipFile(path) as wheel:
            names = set(wheel.namelist())
            return {
                file.name: _rows(
                    file,
                    wheel.read(_IN_WHEEL + file.filename).decode("utf-8-sig")
                    if _IN_WHEEL + file.filename in names
                    else "",
                    path / file.filename,
                )
                for file in FILES
            }
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise FactError(path, 0, "", f"is not a wheel that can be read: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise FactError(path, 0, "", f"cannot be read: {error}") from error


def _rows(file: FactFile, text: str, path: Path) -> Rows:
    rows: dict[tuple[str, ...], Cells] = {}
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
        for row in reader:
            if None in row:
                raise FactError(path, reader.line_num, "", "has more cells than the header names columns")
            key = tuple(row.get(column) or "" for column in file.key)
            since = row.get(file.since, "") if file.since and file.since not in file.key else ""
            rows[(*key, since or "")] = {column: value or "" for column, value in row.items()}
    except csv.Error as error:
        raise FactError(path, reader.line_num, "", f"is not CSV: {error}") from error
    return rows
