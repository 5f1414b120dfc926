"""A cell of the aggregates as one number, so that records find theirs without comparing columns."""

from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import U8, U16, U32, U64
from caudal.contract.batch import SAMPLING_FROM, TRANSPORTS

# (name, bits), from the highest. Of a country's letters five bits each tell them apart; IP versions are
# halved: 0, 2 and 3 for 0, 4 and 6. A folded cell is one of any transport.
FIELDS: Final = (
    ("asn", 32),
    ("country", 10),
    ("service", 10),
    ("direction", 2),
    ("rung", 3),
    ("sampling", 3),
    ("transport", 2),
    ("ip_version", 2),
)
MOST_SERVICES: Final = 1 << dict(FIELDS)["service"]
_SHIFT = {name: np.uint64(sum(bits for _, bits in FIELDS[at + 1 :])) for at, (name, _) in enumerate(FIELDS)}
_MASK = {name: np.uint64((1 << bits) - 1) for name, bits in FIELDS}
_LETTER, _BEFORE_A = np.uint64(0x1F), np.uint64(0x40)

Part = U64 | U32 | U16 | U8 | int


def country_number(code: str) -> int:
    """Return a two-letter country code as a number."""
    return ord(code[0]) << 8 | ord(code[1])


def mask(name: str) -> np.uint64:
    """Return the bits of a code that hold a part."""
    return _MASK[name] << _SHIFT[name]


def pack(**parts: Part) -> U64:
    """Return the codes of parts by name; what is not given is 0. A country is its two letters as a number."""
    code = np.zeros((), np.uint64)
    for name, part in parts.items():
        value = np.asarray(part).astype(np.uint64)
        code = code | (_five_bits_each(value) if name == "country" else value) << _SHIFT[name]
    return code


def part(codes: U64, name: str) -> U64:
    """Return one part of each code."""
    value: U64 = (codes >> _SHIFT[name]) & _MASK[name]
    if name == "country":
        value = ((value >> np.uint64(5)) + _BEFORE_A) << np.uint64(8) | (value & _LETTER) + _BEFORE_A
    return value


def replace(codes: U64, **parts: Part) -> U64:
    """Return the codes with other parts in place of theirs."""
    for name, value in parts.items():
        codes = (codes & ~mask(name)) | pack(**{name: value})
    return codes


def _five_bits_each(country: U64) -> U64:
    return (country >> np.uint64(8) & _LETTER) << np.uint64(5) | country & _LETTER


_TCP, _UDP = 6, 17
_TRANSPORT: U8 = np.full(256, TRANSPORTS.index("other"), np.uint8)
_TRANSPORT[_TCP] = TRANSPORTS.index("tcp")
_TRANSPORT[_UDP] = TRANSPORTS.index("udp")
# By what a number of eight bits may say: the code that has that part.
OF_PROTOCOL: Final = pack(transport=_TRANSPORT)
OF_IP_VERSION: Final = pack(ip_version=np.arange(256, dtype=np.uint16) >> np.uint16(1) & np.uint16(3))
OF_SAMPLING: Final = pack(sampling=np.arange(256, dtype=np.uint16) % np.uint16(len(SAMPLING_FROM)))
