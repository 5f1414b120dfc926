"""Bases of values: the denominator of a share, whose users or revenue a number counts.

A base is a code. What it is called is said where somebody reads it; sentences take those words and no others, so that a
sentence and a definition cannot say different things.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from caudal.reference.files.platformfiles import FUNCTIONS

Base = Literal[
    "measured",
    "located",
    "routed_in_region",
    "with_platforms",
    "with_platforms_of_function",
    "with_services",
    "with_services_of_function",
    "without_video",
    "with_category",
    "processed",
    "sent",
    "delivered",
    "exchanged_abroad",
    "exchanged_by_region",
    "things_counted",
    "addresses",
    "users",
    "published_revenue",
    "gigabytes_of_companies",
    "digital_turnover",
    "trade_in_services",
    "displaced_imports",
    "taxable_revenue",
    "published_profits",
    "revenue_of_region",
]

BASES: Mapping[Base, str] = MappingProxyType(
    {
        "measured": "all bytes of the month",
        "located": "bytes whose far end has a known location",
        "routed_in_region": "bytes with far ends in the region whose way there is known",
        "with_platforms": "bytes of known platforms and hosting networks, without networks that connect",
        "with_platforms_of_function": "the same within one function",
        "with_services": "bytes of platforms and networks of a known function, without networks that connect",
        "with_services_of_function": "the same within one function, by who is known to control them and who is not",
        "without_video": "bytes of all services but video and content delivery",
        "with_category": "bytes of platforms of one category",
        "processed": "bytes of platforms of stages 3 to 5",
        "sent": "payload sent to platforms of known control",
        "delivered": "payload delivered by platforms of known control",
        "exchanged_abroad": "bytes exchanged abroad whose far end has a known location",
        "exchanged_by_region": "the same of all members of the region that report",
        "things_counted": "things counted that have a known provider",
        "addresses": "IPv4 addresses of the country's access networks that the viewpoints reach",
        "users": "people whom the operators serve that declared it; where none did, the internet users of the economy",
        "published_revenue": "revenue of companies that publish it by region",
        "gigabytes_of_companies": "gigabytes of companies that publish their revenue by region, of all users",
        "digital_turnover": "gross output of ISIC section J and revenue of foreign platforms, added up",
        "trade_in_services": "exports and imports of an item of services",
        "displaced_imports": "imports on carriers that deliveries over networks took the place of",
        "taxable_revenue": "revenue that the design of a levy reaches, of companies that publish it by region",
        "published_profits": "profits of companies that publish them",
        "revenue_of_region": "revenue in the country of platforms of the region that have a place on the map",
    }
)

# Bases that are metered: what is said of them is of the networks that report.
METERED: frozenset[Base] = frozenset(
    {
        "measured",
        "located",
        "routed_in_region",
        "with_platforms",
        "with_platforms_of_function",
        "with_services",
        "with_services_of_function",
        "without_video",
        "with_category",
        "processed",
        "sent",
        "delivered",
        "exchanged_abroad",
        "exchanged_by_region",
        "users",
        "gigabytes_of_companies",
    }
)

# The key of a definition's bases that stands for all of its observations within one function.
WITHIN_FUNCTION = "function"


def within_function(dimension: str | None) -> bool:
    """Return True if an observation is of one function: `carries_video`, `carries_video-largest_4`, `US-pays`."""
    return not FUNCTIONS.keys().isdisjoint((dimension or "").split("-"))
