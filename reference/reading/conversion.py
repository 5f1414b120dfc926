"""Writes an overlay of an earlier version anew in today's form."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caudal.common.counted import counted
from caudal.reference import older
from caudal.reference.files.catalogue import FILES
from caudal.reference.files.declaration import FactFile
from caudal.reference.files.errors import FactError


@dataclass(frozen=True)
class Conversion:
    """The outcome for one file of an overlay: rows in today's form, or gone with what stands in its place."""

    file: str
    rows: int
    instead: str = ""

    def __str__(self) -> str:
        if self.instead:
            return f"{self.file}: set aside as .{self.file}.before; {self.instead}"
        return f"{self.file}: {counted(self.rows, 'row')} in today's columns; as it was: .{self.file}.before"


def convert_overlay(overlay: Path) -> Iterator[Conversion]:
    """Write the files of an overlay that are of an earlier version anew, and yield what became of each.

    Every row stays, with its source and its note. A file as it was is kept beside the new one, hidden. Raises FactError
    for a directory that is none and for a file that cannot be read or written.
    """
    if not overlay.is_dir():
        raise FactError(overlay, 0, "", "is not a directory; an overlay is a directory of files of facts")
    for name, instead in older.GONE.items():
        if (overlay / name).exists():
            (overlay / name).replace(overlay / f".{name}.before")
            yield Conversion(name, 0, instead)
    for file in FILES:
        if (overlay / file.filename).exists():
            made = _convert(file, overlay / file.filename)
            if made is not None:
                yield made


def _convert(file: FactFile, path: Path) -> Conversion | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [cells for cells in csv.reader(text.splitlines(keepends=True), strict=True) if cells]
        if not rows or not older.is_older(file, rows[0], rows[1:]):
            return None
        unfinished = path.with_name(f".{file.filename}.unfinished")
        unfinished.write_text(older.converted(file, text), encoding="utf-8", newline="")
        before = path.with_name(f".{file.filename}.before")
        before.unlink(missing_ok=True)
        before.hardlink_to(path)
        unfinished.replace(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FactError(path, 0, "", f"cannot be converted: {error}") from error
    return Conversion(file.filename, len(rows) - 1)
