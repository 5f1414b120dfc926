"""The columns that every file of facts has, and short ways to declare the others."""

from caudal.reference.files.declaration import Column, FactFile, Kind

VALIDITY: tuple[Column, ...] = (
    Column("valid_from", "date", "first day on which the row holds; empty: since ever", required=False),
    Column("valid_to", "date", "last day on which the row holds; empty: still", required=False),
)
PROVENANCE: tuple[Column, ...] = (
    Column("source", "text", "document or data set the row was taken from, with its place"),
    Column("as_of", "date", "day the fact was taken from the source, or is stated for"),
    Column("status", "status", "how far the fact was checked"),
)
RECHECK = Column(
    "recheck", "flag", "1 where the row must be checked again before a figure rests on it", required=False
)
NOTE = Column("note", "text", "what a reader of the row should know", required=False)


def text(name: str, meaning: str, *values: str, required: bool = True) -> Column:
    """Return a column of text, of a closed set where `values` are given."""
    return Column(name, "text", meaning, required=required, values=values)


def key(name: str, kind: Kind, meaning: str) -> Column:
    """Return a column that may not be empty."""
    return Column(name, kind, meaning)


def maybe(name: str, kind: Kind, meaning: str) -> Column:
    """Return a column that may be empty."""
    return Column(name, kind, meaning, required=False)


def file(name: str, meaning: str, of: tuple[str, ...], *columns: Column) -> FactFile:
    """Return the declaration of a file of facts, with the key `of`, that hold from day to day."""
    return FactFile(name, meaning, of, (*columns, *VALIDITY, *PROVENANCE, NOTE))


def figures(
    name: str, meaning: str, of: tuple[str, ...], *columns: Column, period: str = "year", cure: str = ""
) -> FactFile:
    """Return the declaration of a file of figures, each for the time that its column `period` names."""
    return FactFile(
        name, meaning, of, (*columns, *PROVENANCE, NOTE), since="", until="", period=period, cure=cure
    )


def decisions(
    name: str, meaning: str, of: tuple[str, ...], *columns: Column, since: str, until: str
) -> FactFile:
    """Return the declaration of a file whose own columns say from when to when a row holds."""
    return FactFile(name, meaning, of, (*columns, *PROVENANCE, NOTE), since=since, until=until)
