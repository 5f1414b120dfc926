"""What a share is said to be of is what it was divided by.

Every denominator that a base names is counted here by itself, from the rows as they were written, and no two are alike.
A share times the denominator that its base names is its numerator, which is counted from the rows as well; with any
other denominator it is not.
"""

from collections.abc import Callable, Mapping
from datetime import date
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from caudal.reference.files.platformfiles import FUNCTIONS
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.facts.paths import PATHS
from caudal.service.indicators.facts.routing import ROUTES
from caudal.service.indicators.groups import positioningmap
from caudal.service.indicators.model.base import BASES, METERED, WITHIN_FUNCTION, Base, within_function
from caudal.service.indicators.statistics.montecarlo import DRAWS
from tests.service.indicators.conftest import CATEGORIES, PLATFORMS
from tests.service.indicators.world import platform as listed
from tests.service.indicators.world import revenue, table, world

REGION = frozenset({"BR", "CL", "CO", "MX", "XA"})
FUNCTION_OF = {category: function for category, function, *_ in CATEGORIES.iter_rows()}
BRAZILS = 27699

Written = dict[str, Any]
Test = Callable[[Written], bool]


def written(bytes_: int, country: str, platform: str = "", way: str = "in", **rest: Any) -> Written:
    """A row as a person would note it: who, where, which way; `function` is what it does, `control` who commands it."""
    category, stage, control = PLATFORMS.get(platform, ("", 0, ""))
    return {
        "bytes": bytes_,
        "country": country,
        "platform": platform,
        "way": way,
        "function": FUNCTION_OF.get(category, ""),
        "stage": stage,
        "control": control,
        "exchange": False,
        "cell": {},
        **rest,
    }


NETWORK = {"function": "connects"}
ROWS = [
    written(1_000_003, "US", "search"),
    written(200_017, "US", "search", "out"),
    written(3_000_011, "US", "films"),
    written(5_003, "US", "films", "out"),
    written(500_009, "XA", "cache"),
    written(400_031, "XA", "shop"),
    written(150_001, "XA", "shop", "out"),
    written(70_003, "BR", "sensors"),
    written(90_007, "BR", "sensors", "out"),
    written(60_013, "ZZ", "shorts"),
    written(33_003, "ZZ", "meter", "out"),
    # Networks that connect: one of Brazil, one of the country itself, and what the country's networks exchange.
    written(50_021, "BR", **NETWORK, control="BR", cell={"remote_asn": BRAZILS, "network_kind": "access"}),
    written(36_007, "CL", **NETWORK, control="CL", cell={"remote_asn": 27651, "network_kind": "access"}),
    written(
        20_021,
        "XA",
        **NETWORK,
        control="XA",
        exchange=True,
        cell={"remote_asn": 64501, "network_kind": "access", "exchange": True},
    ),
    # A host by its number, and one of which only the kind is known: a service, and of no known provider.
    written(
        145_007,
        "US",
        function="computes_and_stores",
        control="DE",
        cell={"remote_asn": 24940, "network_kind": "hosting"},
    ),
    written(77_001, "US", function="computes_and_stores", cell={"network_kind": "hosting"}),
    # A platform of a kind that has no function here, and what nobody knows.
    written(88_009, "US", "odd", control="US", stage=4),
    written(30_011, "CL", cell={"remote_asn": 65010}),
    written(110_007, "ZZ"),
]
USERS = 400_000.0
GIGABYTE = 1e9


def amount(of: Test) -> float:
    return float(sum(row["bytes"] for row in ROWS if of(row)))


def known(row: Written) -> bool:
    return row["country"] != "ZZ"


def served(row: Written) -> bool:
    return not row["exchange"]


def is_platform(row: Written) -> bool:
    return served(row) and bool(row["platform"])


def provided(row: Written) -> bool:
    return is_platform(row) or row["cell"].get("remote_asn") == 24940


def serves(row: Written) -> bool:
    return served(row) and row["function"] not in ("", "connects")


def routed(row: Written) -> bool:
    return row["country"] in REGION and row["cell"].get("remote_asn") in (BRAZILS, 64501)


def sent(row: Written) -> bool:
    return is_platform(row) and bool(row["control"]) and row["way"] == "out"


def delivered(row: Written) -> bool:
    return is_platform(row) and bool(row["control"]) and row["way"] == "in"


def abroad(row: Written) -> bool:
    return known(row) and row["country"] != "XA"


def still(row: Written) -> bool:
    return served(row) and row["function"] not in ("carries_video", "carries_for_others")


# What the neighbours exchanged: Brazil with Chile, and with the United States.
NEIGHBOURS = ((4_001.0, "CL"), (9_001.0, "US"))
# Of every row half of the bytes is payload, as their packets were not counted.
PAYLOAD = 0.5

DENOMINATORS: Mapping[Base, float] = {
    "measured": amount(lambda row: True),
    "located": amount(known),
    "routed_in_region": amount(routed),
    "with_platforms": amount(provided),
    "with_services": amount(serves),
    "without_video": amount(still),
    "processed": amount(lambda row: is_platform(row) and row["stage"] >= 3),
    "sent": amount(sent) * PAYLOAD,
    "delivered": amount(delivered) * PAYLOAD,
    "exchanged_abroad": amount(abroad),
    "exchanged_by_region": amount(abroad) + sum(each for each, _ in NEIGHBOURS),
    "users": USERS * GIGABYTE,
    # Access networks that are reached have 3,000 and 1,000 addresses.
    "addresses": 4_000.0,
    # Millions: what the foreign platform earns, what section J turns over, and both.
    "digital_turnover": 1_400.0,
    "published_revenue": 200.0,
    "trade_in_services": 1_200.0,
    "revenue_of_region": 90.0,
}


def denominator(base: Base, dimension: str | None) -> float:
    """Return what a base names; within a function, of that function."""
    if base not in ("with_platforms_of_function", "with_services_of_function"):
        return DENOMINATORS[base]
    of = provided if base == "with_platforms_of_function" else serves
    (name,) = FUNCTIONS.keys() & (dimension or "").split("-")
    return amount(lambda row: of(row) and row["function"] == name)


NUMERATORS: Mapping[tuple[str, str | None], float] = {
    ("J1", None): amount(lambda row: row["country"] == "XA"),
    ("J2", None): amount(lambda row: row["country"] in REGION),
    ("J3", None): amount(lambda row: row["control"] == "XA"),
    ("J4", "US"): amount(lambda row: row["control"] == "US"),
    ("J4", "BR"): amount(lambda row: row["control"] == "BR"),
    ("J5", None): amount(lambda row: row["country"] == "XA" and row["control"] not in ("XA", "")),
    ("J6", "EU"): amount(lambda row: row["country"] == "BR"),
    # Laws of the United States reach what is there and whom they command.
    ("J7", "equal"): amount(lambda row: row["country"] == "US" or row["control"] == "US"),
    ("J8", "place"): amount(lambda row: row["cell"].get("remote_asn") == BRAZILS),
    ("J9", None): amount(lambda row: not known(row) or not row["control"]),
    ("C4", "largest_1"): amount(lambda row: row["platform"] == "films"),
    ("C4", "computes_and_stores-largest_1"): amount(lambda row: row["platform"] == "sensors"),
    ("C6", "AS3356"): 3_000.0,
    ("C7", "US"): amount(lambda row: serves(row) and row["control"] == "US"),
    ("C7", "DE-computes_and_stores"): amount(lambda row: row["control"] == "DE"),
    ("V1", "without_video_and_cdn"): amount(lambda row: still(row) and row["way"] == "out")
    - amount(lambda row: still(row) and row["way"] == "in"),
    ("V2", None): amount(lambda row: sent(row) and row["control"] != "XA") * PAYLOAD,
    ("V5", None): 200.0,
    ("P1", "sent"): amount(lambda row: sent(row) and row["control"] not in REGION) * PAYLOAD,
    ("P1", "delivered"): amount(lambda row: delivered(row) and row["control"] not in REGION) * PAYLOAD,
    ("P2", None): amount(lambda row: is_platform(row) and row["stage"] >= 3 and row["control"] in REGION),
    ("P3", "economy"): amount(lambda row: abroad(row) and row["country"] in REGION),
    ("P3", "region"): amount(lambda row: abroad(row) and row["country"] in REGION) + NEIGHBOURS[0][0],
    ("P4", "commodity_standard"): 60.0,
}
# Money is drawn: its medians are near what they are worked out to be, and told to six digits.
NEAR = {"V5": 0.02, "P4": 1e-6}


@pytest.fixture(scope="module")
def values(
    cell, cells, context, country, table: Callable[..., pl.DataFrame]
) -> Mapping[tuple[str, str | None], float]:
    """The values of every share of the rows, as the indicators compute them."""
    odd = {"platform": "odd", "category": "nowhere_listed", "stage": 4, "network_kind": "platform"}
    month = cells(
        [
            {
                **(cell(0, platform=row["platform"]) if row["platform"] in PLATFORMS else {}),
                **(odd if row["platform"] == "odd" else {}),
                "bytes": row["bytes"],
                "remote_country": row["country"],
                "location_rung": "operator" if known(row) else "unknown",
                "direction": row["way"],
                "control": row["control"],
                **row["cell"],
            }
            for row in ROWS
        ]
    )
    facts = {
        "adequacy": table(
            "regime country covers level date expires status",
            ("EU", "BR", "country", "adequate", date(2020, 1, 1), None, "verified"),
        ),
        "country_groups": table("group_id country", ("EU", "SE")),
        "access_laws": table(
            "jurisdiction law kind year extraterritorial reaches_content in_force exposure_weight_proposal status",
            ("US", "cloud", "national", 2018, "yes", True, "yes", 1.0, "verified"),
        ),
        "access_networks": table(
            "country asn parent control_country ipv4_addresses",
            ("XA", 64500, "One", "XA", 3000),
            ("XA", 64501, "Two", "XA", 1000),
            ("XA", 64502, "Nobody reaches it", "XA", 500),
        ),
    }
    routes = [
        (viewpoint, origin, [viewpoint, through, origin], 100.0)
        for viewpoint in range(1, 11)
        for origin, through in ((64500, 3356), (64501, 6939))
    ]
    paths = pl.DataFrame(
        [
            {"remote_asn": BRAZILS, "remote_country": "", "countries": "US BR", "as_path": "", "share": 1.0},
            {"remote_asn": 64501, "remote_country": "", "countries": "XA", "as_path": "", "share": 1.0},
        ],
        schema_overrides={"remote_asn": pl.Int64},
    ).select(list(PATHS))
    known_to = context(
        facts=facts,
        routes=pl.DataFrame(routes, schema=ROUTES, orient="row"),
        paths=paths,
        covered_users=USERS,
        region_flows=pl.DataFrame(
            {
                "economy": ["BR", "BR"],
                "remote_country": [each for _, each in NEIGHBOURS],
                "bytes": [each for each, _ in NEIGHBOURS],
                "bytes_variance": [0.0, 0.0],
                "flows": [1000, 1000],
            }
        ),
    )
    asked = {indicator for indicator, _ in NUMERATORS} - {"V5", "P4"}
    found = [each for name in asked for each in CATALOGUE[name].compute(month, known_to)]
    return {
        (each.indicator, each.dimension): each.value
        for each in [*found, *_turnover(month, context, country), *_on_the_map(month, context, table)]
        if each.value is not None
    }


def _turnover(month: pl.DataFrame, context: Any, country: Any) -> list[Any]:
    """V5 of Chile, with 25 of 125 users: 200 millions of a platform's 1,000, and section J of 1.6 to 2.4 times 600."""
    section = {
        "country": "CL",
        "year": 2026,
        "isic_section": "J",
        "value_usd_m": 600.0,
        "share_of_gva_percent": 4.0,
        "share_of_gdp_percent": None,
    }
    facts = world(
        platforms=table(listed("search")),
        regional_revenue=table(revenue("search", "LATAM", 1000)),
        value_added=table(section),
    )
    return CATALOGUE["V5"].compute(month, context(country(country="CL"), month="2026-10", facts=facts))


def _on_the_map(month: pl.DataFrame, context: Any, table: Callable[..., pl.DataFrame]) -> list[Any]:
    """P4 of three platforms of the region that earn 60, 30 and 10, of which nobody placed the last."""

    def earns(name: str, dollars: float) -> Any:
        return SimpleNamespace(
            platform=name,
            control="BR",
            draws=np.full(DRAWS, dollars),
            flags=frozenset(),
            cells=lambda month: np.zeros(len(month), dtype=bool),
        )

    tags = table(
        "platform_id rater commodity_special standard_custom status",
        ("a", "one", "commodity", "standard", "verified"),
        ("b", "one", "special", "custom", "verified"),
    )
    captured = SimpleNamespace(reason=None, platforms=[earns("a", 60), earns("b", 30), earns("c", 10)])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(positioningmap, "capture_of", lambda _: captured)
        return CATALOGUE["P4"].compute(month, context(facts={"platform_positions": tags}))


def product(values: Mapping[tuple[str, str | None], float], key: tuple[str, str | None], base: Base) -> float:
    return values[key] * denominator(base, key[1])


def test_no_two_denominators_are_alike() -> None:
    counted = sorted(DENOMINATORS.values())
    assert all(low * 1.0005 < high for low, high in pairwise(counted)), counted


@pytest.mark.parametrize("key", NUMERATORS, ids=str)
def test_a_share_of_what_its_base_names_is_its_numerator(values, key) -> None:
    indicator, dimension = key
    definition = CATALOGUE[indicator].definition
    near = {"rel": NEAR.get(indicator, 1e-9)}
    base = definition.base_of(dimension)
    assert product(values, key, base) == pytest.approx(NUMERATORS[key], **near)


@pytest.mark.parametrize("key", NUMERATORS, ids=str)
def test_of_anything_else_it_is_not(values, key) -> None:
    """So that a base which is wrong is seen: each of the others gives another numerator."""
    indicator, dimension = key
    own = CATALOGUE[indicator].definition.base_of(dimension)
    # Services and platforms of one function are compared where there is one.
    others = [
        *DENOMINATORS,
        *(["with_platforms_of_function", "with_services_of_function"] if within_function(dimension) else []),
    ]
    near = {"rel": NEAR.get(indicator, 1e-4)}
    for other in others:
        if other != own:
            assert product(values, key, other) != pytest.approx(NUMERATORS[key], **near), other


def test_every_share_is_tried() -> None:
    tried = {
        (indicator, CATALOGUE[indicator].definition.base_of(dimension)) for indicator, dimension in NUMERATORS
    }
    shares = [each.definition for each in CATALOGUE.values() if each.definition.unit == "share"]
    assert {(each.id, base) for each in shares for base in (each.base, *each.bases.values())} <= tried


def test_bases_are_of_a_closed_set_and_every_one_is_used() -> None:
    definitions = [each.definition for each in CATALOGUE.values()]
    used = {base for each in definitions for base in (each.base, *each.bases.values())}
    assert used == BASES.keys() == set(BASES)
    assert BASES.keys() >= METERED


def test_a_part_of_a_function_has_the_base_of_one() -> None:
    definition = CATALOGUE["C7"].definition
    assert definition.base_of("US") == definition.base_of(None) == "with_services"
    assert definition.base_of("US-pays") == definition.bases[WITHIN_FUNCTION] == "with_services_of_function"
    assert CATALOGUE["C4"].definition.base_of("carries_video-largest_4") == "with_platforms_of_function"
