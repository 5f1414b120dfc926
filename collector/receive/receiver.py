"""Receiving UDP datagrams by the lot: recvmmsg into a ring of slots."""

import ctypes
import ipaddress
import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from caudal.collector.columns.datagrams import NOT_ALLOWED, Datagrams, Exporters
from caudal.collector.columns.flowrecords import I32, U8
from caudal.collector.columns.grouping import distinct_rows
from caudal.common.errors import ListenError

SLOTS = 2048
# A slot takes the largest datagram; the odd size spreads slots over the sets of the processor's caches.
SLOT_OCTETS = 65_536 + 64
_NAME_OCTETS = 32
_PORT = slice(2, 4)  # of a socket address, be it IPv4 or IPv6
_SO_RCVBUFFORCE = 33
_MSG_TRUNC = 0x20
# So many datagrams at once cost little each; the pauses are what buffers of either size hold at a high rate.
_ENOUGH = SLOTS - 128
_PAUSE_SECONDS = 0.005
_LONG_PAUSE_SECONDS = 0.1
_LARGE_BUFFER_OCTETS = 16 << 20


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("header", _MsgHdr), ("length", ctypes.c_uint32))


_HEADER = np.dtype(
    {
        "names": ["name_length", "flags", "length"],
        "formats": ["u4", "i4", "u4"],
        "offsets": [_MsgHdr.name_length.offset, _MsgHdr.flags.offset, _MMsgHdr.length.offset],
        "itemsize": ctypes.sizeof(_MMsgHdr),
    }
)


class Ring:
    """The slots that datagrams are received into: one ring serves all sockets, one after the other."""

    def __init__(self) -> None:
        self.octets = np.zeros(SLOTS * SLOT_OCTETS, np.uint8)
        self.offsets = np.arange(SLOTS, dtype=np.int64) * SLOT_OCTETS
        self.names = np.zeros((SLOTS, _NAME_OCTETS), np.uint8)
        self._vectors = (_IoVec * SLOTS)()
        self._messages = (_MMsgHdr * SLOTS)()
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
        octets, names, vectors = (
            self.octets.ctypes.data,
            self.names.ctypes.data,
            ctypes.addressof(self._vectors),
        )
        for slot in range(SLOTS):
            self._vectors[slot] = _IoVec(octets + slot * SLOT_OCTETS, 65_536)
            header = self._messages[slot].header
            header.name = names + slot * _NAME_OCTETS
            header.iov = vectors + slot * ctypes.sizeof(_IoVec)
            header.iov_length = 1
        self.headers = np.frombuffer(memoryview(self._messages).cast("B"), _HEADER)

    def receive(self, descriptor: int) -> int:
        """Fill the slots with what waits in a socket; return how many were filled, below 0 on error."""
        self.headers["name_length"] = _NAME_OCTETS
        return int(self._recvmmsg(descriptor, self._messages, SLOTS, socket.MSG_DONTWAIT, None))


class Receiver:
    """A UDP socket that receives into the ring; its datagrams are views, good until the next call that receives."""

    def __init__(
        self,
        address: str,
        exporters: Exporters,
        buffer_bytes: int,
        ring: Ring | None = None,
        *,
        only_ipv6: bool = False,
    ) -> None:
        host, _, port = address.rpartition(":")
        self.address = address
        self._host, self._port = host.strip("[]"), int(port)
        self._only_ipv6 = only_ipv6  # for [::], which takes IPv4 as well otherwise
        self._exporters = exporters
        self._ring = ring or Ring()
        self.asked_bytes = buffer_bytes
        self._numbers: dict[bytes, int] = {}
        self._generation = exporters.generation
        self.rate = 0.0  # datagrams a second that came lately
        self._received_at = time.monotonic()

    def __enter__(self) -> Self:
        try:
            family, kind, protocol, _, target = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
            )[0]
            self.socket = socket.socket(family, kind, protocol)
            self._size_buffer()
            if self._only_ipv6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.socket.bind(target)
        except OSError as error:
            if hasattr(self, "socket"):
                self.socket.close()
            raise ListenError(
                f"cannot listen on {self.address} (UDP): {error.strerror}; choose another address in `listen`, "
                "or stop what uses this one"
            ) from error
        self.socket.setblocking(False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    @property
    def port(self) -> int:
        """The port listened on."""
        return int(self.socket.getsockname()[1])

    @property
    def granted_bytes(self) -> int:
        """The receive buffer the kernel granted, which may be less than was asked."""
        return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2

    def resize(self, buffer_bytes: int) -> None:
        """Ask the kernel for another receive buffer; what waits in it stays."""
        self.asked_bytes = buffer_bytes
        self._size_buffer()

    def fileno(self) -> int:
        """The socket's file descriptor, for selectors."""
        return self.socket.fileno()

    def _size_buffer(self) -> None:
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, self.asked_bytes)
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.asked_bytes)

    def receive(self) -> Datagrams | None:
        """Return the datagrams that wait in the socket, at most SLOTS, or None; never blocks."""
        ring = self._ring
        count = ring.receive(self.socket.fileno())
        if count <= 0:
            return None
        now = time.monotonic()
        self.rate = count / max(now - self._received_at, 1e-6)
        self._received_at = now
        return Datagrams(
            buffer=ring.octets,
            offset=ring.offsets[:count],
            length=ring.headers["length"][:count].astype(np.int64),
            exporter=self._numbered(count),
            received_ms=np.full(count, int(time.time() * 1000), np.int64),
            truncated=(ring.headers["flags"][:count] & _MSG_TRUNC) != 0,
            port=np.ascontiguousarray(ring.names[:count, _PORT]).view(">u2")[:, 0].astype(np.uint16),
        )

    def _numbered(self, count: int) -> I32:
        names = self._ring.names[:count].copy()
        names[:, _PORT] = 0  # the source port is not part of an exporter
        if self._generation != self._exporters.generation:
            self._numbers.clear()
            self._generation = self._exporters.generation
        allow = self._exporters.allow
        if allow is None:
            return self._numbers_of(names)
        taken = allow.of_socket_names(names)
        if taken.all():
            return self._numbers_of(names)
        numbers = np.full(count, NOT_ALLOWED, np.int32)
        if taken.any():
            numbers[taken] = self._numbers_of(names[taken])
        return numbers

    def _numbers_of(self, names: U8) -> I32:
        first, of = distinct_rows(names.view(np.uint64))
        numbers = [self._number(name.tobytes()) for name in names[first]]
        return np.array(numbers, np.int32)[of]

    def _number(self, name: bytes) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._exporters.number(_address(name))
            if number >= 0:
                self._numbers[name] = number
        return number

    def kernel_drops(self) -> int:
        """Return the number of datagrams that the kernel has dropped at this socket so far."""
        inode = str(os.fstat(self.socket.fileno()).st_ino)
        table = "udp6" if self.socket.family == socket.AF_INET6 else "udp"
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[9] == inode:
                return int(columns[-1])
        return 0


def may_force_buffer() -> bool:
    """Return True if this process may have a receive buffer above net.core.rmem_max."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 16)
        except PermissionError:
            return False
    return True


def _address(name: bytes) -> str:
    (family,) = struct.unpack_from("=H", name)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, name[4:8])
    address = ipaddress.IPv6Address(name[8:24])
    return str(address.ipv4_mapped or address)


def settle(receivers: Sequence[Receiver]) -> None:
    """Let datagrams gather for a moment: fewer, larger lots cost less, and the sockets' buffers hold them."""
    smallest = min(receiver.granted_bytes for receiver in receivers)
    longest = _LONG_PAUSE_SECONDS if smallest >= _LARGE_BUFFER_OCTETS else _PAUSE_SECONDS
    busiest = max(receiver.rate for receiver in receivers)
    time.sleep(min(longest, _ENOUGH / max(busiest, 1.0)))
