"""Live capture from a network interface of this machine: a packet socket of scapy's, read by the lot."""

import ctypes
import ipaddress
import logging
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from caudal.collector.packets.link import ETHERNET, RAW
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.receive.ring import PacketRing
from caudal.collector.receive.socketfilter import HEADERS_OCTETS, Instruction, program
from caudal.common.errors import ListenError

_SO_ATTACH_FILTER = 26
# Hardware types of linux/if_arp.h: Ethernet, loopback, and links without a header (tunnels).
_ETHERNET, _LOOPBACK, _NONE = 1, 772, 65534
_LINK_TYPES = {_ETHERNET: ETHERNET, _LOOPBACK: ETHERNET, _NONE: RAW[2]}


class LiveCapture:
    """The packets of one interface from when it is entered; a context manager.

    `packet_filter` is an expression of pcap-filter(7), or empty for all packets; the kernel applies it. Of packets
    that may hold a name, `snap_length` octets are taken, of others the headers (`headers_octets`). Needs CAP_NET_RAW; raises
    ListenError.
    """

    def __init__(
        self,
        interface: str,
        *,
        packet_filter: str = "",
        promiscuous: bool = False,
        snap_length: int = 2_048,
        buffer_bytes: int = 64 << 20,
        headers_octets: int = HEADERS_OCTETS,
    ) -> None:
        self.interface = interface
        self._filter = packet_filter
        self._promiscuous = promiscuous
        self._snap_length = snap_length
        self._buffer_bytes = buffer_bytes
        self._headers_octets = headers_octets
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._stack.close)
            try:
                self._open()
            except PermissionError as error:
                raise ListenError(
                    f"cannot capture on {self.interface}: {error.strerror}; give the collector CAP_NET_RAW"
                ) from error
            except OSError as error:
                raise ListenError(
                    f"cannot capture on {self.interface}: {error.strerror or error}; correct `interfaces`"
                ) from error
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self) -> None:
        index = socket.if_nametoindex(self.interface)
        del index  # scapy would say less clearly that there is no such interface
        # What it warns of at import concerns other uses of it.
        logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
        from scapy.arch.linux import L2ListenSocket  # noqa: PLC0415

        opened = L2ListenSocket(iface=self.interface, promisc=self._promiscuous, nofilter=1)
        self._stack.callback(opened.close)
        self._socket: socket.socket = opened.ins
        hardware = self._socket.getsockname()[3]
        if hardware not in _LINK_TYPES:
            raise ListenError(
                f"cannot capture on {self.interface}: links of type {hardware} are not known; capture on an Ethernet "
                "interface or a tunnel"
            )
        link_type = _LINK_TYPES[hardware]
        self._attach(
            program(
                self._snap_length,
                ethernet=link_type == ETHERNET,
                chosen=self._chosen(link_type),
                headers_octets=self._headers_octets,
            )
        )
        self._ring = self._stack.enter_context(
            PacketRing(self._socket, self._buffer_bytes, link_type, incoming_only=hardware == _LOOPBACK)
        )

    def _chosen(self, link_type: int) -> list[Instruction]:
        if not self._filter:
            return []
        from scapy.arch.common import compile_filter, free_filter  # noqa: PLC0415
        from scapy.error import Scapy_Exception  # noqa: PLC0415

        try:
            compiled: Any = compile_filter(self._filter, linktype=link_type)
        except ImportError as error:
            raise ListenError(
                f"cannot capture on {self.interface}: a filter needs libpcap, which is not here; install it "
                "(Debian: libpcap0.8), or leave the filter out"
            ) from error
        except Scapy_Exception as error:
            reason = str(error).rpartition("(")[2].rstrip(")")
            raise ListenError(
                f"cannot capture on {self.interface}: filter {self._filter!r}: {reason}; see pcap-filter(7)"
            ) from error
        lines = [compiled.bf_insns[at] for at in range(compiled.bf_len)]
        chosen = [(line.code, line.jt, line.jf, line.k) for line in lines]
        free_filter(compiled)
        return chosen

    def _attach(self, instructions: Sequence[Instruction]) -> None:
        lines = (_Line * len(instructions))(*(_Line(*each) for each in instructions))
        whole = _Program(len(instructions), ctypes.cast(lines, ctypes.c_void_p))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(whole))

    def fileno(self) -> int:
        """The socket's file descriptor, for selectors."""
        return self._socket.fileno()

    def receive(self) -> PacketChunk | None:
        """Return the packets that wait, or None; never blocks."""
        return self._ring.receive()

    def new_drops(self) -> int:
        """Return the number of packets that the kernel has dropped since the last call."""
        return self._ring.new_drops()


def own_addresses() -> frozenset[tuple[int, int]]:
    """Return the addresses of this machine as (high half, low half), as they are now."""
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    import scapy.arch  # noqa: F401, PLC0415 - which fills the list of interfaces
    from scapy.config import conf  # noqa: PLC0415

    conf.ifaces.reload()
    numbers = {
        int(ipaddress.ip_address(address))
        for interface in conf.ifaces.values()
        for version in (4, 6)
        for address in interface.ips[version]
    }
    return frozenset((number >> 64, number & (1 << 64) - 1) for number in numbers)


class _Line(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("true", ctypes.c_uint8),
        ("false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("lines", ctypes.c_void_p))
