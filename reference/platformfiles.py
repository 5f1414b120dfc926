"""Files of platforms: who they are, which networks and names are theirs, where they stand."""

from caudal.reference.columns import figures, file, key, maybe, text

PLATFORMS = file(
    "platforms",
    "digital platforms, and who controls them",
    ("platform_id",),
    key("platform_id", "id", "name of the platform in every other file"),
    text("name", "name people know it by"),
    text("operator", "company that runs it"),
    text("parent", "company at the top of the chain of ownership"),
    key("incorporation_country", "country", "where the parent is incorporated"),
    key("hq_country", "country", "where the parent says that its head office is"),
    key("control_country", "country", "whose law reaches the parent; the jurisdiction of indicators J3-J5"),
    text("tier", "place in the market", "platform", "regional", "cloud", "adtech", "cdn", "public", "access"),
    text("category", "kind of service"),
    key("ladder_stage", "stage", "stage of the data value ladder, 1 raw material to 5 intelligence"),
    text("hosted_on", "whose infrastructure it mostly runs on", required=False),
    text("offnet_programme", "name of its programme of caches inside access networks", required=False),
    text("asn_status", "whether AS numbers of its own were found", "verified", "none_in_db"),
)

PLATFORM_ASNS = file(
    "platform_asns",
    "autonomous systems of platforms",
    ("asn",),
    key("platform_id", "id", "platform the system belongs to"),
    key("asn", "asn", "AS number"),
    text("as_name", "name of the system in the address data"),
    maybe("ipv4_addresses", "count", "IPv4 addresses it originates"),
    maybe("ipv6_48s", "count", "IPv6 /48s it originates"),
)

PLATFORM_DOMAINS = file(
    "platform_domains",
    "domain suffixes of platforms; the longest suffix wins",
    ("suffix",),
    key("platform_id", "id", "platform the names belong to"),
    key("suffix", "domain", "domain that matches itself and every name under it"),
    text(
        "use",
        "what the names serve",
        "ads",
        "api",
        "cdn",
        "cloud",
        "media",
        "messaging",
        "telemetry",
        "web",
    ),
    text("match", "whether the suffix is a registrable domain or lies below one", "registrable", "suffix"),
    text(
        "direction_hint",
        "where most bytes go",
        "mixed",
        "download-heavy",
        "upload-heavy",
        required=False,
    ),
    maybe(
        "carrier", "flag", "1 for shared infrastructure: the name says who carries, not whose content it is"
    ),
    maybe("embeds", "flag", "1 where names below hold that of the content's owner, without this suffix"),
)

PLATFORM_POSITIONS = figures(
    "platform_positions",
    "places of platforms on the positioning map of indicator P4, by rater",
    ("platform_id", "rater"),
    key("platform_id", "id", "platform"),
    text("rater", "who judged, by a name or a number"),
    text("commodity_special", "what it sells", "commodity", "special"),
    text("standard_custom", "how it is made", "standard", "custom"),
    period="",
    cure="the judgement of two raters or more, each for all platforms of the region whose revenue is published",
)

PROVIDER_COUNTS = figures(
    "provider_counts",
    "how many things (domains, prefixes) each provider serves in a country, for indicator C5",
    ("country", "unit", "provider"),
    key("country", "country", "economy"),
    text("unit", "what was counted, as domains or prefixes"),
    text("provider", "who provides them; unknown for those of which it is not known"),
    key("count", "count", "how many"),
    period="",
    cure="a list of domains that the country uses, each looked up to the network that serves it",
)
