"""Files of networks that are no platform's: who controls them, and how that is known."""

from caudal.reference.files.columns import RECHECK, file, key, maybe, text
from caudal.reference.files.declaration import FileColumn

# Kinds of networks beside those of platforms, access and transit networks.
KINDS = (
    "hosting",
    "academic",
    "government",
    "enterprise",
    "ixp",
    "wholesale",
    "satellite",
    "address_lease",
)

_BASES = ("filed", "press", "name", "presumed", "from_memory")
_RULES = ("owner", "largest_holder", "seat", "licence")


def _parent_basis(*values: str) -> FileColumn:
    meaning = (
        "how the parent is known: from a filing or report of its own, the press, the network's name, "
        "not at all (presumed to be of its own country), or from memory"
    )
    return text("parent_basis", meaning, *values, required=False)


ACCESS_NETWORKS = file(
    "access_networks",
    "large access networks, and who controls them; a network has a row for each country that it serves",
    ("country", "asn"),
    key("country", "country", "country that the network serves"),
    key("asn", "asn", "AS number"),
    text("as_name", "name of the system in the address data"),
    text("parent", "company that controls the operator; the operator itself where it was not looked up"),
    _parent_basis("filed", "press", "presumed", "from_memory"),
    key("control_country", "country", "country of the parent, by control_rule"),
    text(
        "control_rule",
        "why that country: the owner's, that of the largest holder without a majority, the seat of a parent "
        "without one, or the country that licenses the network, where no owner is known",
        *_RULES,
        required=False,
    ),
    maybe("ipv4_addresses", "count", "IPv4 addresses it announces in the country, by the address tables"),
    RECHECK,
)

TRANSIT_ASNS = file(
    "transit_asns",
    "international transit carriers",
    ("asn",),
    key("asn", "asn", "AS number"),
    key("control_country", "country", "country of the company that controls the carrier"),
    text("operator", "name of the carrier"),
    text("as_name", "name of the system in the address data"),
    _parent_basis("filed", "press", "from_memory"),
    RECHECK,
)

OTHER_NETWORKS = file(
    "other_networks",
    "networks of Latin America that are neither a platform's nor an access or transit network",
    ("asn",),
    key("country", "country", "country where most of its addresses in the region lie"),
    key("asn", "asn", "AS number"),
    text("as_name", "name of the system in the address data"),
    text("kind", "what the network is for", *KINDS),
    text("parent", "company or body that controls it; the network itself where its name says it"),
    _parent_basis(*_BASES),
    key("control_country", "country", "country of the parent"),
    maybe("ipv4_addresses", "count", "IPv4 addresses it announces, in whatever country"),
    RECHECK,
)
