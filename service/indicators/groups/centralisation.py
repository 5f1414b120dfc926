"""Centralisation: how far from one provider each the things that a country uses are provided."""

import math

import polars as pl

from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import UNCHECKED
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    Quantity,
    clip,
    envelope,
    normal_interval,
)
from caudal.service.vocabulary.reason import reason

FILE = "provider_counts"
COLUMNS = ("country", "unit", "provider", "count")
SERVICES = "services"
UNKNOWN = "unknown"
# Below, one service more or less moves the index by more than most differences between countries.
LEAST_UNITS = 30


def centralisation(month: MonthCells, definition: Definition) -> list[Estimate]:
    """C5: by what a deployment counted (domains, prefixes), and by the services seen in the month."""
    answers = _counted(month, definition)
    services = _services(month)
    counts = services.filter(pl.col("provider") != "")["count"].to_numpy().astype(float)
    seen = int(counts.sum())
    if seen >= LEAST_UNITS:
        unknown = int(services["count"].to_numpy().sum()) - seen
        answers.append(_index(month, definition, SERVICES, counts, unknown, frozenset()))
    if not answers:
        columns = ", ".join(COLUMNS)
        why = reason("providers", file=FILE, columns=columns, minimum=LEAST_UNITS, seen=seen)
        return [undefined(why, month.flows())]
    return answers


def _counted(month: MonthCells, definition: Definition) -> list[Estimate]:
    context = month.context
    rows = context.fact(FILE)
    if not set(COLUMNS) <= set(rows.columns):
        return []
    rows = rows.filter((pl.col("country") == context.economy.country) & (pl.col("count") > 0))
    answers = []
    for (unit,), counted in rows.sort("unit", "provider").group_by("unit", maintain_order=True):
        by_provider = counted.group_by("provider", maintain_order=True).agg(pl.col("count").sum())
        known = (
            by_provider.filter(~pl.col("provider").fill_null(UNKNOWN).is_in([UNKNOWN, ""]))["count"]
            .to_numpy()
            .astype(float)
        )
        unknown = int(by_provider["count"].to_numpy().sum() - known.sum())
        checked = "status" not in rows.columns or not any(UNCHECKED in str(s) for s in counted["status"])
        flags = frozenset() if checked else frozenset({"from_memory"})
        if known.sum() < LEAST_UNITS:
            why = reason("counted", minimum=LEAST_UNITS, unit=str(unit), known=int(known.sum()))
            answers.append(undefined(why, month.flows(), str(unit)))
        else:
            answers.append(_index(month, definition, str(unit), known, unknown, flags))
    return answers


def _services(month: MonthCells) -> pl.DataFrame:
    """Return the number of platforms of the month that each network owner serves, '' for owners nobody knows.

    A platform counts once, with the owner of the network that carried most of its bytes: itself, a cloud,
    a content delivery network, an access network with its cache.
    """
    owners = _owners(month)
    served = (
        month.cells.filter((pl.col("platform") != "") & (pl.col("bytes") > 0))
        .join(owners, on="remote_asn", how="left", maintain_order="left")
        .with_columns(pl.col("owner").fill_null(""))
        .group_by("platform", "owner")
        .agg(pl.col("bytes").sum())
        .sort("bytes", "owner", descending=[True, False])
        .group_by("platform", maintain_order=True)
        .agg(pl.col("owner").first())
    )
    return served.group_by("owner").agg(pl.len().alias("count")).sort("owner").rename({"owner": "provider"})


def _owners(month: MonthCells) -> pl.DataFrame:
    """Return the owner of each listed network: a platform's company, or the company behind a carrier."""
    context = month.context
    found = [pl.DataFrame(schema={"remote_asn": pl.Int64, "owner": pl.String})]
    for name, company in (
        ("access_networks", "parent"),
        ("transit_asns", "operator"),
        ("other_networks", "parent"),
    ):
        listed = context.fact(name)
        if {"asn", company} <= set(listed.columns):
            found.append(_named(listed, company))
    networks, platforms = context.fact("platform_asns"), context.fact("platforms")
    if {"asn", "platform_id"} <= set(networks.columns) and {"platform_id", "parent"} <= set(
        platforms.columns
    ):
        companies = platforms.select("platform_id", "parent")
        found.append(_named(networks.join(companies, on="platform_id", how="inner"), "parent"))
    return pl.concat(found).unique("remote_asn", keep="last", maintain_order=True)


def _named(listed: pl.DataFrame, company: str) -> pl.DataFrame:
    return listed.select(
        pl.col("asn").cast(pl.Int64).alias("remote_asn"), pl.col(company).cast(pl.String).alias("owner")
    )


def _index(
    month: MonthCells,
    definition: Definition,
    unit: str,
    counts: FloatArray,
    unknown: int,
    flags: frozenset[str],
) -> Estimate:
    quantity = emd(counts)
    everything = counts.sum() + unknown
    # Things without a known provider: each with one of its own, or all with the largest.
    apart = Quantity(float((counts**2).sum() + unknown) / everything**2 - 1 / everything, quantity.variance)
    merged = counts.copy()
    merged[merged.argmax()] += unknown
    low, high = envelope(
        normal_interval(each, definition.level, 0.0, 1.0) for each in (quantity, apart, emd(merged))
    )
    value = clip(quantity.value, 0.0, 1.0)
    details = {
        "units": float(counts.sum()),
        "providers": float(len(counts)),
        "unattributed": unknown / everything,
        "largest": float(counts.max() / counts.sum()),
    }
    return Estimate(value, low, high, month.flows(), unit, details, flags)


def emd(counts: FloatArray) -> Quantity:
    """Return S = Σ (a/C)² − 1/C of C things counted by provider, float64 (providers,), with its variance as a sample of C draws.

    Var(Σ p²) = 4/C·(Σ p³ − (Σ p²)²), the delta method on a multinomial sample: zero where all are alike.

    >>> emd(np.array([5.0, 5.0]))
    Quantity(value=0.4, variance=0.0)

    Var(Σ p²) = 4/C·(Σ p³ − (Σ p²)²), the delta method on a multinomial sample: zero where all are alike.
    """
    total = float(counts.sum())
    shares = counts / total
    second = math.fsum(shares**2)
    variance = 4 / total * max(math.fsum(shares**3) - second**2, 0.0)
    return Quantity(second - 1 / total, variance)


INDICATORS = (
    Indicator(
        Definition(
            id="C5",
            group="concentration",
            base="things_counted",
            name="Centralisation of services in the networks that host them",
            unit="index",
            range=(0.0, 1.0),
            formula="S = Σ_i (a_i / C)² − 1 / C, a_i the things that provider i provides, C all of them: the distance (of "
            "the earth mover) from one provider each. Things are what a deployment counted (domains, prefixes) "
            "and services: platforms seen in the month, each with the owner of the network that carried most "
            "of it",
            inputs=("facts", "platform", "remote_asn", "bytes"),
            uncertainty="The things as a sample of C draws: delta method, 4/C·(Σ p³ − (Σ p²)²); extended by things "
            "without a known provider, each with one of its own, or all with the largest. At least 30 things.",
            source="Akiwate et al., IMC 2024: a distance of the earth mover from full decentralisation",
            source_status="verified_existence_memory_formula",
            critique="It counts things, not use: a large and a small service weigh alike. The services are those that "
            "the reference facts know by name, not all there are.",
            short="How far services sit on the networks of a few hosting providers, from 0 (each on its own) "
            "to nearly 1 (all on one). It counts services and not their use: a large and a small one "
            "weigh alike. Needs counts of domains or prefixes by provider for more than the services "
            "known by name.",
            clause="Two {base}, picked at random, have the same provider with a probability of {value} {aside}",
            cautions=("things",),
            method_version="2",
            # The sample are the things counted, not flows.
            minimum_flows=0,
            dimension="things counted",
            details={
                "units": "things counted, of known providers",
                "providers": "providers",
                "unattributed": "share of the things whose provider is not known",
                "largest": "share of the largest provider",
            },
        ),
        centralisation,
    ),
)
