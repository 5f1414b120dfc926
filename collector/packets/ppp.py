"""The packet inside of PPP and of Cisco's HDLC. Sources: RFC 1661, RFC 1662, RFC 1547."""

from caudal.collector.columns.flowrecords import U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, signed
from caudal.collector.packets.protocolnumbers import CUT, IPV4, IPV6, LABELS, OTHER

_ADDRESS_CONTROL, _CISCO_UNICAST, _CISCO_MULTICAST = 0xFF03, 0x0F00, 0x8F00
_IPV4, _IPV6, _LABELS = 0x21, 0x57, (0x281, 0x283)


@kernel
def pass_ppp(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return the ethertype of what a PPP frame carries, and where that begins.

    The frame may begin with address and control (RFC 1662), have its protocol in one octet, or be Cisco's HDLC, whose
    address has no PPP protocol's form.
    """
    if at + 2 > end:
        return CUT, at
    head = big16(buffer, at)
    if head in (_CISCO_UNICAST, _CISCO_MULTICAST):
        return pass_cisco_hdlc(buffer, at, end)
    if head == _ADDRESS_CONTROL:
        at += 2
    if at + 1 > end:
        return CUT, at
    protocol, size = signed(buffer[at]), 1
    if protocol & 1 == 0:  # an odd octet is the last of the field
        if at + 2 > end:
            return CUT, at
        protocol, size = big16(buffer, at), 2
    kind = OTHER
    if protocol == _IPV4:
        kind = IPV4
    elif protocol == _IPV6:
        kind = IPV6
    elif protocol in _LABELS:
        kind = LABELS[0]
    return kind, at + size


@kernel
def pass_cisco_hdlc(buffer: U8, at: int, end: int) -> tuple[int, int]:
    """Return the ethertype in a frame of Cisco's HDLC, and the offset behind it."""
    if at + 4 > end:
        return CUT, at
    return big16(buffer, at + 2), at + 4
