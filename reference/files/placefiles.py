"""Files of places: countries, their groups, the economies that indicators are computed for, where addresses are."""

from caudal.reference.files.columns import RECHECK, file, key, maybe, text

COUNTRIES = file(
    "countries",
    "countries and territories of ISO 3166-1, and XK, with names",
    ("country",),
    key("country", "country", "ISO 3166-1 alpha-2 code"),
    key("iso3", "iso3", "ISO 3166-1 alpha-3 code"),
    maybe("m49", "m49", "numeric code of ISO 3166-1 and of the UN's M49"),
    text("name_en", "English name"),
    text("name_es", "Spanish name"),
    text("name_pt", "Portuguese name"),
    text("region", "subregion of the UN's M49", required=False),
)

COUNTRY_GROUPS = file(
    "country_groups",
    "members of regional blocs, of the Global North and South, and of legal clubs",
    ("group_id", "country"),
    key("group_id", "id", "name of the group in other files"),
    text("group_name", "name people know it by"),
    key("country", "country", "member"),
    RECHECK,
)

ECONOMIES = file(
    "economies",
    "economies that indicators are computed for: people, users, output",
    ("country",),
    key("country", "country", "ISO 3166-1 alpha-2 code"),
    key("iso3", "iso3", "ISO 3166-1 alpha-3 code"),
    text("name_en", "English name"),
    text("name_es", "Spanish name"),
    text("name_pt", "Portuguese name"),
    text("region", "region of the UN's Sustainable Development Goals", required=False),
    text("subregion", "subregion, for Latin America and the Caribbean", required=False),
    maybe("region_group", "id", "country group that counts as the region in indicators J2, P2, P3"),
    key("celac", "flag", "1 for the members of CELAC"),
    maybe("currency", "currency", "ISO 4217 code"),
    key("population", "count", "people"),
    key("population_year", "year", "year of the population"),
    key("internet_users_percent", "percent", "people who use the Internet, per 100"),
    key("internet_users", "count", "people who use the Internet"),
    key("internet_year", "year", "year of the share of Internet users"),
    maybe("gdp_usd", "amount", "gross domestic product, current USD"),
    maybe("gdp_year", "year", "year of the product"),
    maybe("gdp_per_head_usd", "amount", "product per head, current USD"),
    maybe("gdp_per_head_ppp", "amount", "product per head, constant 2021 international USD"),
    maybe("ppp_year", "year", "year of the product per head at purchasing power parity"),
    maybe("gdp_usd_2023", "amount", "gross domestic product of 2023, current USD"),
    maybe(
        "usable_as_weight", "flag", "0 where the product per head is no measure of what users spend; empty: 1"
    ),
    maybe("disputed_factor", "amount", "factor by which published figures of the product differ, either way"),
    maybe("internet_users_percent_other", "percent", "the same share by another vintage of the source"),
    maybe("gdp_revision_percent", "amount", "per cent by which a revision not yet in the product raised it"),
)

GEOLOCATION_ACCURACY = file(
    "geolocation_accuracy",
    "measured: share of addresses in published cloud ranges that a database puts in the right country",
    ("truth", "group"),
    text("truth", "what the database was compared with"),
    text("group", "which ranges"),
    key("usable", "flag", "1 if it is of all clouds together, so that a share can be corrected by it"),
    maybe(
        "countries", "countries", "whose regions, codes with a space between them; empty: of all countries"
    ),
    maybe("excepted", "country", "left out of all countries: where what is misplaced is put"),
    key("ranges", "count", "ranges in the group"),
    key("sampled_ips", "count", "addresses drawn"),
    key("geo_whois_asn_country_2026_06", "share", "right answers of geo-whois-asn-country, June 2026"),
    maybe("rir_iptocc_2026_10", "share", "right answers of registry delegations, October 2026"),
    maybe("ipfire_torgeoipdb_2026_06", "share", "right answers of IPFire (Tor's geoip-db), June 2026"),
    maybe("maxmind_geoip2fast_2024", "share", "right answers of MaxMind GeoLite2 as in geoip2fast, 2024"),
    text("method", "how the shares were measured"),
)

GEOLOCATION_AGREEMENT = file(
    "geolocation_agreement",
    "measured: share of addresses of a network on which address databases agree",
    ("group",),
    text("group", "whose addresses"),
    key("rir_eq_geowhois", "share", "registry delegations and geo-whois agree"),
    key("rir_eq_ipfire", "share", "registry delegations and IPFire agree"),
    key("geowhois_eq_ipfire", "share", "geo-whois and IPFire agree"),
    key("maxmind2024_eq_ipfire", "share", "MaxMind 2024 and IPFire agree"),
    key("all_four_agree", "share", "all four agree"),
    text("method", "how the shares were measured"),
)

CLOUD_REGIONS = file(
    "cloud_regions",
    "regions that clouds publish for their address ranges, and the country each lies in",
    ("provider", "region"),
    text("provider", "cloud, as named in the cloud table of the address data"),
    text("region", "region as the cloud names it"),
    key("country", "location", "country; ZZ where the region is everywhere or not known"),
    text("location", "how a range of the region is located", "region", "anycast", "unknown"),
)

ANYCAST_PREFIXES = file(
    "anycast_prefixes",
    "prefixes that their operators announce from many places at once",
    ("prefix",),
    key("prefix", "prefix", "IPv4 or IPv6 prefix"),
    text("operator", "who announces it"),
    text("service", "what it serves"),
)

SPECIAL_ADDRESSES = file(
    "special_addresses",
    "prefixes set aside for a purpose: private, documentation, multicast, reserved and the like",
    ("prefix",),
    key("prefix", "prefix", "IPv4 or IPv6 prefix; the longest that holds an address counts"),
    text("name", "what it is for"),
    text("place", "where its addresses are: at no place of the Internet, or at many", "nowhere", "anycast"),
)
