"""The fictional economy XA and its one fictional operator: names, sizes, prefixes.

Subscribers and domestic networks live in ranges reserved for documentation and benchmarking (RFC 5737,
RFC 2544, RFC 3849), and domestic AS numbers are those of RFC 5398, so that nobody real is impersonated.
"""

import csv
from pathlib import Path
from typing import Final

ECONOMY: Final = "XA"
OPERATOR: Final = "demo-net"
OPERATOR_NAME: Final = "Demo Net (synthetic)"
COLLECTOR: Final = "xa-1"
SUBSCRIBERS: Final = 12_000
HOME: Final = ("198.18.0.0/16", "2001:db8:1000::/36")
UTC_OFFSET_HOURS: Final = -4

REFERENCE_OVERLAY: Final = Path(__file__).parents[1] / "reference"
LOCATIONS: Final = Path(__file__).parents[1] / "locations.csv"


def locations() -> tuple[tuple[str, str, int], ...]:
    """Return the operator's own list: prefix, country and AS number of networks and off-net caches in XA."""
    with LOCATIONS.open(encoding="utf-8", newline="") as lines:
        return tuple((row["prefix"], row["country"], int(row["asn"])) for row in csv.DictReader(lines))
