"""Rows imported from a publisher's file, and writing them into an overlay."""

import csv
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from caudal.common.counted import counted
from caudal.reference.files.declaration import FactFile
from caudal.reference.files.errors import FactError, ImportFault
from caudal.reference.reading.facts import load_facts

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Imported:
    """Rows for one file of facts, as text, and how many observations were left out, by reason.

    `publisher` begins the source of every row: rows of an overlay that come from elsewhere are not replaced,
    unless the rows are `merged`: made of those that the reference has, with some columns renewed.
    """

    file: FactFile
    publisher: str
    rows: tuple[Cells, ...]
    left_out: Mapping[str, int] = field(default_factory=Counter)
    merged: bool = False


@dataclass(frozen=True)
class Written:
    """Counts of imported rows in one file of an overlay, by what became of them.

    `added` and `replaced` count rows; `kept` those that the overlay already has from another source, and that
    were therefore left as they are.
    """

    path: Path
    added: int
    replaced: int
    kept: int
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        parts = [f"{counted(self.added, 'row')} added, {self.replaced} replaced"]
        if self.kept:
            parts.append(f"{self.kept} kept as they were: the overlay has its own from another source")
        parts += [
            f"{counted(count, 'observation')} left out: {reason}" for reason, count in self.left_out.items()
        ]
        return f"{self.path}: {'; '.join(parts)}"


def write_overlay(directory: Path, imported: Iterable[Imported]) -> list[Written]:
    """Write imported rows into the overlay's files, beside the rows they have; return the counts for each file.

    Each file is checked before it takes the place of the old one, at once or not at all. Raises FactError
    where the overlay's file has faults already, ImportFault where the rows do not fit the declaration.
    """
    directory.mkdir(parents=True, exist_ok=True)
    return [_write(directory, each) for each in imported if each.rows or each.left_out]


def _write(directory: Path, imported: Imported) -> Written:
    file, path = imported.file, directory / imported.file.filename
    header, rows = _existing(file, path)
    added = replaced = kept = 0
    for row in imported.rows:
        key = _key(file, row)
        before = rows.get(key)
        if before is not None and not (imported.merged or before["source"].startswith(imported.publisher)):
            kept += 1
            continue
        added, replaced = added + (before is None), replaced + (before is not None)
        rows[key] = row
    columns = [
        column.name
        for column in file.columns
        if column.required or column.name in header or any(row.get(column.name) for row in rows.values())
    ]
    if rows:
        _replace(file, path, columns, [rows[key] for key in sorted(rows)])
    return Written(path, added, replaced, kept, imported.left_out)


def _existing(file: FactFile, path: Path) -> tuple[list[str], dict[tuple[str, ...], Cells]]:
    if not path.exists():
        return [], {}
    # Says what is wrong with it, before anything is added.
    load_facts(file, path.parent)
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines, restval="")
        rows: dict[tuple[str, ...], Cells] = {_key(file, row): row for row in reader}
        return list(reader.fieldnames or []), rows


def _key(file: FactFile, row: Cells) -> tuple[str, ...]:
    since = (row.get(file.since) or "") if file.since else ""
    return (*(row.get(name) or "" for name in file.key), since)


def _replace(file: FactFile, path: Path, columns: list[str], rows: list[Cells]) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".import-") as name:
        fresh = Path(name) / path.name
        with fresh.open("w", newline="", encoding="utf-8") as lines:
            writer = csv.DictWriter(lines, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            lines.flush()
            os.fsync(lines.fileno())
        try:
            load_facts(file, fresh.parent)
        except FactError as error:
            problem = f"the rows do not fit {file.filename}: column {error.column}: {error.problem}"
            raise ImportFault(f"{problem}; nothing was written") from error
        fresh.replace(path)
