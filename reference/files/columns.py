"""The columns that every file of facts has, and short ways to declare the others."""

from caudal.reference.files.declaration import FactFile, FileColumn, Kind

VALIDITY: tuple[FileColumn, ...] = (
    FileColumn("valid_from", "date", "first day on which the row holds; empty: since ever", required=False),
    FileColumn("valid_to", "date", "last day on which the row holds; empty: still", required=False),
)
PROVENANCE: tuple[FileColumn, ...] = (
    FileColumn("source", "text", "document or data set the row was taken from, with its place"),
    FileColumn("as_of", "date", "day the fact was taken from the source, or is stated for"),
    FileColumn("status", "status", "how far the fact was checked"),
)
RECHECK = FileColumn(
    "recheck", "flag", "1 where the row must be checked again before a figure rests on it", required=False
)
NOTE = FileColumn("note", "text", "what a reader of the row should know", required=False)


def text(name: str, meaning: str, *values: str, required: bool = True) -> FileColumn:
    """Return a column of text, of a closed set where `values` are given."""
    return FileColumn(name, "text", meaning, required=required, values=values)


def key(name: str, kind: Kind, meaning: str) -> FileColumn:
    """Return a column that may not be empty."""
    return FileColumn(name, kind, meaning)


def maybe(name: str, kind: Kind, meaning: str) -> FileColumn:
    """Return a column that may be empty."""
    return FileColumn(name, kind, meaning, required=False)


def file(name: str, meaning: str, of: tuple[str, ...], *columns: FileColumn) -> FactFile:
    """Return the declaration of a file of facts, with the key `of`, that hold from day to day."""
    return FactFile(name, meaning, of, (*columns, *VALIDITY, *PROVENANCE, NOTE))


def figures(
    name: str, meaning: str, of: tuple[str, ...], *columns: FileColumn, period: str = "year", cure: str = ""
) -> FactFile:
    """Return the declaration of a file of figures, each for the time that its column `period` names."""
    return FactFile(
        name, meaning, of, (*columns, *PROVENANCE, NOTE), since="", until="", period=period, cure=cure
    )


def decisions(
    name: str, meaning: str, of: tuple[str, ...], *columns: FileColumn, since: str, until: str
) -> FactFile:
    """Return the declaration of a file whose own columns say from when to when a row holds."""
    return FactFile(name, meaning, of, (*columns, *PROVENANCE, NOTE), since=since, until=until)
