"""Dependency: what a country could not reach, or use, without one network or one jurisdiction."""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from caudal.service.indicators.cells import BoolArray, Month
from caudal.service.indicators.context import UNCHECKED, Context
from caudal.service.indicators.control import READINGS
from caudal.service.indicators.definition import Definition
from caudal.service.indicators.indicator import Indicator
from caudal.service.indicators.location import FLOW
from caudal.service.indicators.observation import Estimate, undefined
from caudal.service.indicators.routing import ROUTES
from caudal.service.indicators.uncertainty import (
    FloatArray,
    Quantity,
    clip,
    envelope,
    normal_interval,
    share_interval,
)
from caudal.service.reason import reason

TRIM = 0.1
# With fewer viewpoints nothing is trimmed, and the bias of each is in the mean.
LEAST_VIEWPOINTS = 10
LISTED = 20
# The Digital Dependence Index calls a country dependent from this score on.
DEPENDENT = 0.5
WEIGHT_COLUMNS = ("country", "asn", "ipv4_addresses")


def eyeballs(context: Context) -> tuple[dict[int, float], bool]:
    """Return the weight of each access network of the economy, by its IPv4 addresses, and whether all is checked."""
    listed = context.fact("access_networks")
    if not set(WEIGHT_COLUMNS) <= set(listed.columns):
        return {}, True
    rows = listed.filter((pl.col("country") == context.economy.country) & (pl.col("ipv4_addresses") > 0))
    total = float(rows["ipv4_addresses"].sum())
    checked = "status" not in rows.columns or not rows["status"].str.contains(UNCHECKED, literal=True).any()
    return {int(a): n / total for a, n in rows.select("asn", "ipv4_addresses").iter_rows()}, checked


def trimmed_mean(values: FloatArray) -> FloatArray:
    """Return the mean of each row without the ⌊0.1·n⌋ least and as many greatest of its n values."""
    cut = math.floor(TRIM * values.shape[1])
    return np.asarray(np.sort(values, axis=1)[:, cut : values.shape[1] - cut].mean(axis=1), dtype=np.float64)


def trimmed_influence(values: FloatArray) -> FloatArray:
    """Return what each value adds to the error of the trimmed mean of its row.

    Their squares over n(n−1) add up to the variance by the winsorised sum of squares (Tukey & McLaughlin 1963).
    """
    count = values.shape[1]
    cut = math.floor(TRIM * count)
    ordered = np.sort(values, axis=1)
    held = np.clip(values, ordered[:, cut, None], ordered[:, count - cut - 1, None])
    return np.asarray((held - held.mean(axis=1, keepdims=True)) * count / (count - 2 * cut), dtype=np.float64)


def hegemony(month: Month, definition: Definition) -> list[Estimate]:
    """C6: the networks that most paths to the country's access networks go through."""
    context = month.context
    routes = context.routes
    if routes is None or not set(ROUTES) <= set(routes.columns):
        return [undefined(reason("routes"), month.flows())]
    weights, checked = eyeballs(context)
    if not weights:
        country = context.economy.country
        why = reason("access_networks", country=country, columns=", ".join(WEIGHT_COLUMNS))
        return [undefined(why, month.flows())]
    routes = routes.filter(pl.col("origin").is_in(list(weights)) & (pl.col("viewpoint") != pl.col("origin")))
    viewpoints = sorted(routes["viewpoint"].unique().to_list())
    if len(viewpoints) < LEAST_VIEWPOINTS:
        seen, country = len(viewpoints), context.economy.country
        why = reason("viewpoints", minimum=LEAST_VIEWPOINTS, country=country, viewpoints=seen)
        return [undefined(why, month.flows())]
    networks, values, deviations, reached = _hegemonies(routes, weights, viewpoints)
    flags = frozenset() if checked else frozenset({"from_memory"})
    order = sorted(range(len(networks)), key=lambda at: (-values[at], networks[at]))
    answers = []
    for at in order[:LISTED]:
        quantity = Quantity(float(values[at]), float(deviations[at]) ** 2)
        low, high = normal_interval(quantity, definition.level, 0.0, 1.0)
        # Networks that no viewpoint reaches may or may not depend on it.
        value = clip(quantity.value / reached, 0.0, 1.0)
        details = {"viewpoints": float(len(viewpoints)), "weight_reached": reached}
        bounds = envelope([(low, high), (value, value), (low, clip(high + 1 - reached, 0.0, 1.0))])
        answers.append(Estimate(value, *bounds, month.flows(), f"AS{networks[at]}", details, flags))
    return answers or [undefined(reason("no_transit"), month.flows())]


def _hegemonies(
    routes: pl.DataFrame, weights: dict[int, float], viewpoints: list[int]
) -> tuple[list[int], FloatArray, FloatArray, float]:
    """Return the networks, Σ w·H of each with its standard deviation, and the weight of the origins reached."""
    crossed = (
        routes.explode("path")
        .filter(pl.col("path") != pl.col("origin"))
        .group_by("origin", "viewpoint", "path")
        .agg(pl.col("addresses").sum())
    )
    totals = routes.group_by("origin", "viewpoint").agg(pl.col("addresses").sum().alias("total"))
    crossed = crossed.join(totals, on=["origin", "viewpoint"]).with_columns(
        share=pl.col("addresses") / pl.col("total")
    )
    networks = sorted(crossed["path"].unique().to_list())
    network_at = {asn: at for at, asn in enumerate(networks)}
    viewpoint_at = {asn: at for at, asn in enumerate(viewpoints)}
    value = np.zeros(len(networks))
    influence = np.zeros((len(networks), len(viewpoints)))
    reached = 0.0
    for origin, seen in _by_origin(totals):
        columns = np.array([viewpoint_at[each] for each in seen])
        shares = np.zeros((len(networks), len(viewpoints)))
        for asn, viewpoint, share in (
            crossed.filter(pl.col("origin") == origin).select("path", "viewpoint", "share").iter_rows()
        ):
            shares[network_at[asn], viewpoint_at[viewpoint]] = share
        weight = weights[origin]
        reached += weight
        value += weight * trimmed_mean(shares[:, columns])
        influence[:, columns] += weight * trimmed_influence(shares[:, columns]) * len(viewpoints) / len(seen)
    count = len(viewpoints)
    deviation = np.sqrt((influence**2).sum(axis=1) / (count * (count - 1)))
    return networks, value, deviation, reached


def _by_origin(totals: pl.DataFrame) -> Iterator[tuple[int, list[int]]]:
    for (origin,), rows in totals.sort("origin", "viewpoint").group_by("origin", maintain_order=True):
        yield int(str(origin)), rows["viewpoint"].to_list()


def denial_impact(month: Month, definition: Definition) -> list[Estimate]:
    """C7: what would be lost if a foreign jurisdiction denied every service it controls, the greatest first."""
    country = month.context.economy.country
    serving = ~month.equals("category", "")
    if month.total(serving) == 0:
        return [undefined(reason("no_category"), month.flows(serving))]
    at = pl.Series(serving & month.controlled)
    codes = {code for name in READINGS for code in month.readings.filter(at)[name].unique()} - {"", country}
    answers = [_denial(month, definition, code, serving) for code in sorted(codes)]
    answers = [each for each in answers if each.high]
    if not answers:
        return [undefined(reason("none_controlled_abroad"), month.flows(serving))]
    return sorted(answers, key=lambda each: (-(each.value or 0.0), -(each.high or 0.0), each.dimension or ""))


def _denial(month: Month, definition: Definition, code: str, serving: BoolArray) -> Estimate:
    sole, attributed, reached = (each & serving for each in month.commanded(frozenset({code})))
    indices = [_index(month, which, serving) for which in (sole, attributed, reached)]
    value, most = indices[1], indices[2]
    uncategorised = month.share(~serving & month.equals("network_kind", ""))
    # Bytes of no known category: of services that this jurisdiction does not touch, or of one all its own.
    weight = uncategorised / (uncategorised + month.share(serving))
    bounds = [Quantity(indices[0].value * (1 - weight), indices[0].variance)]
    bounds.append(Quantity(most.value * (1 - weight) + weight, most.variance))
    low, high = envelope(share_interval(each, definition.level) for each in (*indices, *bounds))
    sizes, shares = _category_shares(month, attributed)
    details = {
        "share_of_services": month.total(attributed) / month.total(serving),
        "categories_above_half": float(sizes[shares > DEPENDENT].sum()) / month.total(serving),
        "uncategorised": uncategorised,
        "sole": indices[0].value,
        "reached": most.value,
    }
    return Estimate(value.value, low, high, month.flows(serving), code, details)


def _category_shares(month: Month, held: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the bytes of each category, and the share of them that is `held`."""
    category = month.category_numbers
    sizes: FloatArray = np.bincount(category, month.bytes).astype(np.float64)
    inside: FloatArray = np.bincount(category, month.bytes * held).astype(np.float64)
    return sizes, np.divide(inside, sizes, out=np.zeros_like(sizes), where=sizes > 0)


def _index(month: Month, held: BoolArray, serving: BoolArray) -> Quantity:
    """Return Σ_s (B_s/B)·x_s² with its sampling variance, by the delta method.

    A byte more in s adds (2x − x² − DI)/B where it is held, (−x² − DI)/B where it is not.
    """
    total = month.total(serving)
    share = _category_shares(month, held)[1][month.category_numbers]
    index = float((share**2 * month.bytes)[serving].sum()) / total
    gradient = (2 * share * held - share**2 - index) / total
    return Quantity(index, float((gradient**2 * month.variance)[serving].sum()))


INDICATORS = (
    Indicator(
        Definition(
            id="C6",
            group="dependency",
            title={
                "en": "Dependency on networks (AS hegemony)",
                "es": "Dependencia de redes (hegemonía de AS)",
                "pt": "Dependência de redes (hegemonia de AS)",
            },
            unit="share",
            range=(0.0, 1.0),
            formula="H_c(a) = Σ_e w_e · the mean over viewpoints v, without the ⌊0.1·n⌋ least and greatest of n, of the "
            "share of the addresses of e that v reaches through a; e the access networks of c that are reached, w_e "
            "their shares of its IPv4 addresses, a ≠ e. The 20 greatest",
            inputs=("routes", "economy", "facts"),
            uncertainty="Choice of viewpoints: normal, by the winsorised variance of the trimmed mean (Tukey & "
            "McLaughlin 1963), viewpoints taken as independent; extended by the weight of access networks that no "
            "viewpoint reaches, none or all depending on a. At least 10 viewpoints.",
            source="Fontugne, Shah & Aben, PAM 2018 (the trimmed mean as in the published code of the Internet Health "
            "Report); weights: Gamero-Garrido et al., PAM 2022",
            source_status="verified_code_memory_weights",
            critique="The control plane without traffic: a path announced is not a byte carried, and peering at an "
            "exchange that no collector sees is missing. IPv4 only; addresses are not people.",
            method_version="1",
            # The sample are viewpoints, not flows.
            minimum_flows=0,
            dimension="network",
            details={
                "viewpoints": "viewpoints with routes to the country's access networks",
                "weight_reached": "share of the country's access addresses in networks that they reach",
            },
        ),
        hegemony,
    ),
    Indicator(
        Definition(
            id="C7",
            group="dependency",
            title={
                "en": "Denial impact by jurisdiction",
                "es": "Impacto de una denegación de servicio por jurisdicción",
                "pt": "Impacto de uma negação de serviço por jurisdição",
            },
            unit="index",
            range=(0.0, 1.0),
            formula="DI_k = Σ_s (B_s / B)·x_sk², s the categories of service, B their bytes together, x_sk the share of "
            "category s controlled by k; for every foreign k that controls some",
            inputs=(*FLOW, "category", "control", "platform", "remote_asn", "network_kind", "facts"),
            uncertainty="Sampling (Korn & Graubard) around three indices: of what k commands by every reading of who "
            "controls, by attribution, by any reading (as J4); extended by bytes without a known category: all of "
            "services that k does not touch, or all of one that is its own.",
            source="Own; threshold of one half: Digital Dependence Index, Mayer & Lu 2023",
            source_status="verified",
            critique="It assumes that what remains of a category replaces the rest in proportion to its size; a small "
            "service may be the only one of its kind, and a large one easily done without.",
            method_version="2",
            dimension="jurisdiction",
            details={
                "share_of_services": "share of the bytes of categorised services that the jurisdiction controls",
                "categories_above_half": "share of those bytes in categories of which it controls more than half",
                "uncategorised": "share of all bytes without a known category, listed access and transit networks apart",
                "sole": "the index of what it alone commands by every reading",
                "reached": "the index of what it can reach by at least one reading",
            },
        ),
        denial_impact,
    ),
)
