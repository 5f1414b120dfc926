"""The offset of the packet in frames that firewalls log as captures: PFLOG of the BSDs, NFLOG of Linux.

Sources: tcpdump.org/linktypes/LINKTYPE_NFLOG.html, OpenBSD's pflog(4).
"""

from typing import Final

from caudal.collector.columns.flowrecords import U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, signed
from caudal.collector.packets.protocolnumbers import CUT, IPV4, IPV6, OTHER

AF_INET: Final = 2
# What Linux and the BSDs call IPv6.
AF_INET6: Final = (10, 23, 24, 26, 28, 30)

_NFLOG_HEADER, _FIELD_HEADER = 4, 4
_PACKET_HEADER, _PAYLOAD = 1, 9
# Of kinds of fields there are some twenty: a larger one was read with its octets the wrong way round.
_MOST_KINDS = 0xFF
_MOST_FIELDS = 64
_LEAST_PFLOG = 28


@kernel
def pass_pflog(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return the ethertype of the packet that a PFLOG header stands before, and where it begins."""
    if at + 2 > end:
        return CUT, at
    size = signed(buffer[at]) + 3 & ~3
    if size < _LEAST_PFLOG:
        return OTHER, at
    family = signed(buffer[at + 1])
    return IPV4 if family == AF_INET else IPV6 if family in AF_INET6 else OTHER, at + size


@kernel
def pass_nflog(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return the ethertype of the packet in NFLOG's payload field, and where it begins.

    Fields are in the byte order of the machine that wrote the file, which shows in their own numbers.
    """
    if at + _NFLOG_HEADER > end:
        return CUT, at
    family, kind = signed(buffer[at]), OTHER
    if family == AF_INET:
        kind = IPV4
    elif family in AF_INET6:
        kind = IPV6
    at += _NFLOG_HEADER
    for _ in range(_MOST_FIELDS):
        if at + _FIELD_HEADER > end:
            return CUT, at
        size, field = big16(buffer, at), big16(buffer, at + 2)
        if field > _MOST_KINDS:
            size, field = size >> 8 | (size & 0xFF) << 8, field >> 8 | (field & 0xFF) << 8
        if size < _FIELD_HEADER or field > _MOST_KINDS:
            return OTHER, at
        if field == _PAYLOAD:
            return kind, at + _FIELD_HEADER
        # Of a bridge's packets the family says nothing, and the kernel's header names their protocol.
        if field == _PACKET_HEADER and kind == OTHER and at + _FIELD_HEADER + 2 <= end:
            kind = big16(buffer, at + _FIELD_HEADER)
        at += size + 3 & ~3
    return OTHER, at
