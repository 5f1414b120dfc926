"""Value: what people send to platforms, and how it compares with what comes back."""

import numpy as np
import polars as pl

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.service.indicators.model.cells import BoolArray, Commanded, MonthCells
from caudal.service.indicators.model.context import UNCHECKED
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.functions import CARRIES_FOR_OTHERS, FUNCTIONS
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import UNDECLARED_OPERATORS, Estimate, undefined
from caudal.service.indicators.model.uncertainty import (
    Interval,
    Quantity,
    envelope,
    normal_interval,
    ratio_bounds,
    share_interval,
    weighted_share,
)
from caudal.service.indicators.statistics.payload import Payload, payload_of
from caudal.service.vocabulary.reason import reason

FLOW = ("direction", "bytes", "bytes_variance")
ALL_BUT_VIDEO = "without_video_and_cdn"
USERS_ERROR = 0.10
GIGABYTE = 1e9


def _asymmetry(month: MonthCells, which: BoolArray) -> Quantity | None:
    if month.total(which) == 0:
        return None
    signs = np.where(month.outward, 1.0, -1.0)
    return weighted_share(signs[which], month.bytes[which], month.variance[which])


def _asymmetry_interval(asymmetry: Quantity, level: float) -> Interval:
    """Return the interval of an asymmetry A by that of the share (1 + A) / 2 of the bytes out."""
    low, high = share_interval(Quantity((1 + asymmetry.value) / 2, asymmetry.variance / 4), level)
    return 2 * low - 1, 2 * high - 1


def flow_asymmetry(month: MonthCells, definition: Definition) -> list[Estimate]:
    """V1: outward minus inward bytes over their sum, without video and CDN, then by category."""
    categories = month.distinct("category")
    video = month.video | month.of_function(CARRIES_FOR_OTHERS)
    uncategorised = month.equals("category", "")
    answers = [_all_but_video(month, definition, video, uncategorised)]
    for category in categories:
        which = month.equals("category", category)
        asymmetry = _asymmetry(month, which)
        if asymmetry is not None:
            low, high = _asymmetry_interval(asymmetry, definition.level)
            details = {"share_of_bytes": month.share(which)}
            answers.append(Estimate(asymmetry.value, low, high, month.flows(which), category, details))
    return answers


def _all_but_video(
    month: MonthCells, definition: Definition, video: BoolArray, uncategorised: BoolArray
) -> Estimate:
    flows = month.flows(~video)
    asymmetry = _asymmetry(month, ~video)
    if asymmetry is None:
        return undefined(reason("all_video"), flows, ALL_BUT_VIDEO)
    details = {
        "share_of_bytes": month.share(~video),
        "video_and_cdn": month.share(video),
        "uncategorised": month.share(uncategorised),
    }
    categorised = _asymmetry(month, ~video & ~uncategorised)
    if categorised is not None:
        details["categorised_only"] = categorised.value
    scenarios = [asymmetry, *_extremes(month, ~video & ~uncategorised, uncategorised)]
    details["bound_low"] = min(each.value for each in scenarios)
    details["bound_high"] = max(each.value for each in scenarios)
    everything = _asymmetry(month, np.ones(len(month), dtype=np.bool_))
    if everything is not None:
        details["with_video_and_cdn"] = everything.value
    low, high = envelope(_asymmetry_interval(each, definition.level) for each in scenarios)
    return Estimate(asymmetry.value, low, high, flows, ALL_BUT_VIDEO, details)


def _extremes(month: MonthCells, kept: BoolArray, unknown: BoolArray) -> list[Quantity]:
    """Return the least and the greatest asymmetry if each network without a category is video, or is not.

    Bytes whose network is unknown may be of several: those out and those in are decided apart. A network
    belongs to the greatest asymmetry if its own is greater, so that the best set is a head of the list
    sorted by it (Dinkelbach 1967).
    """
    network = np.where(
        month.cells["remote_asn"].to_numpy() == 0,
        np.where(month.outward, -1, -2),
        month.cells["remote_asn"].to_numpy(),
    )
    names, places = np.unique(network[unknown], return_inverse=True)
    if not names.size:
        return []
    amounts = month.bytes[unknown]
    signs = np.where(month.outward[unknown], 1.0, -1.0)
    total = np.bincount(places, amounts, names.size)
    net = np.bincount(places, signs * amounts, names.size)
    base, base_net = month.total(kept), float((np.where(month.outward, 1.0, -1.0) * month.bytes)[kept].sum())
    found = []
    for direction in (1.0, -1.0):
        order = np.argsort(-direction * net / np.where(total > 0, total, 1.0), kind="stable")
        totals = base + np.concatenate([[0.0], np.cumsum(total[order])])
        nets = base_net + np.concatenate([[0.0], np.cumsum(net[order])])
        ratios = np.where(totals > 0, direction * nets / np.where(totals > 0, totals, 1.0), -np.inf)
        chosen = names[order[: int(np.argmax(ratios))]]
        extreme = _asymmetry(month, kept | (unknown & np.isin(network, chosen)))
        if extreme is not None:
            found.append(extreme)
    return found


def payload_sent(month: MonthCells, definition: Definition) -> list[Estimate]:
    """V2: gigabytes of payload a month that each user sends to platforms controlled from other countries.

    All of it first, then by function of the platform, then by jurisdiction, the greatest first.
    """
    context = month.context
    # Bytes of the users that are counted, and of no others.
    out = month.outward & month.covered
    declared = context.covered_users is not None and context.covered_users > 0
    users = context.covered_users if declared else context.economy.internet_users
    if not users:
        return [undefined(reason("users", country=context.economy.country), month.flows(out))]
    sent = _Sent(month, definition, payload_of(month), out, float(users))
    flags = set()
    if not month.covered.all():
        flags.add(UNDECLARED_OPERATORS)
    if not declared:
        flags.add("coverage_undeclared")
        if UNCHECKED in context.economy.status:
            flags.add("from_memory")
    return [sent.whole(frozenset(flags)), *sent.by_function(), *sent.by_jurisdiction()]


class _Sent:
    """Payload that users send to platforms, per user, by what the platforms are and who controls them."""

    def __init__(
        self, month: MonthCells, definition: Definition, payload: Payload, out: BoolArray, users: float
    ) -> None:
        self._month, self._definition, self._payload = month, definition, payload
        self._out, self._users = out, users
        own = month.commanded(frozenset({month.context.economy.country}))
        platforms = out & month.platforms & month.controlled
        # Elsewhere by every reading of who controls, by attribution, by any reading.
        self._elsewhere = platforms & ~own[2], platforms & ~own[1], platforms & ~own[0]
        self._unlisted = out & month.unlisted

    def whole(self, flags: frozenset[str]) -> Estimate:
        """Return the payload to all platforms controlled elsewhere."""
        month, payload, attributed = self._month, self._payload, self._elsewhere[1]
        certain = ratio_bounds(self._sampling(payload.total(attributed)), GIGABYTE * self._users, USERS_ERROR)
        observing = attributed & month.services["observes"].to_numpy()
        sent = month.total(self._out)
        details = {
            "metered_low": certain[0],
            "metered_high": certain[1],
            "headers_low": self._per_user(payload.at_least(attributed).value),
            "headers_high": self._per_user(payload.at_most(attributed).value),
            "bound_high": self._per_user(payload.at_most(self._elsewhere[2] | self._unlisted).value),
            "to_observers": self._per_user(payload.total(observing).value),
            "to_all_platforms": self._per_user(payload.total(self._out & month.platforms).value),
            "bytes_elsewhere": self._per_user(month.total(attributed)),
            "total_outflow": self._per_user(sent),
            "per_day": self._per_user(payload.total(attributed).value) / month.context.days_in_month,
            "packets_unknown": month.total(attributed & ~payload.counted) / sent if sent else 0.0,
            "users": self._users,
        }
        if UNDECLARED_OPERATORS in flags:
            everything = month.total(month.outward)
            left_out = month.total(month.outward & ~month.covered)
            details["left_out"] = left_out / everything if everything else 0.0
        return self._estimate(self._elsewhere, self._unlisted, None, details, flags)

    def by_function(self) -> list[Estimate]:
        """Return the payload to the platforms of each function; networks that no list knows are in none."""
        nothing = np.zeros(len(self._month), dtype=np.bool_)
        answers = []
        for name in FUNCTIONS:
            own = self._month.of_function(name)
            parts = self._elsewhere[0] & own, self._elsewhere[1] & own, self._elsewhere[2] & own
            if self._month.total(parts[2]) > 0:
                answers.append(self._estimate(parts, nothing, name, {}))
        return answers

    def by_jurisdiction(self) -> list[Estimate]:
        """Return the payload to platforms that each other country controls, the greatest first."""
        month, reached = self._month, self._elsewhere[2]
        codes = {
            code
            for reading in month.readings.columns
            for code in month.readings.filter(pl.Series(reached))[reading].unique().to_list()
        } - {"", UNKNOWN_COUNTRY, month.context.economy.country}
        answers = []
        for code in sorted(codes):
            sole, attributed, any_reading = (
                each & self._out & month.platforms for each in month.commanded(frozenset({code}))
            )
            parts = sole, attributed, any_reading
            answers.append(self._estimate(parts, self._unlisted, code, {}))
        return sorted(
            answers, key=lambda each: (-(each.value or 0.0), -(each.high or 0.0), each.dimension or "")
        )

    def _estimate(
        self,
        parts: Commanded,
        possible: BoolArray,
        dimension: str | None,
        details: dict[str, float],
        flags: frozenset[str] = frozenset(),
    ) -> Estimate:
        """Return the estimate of cells that are certainly, by attribution, or possibly what is asked for."""
        sole, attributed, reached = parts
        quantities = (
            self._payload.at_least(sole),
            self._payload.total(attributed),
            self._payload.at_most(reached | possible),
        )
        low, high = envelope(
            ratio_bounds(self._sampling(each), GIGABYTE * self._users, USERS_ERROR) for each in quantities
        )
        value = self._per_user(quantities[1].value)
        whole = self._payload.total(self._elsewhere[1]).value
        if dimension is not None and whole:
            details = {"share_of_payload": quantities[1].value / whole}
        return Estimate(value, low, high, self._month.flows(self._out), dimension, details, flags)

    def _sampling(self, quantity: Quantity) -> Interval:
        return normal_interval(quantity, self._definition.level, 0.0)

    def _per_user(self, amount: float) -> float:
        return amount / GIGABYTE / self._users


INDICATORS = (
    Indicator(
        Definition(
            id="V1",
            group="value",
            base="with_category",
            bases={ALL_BUT_VIDEO: "without_video"},
            takes="services",
            name="Balance of upload and download",
            unit="index",
            range=(-1.0, 1.0),
            formula="FA = (Bo − Bi) / (Bo + Bi), o sent and i received by the networks that report; without platforms whose "
            "category is video or carries what others publish (categories.csv), then for each category",
            inputs=(*FLOW, "platform", "category", "network_kind", "remote_asn", "facts"),
            uncertainty="Sampling (Korn & Graubard), of the share that goes out. Without video and CDN, the envelope "
            "over every choice of which networks without a category are video, and so left out. A category "
            "by itself is not extended by bytes without a category.",
            source="Volume says little about value: UNCTAD, Digital Economy Report 2021",
            source_status="verified",
            critique="Inbound video swamps everything else, and a platform that mixes search and video "
            "is left out whole; telemetry inside encrypted sessions is invisible.",
            short="What users send against what they receive, without video and content delivery networks, "
            "on a scale from −1 (all download) to 1 (all upload). A platform that mixes search and "
            "video is left out whole. Needs 100 flow records.",
            clause="The balance {base} is {value} {aside}, on a scale from −1 (all download) to 1 (all upload)",
            measure="balance of traffic without video and content distribution, from −1 (all download) to 1 (all upload)",
            cautions=("volume", "networks"),
            sums_up=("without_video_and_cdn",),
            method_version="4",
            dimension="category",
            details={
                "share_of_bytes": "share of all bytes that this value is about",
                "video_and_cdn": "share of all bytes left out as video or content delivery",
                "uncategorised": "share of all bytes without a category, kept in",
                "categorised_only": "the asymmetry among bytes with a category",
                "bound_low": "the asymmetry if the networks without a category that lower it are kept, the others video",
                "bound_high": "the asymmetry if those that raise it are kept, the others video",
                "with_video_and_cdn": "the asymmetry of all bytes",
            },
        ),
        flow_asymmetry,
    ),
    Indicator(
        Definition(
            id="V2",
            group="value",
            base="users",
            takes="services",
            name="Payload sent per user to platforms controlled elsewhere",
            unit="GB/user/month",
            range=(0.0, None),
            formula="PS = Σ_k P_k / users over the cells k that go out to platforms with j ≠ c, wherever these are "
            "located; P = b − 60·a − 52·(n − a) octets of payload, b bytes and n packets of the cell, a = min(n, n·m/(2·N)) "
            "acknowledgements, N and m the packets to and from the platform on that network; kept in [b − 100·n, b − 28·n]. "
            "GB = 10⁹ bytes; users as declared by the reporting operators, and cells of those that declared; where none "
            "did, all internet users of the economy, and cells of all. Then by function of the platform and by jurisdiction",
            inputs=(
                *FLOW,
                "packets",
                "platform",
                "category",
                "control",
                "remote_asn",
                "network_kind",
                "operator",
                "covered_users",
                "covered_operators",
                "economy",
                "days_in_month",
                "facts",
            ),
            uncertainty="Bounds: from the least payload (100 octets of headers a packet) to platforms controlled elsewhere by "
            "every reading of who controls, to the greatest (28 octets) to those controlled elsewhere by any reading and "
            "to networks that no list knows; each with the sampling interval of the bytes, whose variance is no less "
            "than that of the payload, over users ± 10 %. A function is not extended by networks that no list knows; of a "
            "cell without packets all is possible, from none of its bytes to all. metered_low and metered_high are the "
            "limits of the estimate by sampling and users alone.",
            source="Data as raw material: Ahumada & Sossdorf 2025; headers: RFC 791, 8200, 9293, 768",
            source_status="verified",
            critique="Bytes sent are not content handed over: TLS and the retransmissions are in it, and a byte of telemetry "
            "may tell more than a film that is uploaded. What people send by way of a content delivery network or a cloud counts "
            "as sent to that, unless names told the platform. Platforms that the facts do not list are in the interval only.",
            short="How many gigabytes each user sends in a month to platforms controlled from other "
            "countries, headers and acknowledgements taken out. Bytes sent are not content handed "
            "over: one byte of telemetry may tell more than a film that is uploaded. Needs 100 flow "
            "records, and subscribers as operators declare them.",
            clause="Of the data {base}, platforms controlled from other countries receive {value} {aside}",
            cautions=("payload", "networks"),
            method_version="3",
            dimension="function or jurisdiction",
            details={
                "metered_low": "lower limit by sampling and users alone",
                "metered_high": "upper limit by sampling and users alone",
                "headers_low": "the payload if every packet had 100 octets of headers, GB",
                "headers_high": "the payload if every packet had 28, GB",
                "bound_high": "the greatest payload, if every unlisted network were a platform controlled elsewhere, GB",
                "to_observers": "of it to platforms that live on observing people: advertising, search, social networks, "
                "audiences, GB",
                "to_all_platforms": "payload sent to platforms, the country's own among them, GB",
                "bytes_elsewhere": "bytes out to platforms controlled elsewhere, with headers, GB",
                "total_outflow": "all bytes out per user, GB",
                "per_day": "the value per day of the month, GB",
                "packets_unknown": "share of the bytes out that went to these platforms without a count of packets",
                "share_of_payload": "the value as a share of that of all platforms controlled elsewhere",
                "users": "users divided by",
                "left_out": "share of the outward bytes left out, of operators that declared no subscribers",
            },
        ),
        payload_sent,
    ),
)
