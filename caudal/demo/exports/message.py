"""Messages of NetFlow v9 and IPFIX: fields, templates, sets, and when a message is full."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from caudal.demo.traffic.traffic import Flows

LARGEST_DATAGRAM: Final = 1_400
FLUSH_MS: Final = 300_000
# Templates and options are sent again after so many datagrams, as RFC 3954 §9 and RFC 7011 §8.4 ask over UDP.
REFRESH: Final = 500

IPV4_TEMPLATE: Final = 256
IPV6_TEMPLATE: Final = 257
OPTIONS_TEMPLATE: Final = 258
SUBSCRIBER_PORT, TRANSIT_PORT, CACHE_PORT = 11, 1, 2

Field = tuple[int, int]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Message:
    """An export datagram: when it is sent (seconds since 1970 UTC), by which router, and its bytes."""

    export_seconds: int
    router: int
    payload: bytes


@dataclass(frozen=True)
class Chunk:
    """Records `first` to before `last` of encoded `records` that one datagram takes."""

    export_seconds: int
    template: int
    records: Array
    first: int
    last: int

    @property
    def body(self) -> bytes:
        """The records as they go on the wire, without padding."""
        return self.records[self.first : self.last].tobytes()


def record_dtype(layout: Sequence[Field]) -> np.dtype[Any]:
    """Return the big-endian dtype of a data record with these (element, length) fields, named by element."""
    return np.dtype([(str(element), _wire_type(length)) for element, length in layout])


def template_record(template: int, layout: Sequence[Field]) -> bytes:
    """Return the template record that announces `layout`."""
    return struct.pack("!HH", template, len(layout)) + fields_of(layout)


def fields_of(layout: Sequence[Field]) -> bytes:
    """Return field specifiers, as they stand in templates."""
    return b"".join(struct.pack("!HH", element, length) for element, length in layout)


def set_of(number: int, body: bytes) -> bytes:
    """Return a (flow) set: header, body, and padding to four octets."""
    padding = -len(body) % 4
    return struct.pack("!HH", number, 4 + len(body) + padding) + body + bytes(padding)


def encode(flows: Flows, dtype: np.dtype[Any], values: dict[int, Array | int]) -> Array:
    """Return the data records of `flows` in `dtype`: what both protocols carry, and `values` by element."""
    records = np.zeros(len(flows), dtype)
    source, destination = ("8", "12") if "8" in (dtype.names or ()) else ("27", "28")
    for name, high, low in (
        (source, flows.source_high, flows.source_low),
        (destination, flows.destination_high, flows.destination_low),
    ):
        if dtype[name].shape:
            records[name][:, 0], records[name][:, 1] = high, low
        else:
            records[name] = low
    port = np.where(flows.announced, TRANSIT_PORT, CACHE_PORT)
    common: dict[int, Array | int] = {
        1: flows.bytes,
        2: flows.packets,
        4: flows.ip_protocol,
        7: flows.source_port,
        10: np.where(flows.outbound, SUBSCRIBER_PORT, port),
        11: flows.destination_port,
        14: np.where(flows.outbound, port, SUBSCRIBER_PORT),
        61: 0,
    }
    for element, value in {**common, **values}.items():
        records[str(element)] = value
    return records


def chunks(flows: Flows, records: Array, template: int, overhead: int) -> list[Chunk]:
    """Return the datagrams that `records`, in order of their end, fill: full ones, and one at each flush.

    The export time is the first whole second after the last record of the datagram has ended.
    """
    if not len(flows):
        return []
    # A message of the overhead and its records, padded to four octets, stays within the largest datagram.
    most = (LARGEST_DATAGRAM - overhead) // records.dtype.itemsize
    position = np.arange(len(flows))
    flush = flows.end_ms // FLUSH_MS
    begins = np.r_[True, flush[1:] != flush[:-1]]
    since_flush = position - np.maximum.accumulate(np.where(begins, position, 0))
    first = np.flatnonzero(since_flush % most == 0)
    last = np.r_[first[1:], len(flows)]
    seconds = -(-flows.end_ms[last - 1] // 1000)
    return [
        Chunk(export, template, records, start, stop)
        for export, start, stop in zip(seconds.tolist(), first.tolist(), last.tolist(), strict=True)
    ]


def _wire_type(length: int) -> Any:
    return (">u8", (2,)) if length == 16 else f">u{length}"
