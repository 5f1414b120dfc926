"""Detours: regional traffic that passes through countries outside the region on its way."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.service.indicators.facts.paths import DIRECT, PATHS
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.control import network_control
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    Quantity,
    envelope,
    share_interval,
    weighted_share,
)
from caudal.service.indicators.statistics.location import LOCATION, no_region
from caudal.service.vocabulary.dimension import through
from caudal.service.vocabulary.reason import reason

PLACE, NETWORK = "place", "network"
NEEDS = {
    PLACE: reason("paths", columns="remote_asn, countries"),
    NETWORK: reason("as_paths"),
}
# A far end: its network, and its country ("" stands for paths to that network in any country).
End = tuple[int, str]


@dataclass
class Ways:
    """Bytes on the paths to one far end: in all, where every hop is known or a detour is, and by country abroad."""

    total: float = 0.0
    known: float = 0.0
    abroad: float = 0.0
    through: dict[str, float] | None = None

    def add(self, hops: frozenset[str] | None, region: frozenset[str], share: float) -> None:
        """Add a path through the countries `hops`, None where nothing is known of it."""
        self.total += share
        if hops is None:
            return
        outside = hops - region - {UNKNOWN_COUNTRY}
        if outside:
            self.abroad += share
        if outside or UNKNOWN_COUNTRY not in hops:
            self.known += share
        self.through = self.through or {}
        for country in outside:
            self.through[country] = self.through.get(country, 0.0) + share


def transit_detours(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J8: the share of the bytes to and from the region whose path leaves it, by place and by network."""
    region = month.context.region
    if not region:
        return [undefined(no_region(month.context), month.flows())]
    supplied = month.context.paths
    if supplied is None or not set(PATHS) <= set(supplied.columns):
        return [undefined(why, month.flows(), name) for name, why in NEEDS.items()]
    readers = {PLACE: _placed, NETWORK: _networked(month.context)}
    answers: list[Estimate] = []
    for name, read in readers.items():
        answers += _detours(month, definition, name, _ways(supplied, read, region))
    return answers


def _placed(row: Mapping[str, str]) -> frozenset[str] | None:
    return frozenset() if row["countries"] == DIRECT else frozenset(row["countries"].split()) or None


def _networked(context: Context) -> Callable[[Mapping[str, str]], frozenset[str] | None]:
    listed = network_control(context)
    control = dict(zip(listed["remote_asn"], listed["host"], strict=True))

    def read(row: Mapping[str, str]) -> frozenset[str] | None:
        if row["as_path"] == DIRECT:
            return frozenset()
        hops = frozenset(control.get(int(asn), UNKNOWN_COUNTRY) for asn in row["as_path"].split())
        return hops or None

    return read


def _ways(
    supplied: pl.DataFrame, read: Callable[[Mapping[str, str]], frozenset[str] | None], region: frozenset[str]
) -> dict[End, Ways]:
    ways: dict[End, Ways] = {}
    for row in supplied.sort(supplied.columns).iter_rows(named=True):
        end = (int(row["remote_asn"]), str(row["remote_country"]))
        ways.setdefault(end, Ways()).add(read(row), region, float(row["share"]))
    return {end: each for end, each in ways.items() if each.known > 0}


def _detours(
    month: MonthCells, definition: Definition, name: str, ways: dict[End, Ways]
) -> Iterator[Estimate]:
    inside = month.located & month.among("remote_country", month.context.region)
    amounts, variances = month.bytes[inside], month.variance[inside]
    if amounts.sum() == 0:
        yield undefined(reason("none_in_region"), month.flows(inside), name)
        return
    ends: Iterable[End] = (
        month.cells.filter(pl.Series(inside)).select("remote_asn", "remote_country").iter_rows()
    )
    found = [ways.get((asn, country)) or ways.get((asn, "")) for asn, country in ends]
    known = np.array([each.known / each.total if each else 0.0 for each in found])
    if not (known * amounts).any():
        yield undefined(NEEDS[name], month.flows(), name)
        return
    flows = int(month.flow_records[inside][known > 0].sum())

    def share(carried: FloatArray) -> tuple[Quantity, tuple[float, float]]:
        """Return the share among what is known, and its interval with the rest all straight, or all detours."""
        among = np.divide(carried, known, out=np.zeros_like(carried), where=known > 0)
        value = weighted_share(among, amounts * known, variances * known**2)
        bounds = (weighted_share(each, amounts, variances) for each in (carried, carried + 1 - known))
        return value, envelope(share_interval(each, definition.level) for each in (value, *bounds))

    def part(country: str | None) -> FloatArray:
        return np.array(
            [
                0.0 if each is None else (_through(each, country) if country else each.abroad) / each.total
                for each in found
            ]
        )

    details = {
        "path_known": float((known * amounts).sum() / amounts.sum()),
        "share_of_bytes": month.share(inside),
    }
    value, interval = share(part(None))
    yield Estimate(value.value, *interval, flows, name, details)
    abroad = sorted({country for each in found if each for country in each.through or {}})
    for country in abroad:
        value, interval = share(part(country))
        yield Estimate(value.value, *interval, flows, through(name, country), details)


def _through(ways: Ways, country: str) -> float:
    return (ways.through or {}).get(country, 0.0)


INDICATORS = (
    Indicator(
        Definition(
            id="J8",
            group="jurisdiction",
            base="routed_in_region",
            name="Share of regional traffic that detours outside the region",
            unit="share",
            range=(0.0, 1.0),
            formula="TDR = B[l ∈ g(c), path crosses k ∉ g(c)] / B[l ∈ g(c), path known]; by the place of the hops "
            "(place), and by who controls the networks passed (network); then for each k",
            inputs=(*LOCATION, "remote_asn", "region_members", "paths", "facts"),
            uncertainty="The envelope of sampling (Korn & Graubard) and of bounds: bytes whose path is not known, or "
            "crosses a hop that nobody placed, all straight or all detours. A path by a far end's network alone "
            "stands for that network in every country.",
            source="Detours of African traffic through Europe: Gupta et al., PAM 2014; Edmundson et al.",
            source_status="verified_gupta_memory_edmundson",
            critique="An AS path is not the physical path: a carrier controlled from abroad may carry the byte "
            "within the region, and remote peering hides one that leaves it. Routers are located with error. "
            "Paths are those of the day they were measured.",
            short="How much of the traffic within the region leaves the region on its way. A path of "
            "networks is not the physical path: a foreign carrier may stay within the region, and a "
            "regional one may leave it. Needs measured paths, which operators or research networks "
            "have.",
            clause="{value} {base} {aside} leaves the region on its way",
            cautions=("route", "networks"),
            sums_up=("place", "network"),
            method_version="3",
            dimension="reading, and country crossed",
            details={
                "path_known": "share of the regional bytes whose path is known",
                "share_of_bytes": "share of all bytes that are regional, and that this value is about",
            },
        ),
        transit_detours,
    ),
)
