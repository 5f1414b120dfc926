"""A month of full traffic of eight economies, made up and seeded: the same for every version of the methods.

Nothing here was metered. What platforms carry, how much of it is uploaded, and where it lies are round figures; the
seed moves each cell by up to a fifth, so that no two economies and no two operators are alike. Networks are named by AS
number and stand here, not in the facts, so that the world stays what it is when the facts change.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

MONTH = "2026-10"
SEED = 20261130
# Delivered to a subscriber in a month, and the size of the whole packets that carry payload.
GIGABYTES_PER_SUBSCRIBER = 45.0
FULL_PACKET, ACKNOWLEDGEMENT = 1400.0, 66.0
_GB = 1e9


@dataclass(frozen=True)
class Operator:
    """One of an economy's operators: its id, its AS numbers, its share of the users, whom it reports."""

    id: str
    asns: tuple[int, ...]
    share: float


@dataclass(frozen=True)
class Country:
    """One economy: its users, and the operators that all report; `hosting` is a network of hosting inside it."""

    code: str
    subscribers: int
    operators: tuple[Operator, ...]
    hosting: int


@dataclass(frozen=True)
class FarEnd:
    """Where traffic goes: a network, perhaps a platform told by its names, its share of what is delivered.

    `places` are countries with the share of each; HOME is the economy itself. `upload` is payload sent to it over
    payload delivered by it.
    """

    asn: int
    service: str
    share: float
    upload: float
    places: tuple[tuple[str, float, str], ...]


HOME = "home"


def _operators(*parts: tuple[str, tuple[int, ...]]) -> tuple[Operator, ...]:
    shares = (0.45, 0.35, 0.20)
    return tuple(Operator(name, asns, share) for (name, asns), share in zip(parts, shares, strict=True))


# AS numbers of 64512 and more are private ones, for operators whose numbers the author does not know.
COUNTRIES = (
    Country(
        "BR",
        180_000_000,
        _operators(("claro", (28573, 22085)), ("vivo", (26599, 18881, 27699)), ("tim", (26615,))),
        27715,
    ),
    Country(
        "CL", 18_000_000, _operators(("movistar", (7418,)), ("entel", (27651,)), ("gtd", (14259,))), 64512
    ),
    Country(
        "MX", 105_000_000, _operators(("telmex", (8151,)), ("second", (64513,)), ("att", (28469,))), 64514
    ),
    Country(
        "CO", 40_000_000, _operators(("claro", (10620, 26611)), ("tigo", (3816,)), ("etb", (19429,))), 64515
    ),
    Country(
        "AR", 40_000_000, _operators(("telecom", (7303,)), ("movistar", (22927,)), ("claro", (11664,))), 52361
    ),
    Country(
        "PE", 27_000_000, _operators(("movistar", (6147,)), ("claro", (12252,)), ("entel", (21575,))), 64516
    ),
    Country(
        "UY", 3_100_000, _operators(("antel", (6057,)), ("second", (64517,)), ("third", (64518,))), 64519
    ),
    Country("CR", 4_500_000, _operators(("ice", (11830,)), ("second", (64520,)), ("third", (64521,))), 64522),
)

_NEAR = ((HOME, 0.55, "database"), ("US", 0.40, "database"), ("BR", 0.05, "database"))
_ABROAD = (("US", 0.85, "database"), ("BR", 0.10, "database"), ("DE", 0.05, "database"))
_CLOUD = (("US", 0.60, "cloud"), ("BR", 0.35, "cloud"), ("CL", 0.05, "cloud"))
_SPREAD = ((HOME, 0.40, "anycast"), ("US", 0.60, "anycast"))
_ASIA = (("US", 0.50, "database"), ("SG", 0.30, "database"), ("CN", 0.20, "database"))
_EUROPE = (("DE", 0.40, "database"), ("FR", 0.40, "database"), ("ES", 0.20, "database"))

FAR_ENDS = (
    FarEnd(15169, "google", 0.27, 0.045, _NEAR),
    FarEnd(32934, "meta", 0.17, 0.16, _NEAR),
    FarEnd(2906, "netflix", 0.12, 0.002, _NEAR),
    FarEnd(137718, "bytedance", 0.08, 0.09, _ASIA),
    FarEnd(20940, "akamai", 0.06, 0.01, _SPREAD),
    FarEnd(13335, "cloudflare", 0.05, 0.03, _SPREAD),
    FarEnd(16509, "amazon_aws", 0.05, 0.12, _CLOUD),
    FarEnd(16509, "amazon_prime_video", 0.02, 0.003, _CLOUD),
    FarEnd(16509, "mercadolibre", 0.01, 0.08, _CLOUD),
    FarEnd(8075, "microsoft", 0.04, 0.20, _ABROAD),
    FarEnd(714, "apple", 0.03, 0.25, _ABROAD),
    FarEnd(46489, "twitch", 0.01, 0.05, _ABROAD),
    FarEnd(32590, "valve", 0.015, 0.01, _ABROAD),
    FarEnd(142160, "kwai", 0.01, 0.08, _ASIA),
    FarEnd(44788, "criteo", 0.003, 0.60, _EUROPE),
    FarEnd(26459, "thetradedesk", 0.002, 0.60, _ABROAD),
    FarEnd(42320, "comscore", 0.001, 1.50, _ABROAD),
    FarEnd(62041, "telegram", 0.006, 0.20, _EUROPE),
    FarEnd(399358, "anthropic", 0.001, 0.50, _ABROAD),
    FarEnd(28604, "globo", 0.01, 0.02, (("BR", 1.0, "database"),)),
    FarEnd(270421, "nubank", 0.002, 0.30, (("BR", 0.7, "cloud"), ("US", 0.3, "cloud"))),
    FarEnd(1916, "rnp", 0.003, 0.30, (("BR", 1.0, "database"),)),
    FarEnd(14907, "wikimedia", 0.002, 0.03, _ABROAD),
    # Nobody that the facts know.
    FarEnd(3352, "", 0.012, 0.30, (("ES", 1.0, "database"),)),
    FarEnd(7922, "", 0.015, 0.25, (("US", 1.0, "disagreement"),)),
    FarEnd(3356, "", 0.01, 0.20, (("US", 1.0, "database"),)),
    FarEnd(64999, "", 0.012, 0.20, (("ZZ", 1.0, "unknown"),)),
)
HOSTING_SHARE, HOSTING_UPLOAD = 0.02, 0.10
# Of what is delivered to subscribers, by other operators of the same economy, and both ends report.
DOMESTIC_SHARE = 0.045

KEYS = (
    "operator",
    "direction",
    "remote_asn",
    "remote_country",
    "location_rung",
    "service",
    "sampling_from",
    "folded",
)


def month_facts(country: Country) -> pl.DataFrame:
    """Return a month of an economy as the store would tell it: KEYS, then bytes, packets, flows, bytes_variance."""
    random = np.random.default_rng([SEED, COUNTRIES.index(country)])
    cells: list[tuple[str, str, int, str, str, str, float, float]] = []
    for operator in country.operators:
        delivered = country.subscribers * operator.share * GIGABYTES_PER_SUBSCRIBER * _GB
        for far in (*FAR_ENDS, _hosting(country)):
            for place, share, rung in far.places:
                where = country.code if place == HOME else place
                down = delivered * far.share * share * random.uniform(0.8, 1.2)
                cells.extend(_cells(operator.id, far, where, rung, down, down * far.upload))
    for sender, receiver, amount in _exchanged(country, random):
        for own, other, direction in ((sender, receiver, "out"), (receiver, sender, "in")):
            whole = (amount, amount / FULL_PACKET)
            cells.append((own.id, direction, other.asns[0], country.code, "database", "", *whole))
    frame = pl.DataFrame(
        cells,
        schema=[
            "operator",
            "direction",
            "remote_asn",
            "remote_country",
            "location_rung",
            "service",
            "bytes",
            "packets",
        ],
        orient="row",
    )
    keys = [name for name in KEYS if name not in ("sampling_from", "folded")]
    return (
        frame.group_by(keys)
        .agg(pl.col("bytes").sum().round(), pl.col("packets").sum().round())
        .with_columns(
            pl.col("remote_asn").cast(pl.UInt32),
            pl.lit("options").alias("sampling_from"),
            pl.lit(value=False).alias("folded"),
            # One packet of a thousand was looked at, and a flow record is of about ten of them.
            (pl.col("packets") / 10_000).ceil().cast(pl.Int64).alias("flows"),
            (pl.col("bytes") * FULL_PACKET * 1000).alias("bytes_variance"),
        )
        .select(*KEYS, "bytes", "packets", "flows", "bytes_variance")
        .sort(KEYS)
    )


def region_flows(country: Country) -> pl.DataFrame:
    """Return what the other economies exchange with the world: economy, remote_country, and the sums."""
    others = [
        month_facts(other)
        .with_columns(
            pl.lit(other.code).alias("economy"),
            pl.when(pl.col("location_rung") == "anycast")
            .then(pl.lit("ZZ"))
            .otherwise("remote_country")
            .alias("remote_country"),
        )
        .group_by("economy", "remote_country")
        .agg(pl.col("bytes", "bytes_variance", "flows").sum())
        for other in COUNTRIES
        if other is not country
    ]
    return pl.concat(others).sort("economy", "remote_country")


def routes(country: Country) -> pl.DataFrame:
    """Return routes of twelve viewpoints to the operators, through four networks of transit."""
    transit = (3356, 12956, 23520, 52320)
    rows = [
        (1000 + viewpoint, asn, [1000 + viewpoint, transit[(viewpoint + asn) % len(transit)], asn], 65536.0)
        for viewpoint in range(12)
        for operator in country.operators
        for asn in operator.asns
    ]
    schema = {"viewpoint": pl.Int64, "origin": pl.Int64, "path": pl.List(pl.Int64), "addresses": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def paths(country: Country) -> pl.DataFrame:
    """Return a way to each far end abroad: those to Brazil pass through the United States as often as not."""
    rows = []
    for asn, place in sorted({(far.asn, place) for far in FAR_ENDS for place, _, _ in far.places}):
        if place in (HOME, "ZZ", country.code):
            continue
        for middle, share in (("US", 1.0), ("-", 1.0)) if place == "BR" else (("-", 1.0),):
            rows.append((asn, place, middle, "23520" if middle == "US" else "3356", share))
    schema = ["remote_asn", "remote_country", "countries", "as_path", "share"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("remote_asn").cast(pl.Int64))


def _hosting(country: Country) -> FarEnd:
    return FarEnd(country.hosting, "", HOSTING_SHARE, HOSTING_UPLOAD, ((HOME, 1.0, "database"),))


def _cells(
    operator: str, far: FarEnd, where: str, rung: str, down: float, up: float
) -> Iterator[tuple[str, str, int, str, str, str, float, float]]:
    """Yield the cells in and out of payload `down` and `up`: each full packet is acknowledged by half a small one."""
    sent, received = up / FULL_PACKET, down / FULL_PACKET
    out = (up + received / 2 * ACKNOWLEDGEMENT, sent + received / 2)
    into = (down + sent / 2 * ACKNOWLEDGEMENT, received + sent / 2)
    yield (operator, "out", far.asn, where, rung, far.service, *out)
    yield (operator, "in", far.asn, where, rung, far.service, *into)


def _exchanged(country: Country, random: np.random.Generator) -> Iterator[tuple[Operator, Operator, float]]:
    """Yield sender, receiver and bytes of what the operators of an economy exchange."""
    total = country.subscribers * GIGABYTES_PER_SUBSCRIBER * _GB * DOMESTIC_SHARE
    for sender in country.operators:
        for receiver in country.operators:
            if sender is not receiver:
                share = sender.share * receiver.share
                yield sender, receiver, total * share * random.uniform(0.8, 1.2)
