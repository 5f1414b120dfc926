"""The files of facts, one declaration each: what loading validates and what an overlay may hold."""

from caudal.reference.declaration import Column, FactFile, Kind

PROVENANCE: tuple[Column, ...] = (
    Column("source", "text", "document or data set the row was taken from, with its place"),
    Column("as_of", "date", "day the fact holds for, or on which it was taken from the source"),
    Column("status", "status", "how far the fact was checked"),
)
NOTE = Column("note", "text", "what a reader of the row should know", required=False)


def _text(name: str, meaning: str, *values: str, required: bool = True) -> Column:
    return Column(name, "text", meaning, required=required, values=values)


def _key(name: str, kind: Kind, meaning: str) -> Column:
    return Column(name, kind, meaning)


def _maybe(name: str, kind: Kind, meaning: str) -> Column:
    return Column(name, kind, meaning, required=False)


def _file(name: str, meaning: str, key: tuple[str, ...], *columns: Column) -> FactFile:
    return FactFile(name, meaning, key, (*columns, *PROVENANCE, NOTE))


PLATFORMS = _file(
    "platforms",
    "digital platforms, and who controls them",
    ("platform_id",),
    _key("platform_id", "id", "name of the platform in every other file"),
    _text("name", "name people know it by"),
    _text("operator", "company that runs it"),
    _text("parent", "company at the top of the chain of ownership"),
    _key("incorporation_country", "country", "where the parent is incorporated"),
    _key("hq_country", "country", "where the parent says that its head office is"),
    _key("control_country", "country", "whose law reaches the parent; the jurisdiction of indicators J3-J5"),
    _text(
        "tier", "place in the market", "platform", "regional", "cloud", "adtech", "cdn", "public", "access"
    ),
    _text("category", "kind of service"),
    _key("ladder_stage", "stage", "stage of the data value ladder, 1 raw material to 5 intelligence"),
    _text("hosted_on", "whose infrastructure it mostly runs on", required=False),
    _text("offnet_programme", "name of its programme of caches inside access networks", required=False),
    _text("asn_status", "whether AS numbers of its own were found", "verified", "none_in_db"),
)

PLATFORM_ASNS = _file(
    "platform_asns",
    "autonomous systems of platforms",
    ("asn",),
    _key("platform_id", "id", "platform the system belongs to"),
    _key("asn", "asn", "AS number"),
    _text("as_name", "name of the system in the address data"),
    _maybe("ipv4_addresses", "integer", "IPv4 addresses it originates"),
    _maybe("ipv6_48s", "integer", "IPv6 /48s it originates"),
)

PLATFORM_DOMAINS = _file(
    "platform_domains",
    "domain suffixes of platforms; the longest suffix wins",
    ("suffix",),
    _key("platform_id", "id", "platform the names belong to"),
    _key("suffix", "domain", "domain that matches itself and every name under it"),
    _text("use", "what the names serve"),
    _text("match", "whether the suffix is a registrable domain or lies below one", "registrable", "suffix"),
    _text(
        "direction_hint",
        "where most bytes go",
        "mixed",
        "download-heavy",
        "upload-heavy",
        required=False,
    ),
)

ACCESS_NETWORKS = _file(
    "access_networks",
    "large access networks, and who controls them",
    ("asn",),
    _key("country", "country", "where the network is licensed"),
    _key("asn", "asn", "AS number"),
    _text("as_name", "name of the system in the address data"),
    _text("parent", "company that controls the operator, from memory"),
    _key(
        "control_country",
        "country",
        "country of the parent; the licensing country where nobody has a majority",
    ),
    _maybe("ipv4_addresses", "integer", "IPv4 addresses it originates"),
)

TRANSIT_ASNS = _file(
    "transit_asns",
    "international transit carriers",
    ("asn",),
    _key("asn", "asn", "AS number"),
    _key("control_country", "country", "country of the company that controls the carrier"),
    _text("operator", "name of the carrier"),
    _text("as_name", "name of the system in the address data"),
)

COUNTRIES = _file(
    "countries",
    "countries and territories of ISO 3166-1, and XK, with names",
    ("country",),
    _key("country", "country", "ISO 3166-1 alpha-2 code"),
    Column("iso3", "text", "ISO 3166-1 alpha-3 code"),
    _text("name_en", "English name"),
    _text("name_es", "Spanish name"),
    _text("name_pt", "Portuguese name"),
    _text("region", "subregion of the UN's M49", required=False),
)

COUNTRY_GROUPS = _file(
    "country_groups",
    "members of regional blocs, of the Global North and South, and of legal clubs",
    ("group_id", "country"),
    _key("group_id", "id", "name of the group in other files"),
    _text("group_name", "name people know it by"),
    _key("country", "country", "member"),
)

ECONOMIES = _file(
    "economies",
    "economies that indicators are computed for: people, users, output",
    ("country",),
    _key("country", "country", "ISO 3166-1 alpha-2 code"),
    _text("iso3", "ISO 3166-1 alpha-3 code"),
    _text("name_en", "English name"),
    _text("name_es", "Spanish name"),
    _text("name_pt", "Portuguese name"),
    _text("region", "region of the UN's Sustainable Development Goals", required=False),
    _text("subregion", "subregion, for Latin America and the Caribbean", required=False),
    _maybe("region_group", "id", "country group that counts as the region in indicators J2, P2, P3"),
    Column("celac", "flag", "1 for the members of CELAC"),
    _text("currency", "ISO 4217 code", required=False),
    _key("population", "integer", "people"),
    _key("population_year", "year", "year of the population"),
    _key("internet_users_percent", "number", "people who use the Internet, per 100"),
    _key("internet_users", "integer", "people who use the Internet"),
    _key("internet_year", "year", "year of the share of Internet users"),
    _maybe("gdp_usd", "number", "gross domestic product, current USD"),
    _maybe("gdp_year", "year", "year of the product"),
    _maybe("gdp_per_head_usd", "number", "product per head, current USD"),
    _maybe("gdp_per_head_ppp", "number", "product per head, constant 2021 international USD"),
    _maybe("ppp_year", "year", "year of the product per head at purchasing power parity"),
    _maybe("gdp_usd_2023", "number", "gross domestic product of 2023, current USD"),
)

GEOLOCATION_ACCURACY = _file(
    "geolocation_accuracy",
    "measured: share of addresses in published cloud ranges that a database puts in the right country",
    ("truth", "group"),
    _text("truth", "what the database was compared with"),
    _text("group", "which ranges"),
    _key("ranges", "integer", "ranges in the group"),
    _key("sampled_ips", "integer", "addresses drawn"),
    _key("geo_whois_asn_country_2026_06", "share", "right answers of geo-whois-asn-country, June 2026"),
    _key("rir_iptocc_2026_10", "share", "right answers of registry delegations, October 2026"),
    _key("ipfire_torgeoipdb_2026_06", "share", "right answers of IPFire (Tor's geoip-db), June 2026"),
    _key("maxmind_geoip2fast_2024", "share", "right answers of MaxMind GeoLite2 as in geoip2fast, 2024"),
    _text("method", "how the shares were measured"),
)

GEOLOCATION_AGREEMENT = _file(
    "geolocation_agreement",
    "measured: share of addresses of a network on which address databases agree",
    ("group",),
    _text("group", "whose addresses"),
    _key("rir_eq_geowhois", "share", "registry delegations and geo-whois agree"),
    _key("rir_eq_ipfire", "share", "registry delegations and IPFire agree"),
    _key("geowhois_eq_ipfire", "share", "geo-whois and IPFire agree"),
    _key("maxmind2024_eq_ipfire", "share", "MaxMind 2024 and IPFire agree"),
    _key("all_four_agree", "share", "all four agree"),
    _text("method", "how the shares were measured"),
)

ADEQUACY = _file(
    "adequacy",
    "decisions that a country protects personal data adequately, by the regime that decided",
    ("regime", "country", "instrument"),
    _text("regime", "who decided: a country, EU, or a body such as RIPD or MERCOSUR"),
    _key("country", "location", "country found adequate; * where no single country is named"),
    _text("name", "name of the country, or what stands in its place"),
    _text("level", "what was decided", "adequate", "adequate_partial", "pending", "standard", "none"),
    _text("instrument", "the legal act"),
    _key("date", "date", "day of the decision"),
    _maybe("expires", "date", "last day, where one is set"),
    _text("scope", "what the decision covers", required=False),
)

ACCESS_LAWS = _file(
    "access_laws",
    "laws by which a state can compel access to data held abroad",
    ("jurisdiction", "law"),
    _text("jurisdiction", "state, EU, or INT for treaties"),
    _text("law", "name of the law"),
    _text("citation", "where it is found"),
    _key("year", "year", "year of the law"),
    _text("extraterritorial", "whether it reaches abroad", "yes", "partly", "no"),
    _text("nexus", "what ties a holder of data to it"),
    _text("scope", "what data it reaches"),
    _text("state", "whether it is in force"),
    _key("exposure_weight_proposal", "share", "proposed weight in indicator J7; a judgement, not a fact"),
)

DIGITAL_TAXES = _file(
    "digital_taxes",
    "taxes on digital services",
    ("country", "instrument", "in_force_from"),
    _key("country", "country", "who levies it"),
    _text("instrument", "name of the tax"),
    _key("rate_percent", "number", "rate in per cent"),
    _maybe("in_force_from", "date", "first day"),
    _maybe("in_force_to", "date", "last day"),
    _text("base", "what is taxed", required=False),
    _text("threshold", "who is taxed", required=False),
    _text("state", "whether it is in force"),
)

MORATORIUM = _file(
    "moratorium",
    "history of the WTO's moratorium on customs duties on electronic transmissions",
    ("date", "what"),
    _key("date", "period", "when"),
    _text("kind", "what kind of row", "event", "estimate", "critique", "figure"),
    _text("what", "what happened or was estimated"),
    _maybe("value", "number", "figure"),
    _text("unit", "unit of the figure", required=False),
)

REGIONAL_REVENUE = _file(
    "regional_revenue",
    "revenues and users by region, as companies published them",
    ("platform_id", "reporter", "period", "period_end", "region", "metric"),
    _key("platform_id", "id", "platform"),
    _text("reporter", "company that reported"),
    _text("period", "year or quarter as named by the reporter"),
    _key("period_end", "date", "last day of the period"),
    _text("region", "region as cut by the reporter"),
    _text("metric", "what was measured, with its unit"),
    _key("value", "number", "the figure"),
    _text("basis", "how the reporter assigns it to a region", required=False),
    _text("filing", "document of the reporter"),
)

VALUE_ADDED = _file(
    "value_added",
    "value added of ISIC section J (information and communication) and its divisions",
    ("country", "year", "isic_section"),
    _key("country", "country", "economy"),
    _key("year", "year", "year"),
    _text("isic_section", "section J or divisions of it"),
    _maybe("value_lcu_m", "number", "million of the national currency"),
    _text("currency", "ISO 4217 code", required=False),
    _key("share_of_gva_percent", "number", "per cent of gross value added"),
    _maybe("share_of_gdp_percent", "number", "per cent of gross domestic product"),
    _maybe("value_usd_m", "number", "million USD"),
)

SERVICES_TRADE = _file(
    "services_trade",
    "trade in services, million USD",
    ("country", "year", "flow", "item"),
    _key("country", "country", "economy"),
    _key("year", "year", "year"),
    _text("flow", "direction", "export", "import"),
    _text(
        "item",
        "DDS digitally deliverable services; SI telecommunications, computer, information; SH charges for IP",
        "DDS",
        "SI",
        "SH",
    ),
    _key("value_usd_m", "number", "million USD"),
)

TARIFF_LINES = _file(
    "tariff_lines",
    "candidate tariff lines of digitisable products; not the UN's list of 49",
    ("hs6", "hs_revision"),
    _text("hs6", "subheading of the Harmonized System"),
    _text("hs_revision", "revision of the Harmonized System"),
    _text("description", "what the subheading holds"),
    _text("product_group", "kind of product"),
    _text("in_un_list_of_49", "whether the UN's list holds it", "yes", "no", "candidate"),
)

SUBSCRIBERS = _file(
    "subscribers",
    "subscriptions to fixed and mobile networks",
    ("country", "year", "technology"),
    _key("country", "country", "economy"),
    _key("year", "year", "year"),
    _text("technology", "network", "fixed_broadband", "mobile_cellular", "mobile_broadband"),
    _maybe("subscriptions", "integer", "subscriptions"),
    _maybe("per_100_inhabitants", "number", "subscriptions per 100 inhabitants"),
)

INDICATORS = _file(
    "indicators",
    "the thirty indicators, as defined",
    ("id",),
    _key("id", "id", "name of the indicator everywhere"),
    _text("group", "group", "jurisdiction", "concentration", "dependency", "value", "positioning"),
    _text("name", "title"),
    _text("formula", "definition"),
    _text("unit", "unit"),
    _text("range", "values it can take"),
    _text("inputs", "what it needs"),
    _text("uncertainty", "how its interval is made"),
    _text("critique", "what can be said against it"),
)

CLOUD_REGIONS = _file(
    "cloud_regions",
    "regions that clouds publish for their address ranges, and the country each lies in",
    ("provider", "region"),
    _text("provider", "cloud, as named in the cloud table of the address data"),
    _text("region", "region as the cloud names it"),
    _key("country", "location", "country; ZZ where the region is everywhere or not known"),
    _text("location", "how a range of the region is located", "region", "anycast", "unknown"),
)

ANYCAST_PREFIXES = _file(
    "anycast_prefixes",
    "prefixes that their operators announce from many places at once",
    ("prefix",),
    _key("prefix", "prefix", "IPv4 or IPv6 prefix"),
    _text("operator", "who announces it"),
    _text("service", "what it serves"),
)

ATTRIBUTIONS = _file(
    "attributions",
    "what the licences of the sources of these files ask to be said",
    ("id",),
    _key("id", "id", "short name"),
    _text("text", "the line to show"),
    _text("licence", "licence of the source"),
    _text("used_in", "files that use it"),
)

FILES: tuple[FactFile, ...] = (
    PLATFORMS,
    PLATFORM_ASNS,
    PLATFORM_DOMAINS,
    ACCESS_NETWORKS,
    TRANSIT_ASNS,
    COUNTRIES,
    COUNTRY_GROUPS,
    ECONOMIES,
    GEOLOCATION_ACCURACY,
    GEOLOCATION_AGREEMENT,
    ADEQUACY,
    ACCESS_LAWS,
    DIGITAL_TAXES,
    MORATORIUM,
    REGIONAL_REVENUE,
    VALUE_ADDED,
    SERVICES_TRADE,
    TARIFF_LINES,
    SUBSCRIBERS,
    INDICATORS,
    CLOUD_REGIONS,
    ANYCAST_PREFIXES,
    ATTRIBUTIONS,
)
