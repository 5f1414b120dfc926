"""Flow records as columns: what every decoder gives and everything after it takes."""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]

PROTOCOLS = ("netflow5", "netflow9", "ipfix", "sflow5", "packets", "netflow7")
NETFLOW5, NETFLOW9, IPFIX, SFLOW5, PACKETS, NETFLOW7 = range(6)

# What a record says: traffic, none, counts that no IP traffic has, what was counted before, traffic without counts, or a
# sampled packet that was not read. Only the first is added up.
TRAFFIC, EVENT, IMPLAUSIBLE, REPEATED, WITHOUT_COUNTS, NOT_READ = range(6)
KINDS = ("traffic", "event", "implausible", "repeated", "without_counts", "not_read")

# Bits of `doubt`: what else of a record is not believed, or was worked out (octets of IP from those of layer 2).
RATE_DOUBTED, TIME_DOUBTED, OCTETS_DOUBTED, AS_DOUBTED = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8)
DOUBTS = {"rate": RATE_DOUBTED, "time": TIME_DOUBTED, "octets": OCTETS_DOUBTED, "as": AS_DOUBTED}

# Positions in collector.batch.SAMPLING_FROM.
RECORD, OPTIONS, CONFIG, ASSUMED, UNSAMPLED = range(5)

# IANA's flowDirection (61), plus one.
METERED_INGRESS, METERED_EGRESS = 1, 2
# Added to that of a biflow's way back: it tells where the way there was metered, and both are one record.
WAY_BACK = 4

# Bits of `absent`: set where the exporter did not send the value (the column then holds 0).
ABSENT = {
    name: np.uint32(1 << bit)
    for bit, name in enumerate(
        (
            "start",
            "end",
            "source",
            "destination",
            "source_port",
            "destination_port",
            "ip_protocol",
            "bytes",
            "packets",
            "source_as",
            "destination_as",
            "input",
            "output",
            "template",
            "observation_domain",
        )
    )
}


@dataclass(frozen=True)
class FlowRecords:
    """Decoded flow records, one array per information element, all of one length.

    Addresses are two big-endian halves of 64 bits: an IPv4 address is `high` = 0 and `low` = the 32-bit
    number with `ip_version` 4. Times are milliseconds since 1970 UTC; `export_ms` is the export time of
    the datagram. `bytes` and `packets` are as sampled; `sampling_rate` N means that one in N was sampled.
    `exporter` is the position in the decoder's list of exporters. `absent` holds bits of ABSENT.
    `flow_direction` is where the flow was metered: 0 not told, METERED_INGRESS, METERED_EGRESS; of the way
    back of a biflow, where the way there was, and WAY_BACK added. `tag` is the position of a platform in the
    services of the pipeline, 0 for none. `doubt` holds bits of DOUBTS: the sampling rate that the exporter states is not
    believed, and `sampling_rate` is another; or its times are not, and the flow counts as ended at the export. Left out
    of the constructor, these three are 0 throughout.
    """

    exporter: I32
    protocol: U8
    observation_domain: U32
    template: U16
    export_ms: I64
    start_ms: I64
    end_ms: I64
    ip_version: U8
    source_high: U64
    source_low: U64
    destination_high: U64
    destination_low: U64
    source_port: U16
    destination_port: U16
    ip_protocol: U8
    bytes: U64
    packets: U64
    sampling_rate: F64
    sampling_from: U8
    source_as: U32
    destination_as: U32
    input: U32
    output: U32
    kind: U8
    absent: U32
    flow_direction: U8 = field(default_factory=lambda: np.empty(0, np.uint8))
    tag: U16 = field(default_factory=lambda: np.empty(0, np.uint16))
    doubt: U8 = field(default_factory=lambda: np.empty(0, np.uint8))

    def __post_init__(self) -> None:
        for name in OPTIONAL:
            if len(getattr(self, name)) != len(self.bytes):
                object.__setattr__(self, name, np.zeros(len(self.bytes), DTYPES[name]))

    def __len__(self) -> int:
        return len(self.bytes)

    def take(self, which: npt.NDArray[np.bool_] | I64) -> "FlowRecords":
        """Return the records that `which` (a mask or positions) selects."""
        return FlowRecords(*(getattr(self, name)[which] for name in COLUMNS))


def _dtype(hint: Any) -> np.dtype[Any]:
    """Return the element type that the type hint of an array names."""
    (element,) = get_args(get_args(hint)[1])
    dtype: np.dtype[Any] = np.dtype(element)
    return dtype


# A column is declared by its field above, once: its type is that of the hint, and it is optional where it has a default.
DTYPES: dict[str, np.dtype[Any]] = {name: _dtype(hint) for name, hint in get_type_hints(FlowRecords).items()}
COLUMNS: tuple[str, ...] = tuple(DTYPES)
OPTIONAL: tuple[str, ...] = tuple(f.name for f in fields(FlowRecords) if f.default_factory is not MISSING)


def concatenate(parts: list[FlowRecords]) -> FlowRecords:
    """Return all records of `parts`, in order; of none, an empty set."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return FlowRecords(*(np.empty(0, DTYPES[name]) for name in COLUMNS))
    return FlowRecords(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS))
