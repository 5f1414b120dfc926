"""Value: what leaves a country as raw material, and what comes back."""

import numpy as np

from caudal.service.indicators.cells import BoolArray, Month
from caudal.service.indicators.context import UNCHECKED
from caudal.service.indicators.definition import Definition
from caudal.service.indicators.indicator import Indicator
from caudal.service.indicators.observation import UNDECLARED_OPERATORS, Estimate, undefined
from caudal.service.indicators.uncertainty import (
    Interval,
    Quantity,
    envelope,
    normal_interval,
    ratio_bounds,
    share_interval,
    weighted_share,
)
from caudal.service.reason import reason

FLOW = ("direction", "bytes", "bytes_variance")
ALL_BUT_VIDEO = "without_video_and_cdn"
# Words of a category (they are joined by "_") and categories whose bytes are video or cached copies.
VIDEO_WORDS = frozenset({"video", "cdn", "tv"})
VIDEO_CATEGORIES = frozenset({"media_streaming"})
# Words of categories that live on observing people: collectors of raw data that sell finished services.
OBSERVER_WORDS = frozenset({"adtech", "measurement", "attribution", "audience", "analytics"})
RAW_STAGES = (1, 2)
USERS_ERROR = 0.10
GIGABYTE = 1e9


def has_word(category: str, words: frozenset[str]) -> bool:
    """Return whether one of the words that make up a category is among `words`."""
    return not words.isdisjoint(category.split("_"))


def is_video(category: str) -> bool:
    """Return whether the bytes of a category are video or copies held by a content delivery network."""
    return category in VIDEO_CATEGORIES or has_word(category, VIDEO_WORDS)


def _asymmetry(month: Month, which: BoolArray) -> Quantity | None:
    if month.total(which) == 0:
        return None
    signs = np.where(month.outward, 1.0, -1.0)
    return weighted_share(signs[which], month.bytes[which], month.variance[which])


def _asymmetry_interval(asymmetry: Quantity, level: float) -> Interval:
    """Return the interval of an asymmetry A by that of the share (1 + A) / 2 of the bytes out."""
    low, high = share_interval(Quantity((1 + asymmetry.value) / 2, asymmetry.variance / 4), level)
    return 2 * low - 1, 2 * high - 1


def flow_asymmetry(month: Month, definition: Definition) -> list[Estimate]:
    """V1: outward minus inward bytes over their sum, without video and CDN, then by category."""
    categories = month.distinct("category")
    video = month.among("category", tuple(c for c in categories if is_video(c)))
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
    month: Month, definition: Definition, video: BoolArray, uncategorised: BoolArray
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


def _extremes(month: Month, kept: BoolArray, unknown: BoolArray) -> list[Quantity]:
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


def raw_outflow(month: Month, definition: Definition) -> list[Estimate]:
    """V2: gigabytes a month that each user sends to platforms of the raw stages of the ladder."""
    context = month.context
    # Bytes of the users that are counted, and of no others.
    out = month.outward & month.covered
    declared = context.covered_users is not None and context.covered_users > 0
    users = context.covered_users if declared else context.economy.internet_users
    if not users:
        return [undefined(reason("users", country=context.economy.country), month.flows(out))]
    stage = month.cells["stage"].to_numpy()
    raw = out & np.isin(stage, RAW_STAGES)
    # A listed access or transit network is known to be no platform, and so at no stage.
    unstaged = out & (stage == 0) & month.equals("network_kind", "")
    observers = out & month.among(
        "category", tuple(c for c in month.distinct("category") if has_word(c, OBSERVER_WORDS))
    )

    def sampling(which: BoolArray) -> tuple[float, float]:
        quantity = Quantity(month.total(which), month.total_variance(which))
        return normal_interval(quantity, definition.level, 0.0)

    def per_user(amount: float) -> float:
        return amount / GIGABYTE / users

    certain = ratio_bounds(sampling(raw), GIGABYTE * users, USERS_ERROR)
    possible = ratio_bounds(sampling(raw | unstaged), GIGABYTE * users, USERS_ERROR)
    low, high = envelope([certain, possible])
    details = {
        "metered_low": certain[0],
        "metered_high": certain[1],
        "bound_high": per_user(month.total(raw | unstaged)),
        "total_outflow": per_user(month.total(out)),
        "observer_outflow": per_user(month.total(observers)),
        "per_day": per_user(month.total(raw)) / context.days_in_month,
        "users": float(users),
    }
    flags = set()
    if not month.covered.all():
        flags.add(UNDECLARED_OPERATORS)
        sent = month.total(month.outward)
        details["left_out"] = month.total(month.outward & ~month.covered) / sent if sent else 0.0
    if not declared:
        flags.add("coverage_undeclared")
        if UNCHECKED in context.economy.status:
            flags.add("from_memory")
    value = per_user(month.total(raw))
    return [Estimate(value, low, high, month.flows(out), details=details, flags=frozenset(flags))]


INDICATORS = (
    Indicator(
        Definition(
            id="V1",
            group="value",
            takes="services",
            title={
                "en": "Flow asymmetry",
                "es": "Asimetría de los flujos",
                "pt": "Assimetria dos fluxos",
            },
            unit="index",
            range=(-1.0, 1.0),
            formula="FA = (Bo − Bi) / (Bo + Bi), o out of the country, i in; without platforms whose "
            "category is video or content delivery, then for each category",
            inputs=(*FLOW, "category", "remote_asn"),
            uncertainty="Sampling (Korn & Graubard), of the share that goes out. Without video and CDN, the envelope "
            "over every choice of which networks without a category are video, and so left out. A category "
            "by itself is not extended by bytes without a category.",
            source="Volume says little about value: UNCTAD, Digital Economy Report 2021",
            source_status="verified",
            critique="Inbound video swamps everything else, and a platform that mixes search and video "
            "is left out whole; telemetry inside encrypted sessions is invisible.",
            method_version="3",
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
            takes="services",
            title={
                "en": "Raw-data outflow per user",
                "es": "Salida de datos en bruto por usuario",
                "pt": "Saída de dados brutos por usuário",
            },
            unit="GB/user/month",
            range=(0.0, None),
            formula="RDO = Bo[stage L1-L2] / users; GB = 10⁹ bytes; users as declared by the reporting "
            "operators, and Bo of those that declared; where none did, all internet users of the economy, and Bo of all",
            inputs=(
                *FLOW,
                "stage",
                "category",
                "network_kind",
                "operator",
                "covered_users",
                "covered_operators",
                "economy",
                "days_in_month",
            ),
            uncertainty="Bounds: the sampling interval of the bytes over users ± 10 %; extended upwards by "
            "outward bytes to networks of unknown operators, as if all of them were raw. metered_low and "
            "metered_high are the limits without that extension.",
            source="Data as raw material: Ahumada & Sossdorf 2025; the ladder of stages: Pérez 2010",
            source_status="verified",
            critique="The stage is a tag of the platform, not of the content: most platforms that gather "
            "raw data sell finished services and stand at L4, so the value is near zero by "
            "construction; read it with total_outflow and observer_outflow.",
            method_version="2",
            details={
                "metered_low": "lower limit by sampling and users alone",
                "metered_high": "upper limit by sampling and users alone",
                "bound_high": "the outflow if every byte to a network of unknown operator were raw",
                "total_outflow": "all bytes out per user, GB",
                "observer_outflow": "bytes out per user to advertising, measurement, audience and analytics "
                "platforms, GB",
                "per_day": "the value per day of the month, GB",
                "users": "users divided by",
                "left_out": "share of the outward bytes left out, of operators that declared no subscribers",
            },
        ),
        raw_outflow,
    ),
)
