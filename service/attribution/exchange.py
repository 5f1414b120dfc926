"""Exchange between networks of one economy: told apart by AS number, in the country, counted once.

An operator meters what crosses the border of its network. That is the border of the country only where the far
end is not another network of the same economy. What such a network and the operator exchange stays in the
country; and if both report, it was metered twice.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import polars as pl

from caudal.common.vocabulary import CROSSING, UNKNOWN_COUNTRY
from caudal.reference import Reference
from caudal.service.indicators.model.cells import EXACT_RUNGS, NETWORK_RUNG

DOMESTIC = "domestic"
BORDERS = (DOMESTIC, *CROSSING)
# What is metered at both ends counts half at each.
_HALF, _WHOLE = 0.5, 1.0


@dataclass(frozen=True)
class OwnNetworks:
    """The AS numbers that the operators of an economy declare in a month, by operator: {"net-a": (64500, 64501)}.

    An operator that declared none is left out. `economy` is a country code.
    """

    economy: str
    declared: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def counted_once(cells: pl.DataFrame, own: OwnNetworks, reference: Reference) -> pl.DataFrame:
    """Return cells with border, exchange, counted and doubtful, and with their sums as they count.

    `cells` has operator, direction, remote_asn, remote_country, location_rung, platform, and the sums.

    `exchange` says that the far end is a network of the economy that no platform stands behind. Its place is then the
    economy. It is such a network

    - by an AS number that an operator declared, unless a list says exactly that the address is abroad: a declaration
      is surer than an address database;
    - else by a listed access network, unless anything locates the address abroad: some of these serve several countries.

    `border` is domestic where the far end is in the economy, else the direction; empty of traffic that is neither out nor in.

    `counted` is 0.5 where the other side reports too, 1 elsewhere: bytes and packets are multiplied by it, the variance by
    its square; flow records say how much was looked at, and stay. `doubtful` cells may count half or whole, whatever
    they are counted as:

    - a network that nobody declared, while others report that declared none: half if one of these never meets it itself,
      as nobody meets its own network, and it is listed; else whole;
    - what was folded into the country, so that its network is unknown, while others report: whole;
    - what a platform delivered from a network whose operator reports, and may have met as exchange: whole.
    """
    owners = [(asn, operator) for operator, asns in sorted(own.declared.items()) for asn in asns]
    access = reference.facts("access_networks")
    listed = access.filter(pl.col("country").cast(pl.String) == own.economy)["asn"].cast(pl.UInt32)
    known = pl.DataFrame(owners, schema={"remote_asn": pl.UInt32, "owner": pl.String}, orient="row")
    texts = ("operator", "direction", "remote_country", "location_rung", "platform")
    told = cells.with_columns(
        pl.col("remote_asn").cast(pl.UInt32), *(pl.col(name).cast(pl.String).fill_null("") for name in texts)
    ).join(
        known.unique("remote_asn", keep="first", maintain_order=True),
        on="remote_asn",
        how="left",
        maintain_order="left",
    )
    directed = pl.col("direction").is_in(CROSSING)
    located = ~pl.col("remote_country").is_in(["", UNKNOWN_COUNTRY]) & (pl.col("location_rung") != "anycast")
    abroad = located & (pl.col("remote_country") != own.economy)
    declared = pl.col("owner").is_not_null() & ~(abroad & pl.col("location_rung").is_in(EXACT_RUNGS))
    by_list = pl.col("owner").is_null() & pl.col("remote_asn").is_in(listed.to_list())
    unnamed = directed & (pl.col("platform") == "")
    told = told.with_columns((unnamed & (declared | (by_list & ~abroad))).alias("exchange"))
    here = pl.col("exchange") | (located & ~abroad)
    told = told.with_columns(
        pl.when(here)
        .then(pl.lit(DOMESTIC))
        .when(directed)
        .then("direction")
        .otherwise(pl.lit(""))
        .alias("border"),
        (unnamed & here & pl.col("owner").is_null()).alias("unclaimed"),
        (directed & ~unnamed & declared & (pl.col("owner") != pl.col("operator"))).alias("hosted"),
        pl.when("exchange").then(pl.lit(own.economy)).otherwise("remote_country").alias("remote_country"),
        pl.when(pl.col("exchange") & pl.col("owner").is_not_null())
        .then(pl.lit(EXACT_RUNGS[0]))
        .when(pl.col("exchange") & ~located)
        .then(pl.lit(NETWORK_RUNG))
        .otherwise("location_rung")
        .alias("location_rung"),
    ).with_columns(pl.when(directed).then("border").otherwise(pl.lit("")).alias("border"))
    return _weighed(told, _reporting(told), own.declared.keys()).drop(
        "owner", "unclaimed", "hosted", "rivals", "meeting"
    )


def _reporting(cells: pl.DataFrame) -> list[str]:
    return sorted(cells.filter(pl.col("bytes") > 0)["operator"].unique().to_list())


def _weighed(cells: pl.DataFrame, reporting: list[str], declaring: Set[str]) -> pl.DataFrame:
    """Return cells with `counted` and `doubtful`, and the sums as they count.

    Of each cell that nobody declared, `rivals` counts the other operators whose network it may be, and `meeting` those of
    them that meet it themselves.
    """
    silent = [each for each in reporting if each not in declaring]
    met = (
        cells.filter(pl.col("unclaimed") & pl.col("operator").is_in(silent) & (pl.col("bytes") > 0))
        .select("operator", "remote_asn")
        .unique()
    )
    meeting = met.group_by("remote_asn").agg(pl.len().alias("meeting"))
    itself = pl.col("operator").is_in(silent)
    cells = (
        cells.join(meeting, on="remote_asn", how="left", maintain_order="left")
        .join(
            met.with_columns(pl.lit(1).alias("meets")),
            on=["operator", "remote_asn"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            (pl.lit(len(silent)) - itself.cast(pl.Int64)).alias("rivals"),
            (pl.col("meeting").cast(pl.Int64).fill_null(0) - pl.col("meets").fill_null(0)).alias("meeting"),
        )
        .drop("meets")
    )
    folded = pl.col("remote_asn") == 0
    doubtful = pl.col("unclaimed") & (
        pl.when(folded).then(pl.lit(len(reporting) > 1)).otherwise(pl.col("rivals") > 0)
    )
    both = pl.col("owner").is_in(reporting) & (pl.col("owner") != pl.col("operator"))
    doubtful = doubtful | (pl.col("hosted") & both.fill_null(value=False))
    perhaps = pl.col("owner").is_null() & (pl.col("meeting") < pl.col("rivals"))
    half = pl.col("exchange") & (both.fill_null(value=False) | perhaps)
    return cells.with_columns(
        doubtful.alias("doubtful"), pl.when(half).then(_HALF).otherwise(_WHOLE).alias("counted")
    ).with_columns(
        *(pl.col(name).cast(pl.Float64) * pl.col("counted") for name in ("bytes", "packets")),
        pl.col("bytes_variance").cast(pl.Float64) * pl.col("counted") ** 2,
    )


def otherwise_counted(cells: pl.DataFrame, which: pl.Expr | None = None) -> pl.DataFrame:
    """Return cells with the doubtful ones counted the other way, half as whole and whole as half.

    Only those that `which` selects, where it is given.
    """
    turned = pl.col("doubtful") if which is None else pl.col("doubtful") & which
    return _counted(cells, turned, (_HALF + _WHOLE) - pl.col("counted"))


def as_if_all_reported(cells: pl.DataFrame) -> pl.DataFrame | None:
    """Return cells with exchange counted half at each end, whether or not the other end reports; None if that changes none.

    What is exchanged with a network that does not report counts whole, as nobody else tells of it: of the whole economy it
    would be a smaller part.
    """
    alone = pl.col("exchange") & (pl.col("counted") == _WHOLE)
    if not cells.select(alone.any()).item():
        return None
    return _counted(cells, alone, pl.lit(_HALF))


def _counted(cells: pl.DataFrame, which: pl.Expr, now: pl.Expr) -> pl.DataFrame:
    """Return cells with those that `which` selects counted as `now` says, and their sums with them."""
    ratio = pl.when(which).then(now / pl.col("counted")).otherwise(1.0)
    return cells.with_columns(
        *(pl.col(name) * ratio for name in ("bytes", "packets")),
        pl.col("bytes_variance") * ratio**2,
        pl.when(which).then(now).otherwise("counted").alias("counted"),
    )


def limits_of_counting() -> tuple[pl.Expr, pl.Expr]:
    """Return the bytes of a cell if it counted as little, and as much, as it may."""
    doubtful = pl.col("doubtful")
    least = pl.when(doubtful).then(_HALF / pl.col("counted")).otherwise(1.0) * pl.col("bytes")
    most = pl.when(doubtful).then(_WHOLE / pl.col("counted")).otherwise(1.0) * pl.col("bytes")
    return least, most
