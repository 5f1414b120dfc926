"""Export datagrams of the four formats that are measured, the same in every run."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

HOME: Final = ("198.18.0.0/15", "2001:2::/48")
SAMPLING: Final = 1_000
# Templates come again after so many datagrams.
REFRESH: Final = 500

_TEMPLATE, _OPTIONS_TEMPLATE = 256, 257
_REMOTES, _NETWORKS = 20_000, 3_000
_FIRST_NETWORK = 1_000  # AS numbers that version 5 has room for, too
_PUBLIC6 = (0x2400, 0x2600, 0x2800, 0x2A00)  # a /12 of each of four registries
_HOME4, _HOME4_BITS = 198 << 24 | 18 << 16, 17
_HOME6, _HOME6_SUBNET_BITS = 0x2001_0002_0000_0000, 16
_UPTIME_MS = 5_000_000
_AS_OF_SECONDS = 1_767_225_720  # 2026-01-01, two minutes past midnight: in the middle of a window

Fields = tuple[tuple[int, int], ...]
Octets = npt.NDArray[np.uint8]

_NETFLOW9_4: Fields = (
    *((8, 4), (12, 4), (15, 4), (10, 2), (14, 2), (2, 4), (1, 4), (21, 4), (22, 4), (7, 2), (11, 2)),
    *((6, 1), (4, 1), (5, 1), (16, 4), (17, 4), (9, 1), (13, 1), (61, 1), (48, 1)),
)
_NETFLOW9_6: Fields = (
    *((27, 16), (28, 16), (62, 16), (10, 2), (14, 2), (2, 4), (1, 4), (21, 4), (22, 4), (7, 2), (11, 2)),
    *((6, 1), (4, 1), (5, 1), (16, 4), (17, 4), (29, 1), (30, 1), (61, 1), (48, 1)),
)
_IPFIX_4: Fields = (
    *((8, 4), (12, 4), (10, 4), (14, 4), (2, 8), (1, 8), (152, 8), (153, 8), (7, 2), (11, 2)),
    *((6, 1), (4, 1), (5, 1), (16, 4), (17, 4), (9, 1), (13, 1), (61, 1)),
)
# The fixed record of version 5, its fields named by the elements that carry the same; 0 is padding.
_NETFLOW5: Fields = (
    *((8, 4), (12, 4), (15, 4), (10, 2), (14, 2), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2)),
    *((0, 1), (6, 1), (4, 1), (5, 1), (16, 2), (17, 2), (9, 1), (13, 1), (-1, 2)),
)


class Format(NamedTuple):
    """A protocol version, the fields of a record, and records per datagram."""

    name: str
    version: int
    fields: Fields
    records: int

    @property
    def header(self) -> int:
        """Octets before the first record: message header, and set header where there are sets."""
        return {5: 24, 9: 20 + 4, 10: 16 + 4}[self.version]

    @property
    def seconds_at(self) -> int:
        """Where the export time stands."""
        return 4 if self.version == 10 else 8

    @property
    def sequence_at(self) -> int:
        """Where the sequence number stands."""
        return {5: 16, 9: 12, 10: 8}[self.version]

    @property
    def sequence_step(self) -> int:
        """How far a data datagram moves the sequence number (version 9 counts datagrams, others records)."""
        return 1 if self.version == 9 else self.records


FORMATS: Final = {
    each.name: each
    for each in (
        Format("NetFlow v5", 5, _NETFLOW5, 30),
        Format("NetFlow v9", 9, _NETFLOW9_4, 24),
        Format("NetFlow v9 IPv6", 9, _NETFLOW9_6, 15),
        Format("IPFIX", 10, _IPFIX_4, 20),
    )
}


@dataclass(frozen=True)
class Exports:
    """So many data datagrams of one format, as the rows of a matrix of octets, and what announces them.

    Half of the flows go out from home, half come in; the far ends are 20,000 addresses from all over the
    address space and in 3,000 networks, some much more popular than others, as traffic has it.
    """

    format: Format
    domain: int
    octets: Octets

    @property
    def name(self) -> str:
        """The name of the format."""
        return self.format.name

    @property
    def records_per_datagram(self) -> int:
        """How many flow records a datagram holds."""
        return self.format.records

    @property
    def sequence_step(self) -> int:
        """How far a datagram moves the sequence number."""
        return self.format.sequence_step

    @property
    def records(self) -> npt.NDArray[Any]:
        """The flow records in place, datagram by datagram."""
        dtype = _dtype(self.format.fields)
        return np.ndarray(
            (len(self.octets), self.format.records),
            dtype,
            self.octets,
            offset=self.format.header,
            strides=(self.octets.strides[0], dtype.itemsize),
        )

    @cached_property
    def bytes_total(self) -> int:
        """The sum of all byte counts, as exported."""
        return int(self.bytes_by_datagram.sum())

    @property
    def bytes_by_datagram(self) -> npt.NDArray[np.uint64]:
        """The byte counts of each datagram's records, added up."""
        sums: npt.NDArray[np.uint64] = self.records["1"].astype(np.uint64).sum(axis=1)
        return sums

    def stamp(self, seconds: int) -> None:
        """Date everything at this time, in seconds since 1970 UTC."""
        self.octets[:, self.format.seconds_at :][:, :4] = _big_endian(np.array([seconds]))
        if self.format.version == 10:
            records = self.records
            records["153"] = seconds * 1000 - records["2"] % 1_000
            records["152"] = records["153"] - 1_000

    def number(self, rows: slice, first: int) -> None:
        """Give the datagrams of `rows` consecutive sequence numbers from `first`."""
        part = self.octets[rows]
        numbers = first + np.arange(len(part)) * self.format.sequence_step
        part[:, self.format.sequence_at :][:, :4] = _big_endian(numbers)

    def announcement(self, sequence: int, seconds: int) -> bytes | None:
        """Return the datagram with templates and sampling rate; version 5 needs none.

        It moves the sequence number by one: a datagram for version 9, an options record for IPFIX.
        """
        kind = self.format
        if kind.version == 5:
            return None
        template = struct.pack("!HH", _TEMPLATE, len(kind.fields)) + _specifiers(kind.fields)
        if kind.version == 9:
            options = struct.pack("!HHH", _OPTIONS_TEMPLATE, 4, 8) + _specifiers(((1, 4), (34, 4), (35, 1)))
            scope = 0
        else:
            options = struct.pack("!HHH", _OPTIONS_TEMPLATE, 3, 1) + _specifiers(((149, 4), (34, 4), (35, 1)))
            scope = self.domain
        ids = (0, 1) if kind.version == 9 else (2, 3)
        body = _set(ids[0], template) + _set(ids[1], options)
        body += _set(_OPTIONS_TEMPLATE, struct.pack("!IIB", scope, SAMPLING, 2))
        return _message_header(kind, 3, len(body), seconds, sequence, self.domain) + body

    def datagrams(self) -> Iterator[bytes]:
        """Yield all datagrams in order, announcements among them."""
        sequence = 0
        for first in range(0, len(self.octets), REFRESH):
            announcement = self.announcement(sequence, _AS_OF_SECONDS)
            if announcement is not None:
                yield announcement
                sequence += 1
            rows = slice(first, first + REFRESH)
            self.number(rows, sequence)
            part = self.octets[rows]
            sequence += len(part) * self.sequence_step
            yield from map(bytes, part)


def make_exports(kind: Format, datagrams: int, *, domain: int = 1, seed: int = 1) -> Exports:
    """Return so many data datagrams of a format; the same for the same seed."""
    random = np.random.default_rng(seed)
    count = datagrams * kind.records
    dtype = _dtype(kind.fields)
    outbound = random.random(count) < 0.5
    popularity = 1 / np.arange(1, _REMOTES + 1)
    which = random.choice(_REMOTES, count, p=popularity / popularity.sum())
    packets = 1 + np.minimum(random.geometric(0.2, count), 1_000)
    # Integers only, so that exact sums can be compared.
    size = random.choice([60, 120, 580, 1_280, 1_480], count, p=[0.3, 0.1, 0.1, 0.1, 0.4])
    records = np.zeros(count, dtype)
    columns: dict[str, npt.NDArray[Any] | int] = {
        "1": packets * size,
        "2": packets,
        "4": np.where(random.random(count) < 0.7, 6, 17),
        "6": 0x18,
        "7": np.where(outbound, random.integers(1_024, 65_536, count), 443),
        "11": np.where(outbound, 443, random.integers(1_024, 65_536, count)),
        "10": np.where(outbound, 11, 1),
        "14": np.where(outbound, 1, 11),
        "21": _UPTIME_MS - random.integers(0, 2_000, count),
        "22": _UPTIME_MS - random.integers(2_000, 60_000, count),
        "48": 1,
        # The far end's network is stated, as routers with a BGP table do; the near end is one's own: 0.
        "16": np.where(outbound, 0, _FIRST_NETWORK + which % _NETWORKS),
        "17": np.where(outbound, _FIRST_NETWORK + which % _NETWORKS, 0),
    }
    for name, values in columns.items():
        if name in (dtype.names or ()):
            records[name] = values
    for element4, element6, local in (("8", "27", outbound), ("12", "28", ~outbound)):
        if element4 in (dtype.names or ()):
            records[element4] = np.where(local, _home4(random, count), _public4(random)[which])
        else:
            remote, home = _public6(random)[which], _home6(random, count)
            records[element6] = np.where(local[:, None], home, remote)
    octets = np.zeros((datagrams, kind.header + kind.records * dtype.itemsize), np.uint8)
    header = _header(kind, kind.records * dtype.itemsize, domain)
    octets[:, : kind.header] = np.frombuffer(header, np.uint8)
    exports = Exports(kind, domain, octets)
    exports.records[:] = records.reshape(datagrams, kind.records)
    exports.stamp(_AS_OF_SECONDS)
    return exports


def _home4(random: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    return _HOME4 + random.integers(0, 1 << _HOME4_BITS, count)


def _home6(random: np.random.Generator, count: int) -> npt.NDArray[np.uint64]:
    subnet = random.integers(0, 1 << _HOME6_SUBNET_BITS, count).astype(np.uint64)
    return np.stack([np.uint64(_HOME6) | subnet, random.integers(1, 1 << 62, count, np.uint64)], axis=1)


def _public4(random: np.random.Generator) -> npt.NDArray[np.int64]:
    return random.integers(1 << 24, 224 << 24, _REMOTES)


def _public6(random: np.random.Generator) -> npt.NDArray[np.uint64]:
    block = np.array(_PUBLIC6, np.uint64)[random.integers(0, len(_PUBLIC6), _REMOTES)]
    high = block << np.uint64(48) | random.integers(0, 1 << 52, _REMOTES, np.uint64)
    return np.stack([high, random.integers(1, 1 << 62, _REMOTES, np.uint64)], axis=1)


def _header(kind: Format, body: int, domain: int) -> bytes:
    if kind.version == 5:
        # Sampling mode 1 in the two high bits, the rate below them.
        return struct.pack("!HHIIIIBBH", 5, kind.records, _UPTIME_MS, 0, 0, 0, 0, domain, 1 << 14 | SAMPLING)
    message = _message_header(kind, kind.records, 4 + body, 0, 0, domain)
    return message + struct.pack("!HH", _TEMPLATE, 4 + body)


def _message_header(kind: Format, count: int, body: int, seconds: int, sequence: int, domain: int) -> bytes:
    sequence &= 0xFFFF_FFFF
    if kind.version == 9:
        return struct.pack("!HHIIII", 9, count, _UPTIME_MS, seconds, sequence, domain)
    return struct.pack("!HHIII", 10, 16 + body, seconds, sequence, domain)


def _set(number: int, body: bytes) -> bytes:
    padding = -len(body) % 4
    return struct.pack("!HH", number, 4 + len(body) + padding) + body + bytes(padding)


def _specifiers(fields: Fields) -> bytes:
    return b"".join(struct.pack("!HH", *field) for field in fields)


def _dtype(fields: Fields) -> np.dtype[Any]:
    return np.dtype(
        [(str(element), (">u8", 2) if octets == 16 else f">u{octets}") for element, octets in fields]
    )


def _big_endian(numbers: npt.NDArray[np.int64]) -> Octets:
    return (numbers & 0xFFFF_FFFF).astype(">u4").view(np.uint8).reshape(-1, 4)
