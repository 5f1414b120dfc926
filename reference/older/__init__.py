"""Files of facts as earlier versions had them, and how their rows are written in today's columns.

A module FILE.py here is of FILE.csv. It has `ADDED`, the columns that older files lack; where some are gone, `REMOVED`;
and `typed(row)`, which returns an older row, cells as text, with today's columns. What older files say in prose is read
there, a last time. Files that are gone altogether are named in GONE.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from caudal.reference.files.declaration import FactFile
from caudal.reference.files.errors import FactError

# Files that earlier versions had, and where what they said stands now.
GONE: Mapping[str, str] = MappingProxyType(
    {"indicators.csv": "the indicators are told by `caudal indicators list` and docs/indicators.md"}
)


def recheck(row: Mapping[str, str]) -> str:
    """Return the cell `recheck` of an older row, which asked in words, in its note or its state, to be checked again."""
    return "1" if "recheck" in f"{row.get('note', '')} {row.get('state', '')}".lower() else ""


@dataclass(frozen=True)
class Older:
    """The way in which older files of one kind become today's: `added` and `removed` columns, and the conversion of a row."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    typed: Callable[[Mapping[str, str]], dict[str, str]]


@cache
def olders() -> Mapping[str, Older]:
    """Return the conversions there are, by the name of the file without .csv."""
    found = {}
    for each in iter_modules(__path__):
        module = import_module(f"{__name__}.{each.name}")
        found[each.name] = Older(module.ADDED, getattr(module, "REMOVED", ()), module.typed)
    return MappingProxyType(found)


def is_older(file: FactFile, header: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> bool:
    """Return True if a file is of an earlier version: it has columns that are gone, or lacks what its rows would say.

    One that leaves out new columns that may be empty is of today, unless its rows say in the old way what belongs there.
    """
    older = olders().get(file.name)
    if older is None:
        return False
    if not set(older.removed).isdisjoint(header):
        return True
    lacking = set(older.added).difference(header)
    if any(column.required and column.name in lacking for column in file.columns):
        return True
    if lacking != set(older.added):
        return False
    return any(
        any(typed.get(name) for name in older.added)
        for typed in (_typed(file, older, header, cells) for cells in rows if len(cells) == len(header))
    )


def converted(file: FactFile, text: str, *, shipped: bool = False) -> str:
    """Return an older file, as text, in today's columns and their order; the rows keep theirs.

    One that was `shipped` had all columns of its time, and is older if it lacks any; an overlay, if `is_older` says so.
    A file of today comes back with the same cells. Columns that no conversion knows are kept, so that whoever reads the
    file says what is wrong with them. Raises csv.Error for what is no CSV, FactError for a row that cannot be converted.
    """
    header, *rows = [cells for cells in csv.reader(io.StringIO(text, newline=""), strict=True) if cells] or [
        []
    ]
    older = olders().get(file.name)
    removed = older.removed if older else ()
    before = is_older(file, header, rows)
    if shipped and older is not None:
        before = before or not set(older.added) <= set(header)
    known = [column.name for column in file.columns]
    unknown = [name for name in header if name not in known and name not in removed]
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, [*known, *unknown], restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for cells in rows:
        said = dict(zip(header, cells, strict=False))
        if older is not None and before:
            said = {**said, **_typed(file, older, header, cells)}
        writer.writerow(said)
    return sink.getvalue()


def _typed(file: FactFile, older: Older, header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    row = dict(_as_before(file, older, dict(zip(header, cells, strict=False))))
    try:
        return older.typed(row)
    except (KeyError, ValueError, IndexError) as error:
        named = ", ".join(f"{name} {row.get(name, '')}" for name in file.key)
        problem = f"{named}: cannot be read in today's columns ({error}); correct the row, or write it anew"
        raise FactError(Path(file.filename), 0, "", problem) from error


def _as_before(file: FactFile, older: Older, said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield every column that an older file had, empty where this one leaves it out."""
    before = [column.name for column in file.columns if column.name not in older.added]
    for name in dict.fromkeys((*before, *older.removed, *said)):
        yield name, said.get(name, "")
