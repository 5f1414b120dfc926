"""Link types of captures that are not read, in words, and how to capture instead. Numbers: tcpdump.org/linktypes.html."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_ON_ETHERNET: Final = "capture on the network interface itself, as in `tcpdump -i eth0 -w FILE`"
_ANY: Final = "capture with `tcpdump -i any -w FILE`"
_CONVERT: Final = "convert it with `editcap -F pcap -T ether`, or capture on an Ethernet interface"
_ELSEWHERE: Final = "no IP packets are in it; capture on a network interface instead"

# Name and way out, by number.
_NAMES: Final = {
    6: ("Token Ring", _ON_ETHERNET),
    8: ("SLIP", _ANY),
    10: ("FDDI", _ON_ETHERNET),
    123: ("SunATM", _ON_ETHERNET),
    138: ("IP over FireWire", _ON_ETHERNET),
    143: ("DOCSIS", "capture on the Ethernet side of the cable modem termination system"),
    147: ("private use", _ON_ETHERNET),
    149: ("private use, PKTAP on macOS", "capture with `tcpdump -i en0 -y EN10MB -w FILE`"),
    178: ("Juniper Ethernet", "mirror the port to this machine and capture there, or strip Juniper's header"),
    187: ("Bluetooth", _ELSEWHERE),
    189: ("USB", _ELSEWHERE),
    195: ("IEEE 802.15.4", "capture where its border router hands the packets on"),
    197: ("ERF of Endace", "convert it with `editcap -F pcap -T ether`, or have the card write pcap"),
    201: ("Bluetooth", _ELSEWHERE),
    220: ("USB", _ELSEWHERE),
    226: ("Solaris IPNET", "capture with `snoop -o FILE` on the datalink"),
    240: ("NetANALYZER", _CONVERT),
    241: ("NetANALYZER", _CONVERT),
    242: ("IP over InfiniBand", _ANY),
    247: ("InfiniBand", "capture on the interface of IP over InfiniBand with `tcpdump -i any -w FILE`"),
    249: ("USBPcap", _ELSEWHERE),
    253: ("netlink", _ELSEWHERE),
    271: ("vsock", _ELSEWHERE),
    274: ("Ethernet with preambles", _CONVERT),
    280: ("VPP's dispatch trace", "trace with `pcap trace rx tx` in VPP instead"),
}


def unread_links(path: Path, unknown: Mapping[int, int]) -> Iterator[str]:
    """Yield a line for each link type of a file that is not read: its name, its packets, how to capture instead.

    >>> list(unread_links(Path("a.pcap"), {189: 1200}))  # doctest: +ELLIPSIS
    ['a.pcap: 1,200 packets are of link type 189 (USB), which is not read: no IP packets are in it; ...']
    """
    for link, packets in sorted(unknown.items()):
        name, instead = _NAMES.get(link, ("", _ON_ETHERNET))
        named = f"{link} ({name})" if name else f"{link}"
        plural = "packets are" if packets != 1 else "packet is"
        yield f"{path}: {packets:,} {plural} of link type {named}, which is not read: {instead}"
