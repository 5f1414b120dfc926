"""With whom the fictional subscribers exchange traffic: a catalogue of destinations and their habits.

The shares are made up. They are chosen so that three months show every indicator at work: heavy and light
platforms, five controlling jurisdictions and more, traffic that stays at home and traffic that leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

# Where a prefix answers from, as the address table says: in the economy (off-net cache or domestic network),
# in its region, in the United States, in any other country, or nobody knows.
Site = Literal["home", "region", "us", "other", "unknown"]
Rhythm = Literal["evening", "office"]


@dataclass(frozen=True)
class Habit:
    """The use of a kind of service, by direction as the subscriber sees it.

    `inbound` is the share of flow records that come in; `long` the share of records from long flows, the
    rest being exchanges of a few packets; packet sizes are mean IP bytes; `udp` is the share of QUIC and
    other UDP.
    """

    inbound: float
    inbound_packet_bytes: int
    outbound_packet_bytes: int
    long: float
    udp: float
    rhythm: Rhythm = "evening"
    port: int = 443


VIDEO: Final = Habit(0.66, 1340, 78, 0.70, 0.40)
SOCIAL: Final = Habit(0.58, 1060, 310, 0.45, 0.45)
MESSAGING: Final = Habit(0.52, 620, 360, 0.30, 0.25)
CLOUD: Final = Habit(0.52, 950, 640, 0.45, 0.0, "office")
STORAGE: Final = Habit(0.42, 880, 1220, 0.60, 0.0, "office")
WEB: Final = Habit(0.62, 1120, 190, 0.30, 0.15)
OFFICE: Final = Habit(0.56, 780, 330, 0.30, 0.10, "office")
ADS: Final = Habit(0.46, 360, 540, 0.08, 0.10)
GAMES: Final = Habit(0.55, 520, 130, 0.50, 0.60)
MEETING: Final = Habit(0.50, 860, 740, 0.70, 0.80, "office", 8801)
ASSISTANT: Final = Habit(0.50, 720, 470, 0.25, 0.0, "office")
DELIVERY: Final = Habit(0.64, 1260, 110, 0.50, 0.30)
PEERS: Final = Habit(0.50, 900, 880, 0.50, 0.40, port=51413)
TELEMETRY: Final = Habit(0.35, 260, 640, 0.10, 0.30, "office", 8883)


@dataclass(frozen=True)
class Destination:
    """A platform or network: its share of flow records, habit, where it answers from, and its growth.

    `platform` is a platform id of the reference, or '' for the network `asn`. `records` is relative to the
    others; `sites` are relative to each other, and those not found in the address table give theirs to the
    rest; `growth` is per 30 days.
    """

    platform: str
    records: float
    habit: Habit
    sites: Mapping[Site, float] = field(default_factory=lambda: {"us": 1.0})
    ipv6: float = 0.0
    growth: float = 0.02
    asn: int = 0

    @property
    def name(self) -> str:
        """The platform id, or AS and number."""
        return self.platform or f"AS{self.asn}"


_D = Destination

GLOBAL: Final = (
    _D("google", 11.0, VIDEO, {"home": 0.35, "region": 0.3, "us": 0.25, "unknown": 0.1}, 0.40, 0.02),
    _D("meta", 9.0, SOCIAL, {"home": 0.25, "region": 0.35, "us": 0.4}, 0.45, 0.0),
    _D("netflix", 6.0, VIDEO, {"home": 0.6, "region": 0.2, "us": 0.2}, 0.40, 0.04),
    _D("bytedance", 5.0, VIDEO, {"us": 0.5, "other": 0.3, "region": 0.2}, 0.20, 0.12),
    _D("amazon_aws", 6.0, CLOUD, {"us": 0.6, "region": 0.4}, 0.15, 0.03),
    _D("microsoft", 5.0, CLOUD, {"us": 0.6, "region": 0.4}, 0.25, 0.02),
    _D("cloudflare", 4.5, DELIVERY, {"unknown": 0.8, "us": 0.2}, 0.30),
    _D("akamai", 4.0, DELIVERY, {"home": 0.5, "us": 0.5}, 0.20),
    _D("apple", 3.0, STORAGE, {"us": 0.7, "region": 0.3}, 0.30),
    _D("google_cloud", 2.5, CLOUD, {"us": 0.7, "region": 0.3}, growth=0.04),
    _D("fastly", 2.0, DELIVERY, {"us": 0.6, "unknown": 0.4}),
    _D("x", 1.5, SOCIAL, {"us": 1.0}, growth=-0.02),
    _D("telegram", 1.4, MESSAGING, {"other": 1.0}),
    _D("twitch", 1.3, VIDEO, {"us": 0.6, "region": 0.4}),
    _D("disney", 1.3, VIDEO),
    _D("valve", 1.2, GAMES),
    _D("zoom", 1.2, MEETING),
    _D("roblox", 1.0, GAMES),
    _D("sony_psn", 0.8, GAMES),
    _D("tencent", 0.8, GAMES, {"other": 1.0}),
    _D("dropbox", 0.9, STORAGE),
    _D("oracle", 0.9, CLOUD, {"us": 0.6, "region": 0.4}),
    _D("alibaba", 0.9, WEB, {"other": 1.0}),
    _D("huawei_cloud", 0.8, CLOUD, {"region": 1.0}),
    _D("anthropic", 0.8, ASSISTANT, growth=0.15),
    _D("github", 0.8, CLOUD),
    _D("linkedin", 0.7, SOCIAL),
    _D("snap", 0.7, SOCIAL),
    _D("pinterest", 0.7, WEB),
    _D("wikimedia", 0.7, WEB),
    _D("adobe", 0.8, ADS),
    _D("criteo", 0.7, ADS, {"other": 1.0}),
    _D("taboola", 0.7, ADS),
    _D("xandr", 0.7, ADS),
    _D("uber", 0.6, OFFICE),
    _D("paypal", 0.6, OFFICE),
    _D("booking", 0.6, WEB, {"other": 1.0}),
    _D("shopify", 0.6, WEB),
    _D("salesforce", 0.6, OFFICE),
    _D("hetzner", 0.7, PEERS, {"other": 1.0}),
    _D("ovh", 0.7, PEERS, {"other": 1.0}),
    _D("digitalocean", 0.7, WEB),
    _D("starlink", 0.7, TELEMETRY),
)
REGIONAL: Final = (
    _D("globo", 1.0, VIDEO, {"region": 1.0}),
    _D("uol", 0.6, WEB, {"region": 1.0}),
    _D("nubank", 0.6, OFFICE, {"region": 1.0}),
    _D("rnp", 0.7, TELEMETRY, {"region": 1.0}),
    *(_D("", 0.8, PEERS, {"region": 1.0}, asn=asn) for asn in (28573, 7303, 7418, 10620, 6057, 6147, 8151)),
)
DOMESTIC: Final = (
    _D("xa_tv", 3.0, VIDEO, {"home": 1.0}, 0.25, 0.14),
    _D("xa_portal", 2.0, WEB, {"home": 1.0}, growth=0.12),
    _D("xa_bank", 1.5, OFFICE, {"home": 1.0}, growth=0.08),
    _D("xa_state", 1.5, OFFICE, {"home": 1.0}, growth=0.12),
    _D("xa_hosting", 1.5, STORAGE, {"home": 1.0}, growth=0.15),
    _D("xa_research", 1.2, TELEMETRY, {"home": 1.0}, growth=0.04),
    *(_D("", 1.8, PEERS, {"home": 1.0}, 0.0, 0.10, asn) for asn in (64501, 64502, 64503)),
)
CATALOGUE: Final = GLOBAL + REGIONAL + DOMESTIC
