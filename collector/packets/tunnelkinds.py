"""Which packets inside of packets are metered in place of those around them: what the setting `tunnels` says."""

from collections.abc import Collection
from typing import Final, Literal

# Word of the setting: what it names, for people.
TUNNEL_KINDS: Final = {
    "ipip": "IP in IPv4 or IPv6 (RFC 2003, 6in4)",
    "gre": "GRE with IP, Ethernet or MPLS in it, also in UDP (4754)",
    "pptp": "PPTP: PPP in GRE version 1",
    "erspan": "ERSPAN I, II and III, as switches send what they mirror",
    "vxlan": "VXLAN (UDP 4789, 8472) and VXLAN-GPE (4790)",
    "geneve": "Geneve (UDP 6081)",
    "gtpu": "GTP-U of mobile networks (UDP 2152)",
    "l2tp": "L2TPv2 (UDP 1701) and L2TPv3 (UDP 1701, IP protocol 115)",
    "tzsp": "TZSP, as MikroTik sends what it sniffs (UDP 37008)",
}

# All of them, none of them, or a choice.
Tunnels = Literal["outer", "inner"] | Collection[str]


def opened(tunnels: Tunnels) -> frozenset[str]:
    """Return the kinds of tunnels whose inner packets count; raise ValueError for a word that names none."""
    if tunnels == "outer":
        return frozenset()
    if tunnels == "inner":
        return frozenset(TUNNEL_KINDS)
    words = [tunnels] if isinstance(tunnels, str) else tunnels
    if unknown := sorted(set(words) - set(TUNNEL_KINDS)):
        raise ValueError(
            f"{unknown[0]!r} is no kind of tunnel; write outer, inner, or a list of {', '.join(TUNNEL_KINDS)}"
        )
    return frozenset(words)


def tunnels_of(text: str) -> Tunnels:
    """Return the kinds of tunnels that an option of the command line names: outer, inner, or kinds with commas between them.

    >>> sorted(tunnels_of("gtpu, vxlan"))
    ['gtpu', 'vxlan']
    """
    if text in ("outer", "inner"):
        return opened(text)
    return opened([word.strip() for word in text.split(",") if word.strip()])
