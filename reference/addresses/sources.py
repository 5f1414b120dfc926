"""Sources of the address tables, kept beside the tables, and the lines that their licences ask for."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from caudal.reference.files.catalogue import ATTRIBUTIONS
from caudal.reference.files.errors import AddressError
from caudal.reference.reading.facts import DATA, load_facts

ADDRESSES = DATA / "addresses"
SOURCES_FILENAME = "sources.csv"


@dataclass(frozen=True)
class TableSource:
    """The source of one address table: its package or file, version, date and licence, and what became of it.

    `rows` counts the steps of the table; `sha256` is that of its file.
    """

    table: str
    package: str
    version: str
    data_date: str
    licence: str
    attribution: str
    rows: int
    sha256: str


def read_sources(directory: Path = ADDRESSES) -> dict[str, TableSource]:
    """Return the source of every table of a directory by name; AddressError if the list cannot be read."""
    path = directory / SOURCES_FILENAME
    if not path.exists():
        return {}
    names = [field.name for field in fields(TableSource)]
    with path.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines, restkey="", restval="")
        if reader.fieldnames != names:
            raise AddressError(f"{path}, line 1: the columns must be {', '.join(names)}; rebuild the tables")
        sources = {}
        for row in reader:
            if not row["rows"].isdigit():
                raise AddressError(
                    f"{path}, line {reader.line_num}, column rows: {row['rows']!r} is not a whole number"
                )
            sources[row["table"]] = TableSource(
                table=row["table"],
                package=row["package"],
                version=row["version"],
                data_date=row["data_date"],
                licence=row["licence"],
                attribution=row["attribution"],
                rows=int(row["rows"]),
                sha256=row["sha256"],
            )
    return sources


def write_sources(sources: Iterable[TableSource], directory: Path) -> None:
    """Write the list of sources of a directory, by name of table."""
    with (directory / SOURCES_FILENAME).open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(TableSource)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(source) for source in sorted(sources, key=lambda source: source.table))


def attributions(directory: Path = ADDRESSES) -> list[str]:
    """Return the lines that licences of the address tables and of the facts ask to be shown, each once.

    They belong in the README, on every page and report that shows results, and in the API's description.
    """
    lines = [source.attribution for source in read_sources(directory).values() if source.attribution]
    lines += [str(row.values["text"]) for row in load_facts(ATTRIBUTIONS).rows.values()]
    return list(dict.fromkeys(lines))
