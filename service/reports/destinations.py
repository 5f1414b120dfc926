"""Where the traffic of a month goes and who controls it there, as shares that can be shown."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.collector.batch import UNKNOWN_COUNTRY
from caudal.service.indicators.cells import DIRECTIONS
from caudal.service.indicators.definition import SHARE_MINIMUM_FLOWS
from caudal.service.indicators.uncertainty import Quantity, share_interval, share_variance

# Neither is a country code: the unknown, and what is too small to be shown by itself.
UNKNOWN = ""
OTHER = "*"
LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """The share of all bytes of one place or jurisdiction: sampling, and none or all of the unknown added."""

    key: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Link:
    """The share of all bytes that lie in one place under one jurisdiction."""

    location: str
    control: str
    share: float


@dataclass(frozen=True)
class Destinations:
    """Shares by place, by controlling jurisdiction, and of both together; each sums to 1, or is empty.

    `withheld` is the share of the bytes in combinations of place and jurisdiction with fewer flow records
    than an indicator needs: they are under OTHER.
    """

    locations: tuple[Share, ...]
    controls: tuple[Share, ...]
    links: tuple[Link, ...]
    withheld: float


def located(cells: pl.DataFrame) -> pl.DataFrame:
    """Return location, control, bytes, bytes_variance, flows of interpreted cells, out and in; '' is unknown.

    A declared anycast address has no location: it is somewhere, and nobody can say where.
    """
    nowhere = (pl.col("remote_country") == UNKNOWN_COUNTRY) | (pl.col("location_rung") == "anycast")
    known = pl.when(pl.col("control") != UNKNOWN_COUNTRY).then("control").otherwise(pl.lit(UNKNOWN))
    # Cells come in one order and are added up in it, so that the same facts give the same digits.
    return (
        cells.filter(pl.col("direction").is_in(DIRECTIONS))
        .with_columns(
            pl.when(nowhere).then(pl.lit(UNKNOWN)).otherwise("remote_country").alias("location"),
            known.alias("control"),
            pl.col("bytes").cast(pl.Float64),
            pl.col("flows").cast(pl.Int64),
        )
        .group_by("location", "control", maintain_order=True)
        .agg(pl.col("bytes", "bytes_variance", "flows").sum())
        .sort("bytes", "location", "control", descending=[True, False, False])
    )


def destinations_of(cells: pl.DataFrame) -> Destinations:
    """Return the shares of cells with location, control, bytes, bytes_variance and flows; '' is unknown."""
    total = float(cells["bytes"].sum()) if cells.height else 0.0
    if not total > 0:
        return Destinations((), (), (), 0.0)
    few = pl.col("flows") < SHARE_MINIMUM_FLOWS
    shown = cells.with_columns(
        *(
            pl.when(few & (pl.col(name) != UNKNOWN)).then(pl.lit(OTHER)).otherwise(pl.col(name)).alias(name)
            for name in ("location", "control")
        )
    )
    links = (
        shown.group_by("location", "control", maintain_order=True)
        .agg(pl.col("bytes").sum())
        .sort("bytes", "location", "control", descending=[True, False, False])
    )
    return Destinations(
        locations=tuple(_shares(cells, "location", total)),
        controls=tuple(_shares(cells, "control", total)),
        links=tuple(Link(location, control, size / total) for location, control, size in links.iter_rows()),
        withheld=float(cells.filter(few)["bytes"].sum()) / total,
    )


def _shares(cells: pl.DataFrame, by: str, total: float) -> Iterable[Share]:
    sums = cells.group_by(by, maintain_order=True).agg(pl.col("bytes", "bytes_variance", "flows").sum())
    few = (pl.col("flows") < SHARE_MINIMUM_FLOWS) & (pl.col(by) != UNKNOWN)
    folded = (
        sums.with_columns(pl.when(few).then(pl.lit(OTHER)).otherwise(pl.col(by)).alias(by))
        .group_by(by, maintain_order=True)
        .agg(pl.col("bytes", "bytes_variance").sum())
        .sort("bytes", by, descending=[True, False])
    )
    total_variance = float(cells["bytes_variance"].sum())
    unknown = {key: (size, variance) for key, size, variance in folded.iter_rows()}.get(UNKNOWN, (0.0, 0.0))
    for key, size, variance in folded.iter_rows():
        extra = unknown if key != UNKNOWN else (0.0, 0.0)
        least = _interval(size, variance, total, total_variance)
        most = _interval(size + extra[0], variance + extra[1], total, total_variance)
        yield Share(key, size / total, min(least[0], most[0]), max(least[1], most[1]))


def _interval(size: float, variance: float, total: float, total_variance: float) -> tuple[float, float]:
    of_share = share_variance(np.array([size]), np.array([variance]), total, total_variance)
    return share_interval(Quantity(size / total, float(of_share[0])), LEVEL)
