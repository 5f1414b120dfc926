"""Destinations of a month's traffic and who controls it there, as shares that can be shown."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.common.vocabulary import CROSSING, UNKNOWN_COUNTRY
from caudal.service.attribution.exchange import BORDERS, DOMESTIC
from caudal.service.indicators.model.definition import SHARE_MINIMUM_FLOWS
from caudal.service.indicators.model.uncertainty import (
    Quantity,
    normal_quantile,
    share_interval,
    share_variance,
)
from caudal.service.perturbation.perturbation import coarse

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
class Crossing:
    """The share of all bytes in one place that stays in the country, leaves it or comes into it: `border`, of BORDERS."""

    border: str
    location: str
    share: float


@dataclass(frozen=True)
class Destinations:
    """Shares by flow (domestic, out, in), place, controlling jurisdiction, and of two of them; each sums to 1, or is empty.

    `withheld` is the share of the bytes in combinations of place and jurisdiction with fewer flow records
    than an indicator needs: they are under OTHER.
    """

    locations: tuple[Share, ...]
    controls: tuple[Share, ...]
    links: tuple[Link, ...]
    withheld: float
    borders: tuple[Share, ...] = ()
    crossings: tuple[Crossing, ...] = ()


def located(cells: pl.DataFrame, *apart: str) -> pl.DataFrame:
    """Return border, location, control, bytes, bytes_variance, flows of interpreted cells, out and in; '' is unknown.

    Cells that differ in the columns `apart` are kept apart. A declared anycast address has no location: it is
    somewhere, and nobody can say where.
    """
    nowhere = (pl.col("remote_country") == UNKNOWN_COUNTRY) | (pl.col("location_rung") == "anycast")
    known = pl.when(pl.col("control") != UNKNOWN_COUNTRY).then("control").otherwise(pl.lit(UNKNOWN))
    # Cells come in one order and are added up in it, so that the same facts give the same digits.
    return (
        cells.filter(pl.col("direction").is_in(CROSSING))
        .with_columns(
            pl.when(nowhere).then(pl.lit(UNKNOWN)).otherwise("remote_country").alias("location"),
            known.alias("control"),
            pl.col("bytes", "flows").cast(pl.Float64),
        )
        .group_by(*apart, "border", "location", "control", maintain_order=True)
        .agg(pl.col("bytes", "bytes_variance", "flows").sum())
        .sort(
            *("bytes", *apart, "border", "location", "control"),
            descending=[True, *(False for _ in apart), False, False, False],
        )
    )


@dataclass(frozen=True)
class Moved:
    """Cells that factors of a `deviation` about 1 may have moved: those that `located` answers with operators apart."""

    cells: pl.DataFrame
    deviation: float

    def deviations(self, by: str, kept: Collection[str]) -> dict[str, tuple[float, float]]:
        """Return the standard deviation of each share by place or jurisdiction, and of it with the unknown added.

        What is not `kept` is OTHER. To first order: a factor moves a share by what its operator has of it over and above the
        share.
        """
        key = pl.when(pl.col(by).is_in(list(kept))).then(pl.col(by)).otherwise(pl.lit(OTHER))
        own = self.cells.group_by("operator", key.alias("key")).agg(pl.col("bytes").sum())
        total = float(own["bytes"].sum())
        carried = own.group_by("operator").agg(pl.col("bytes").sum().alias("carried"))
        shares = own.group_by("key").agg((pl.col("bytes").sum() / total).alias("share"))
        effects = carried.join(shares, how="cross").join(own, on=["operator", "key"], how="left")
        effect = (pl.col("bytes").fill_null(0.0) - pl.col("share") * pl.col("carried")) / total
        each = effects.select("operator", "key", effect.alias("effect"))
        unknown = each.filter(pl.col("key") == UNKNOWN).select("operator", pl.col("effect").alias("unknown"))
        both = pl.col("effect") + pl.when(pl.col("key") == UNKNOWN).then(0.0).otherwise(
            pl.col("unknown").fill_null(0.0)
        )
        squares = (
            each.join(unknown, on="operator", how="left")
            .group_by("key")
            .agg((pl.col("effect") ** 2).sum().alias("alone"), (both**2).sum().alias("both"))
            .sort("key")
        )
        return {
            key: (self.deviation * math.sqrt(alone), self.deviation * math.sqrt(with_unknown))
            for key, alone, with_unknown in squares.iter_rows()
        }


def destinations_of(cells: pl.DataFrame, moved: Moved | None = None) -> Destinations:
    """Return the shares of cells with border, location, control, bytes, bytes_variance and flows; '' is unknown.

    With `moved`, limits hold what factors may have moved, and shares are told to a ten-thousandth.
    """
    total = float(cells["bytes"].sum()) if cells.height else 0.0
    if not total > 0:
        return Destinations((), (), (), 0.0)
    few = pl.col("flows") < SHARE_MINIMUM_FLOWS
    by_flow, sums = cells, pl.col("bytes", "bytes_variance", "flows").sum()
    cells = cells.group_by("location", "control", maintain_order=True).agg(sums)
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
        locations=tuple(_shares(cells, "location", total, moved)),
        controls=tuple(_shares(cells, "control", total, moved)),
        links=tuple(
            Link(location, control, _as_told(size / total, moved))
            for location, control, size in links.iter_rows()
        ),
        withheld=_as_told(float(cells.filter(few)["bytes"].sum()) / total, moved),
        borders=tuple(_borders(by_flow, total, moved)),
        crossings=tuple(_crossings(by_flow, total, moved)),
    )


def _crossings(cells: pl.DataFrame, total: float, moved: Moved | None) -> Iterable[Crossing]:
    sums = cells.group_by("border", "location", maintain_order=True).agg(pl.col("bytes", "flows").sum())
    few = (pl.col("flows") < SHARE_MINIMUM_FLOWS) & (pl.col("location") != UNKNOWN)
    shown = (
        sums.with_columns(pl.when(few).then(pl.lit(OTHER)).otherwise("location").alias("location"))
        .group_by("border", "location", maintain_order=True)
        .agg(pl.col("bytes").sum())
        .sort("bytes", "border", "location", descending=[True, False, False])
    )
    for border, location, size in shown.iter_rows():
        yield Crossing(border, location, _as_told(size / total, moved))


def _borders(cells: pl.DataFrame, total: float, moved: Moved | None) -> Iterable[Share]:
    """Yield the share of each flow: what has no known place may stay in the country all of it, or nothing of it."""
    total_variance = float(cells["bytes_variance"].sum())
    unknown = cells.filter(pl.col("location") == UNKNOWN)
    deviations = moved.deviations("border", BORDERS) if moved is not None else {}
    for border in BORDERS:
        domestic = border == DOMESTIC
        own = cells.filter(pl.col("border") == border)
        open_ = unknown if domestic else unknown.filter(pl.col("border") == border)
        size, variance = float(own["bytes"].sum()), float(own["bytes_variance"].sum())
        extra, extra_variance = float(open_["bytes"].sum()), float(open_["bytes_variance"].sum())
        sure = _interval(size, variance, total, total_variance)
        sign = 1 if domestic else -1
        perhaps = _interval(
            size + sign * extra, max(0.0, variance + sign * extra_variance), total, total_variance
        )
        share = Share(border, size / total, min(sure[0], perhaps[0]), max(sure[1], perhaps[1]))
        if moved is None:
            yield share
            continue
        deviation = normal_quantile(LEVEL) * max(deviations.get(border, (0.0, 0.0)))
        low, high = max(0.0, share.low - deviation), min(1.0, share.high + deviation)
        yield Share(border, coarse(share.value), coarse(low, -1), coarse(high, 1))


def _as_told(share: float, moved: Moved | None) -> float:
    return share if moved is None else coarse(share)


def _shares(cells: pl.DataFrame, by: str, total: float, moved: Moved | None) -> Iterable[Share]:
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
    deviations = moved.deviations(by, folded[by].to_list()) if moved is not None else {}
    for key, size, variance in folded.iter_rows():
        extra = unknown if key != UNKNOWN else (0.0, 0.0)
        least = _interval(size, variance, total, total_variance)
        most = _interval(size + extra[0], variance + extra[1], total, total_variance)
        share = Share(key, size / total, min(least[0], most[0]), max(least[1], most[1]))
        yield share if moved is None else _widened(share, *deviations.get(key, (0.0, 0.0)))


def _widened(share: Share, deviation: float, with_unknown: float) -> Share:
    """Return a share as it is told where factors moved it by a deviation of so much, its upper bound by another."""
    quantile = normal_quantile(LEVEL)
    low = max(0.0, share.low - quantile * deviation)
    high = min(1.0, max(share.high + quantile * with_unknown, share.value + quantile * deviation))
    return Share(share.key, coarse(share.value), coarse(low, -1), coarse(high, 1))


def _interval(size: float, variance: float, total: float, total_variance: float) -> tuple[float, float]:
    of_share = share_variance(np.array([size]), np.array([variance]), total, total_variance)
    return share_interval(Quantity(size / total, float(of_share[0])), LEVEL)
