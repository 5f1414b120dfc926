"""A lot of captured packets in one buffer, and the count of what a capture file held."""

from dataclasses import dataclass

from caudal.collector.columns.flowrecords import I64, U8, U16

# Link type of packets whose interface is not declared in the file.
NO_LINK_TYPE = 0xFFFF
# The times a 32-bit count of seconds can say, which is also what the store can; others are held to its ends.
LAST_MS = (1 << 32) * 1_000 - 1


@dataclass(frozen=True)
class PacketChunk:
    """Packets as slices of one buffer, in the order of the file.

    `offset` and `captured` say where the bytes of each packet lie, `original` how many there were on the
    wire, `time_ms` when, in milliseconds since 1970 UTC, and `link_type` what they begin with (the numbers
    of tcpdump.org/linktypes.html). The buffer goes on for at least 64 bytes after the last packet.
    """

    buffer: U8
    offset: I64
    captured: I64
    original: I64
    time_ms: I64
    link_type: U16

    def __len__(self) -> int:
        return len(self.offset)


@dataclass
class CaptureCounts:
    """Counts of a capture file that was read, and where reading ended if not at the end.

    `truncated` counts packets or blocks cut off by the end of the data; `damage` is one line that says what
    was wrong and where, or empty.
    """

    packets: int = 0
    truncated: int = 0
    damage: str = ""
