"""Settings of the collector: what there is to set, and what each may be."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from caudal.collector.aggregate.dominance import DOMINANCE_PERCENT
from caudal.collector.exporters.plausibility import MOST_GBIT_PER_SECOND
from caudal.collector.locate.home import HomeError, HomePrefixes
from caudal.collector.locate.nat64 import Nat64Prefixes
from caudal.collector.packets.tunnelkinds import TUNNEL_KINDS, opened
from caudal.common.daemonlog import LogFormat, LogLevel
from caudal.common.vocabulary import IDENTIFIER
from caudal.contract.columns import MOST_SITES, SITE_NAME

PREFIX = "CAUDAL_COLLECTOR_"

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
# A point of presence, as the operator calls it.
Site = Annotated[str, StringConstraints(pattern=f"^{SITE_NAME}$")]


def _endpoint(text: object) -> str:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%a-z]+\]|[^:\[\]\s]+):(\d{1,5})", str(text))
    if not match or int(match[2]) > 65535:
        raise ValueError(f"{text!r} is no address and port; write it like 0.0.0.0:2055 or [::]:2055")
    return str(text)


ListenAddress = Annotated[str, BeforeValidator(_endpoint)]


def _exporters(text: object) -> str:
    try:
        network = ipaddress.ip_network(str(text))
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no IP address or prefix ({error}); exporters are known by those"
        ) from error
    return str(network.network_address if network.num_addresses == 1 else network)


# An interface as SNMP numbers them.
Interface = Annotated[int, Field(ge=1, le=0xFFFF_FFFF)]


def _allowed(text: object) -> str:
    try:
        return str(ipaddress.ip_network(str(text)))
    except ValueError as error:
        raise ValueError(f"{text!r} is no prefix ({error}); write it like 192.0.2.0/24") from error


def _local_file(text: object) -> object:
    if re.match(r"[a-z]+://", str(text)):
        raise ValueError(f"{text} is an address on the network; fetch it and give the file")
    return text


LocalFile = Annotated[Path, BeforeValidator(_local_file)]


def _prefix(text: object) -> str:
    try:
        HomePrefixes([str(text)])
    except HomeError as error:
        raise ValueError(str(error)) from error
    return str(text)


def _tunnels(kinds: object) -> object:
    if isinstance(kinds, str | list | tuple):
        opened(kinds)
    return kinds


def _nat64(text: object) -> str:
    Nat64Prefixes([str(text)])
    return str(text)


class Service(BaseModel):
    """The destination of batches. The token is the content of `token_file`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://[^/\s]+", description="where the service answers")
    token_file: Path = Field(
        description="holds the token by which the service knows this collector; if left out, what systemd hands over as "
        "the credential `token`, else the file beside the settings that is called like them, with .token"
    )
    ca_file: Path | None = Field(default=None, description="certificates to trust instead of the system's")
    client_certificate: Path | None = Field(
        default=None, description="certificate (PEM) that this collector shows to the service"
    )
    client_key: Path | None = Field(
        default=None, description="its private key (PEM), if it is not in the same file"
    )

    @model_validator(mode="after")
    def _key_of_a_certificate(self) -> Self:
        if self.client_key is not None and self.client_certificate is None:
            raise ValueError("client_key is of no use without client_certificate; give both")
        return self


class Exporter(BaseModel):
    """The operator's knowledge of an exporter that the exporter may not say itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Identifier | None = Field(
        default=None, description="its name in the ledger, instead of a pseudonym of its address"
    )
    sampling: float | None = Field(default=None, ge=1, description="one packet in so many is sampled")
    sampling_override: bool = Field(
        default=False, description="sampling holds even where the exporter says something else"
    )
    as_from: Literal["record", "tables"] = Field(
        default="record",
        description="whose word on AS numbers goes first: its records', or that of `asn_tables` and the table shipped",
    )
    capacity_gbit_per_second: float | None = Field(
        default=None,
        gt=0,
        le=MOST_GBIT_PER_SECOND,
        description="what its links carry together, both directions added up: no record that says more is counted",
    )
    external: frozenset[Interface] = Field(
        default=frozenset(),
        description="interfaces (ifIndex) to other networks: only what crosses them is counted",
    )
    internal: frozenset[Interface] = Field(
        default=frozenset(),
        description="interfaces to the own network: what crosses none but these is left out",
    )
    metered: Literal["ingress", "egress", "crossing"] | None = Field(
        default=None,
        description="of a router that exports flows both at ingress and at egress, the records to count",
    )

    site: Site | None = Field(
        default=None,
        description="the point of presence where it stands: its traffic is told apart by this, to you and the regulator",
    )

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if both := sorted(self.external & self.internal):
            raise ValueError(f"interface {both[0]} is both external and internal; remove it from one of them")
        return self


class CaptureInterface(BaseModel):
    """A network interface of this machine whose packets are metered, such as the end of a mirror port."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[^/\s]{1,15}$", description="its name, as ip link shows it")
    exporter: Identifier | None = Field(
        default=None, description="its name in the ledger, instead of that of the interface"
    )
    filter: str = Field(default="", description="which packets are wanted, as pcap-filter(7); empty: all")
    promiscuous: bool = Field(default=False, description="take packets addressed to other machines, too")
    snap_length: int = Field(
        default=2048,
        ge=128,
        le=65_535,
        description="octets taken of a packet that may hold a name; of all others 128 are",
    )
    buffer_bytes: int = Field(
        default=64 << 20,
        ge=2 << 20,
        le=1 << 30,
        description="memory shared with the kernel for packets that wait",
    )
    own_traffic: bool = Field(
        default=False, description="meter what this machine itself sends and receives, too"
    )
    site: Site | None = Field(default=None, description="the point of presence where it stands")


# What may be said of all exporters in a prefix.
_BY_PREFIX = frozenset({"sampling", "sampling_override", "capacity_gbit_per_second", "site"})


class CollectorSettings(BaseSettings):
    """Everything the collector is told from outside. Keys that do not exist are refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_nested_delimiter="__", hide_input_in_errors=True
    )

    collector: Identifier = Field(description="the id by which the service knows this collector")
    operator: Identifier = Field(description="the operator it belongs to")
    economy: CountryCode = Field(description="ISO 3166-1 alpha-2 code of the country it meters")
    home: tuple[Annotated[str, BeforeValidator(_prefix)], ...] = Field(
        min_length=1, description="prefixes of the operator's own subscribers and servers"
    )
    nat64: tuple[Annotated[str, BeforeValidator(_nat64)], ...] = Field(
        default=(),
        description="prefixes of the operator's own NAT64, beside 64:ff9b::/96: located by the IPv4 address inside",
    )
    listen: tuple[ListenAddress, ...] = Field(
        default=("0.0.0.0:2055",), description="UDP addresses; may be empty where interfaces are metered"
    )
    allow: tuple[Annotated[str, BeforeValidator(_allowed)], ...] = Field(
        default=(),
        description="prefixes of exporters; datagrams of others are filtered. Empty: all are taken",
    )
    capacity_gbit_per_second: float = Field(
        default=MOST_GBIT_PER_SECOND,
        gt=0,
        le=MOST_GBIT_PER_SECOND,
        description="… of exporters of which no capacity of their own is known; no single router carries the default",
    )
    template_wait_seconds: float = Field(
        default=1800,
        ge=1,
        le=86_400,
        description="how long data waits for its template before it counts as malformed",
    )
    state_directory: Path = Field(description="holds the spool; addresses are never written to it")
    metrics_listen: ListenAddress | None = Field(default=None, description="Prometheus metrics over HTTP")
    log_level: LogLevel = Field(default=LogLevel.info, description="the least that is logged")
    log_format: LogFormat = Field(default=LogFormat.text, description="lines of text, or of JSON")
    window_seconds: int = Field(
        default=300, ge=10, le=3600, description="length of a window; an hour must be a whole number of them"
    )
    lateness_seconds: int = Field(
        default=60,
        ge=0,
        le=3600,
        description="a window closes when exporters' time passed its end by this; what comes later is gathered for a "
        "window's length more",
    )
    idle_seconds: float = Field(default=30, gt=0, description="… or when nothing came for it for so long")
    k_anonymity: int = Field(default=5, ge=1, le=100, description="cells of fewer local hosts are folded")
    dominance_percent: float = Field(
        default=DOMINANCE_PERCENT,
        ge=50,
        le=100,
        description="… and those of whose bytes one local host may have more than this; 100: however much",
    )
    receive_buffer_bytes: int = Field(
        default=32 << 20, ge=1 << 16, description="asked of the kernel per socket"
    )
    drain_seconds: float = Field(
        default=30,
        ge=0,
        description="how long a collector told to stop goes on shipping; the rest stays in the spool",
    )
    spool_max_bytes: int = Field(
        default=10 << 30,
        ge=1 << 20,
        description="what the spool may take on disk. When full, nothing in it is dropped: new windows wait in memory, "
        "there they are added up by hour and country above 256 MiB, and are written as soon as there is room",
    )
    tunnels: Annotated[Literal["outer", "inner"] | tuple[str, ...], BeforeValidator(_tunnels)] = Field(
        default="outer",
        description="whose addresses and bytes count of packets inside of packets, sampled or metered here: outer, inner, "
        f"or inner for a list of kinds ({', '.join(TUNNEL_KINDS)})",
    )
    interfaces: tuple[CaptureInterface, ...] = Field(
        default=(), description="network interfaces whose packets are metered"
    )
    active_timeout_seconds: int = Field(
        default=60, ge=1, le=3600, description="a flow metered from packets is cut after so long"
    )
    idle_timeout_seconds: int = Field(
        default=15, ge=1, le=3600, description="… and ends when no packet came for so long"
    )
    names: bool = Field(
        default=True,
        description="find the platform of metered packets by names in DNS, TLS, QUIC and plain HTTP",
    )
    names_per_second: int = Field(
        default=20_000, ge=1, description="packets looked at for a name in a second, at most"
    )
    synthetic: bool = Field(default=False, description="what is metered is made up; every output will say so")
    locations: LocalFile | None = Field(
        default=None, description="the operator's own list: prefix,country[,asn[,platform]]"
    )
    geofeeds: tuple[LocalFile, ...] = Field(
        default=(), description="geofeeds (RFC 8805) that the operator trusts, below the own list"
    )
    asn_tables: tuple[LocalFile, ...] = Field(
        default=(),
        description="whose prefixes are: CSV of prefix,asn, or MRT dumps of a RIB; the first goes first",
    )
    second_country_table: LocalFile | None = Field(
        default=None,
        description="a second address database (CSV, MMDB, or directory of built tables): where both name another "
        "country, none is named",
    )
    reference_overlay: Path | None = Field(
        default=None, description="directory of rows that replace or add facts"
    )
    service: Service = Field(description="where batches go")
    exporters: dict[Annotated[str, BeforeValidator(_exporters)], Exporter] = Field(
        default={},
        description="what is known of exporters, by their address; sampling, capacity and site also by prefix, of which the "
        "longest counts",
    )

    @model_validator(mode="before")
    @classmethod
    def _earlier_name(cls, values: object) -> object:
        """Take `sflow_tunnels`, which was of sampled packets alone, for `tunnels` where both mean one thing."""
        if not isinstance(values, dict) or "sflow_tunnels" not in values:
            return values
        values = dict(values)
        kinds = values.pop("sflow_tunnels")
        if "tunnels" in values:
            raise ValueError("sflow_tunnels is now tunnels, and both are set; remove sflow_tunnels")
        if kinds != "outer" and values.get("interfaces"):
            raise ValueError(
                "sflow_tunnels is now tunnels, and counts for interfaces as well; write tunnels where that is wanted"
            )
        return {**values, "tunnels": kinds}

    @field_validator("exporters")
    @classmethod
    def _of_one_exporter(cls, exporters: dict[str, Exporter]) -> dict[str, Exporter]:
        for address, known in exporters.items():
            if known.sampling_override and known.sampling is None:
                raise ValueError(f"{address}: sampling_override without sampling; give the rate")
            of_one = known.model_fields_set - _BY_PREFIX
            if "/" in address and of_one:
                raise ValueError(f"{address}: {min(of_one)} belongs to one exporter; give it by address")
        return exporters

    @field_validator("interfaces")
    @classmethod
    def _different(cls, interfaces: tuple[CaptureInterface, ...]) -> tuple[CaptureInterface, ...]:
        names = [each.name for each in interfaces]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]} is listed twice, and would be counted twice; list it once")
        return interfaces

    @model_validator(mode="after")
    def _something_to_meter(self) -> Self:
        if not self.listen and not self.interfaces:
            raise ValueError(
                "listen is empty and there are no interfaces: nothing would be metered; give one of them"
            )
        return self

    @model_validator(mode="after")
    def _not_too_many_sites(self) -> Self:
        sites = {each.site for each in self.exporters.values()} | {each.site for each in self.interfaces}
        sites.discard(None)
        if len(sites) > MOST_SITES:
            raise ValueError(
                f"exporters and interfaces stand at {len(sites)} sites; {MOST_SITES} can be told apart: name fewer"
            )
        return self

    @field_validator("window_seconds")
    @classmethod
    def _divides_an_hour(cls, seconds: int) -> int:
        if 3600 % seconds:
            raise ValueError(f"{seconds} s do not divide an hour; take 300, or another that does")
        return seconds
