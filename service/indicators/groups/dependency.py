"""Dependency: what a country could not reach, or use, without one network or one jurisdiction."""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from caudal.service.indicators.facts.routing import ROUTES
from caudal.service.indicators.model.base import WITHIN_FUNCTION
from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.context import UNCHECKED, Context
from caudal.service.indicators.model.control import READINGS
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.functions import CONNECTS, FUNCTIONS
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    FloatArray,
    Quantity,
    clip,
    envelope,
    normal_interval,
    share_interval,
    weighted_share,
)
from caudal.service.indicators.statistics.location import FLOW
from caudal.service.vocabulary.reason import reason

TRIM = 0.1
# With fewer viewpoints nothing is trimmed, and the bias of each is in the mean.
LEAST_VIEWPOINTS = 10
LISTED = 20
# The Digital Dependence Index calls a country dependent from this score on.
DEPENDENT = 0.5
# A jurisdiction that controls less of all services is not told by function.
LEAST_HELD = 0.01
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
    """Return the mean of each row without the ⌊0.1·n⌋ least and as many greatest of its n values, float64 (rows,).

    >>> trimmed_mean(np.array([[0.0, 1, 1, 1, 1, 1, 1, 1, 1, 99]])).tolist()
    [1.0]
    """
    cut = math.floor(TRIM * values.shape[1])
    return np.asarray(np.sort(values, axis=1)[:, cut : values.shape[1] - cut].mean(axis=1), dtype=np.float64)


def trimmed_influence(values: FloatArray) -> FloatArray:
    """Return the part of each value in the error of the trimmed mean of its row, float64, of the shape of `values`.

    Their squares over n(n−1) add up to the variance by the winsorised sum of squares (Tukey & McLaughlin 1963).
    """
    count = values.shape[1]
    cut = math.floor(TRIM * count)
    ordered = np.sort(values, axis=1)
    held = np.clip(values, ordered[:, cut, None], ordered[:, count - cut - 1, None])
    return np.asarray((held - held.mean(axis=1, keepdims=True)) * count / (count - 2 * cut), dtype=np.float64)


def hegemony(month: MonthCells, definition: Definition) -> list[Estimate]:
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


def loss_by_refusal(month: MonthCells, definition: Definition) -> list[Estimate]:
    """C7: what would be lost if a foreign jurisdiction refused every service it controls, the greatest first.

    Of all services for each jurisdiction, then of each function, for those that hold a hundredth of all or more.
    """
    country = month.context.economy.country
    # A network that connects is no service, and one that nobody lists may be one or not.
    serving = ~month.among_functions("", CONNECTS)
    if month.total(serving) == 0:
        return [undefined(reason("no_category"), month.flows(serving))]
    at = pl.Series(serving & month.controlled)
    codes = {code for name in READINGS for code in month.readings.filter(at)[name].unique()} - {"", country}
    wholes = [_loss(month, definition, code, serving, "") for code in sorted(codes)]
    wholes = sorted(
        (each for each in wholes if each.high),
        key=lambda each: (-(each.value or 0.0), -(each.high or 0.0), each.dimension or ""),
    )
    if not wholes:
        return [undefined(reason("none_controlled_abroad"), month.flows(serving))]
    large = [str(each.dimension) for each in wholes if (each.value or 0.0) >= LEAST_HELD]
    parts = [
        _loss(month, definition, code, own, name)
        for code in large
        for name in FUNCTIONS
        if month.total(own := serving & month.of_function(name)) > 0
    ]
    return [*wholes, *(each for each in parts if each.high)]


def _loss(
    month: MonthCells, definition: Definition, code: str, serving: BoolArray, function: str
) -> Estimate:
    """Return the share of the services `serving` that a jurisdiction controls: of one function, or of all."""
    sole, attributed, reached = (each & serving for each in month.commanded(frozenset({code})))
    total = month.total(serving)
    # Networks that nobody lists: services of others, or all of this jurisdiction; of a function, none is known to be of it.
    unlisted = month.unlisted if not function else np.zeros(len(month), dtype=np.bool_)
    of = serving | unlisted
    shares = [_share(month, each, serving) for each in (sole, attributed, reached)]
    bounds = [_share(month, sole, of), _share(month, reached | unlisted, of)]
    low, high = envelope(share_interval(each, definition.level) for each in (*shares, *bounds))
    details = {
        "sole": shares[0].value,
        "reached": shares[2].value,
        "share_of_services": total / month.total(),
    }
    if not function:
        sizes, held = _by_function(month, serving, attributed)
        details["without_substitute"] = float((sizes * held)[held > DEPENDENT].sum()) / total
        details["unlisted"] = month.share(unlisted)
    value = shares[1].value
    dimension = f"{code}-{function}" if function else code
    return Estimate(value, low, high, month.flows(serving), dimension, details)


def _share(month: MonthCells, held: BoolArray, of: BoolArray) -> Quantity:
    return weighted_share(held[of].astype(np.float64), month.bytes[of], month.variance[of])


def _by_function(month: MonthCells, serving: BoolArray, held: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the bytes of each function that serves, and the share of them that is `held`."""
    sizes = np.array([month.total(serving & month.of_function(name)) for name in FUNCTIONS])
    inside = np.array([month.total(held & month.of_function(name)) for name in FUNCTIONS])
    return sizes, np.divide(inside, sizes, out=np.zeros_like(sizes), where=sizes > 0)


INDICATORS = (
    Indicator(
        Definition(
            id="C6",
            group="dependency",
            base="addresses",
            name="Dependency on networks (AS hegemony)",
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
            short="How many of the addresses of the country's access networks are reached through one and "
            "the same network. Announced paths are not traffic, addresses are not people, and "
            "connections that no route collector sees are missing. Needs a routing table of ten "
            "viewpoints or more, which route collectors publish.",
            clause="{value} {base} {aside} is reached through {of}",
            cautions=("paths",),
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
            base="with_services",
            bases={WITHIN_FUNCTION: "with_services_of_function"},
            name="Services lost if a jurisdiction refused them",
            unit="share",
            range=(0.0, 1.0),
            formula="L_k = B[services, j = k] / B[services], for every foreign k that controls some; then within each function f, "
            "L_kf = B[f, j = k] / B[f], for every k that controls a hundredth of all or more. Services are the functions of "
            "categories.csv without networks that connect, and j who controls their platforms. without_substitute adds up "
            "what would be lost of functions of which k has more than half: no substitute known here carries as much",
            inputs=(*FLOW, "category", "control", "platform", "remote_asn", "network_kind", "facts"),
            uncertainty="Sampling (Korn & Graubard) around three shares: of what k commands by every reading of who "
            "controls, by attribution, by any reading (as J4). Of all services extended by networks that no list knows: "
            "services of others, or all of k. A function is not extended by them.",
            source="Own; threshold of one half: Digital Dependence Index, Mayer & Lu 2023",
            source_status="verified",
            critique="It says what is lost on the day of the refusal, by bytes: a small service may be the only one of its kind, "
            "and a large one easily done without. That what remains could take over what is lost is not supposed; whether "
            "it could, bytes do not say. Platforms that run on the clouds of others fall with them, and are counted where they "
            "are controlled.",
            short="How much of the traffic with services would be lost if the companies controlled from one "
            "country refused service. It is the loss on the first day, in bytes: a small service may "
            "be the only one of its kind, a large one easily done without. It is no forecast. Needs "
            "100 flow records.",
            clause="If companies controlled from {from} refused service, {value} {base} {aside} would be lost",
            measure="measured traffic with services that would be lost if companies controlled from one country ({of}) refused",
            cautions=("refusal", "networks"),
            method_version="3",
            dimension="jurisdiction and function",
            details={
                "sole": "the share of what it alone commands by every reading",
                "reached": "the share of what it can reach by at least one reading",
                "share_of_services": "share of all bytes that these services are",
                "without_substitute": "share of the bytes of services that would be lost of functions of which it has more than half",
                "unlisted": "share of all bytes of networks that no list knows",
            },
        ),
        loss_by_refusal,
    ),
)
