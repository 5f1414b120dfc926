"""Files of platforms: who they are, which networks and names are theirs, where they stand."""

from collections.abc import Mapping
from types import MappingProxyType

from caudal.reference.files.columns import RECHECK, figures, file, key, maybe, text
from caudal.reference.files.declaration import FileColumn

# What a service is to the people who send it something.
FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "observes_people": "learns about people from other people's pages and apps: advertising, audiences, attribution",
        "finds_answers": "finds what people ask for: search, portals",
        "generates": "makes texts, pictures and programs of what people ask and hand over",
        "hosts_expression": "keeps and shows what people write, picture and film",
        "communicates": "carries messages, calls and conferences between people",
        "computes_and_stores": "computes for others and keeps their data: clouds, hosting, software as a service",
        "sells": "sells goods and courses, or lets others sell them",
        "arranges": "arranges rides, deliveries and journeys",
        "pays": "moves and keeps money",
        "carries_video": "shows films, series, television and other video",
        "publishes": "publishes news, music and knowledge",
        "plays": "runs games",
        "carries_for_others": "carries what others publish: content delivery networks",
        "tests_networks": "measures networks by filling them",
        "connects": "connects networks and people to the Internet: access, transit, exchange, research networks",
    }
)
# What a levy on digital services can be of.
LEVIES: Mapping[str, str] = MappingProxyType(
    {
        "advertising": "advertising aimed at people in the country",
        "intermediation": "bringing supply and demand of others together",
        "user_data": "what is made of data gathered from people, targeted advertising with it",
        "streaming": "films, television and music on demand",
        "digital_services": "any service supplied over the Internet for money",
    }
)

CATEGORIES = file(
    "categories",
    "kinds of service: what each is to those who send it something, whether it is video, which levies reach it",
    ("category",),
    key("category", "id", "name of the category in platforms.csv"),
    text("name_en", "name in English"),
    text("name_es", "name in Spanish"),
    text("name_pt", "name in Portuguese"),
    text("function", "what the service is to the people who send it something", *FUNCTIONS),
    key(
        "observes",
        "flag",
        "1 where it lives on observing people: targeted advertising, audiences, what it learns",
    ),
    key("video", "flag", "1 where most of its bytes are video"),
    FileColumn(
        "levies",
        "ids",
        "bases of levies that most of its revenue falls under",
        required=False,
        values=tuple(LEVIES),
    ),
    text("decided_by", "of a service of several kinds, what decides its function", required=False),
)

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
    key("category", "id", "kind of service, one of categories.csv"),
    key("ladder_stage", "stage", "stage of the data value ladder, 1 raw material to 5 intelligence"),
    text("hosted_on", "whose infrastructure it mostly runs on", required=False),
    text("offnet_programme", "name of its programme of caches inside access networks", required=False),
    text("asn_status", "whether AS numbers of its own were found", "verified", "none_in_db"),
    RECHECK,
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
    key(
        "suffix",
        "hosts",
        "domain that matches itself and every name under it; * in its first label stands for any letters, digits, hyphens",
    ),
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
    text(
        "match",
        "whether the suffix is a registrable domain, lies below one, or is that host alone and no name under it",
        "registrable",
        "suffix",
        "host",
    ),
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
