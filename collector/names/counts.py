"""Counts of names looked for and found, and of the reasons why not."""

from dataclasses import dataclass, field
from typing import Final

from caudal.collector.names.verdict import REASONS

# What became of a flow: the name it asked for (in TLS, QUIC or plain HTTP) or an address resolved in DNS told the owner of
# its content or its carrier; or why nothing did.
OUTCOMES: Final = ("named", "named_carrier", "resolved", "resolved_carrier", *REASONS.values(), "unseen")


@dataclass
class NameCounts:
    """Counts of packets looked at for names, and the outcome of every flow, as flows and as bytes.

    `unreadable` are packets that looked like one of these and were not; `over_limit` were not looked at,
    because there were more than allowed.
    """

    dns_answers: int = 0
    client_hellos: int = 0
    quic_initials: int = 0
    http_requests: int = 0
    unreadable: int = 0
    over_limit: int = 0
    flows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    bytes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
