"""The settings of the door: `[door]` in the settings file."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

OFF = "off"
_RATE = r"^(off|[1-9]\d{0,6}/(second|minute|hour))$"
Rate = Annotated[str, StringConstraints(pattern=_RATE)]
HostName = Annotated[str, StringConstraints(pattern=r"^(\*|[A-Za-z0-9._-]{1,253}|\[?[0-9A-Fa-f:.]+\]?)$")]


def _network(value: object) -> object:
    return ip_network(str(value))


# An address is a network of one.
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class DoorSettings(BaseModel):
    """The limits of what anybody may send to the service, and how much of it at once.

    Seconds, bytes and counts are bounds; the defaults suit two cores and 4 GiB. A rate is "600/minute" or "off".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_hosts: tuple[HostName, ...] = Field(
        default=(), description="names it answers to, beside loopback, `listen` and `public_url`; * is any"
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(), description="whose X-Forwarded-For is believed: addresses or networks"
    )
    rate_limit: Rate = Field(default="600/minute", description="requests of an address without a key")
    rate_limit_keys: Rate = Field(default="6000/minute", description="requests of a key or token")

    connections: int = Field(default=4096, ge=16, le=1_000_000, description="open at once")
    connections_per_address: int = Field(default=256, ge=1, le=1_000_000)
    header_seconds: float = Field(default=10.0, gt=0, le=600, description="until a request's head is whole")
    keep_alive_seconds: int = Field(default=15, ge=1, le=600, description="between two requests")
    body_seconds: float = Field(default=300.0, gt=0, le=3600, description="until a body is whole")
    body_bytes_per_second: int = Field(default=8192, ge=1, description="the least rate of a body")
    send_seconds: float = Field(default=30.0, gt=0, le=600, description="how long nobody may read")
    send_bytes_per_second: int = Field(default=1024, ge=1, description="the least rate of reading an answer")
    target_bytes: int = Field(default=8192, ge=256, le=65536, description="of path and query")
    header_bytes: int = Field(default=32768, ge=1024, le=262144, description="of all headers")

    bodies_at_once: int = Field(default=8, ge=1, le=1000, description="bodies in memory, each of a batch")
    bodies_per_sender: int = Field(default=2, ge=1, le=1000)
    ingest_at_once: int = Field(default=2, ge=1, le=100)
    strangers_at_once: int = Field(default=4, ge=1, le=100, description="reads of those without a key")
    known_at_once: int = Field(default=4, ge=1, le=100, description="reads of those with one")
    manage_at_once: int = Field(default=2, ge=1, le=100)
    exports_at_once: int = Field(default=16, ge=1, le=100)
    exports_per_sender: int = Field(default=2, ge=1, le=100)
    waiting: int = Field(default=32, ge=0, le=10_000, description="that wait for a place, for each of these")
    places_per_sender: int = Field(
        default=8, ge=1, le=10_000, description="of one sender, at work or waiting"
    )
    wait_seconds: float = Field(default=5.0, gt=0, le=60)
    dear_at_once: int = Field(default=1, ge=1, le=16, description="reports, exports and the like, being made")
    dear_waiting: int = Field(default=1, ge=0, le=100)

    work_seconds: float = Field(default=60.0, gt=0, le=3600, description="until a question is answered")
    months: int = Field(default=36, ge=1, le=1200, description="that one question may span")
    query_seconds: float = Field(default=30.0, gt=0, le=3600, description="of one SELECT")
    query_memory_bytes: int = Field(default=2 << 30, ge=64 << 20)
    query_rows: int = Field(default=2_000_000_000, ge=1000, description="read by one SELECT")
    query_answer_rows: int = Field(default=5_000_000, ge=1000)

    @property
    def store_clients(self) -> int:
        """The number of statements that the store takes at once, so that nobody who is let in waits for another there.

        The two beside the places are the publisher's and the one that looks whether the store answers.
        """
        return self._places + 2

    @property
    def threads(self) -> int:
        """The number of threads that handlers may need at once, so that nobody who is let in waits for one."""
        return self._places + 16

    @property
    def _places(self) -> int:
        reads = self.strangers_at_once + self.known_at_once + self.exports_at_once
        return self.ingest_at_once + self.manage_at_once + reads
