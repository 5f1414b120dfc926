"""Limits of shares where caches of platforms stand in operators' networks and no list names them.

What subscribers fetch from such a cache is between two home addresses, and so inside the network: in no indicator. Where
a collector saw names, these bytes still carry the platform's (direction `internal`): U of them, beside B bytes out and in
of which place and operator are known. Were they counted, a share p of those bytes would lie between p·(1−w) and
p·(1−w)+w, w = U/(B+U), whatever the caches are like. These limits stand beside the value, not in its interval: names
between home addresses are a sign of caches, not a proof. Operators whose exports hold no names cannot show any.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from caudal.service.indicators import Definition, Observation
from caudal.service.indicators.model.observation import CACHES_HIGH, CACHES_LOW, CACHES_SHARE, rounded

FLAG = "unlisted_caches"
# Where values depend on these, they are shares of the bytes of which these are known.
_OF_A_PART = frozenset({"category", "stage", "paths"})
# From this share of the bytes on a value carries the flag.
NOTABLE = 0.01


def bytes_of_caches(cells: pl.DataFrame) -> tuple[float, float]:
    """Return the bytes that may be of caches that no list names, and those that crossed a network's edge.

    `cells` are interpreted cells (`direction`, `platform`, `bytes`).
    """
    inside = (pl.col("direction") == "internal") & (pl.col("platform") != "")
    amounts = cells.select(
        pl.col("bytes").cast(pl.Float64).filter(inside).sum().alias("inside"),
        pl.col("bytes")
        .cast(pl.Float64)
        .filter(pl.col("direction").is_in(["out", "in"]))
        .sum()
        .alias("across"),
    )
    return float(amounts["inside"][0]), float(amounts["across"][0])


def with_cache_limits(
    observed: Mapping[str, list[Observation]], definitions: Mapping[str, Definition], cells: pl.DataFrame
) -> dict[str, list[Observation]]:
    """Return the observations, shares of all traffic with their limits for caches that no list names among the details.

    Nothing is added where no such byte was seen. Other units carry the flag and the share of the bytes only, and so do
    shares of a part of the traffic (services, a function, what crosses the border): of a part caches may be far more.
    """
    inside, across = bytes_of_caches(cells)
    if not inside:
        return dict(observed)
    return {
        name: [
            _limited(each, definitions[name], inside, across)
            if "bytes" in definitions[name].inputs and each.value is not None
            else each
            for each in own
        ]
        for name, own in observed.items()
    }


def _of_all_traffic(definition: Definition) -> bool:
    """Return True if values are shares of all bytes, or of all whose place is known."""
    return (
        definition.unit == "share" and definition.takes == "all" and _OF_A_PART.isdisjoint(definition.inputs)
    )


def _limited(observation: Observation, definition: Definition, inside: float, across: float) -> Observation:
    known = across * (1 - (observation.undetermined or 0.0))
    weight = inside / (known + inside)
    details = {CACHES_SHARE: weight}
    if _of_all_traffic(definition) and observation.low is not None and observation.high is not None:
        details |= {
            CACHES_LOW: observation.low * (1 - weight),
            CACHES_HIGH: observation.high * (1 - weight) + weight,
        }
    where = f"{observation.indicator} with caches"
    told = {name: rounded(number, where) for name, number in details.items()}
    flags = observation.flags
    if weight >= NOTABLE:
        flags = tuple(sorted({*flags, FLAG}))
    return replace(observation, details=observation.details | told, flags=flags)
