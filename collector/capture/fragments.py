"""Puts IP fragments of UDP datagrams together: large export datagrams travel in pieces."""

from collections import OrderedDict
from dataclasses import dataclass, field

FRAGMENT_TIMEOUT_MS = 30_000
_LONGEST = 65_535


@dataclass(frozen=True)
class Fragment:
    """A fragment of an IP packet: its offset in the packet's payload, and whether more fragments follow.

    `key` tells whose piece it is: version, addresses and identification. `whole` is false where the capture
    cut the piece short.
    """

    key: tuple[int, int, int, int]
    at: int
    data: bytes
    more: bool
    whole: bool
    time_ms: int


@dataclass
class _Pieces:
    time_ms: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    held: int = 0
    cut: bool = False


class Fragments:
    """Collects fragments until a packet is whole; what stays incomplete is dropped and counted.

    At most `pending` packets are waited for at once, each of at most 64 KB and for 30 s of packet time. `incomplete` counts
    packets given up, `joined` those put together.
    """

    def __init__(self, pending: int = 1_024) -> None:
        self.joined = 0
        self.incomplete = 0
        self._pending = pending
        self._packets: OrderedDict[tuple[int, int, int, int], _Pieces] = OrderedDict()

    def add(self, fragment: Fragment) -> bytes | None:
        """Take a fragment; return the payload of its packet when it was the last missing one."""
        self._forget(fragment.time_ms)
        packet = self._packets.get(fragment.key)
        if packet is None:
            packet = self._packets[fragment.key] = _Pieces(fragment.time_ms)
            if len(self._packets) > self._pending:
                self._packets.popitem(last=False)
                self.incomplete += 1
        if fragment.at not in packet.pieces:
            packet.pieces[fragment.at] = fragment.data
            packet.held += len(fragment.data)
        # More than a packet can hold means pieces that overlap: nothing of such a packet is kept.
        packet.cut |= not fragment.whole or max(fragment.at + len(fragment.data), packet.held) > _LONGEST
        if packet.cut:
            packet.pieces.clear()
        if not fragment.more:
            packet.size = fragment.at + len(fragment.data)
        if packet.cut or not packet.size or packet.held < packet.size:
            return None
        return self._join(fragment.key, packet)

    def finish(self) -> None:
        """Give up every packet that is still incomplete."""
        self.incomplete += len(self._packets)
        self._packets.clear()

    def _join(self, key: tuple[int, int, int, int], packet: _Pieces) -> bytes | None:
        del self._packets[key]
        ordered = sorted(packet.pieces.items())
        reached = 0
        for at, piece in ordered:
            if at != reached:
                # Overlapping pieces: RFC 5722 and common sense say that such a packet is not to be trusted.
                self.incomplete += 1
                return None
            reached += len(piece)
        self.joined += 1
        return b"".join(piece for _, piece in ordered)

    def _forget(self, now_ms: int) -> None:
        while self._packets:
            key, packet = next(iter(self._packets.items()))
            if now_ms - packet.time_ms <= FRAGMENT_TIMEOUT_MS:
                return
            del self._packets[key]
            self.incomplete += 1
