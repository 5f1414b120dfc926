"""The flow cells of one economy and month, read for the indicators."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from caudal.common.vocabulary import CROSSING, UNKNOWN_COUNTRY
from caudal.service.indicators.model.context import UNCHECKED, Context
from caudal.service.indicators.model.control import control_readings
from caudal.service.indicators.model.definition import Takes
from caudal.service.indicators.model.errors import CellsError
from caudal.service.indicators.model.functions import CONNECTS, TENANTED, services
from caudal.service.indicators.model.uncertainty import FloatArray

BoolArray = npt.NDArray[np.bool_]
Commanded = tuple[BoolArray, BoolArray, BoolArray]

# Rungs that name the place itself: the operator's own list, and published cloud regions. An address
# database (and a folded cell, of which only the country is left) can be wrong.
EXACT_RUNGS = ("operator", "cloud")
# What was not located by address, but by its network: a listed access network of the economy.
NETWORK_RUNG = "network"
# Kinds of networks whose control says something about what they carry, where no platform is known.
CARRIERS = ("access", "transit", "wholesale", "satellite", "ixp", "academic", "government", "enterprise")

_TEXTS = (
    "direction",
    "remote_country",
    "location_rung",
    "sampling_from",
    "platform",
    "category",
    "network_kind",
    "control",
    "interpretation_status",
)
_NUMBERS = ("remote_asn", "stage", "exchange")
# Of the operators it matters only whether their users are known: more would make cells of each of them.
_KEYS = (*_TEXTS, *_NUMBERS, "covered")
_SUMS = ("bytes", "packets", "flows", "bytes_variance")
_UNREADABLE = "bytes_unreadable"
_GROUP = "group"
# What follows from the keys of cells alone.
_OF_KEYS = (
    "outward",
    "exchange",
    "domestic",
    "covered",
    "anycast",
    "located",
    "exactly_located",
    "looked_up",
    "controlled",
    "services",
    "functions",
    "video",
    "platforms",
    "unlisted",
    "readings",
    "undetermined",
    "_presence",
    "_commanded",
)
COLUMNS: tuple[str, ...] = ("operator", *_TEXTS, *_NUMBERS, *_SUMS)


@dataclass(frozen=True, eq=False)
class MonthCells:
    """The directed flow cells of a month as arrays, and its context.

    Only directions out and in are kept, and only cells with bytes or flows; cells equal in every key that
    an indicator can use are added up and sorted, so that neither row order nor a finer split of the
    rows changes an answer.
    """

    cells: pl.DataFrame
    context: Context

    @classmethod
    def read(cls, cells: pl.DataFrame, context: Context) -> "MonthCells":
        """Read the frame of one economy-month; raise CellsError naming a column that it lacks."""
        return cls(_added_up(_directed(cells, context), _KEYS), context)

    def without_each(self, cells: pl.DataFrame, group: pl.Expr, kept: float = 0.0) -> Iterator["MonthCells"]:
        """Yield the month without each group of the rows of `cells`, which it was read from, in the order of the groups.

        `kept` is the part of a group that is left, 0 to 1. A cell of which nothing is left stays, with zero bytes.
        """
        parts = _added_up(_directed(cells.with_columns(group.alias(_GROUP)), self.context), (*_KEYS, _GROUP))
        whole = self.cells.select(_KEYS).with_row_index("cell")
        parts = parts.join(whole, on=_KEYS, how="left", maintain_order="left")
        for (_,), part in parts.sort(_GROUP, maintain_order=True).group_by(_GROUP, maintain_order=True):
            at = part["cell"].to_numpy()
            left = {
                name: np.maximum(
                    self.cells[name].to_numpy()
                    - (1 - kept) * np.bincount(at, part[name].to_numpy(), len(self)),
                    0.0,
                )
                for name in (*_SUMS, _UNREADABLE)
            }
            month = MonthCells(
                self.cells.with_columns(pl.Series(name, each) for name, each in left.items()), self.context
            )
            # What a cell is does not depend on how much is in it.
            vars(month).update({name: getattr(self, name) for name in _OF_KEYS})
            yield month

    def __len__(self) -> int:
        return self.cells.height

    def distinct(self, name: str) -> list[str]:
        """Return the values of a text column, sorted, each once, without the empty one."""
        return sorted(value for value in self.cells[name].unique().to_list() if value)

    def equals(self, name: str, value: str) -> BoolArray:
        """Return which cells have `value` in the text column `name`."""
        return (self.cells[name] == value).to_numpy()

    def among(self, name: str, values: frozenset[str] | tuple[str, ...]) -> BoolArray:
        """Return which cells have one of `values` in the text column `name`."""
        return self.cells[name].is_in(sorted(values)).to_numpy()

    @cached_property
    def bytes(self) -> FloatArray:
        """Bytes of each cell."""
        return self.cells["bytes"].to_numpy()

    @cached_property
    def variance(self) -> FloatArray:
        """Sampling variance of the bytes of each cell."""
        return self.cells["bytes_variance"].to_numpy()

    @cached_property
    def packets(self) -> FloatArray:
        """Packets of each cell."""
        return self.cells["packets"].to_numpy()

    @cached_property
    def flow_records(self) -> FloatArray:
        """Flow records of each cell."""
        return self.cells["flows"].to_numpy()

    @cached_property
    def outward(self) -> BoolArray:
        """Which cells were sent by users of the networks that report; the far end may be in the country."""
        return self.equals("direction", "out")

    @cached_property
    def exchange(self) -> BoolArray:
        """Which cells networks of the country exchanged with each other; each byte counts once."""
        return (self.cells["exchange"] > 0).to_numpy()

    @cached_property
    def domestic(self) -> BoolArray:
        """Which cells stay in the country: its networks, hosting, caches. The others leave it or come into it."""
        return self.located & self.equals("remote_country", self.context.economy.country)

    def taking(self, takes: Takes) -> "MonthCells":
        """Return the month with only the cells of the flows that an indicator takes (see `definition.TAKES`)."""
        if takes == "all":
            return self
        left_out = self.exchange if takes == "services" else self.domestic
        if not left_out.any():
            return self
        kept = self._parts.get(takes)
        if kept is None:
            kept = self._parts[takes] = MonthCells(self.cells.filter(~pl.Series(left_out)), self.context)
        return kept

    @cached_property
    def _parts(self) -> "dict[Takes, MonthCells]":
        return {}

    @cached_property
    def covered(self) -> BoolArray:
        """Which cells were metered by the operators that declared the context's `covered_users`."""
        return self.cells["covered"].to_numpy()

    @cached_property
    def anycast(self) -> BoolArray:
        """Which cells go to a declared anycast address: somewhere, and nobody can say where."""
        return self.equals("location_rung", "anycast")

    @cached_property
    def located(self) -> BoolArray:
        """Which cells have a known location (l known)."""
        return ~self.among("remote_country", ("", UNKNOWN_COUNTRY)) & ~self.anycast

    @cached_property
    def exactly_located(self) -> BoolArray:
        """Which cells were located by a rung that is not subject to error."""
        return self.located & self.among("location_rung", EXACT_RUNGS)

    @cached_property
    def looked_up(self) -> BoolArray:
        """Which cells an address database located, so that they may be placed wrongly."""
        return self.located & ~self.exactly_located

    @cached_property
    def controlled(self) -> BoolArray:
        """Which cells have a known operator, and so a controlling jurisdiction (j known)."""
        return ~self.among("control", ("", UNKNOWN_COUNTRY))

    @cached_property
    def services(self) -> pl.DataFrame:
        """The service at the far end of each cell, a row each: function, observes, video (see `functions.py`)."""
        return services(self.cells, self.context)

    @cached_property
    def functions(self) -> pl.Series:
        """The function of each cell's far end; '' where it is not known."""
        return self.services["function"]

    @cached_property
    def video(self) -> BoolArray:
        """Which cells are of platforms most of whose bytes are video."""
        return np.asarray(self.services["video"].to_numpy(), dtype=np.bool_)

    @cached_property
    def platforms(self) -> BoolArray:
        """Which cells are of a known platform: one that does more than to connect networks."""
        return ~self.equals("platform", "") & ~self.of_function(CONNECTS)

    @cached_property
    def unlisted(self) -> BoolArray:
        """Which cells may be of any platform: their network is in no list and no operator's, or holds what belongs to others."""
        nobodys = self.equals("network_kind", "") & ~self.exchange
        return self.equals("platform", "") & (nobodys | self.among("network_kind", TENANTED))

    def among_functions(self, *names: str) -> BoolArray:
        """Return which cells have a far end of one of these functions; '' is that of those without."""
        return np.asarray(self.functions.is_in(names).to_numpy(), dtype=np.bool_)

    def of_function(self, name: str) -> BoolArray:
        """Return which cells have a far end of this function."""
        return np.asarray((self.functions == name).to_numpy(), dtype=np.bool_)

    @cached_property
    def _presence(self) -> npt.NDArray[np.int64]:
        return (
            self.cells.select(pl.struct("remote_asn", "remote_country").rank("dense")).to_series().to_numpy()
        )

    def by_presence(self, which: BoolArray) -> FloatArray:
        """Return the bytes of the cells that `which` selects by presence, that is by network and place."""
        return np.bincount(self._presence, self.bytes * which).astype(np.float64)

    @cached_property
    def readings(self) -> pl.DataFrame:
        """The countries that could command each cell: one column for each reading of control (see `control.py`)."""
        return control_readings(self.cells, self.context)

    def commanded(self, jurisdictions: frozenset[str]) -> Commanded:
        """Return which cells `jurisdictions` command by every reading, by attribution, and by any reading.

        The first are among the second, the second among the third; unknown operators are in none.
        """
        known = self._commanded.get(jurisdictions)
        if known is None:
            by_reading = [column.is_in(sorted(jurisdictions)).to_numpy() for column in self.readings]
            every, some = np.logical_and.reduce(by_reading), np.logical_or.reduce(by_reading)
            known = every & self.controlled, by_reading[0] & self.controlled, some & self.controlled
            self._commanded[jurisdictions] = known
        return known

    @cached_property
    def _commanded(self) -> dict[frozenset[str], Commanded]:
        return {}

    @cached_property
    def undetermined(self) -> BoolArray:
        """Which cells lack a location or an operator."""
        return ~self.located | ~self.controlled

    def total(self, which: BoolArray | None = None) -> float:
        """Return the bytes of the cells that `which` selects; of all without it."""
        return float(self.bytes.sum() if which is None else self.bytes[which].sum())

    def total_variance(self, which: BoolArray | None = None) -> float:
        """Return the sampling variance of `total` of the same cells."""
        return float(self.variance.sum() if which is None else self.variance[which].sum())

    def flows(self, which: BoolArray | None = None) -> int:
        """Return the flow records of the cells that `which` selects; of all without it."""
        return int(self.flow_records.sum() if which is None else self.flow_records[which].sum())

    def share(self, which: BoolArray) -> float:
        """Return the share of all bytes that `which` selects; 0 of a month without bytes."""
        total = self.total()
        return self.total(which) / total if total > 0 else 0.0

    @cached_property
    def undetermined_share(self) -> float | None:
        """The undetermined share (J9); None of a month without bytes."""
        return self.share(self.undetermined) if self.total() > 0 else None

    @cached_property
    def assumed_share(self) -> float:
        """Share of the bytes whose sampling rate was assumed."""
        return self.share(self.equals("sampling_from", "assumed"))

    @cached_property
    def unchecked_share(self) -> float:
        """Share of the bytes whose attribution rests on rows that nobody has checked as a whole."""
        unchecked = self.cells["interpretation_status"].str.contains(UNCHECKED, literal=True)
        return self.share(unchecked.to_numpy())

    @cached_property
    def unchecked_location_share(self) -> float:
        """Share of the bytes located by rungs whose lists are in part from memory: cloud regions, anycast."""
        return self.share(self.equals("location_rung", "cloud") | self.equals("location_rung", "anycast"))

    @cached_property
    def variance_unknown(self) -> bool:
        """True if some cells had no readable sampling variance."""
        return bool((self.cells[_UNREADABLE] > 0).any())


def _directed(cells: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Return the cells out and in that have anything, in the types of a month; a column to group by stays."""
    missing = [name for name in COLUMNS if name not in cells.columns]
    if missing:
        raise CellsError(f"the flow cells lack {', '.join(missing)}; indicators need {', '.join(COLUMNS)}")
    try:
        typed = cells.select(
            *(pl.col(name).cast(pl.String).fill_null("") for name in _TEXTS),
            *(pl.col(name).cast(pl.Int64).fill_null(0) for name in _NUMBERS),
            *(pl.col(name).cast(pl.Float64).fill_null(0.0) for name in ("bytes", "packets", "flows")),
            pl.col("bytes_variance").cast(pl.Float64),
            _covered(context).alias("covered"),
            *(pl.col(name) for name in (_GROUP,) if name in cells.columns),
        )
    except pl.exceptions.PolarsError as error:
        raise CellsError(f"the flow cells cannot be read: {str(error).splitlines()[0]}") from error
    if typed.filter((pl.col("bytes") < 0) | (pl.col("packets") < 0) | (pl.col("flows") < 0)).height:
        raise CellsError(
            "the flow cells hold negative bytes, packets or flows; sums of traffic cannot be negative"
        )
    readable = pl.col("bytes_variance").is_finite() & (pl.col("bytes_variance") >= 0)
    return (
        typed.filter(pl.col("direction").is_in(CROSSING) & ((pl.col("bytes") > 0) | (pl.col("flows") > 0)))
        .with_columns(readable.fill_null(value=False).alias("readable"))
        .with_columns(
            # Of a cell without a variance nothing better is known than its own size.
            pl.when("readable")
            .then("bytes_variance")
            .otherwise(pl.col("bytes") ** 2)
            .alias("bytes_variance"),
            pl.when("readable").then(0.0).otherwise("bytes").alias(_UNREADABLE),
        )
    )


def _added_up(directed: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    return (
        directed.sort(*keys, *_SUMS)
        .group_by(keys, maintain_order=True)
        .agg(pl.col(*_SUMS, _UNREADABLE).sum())
    )


def _covered(context: Context) -> pl.Expr:
    if context.covered_operators is None:
        return pl.lit(value=True)
    operators = sorted(context.covered_operators)
    return pl.col("operator").cast(pl.String).fill_null("").is_in(operators)
