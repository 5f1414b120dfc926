"""Reading publishers' CSV, as they give it: in a ZIP or not, with or without lines of their own above."""

import csv
import io
import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from caudal.reference.files.errors import ImportFault

# World Bank and ITU put descriptions of the series beside the data.
_BESIDE = ("metadata", "readme")


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a CSV, or the one CSV with data in a ZIP, as text; ImportFault where there is none."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [
                    name
                    for name in archive.namelist()
                    if name.lower().endswith(".csv") and not Path(name).name.lower().startswith(_BESIDE)
                ]
                if len(names) != 1:
                    listed = ", ".join(names) or "none"
                    raise ImportFault(f"{path}: one CSV of data is looked for in a ZIP; it has {listed}")
                with archive.open(names[0]) as binary:
                    yield io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
        else:
            with path.open(newline="", encoding="utf-8-sig") as text:
                yield text
    except (OSError, zipfile.BadZipFile) as error:
        problem = getattr(error, "strerror", None) or error
        raise ImportFault(f"{path}: cannot be read: {problem}") from error
    except UnicodeDecodeError as error:
        raise ImportFault(f"{path}: is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise ImportFault(f"{path}: is not CSV: {error}") from error


def records(
    lines: TextIO, path: Path, is_header: Callable[[list[str]], bool], wanted: str, before: list[list[str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the cells by column of every row below the header.

    Rows above the header go to `before`. Raises ImportFault where no row is the header, saying what is `wanted`.
    """
    reader = csv.reader(lines)
    header: list[str] | None = None
    for cells in reader:
        if header is None:
            if is_header(cells):
                header = cells
            else:
                before.append(cells)
            continue
        if any(cell.strip() for cell in cells):
            # A short row lacks its last cells; what is beyond the header has no name.
            yield reader.line_num, dict(zip(header, [*cells, *[""] * len(header)], strict=False))
    if header is None:
        raise ImportFault(f"{path}: no line names the columns {wanted}: is it the file it should be?")


def number(text: str, path: Path, line: int, column: str) -> float | None:
    """Return the number in a cell; None where it is empty or says that there is none (.., NA); ImportFault else."""
    if text.strip() in ("", "..", "...", "NA", "NaN", "n.a."):
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ImportFault(f"{path}, line {line}, column {column}: {text!r} is not a number")
    return value


def written(value: float) -> str:
    """Return a number as it is written in files of facts: no exponent, no trailing zeros."""
    rounded = float(f"{value:.12g}")
    return str(int(rounded)) if rounded.is_integer() else f"{rounded:.12f}".rstrip("0")
