"""A column of a batch: declared once, and everything that must know of it derives from the declaration."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import pyarrow as pa

Kind = Literal["key", "sum"]
Form = Literal["number", "half", "choice", "name", "letters"]
Value = int | str | bool


class Word(IntEnum):
    """The two words of 64 bits that are the code of a cell: of the far end, and of what metered the flow and how."""

    far_end = 0
    metering = 1


class Folding(IntEnum):
    """Steps by which cells of few local hosts are added up: over sites, then networks, then countries."""

    sites = 1
    country = 2
    network = 3


@dataclass(frozen=True)
class Bits:
    """The place of a key in the code of a cell: its word, its lowest bit there, how many bits it has, and as what.

    A number stands there as it is, or halved; a choice as its position among `values`, a name as its position in a list
    that grows while a collector works and begins with ''; two letters with five bits each. Cells are in the order of
    their codes, so a key in higher bits goes first.
    """

    word: Word
    lowest: int
    count: int
    form: Form


@dataclass(frozen=True)
class Column:
    """One column of a batch: its name, Arrow and ClickHouse types, whether it is a key or a sum, its meaning.

    `values` is the closed set of a text column, `pattern` what else its texts must match, `longest` the most octets of a text
    without a closed set and `most` how many different ones a batch may have, beyond which nothing is read.

    `since` is the first contract that has the column, and `default` its value in batches of earlier ones. `codec` is how
    ClickHouse keeps it; `summed` is the type of its sums in roll-ups, which cannot wrap.

    A key has `bits` in the code of a cell. From the step `dropped` of folding on it holds `rest`; a key that is never
    dropped has none. A `fact` is what months are computed from: of a key that is none, no indicator and no publication
    knows. The values of a key `of_exporter` are what the operator says of each exporter in the settings, under its name.
    """

    name: str
    arrow: pa.DataType
    clickhouse: str
    kind: Kind
    meaning: str
    values: tuple[str, ...] = ()
    pattern: str = ""
    longest: int = 64
    most: int | None = None
    since: int = 1
    default: Value = 0
    codec: str = "ZSTD(1)"
    summed: str = "Int128"
    bits: Bits | None = None
    dropped: Folding | None = None
    rest: Value = 0
    fact: bool = False
    of_exporter: bool = False

    @property
    def in_windows(self) -> str:
        """The column as ClickHouse declares it in a table of rows as they came."""
        return self._declared(self.clickhouse, self.codec)

    @property
    def in_roll_ups(self) -> str:
        """The column as ClickHouse declares it in a table of sums: these are wider, and not packed as 64 bits are."""
        if self.kind == "key":
            return self.in_windows
        return self._declared(self.summed, self.codec.removeprefix("T64, "))

    def _declared(self, kind: str, codec: str) -> str:
        return f"{self.name} {kind}" + (f" CODEC({codec})" if codec else "")


def of_contract(columns: tuple[Column, ...], contract: int) -> tuple[Column, ...]:
    """Return the columns of a declaration that a contract has."""
    return tuple(column for column in columns if column.since <= contract)


def schema(columns: Iterable[Column]) -> pa.Schema:
    """Return the Arrow schema of a declaration."""
    return pa.schema([pa.field(c.name, c.arrow, nullable=False) for c in columns])
