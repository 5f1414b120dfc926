"""A cell of the aggregates as a code of 128 bits, so that records find theirs without comparing columns.

A code is two numbers of 64 bits, the words of `column.Word`; arrays of codes have the shape (n, 2), uint64. Which key stands
where, and what it holds in a folded cell, is declared with the column (`columns.py`).

>>> codes = pack(remote_asn=np.array([64496, 64497]), transport=1)
>>> codes.shape, part(codes, "remote_asn").tolist(), part(codes, "transport").tolist()
((2, 2), [64496, 64497], [1, 1])
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from caudal.collector.columns.flowrecords import U8, U16, U32, U64, Mask
from caudal.common.vocabulary import SAMPLING_FROM, TRANSPORTS
from caudal.contract.column import Bits, Column, Folding, Value, Word
from caudal.contract.columns import FLOWS

Part = U64 | U32 | U16 | U8 | int
Names = Mapping[str, Sequence[str]]  # of keys that stand as names: all there are, '' first

BITS: Final[Mapping[str, Bits]] = {column.name: column.bits for column in FLOWS if column.bits is not None}
_WORDS: Final = len(Word)
_LETTER, _BEFORE_A, _EIGHT, _FIVE = (np.uint64(each) for each in (0x1F, 0x40, 8, 5))


def most(name: str) -> int:
    """Return the number of different values of a key that a code has room for."""
    return 1 << BITS[name].count


MOST_SERVICES: Final = most("service")


def country_number(code: str) -> int:
    """Return a two-letter country code as a number.

    >>> country_number("UY") == ord("U") * 256 + ord("Y")
    True
    """
    return ord(code[0]) << 8 | ord(code[1])


def mask(name: str) -> np.uint64:
    """Return the bits that a key has, in its word."""
    return np.uint64((1 << BITS[name].count) - 1) << np.uint64(BITS[name].lowest)


def word(name: str, values: Part) -> U64:
    """Return the word of a key, with these values of it and 0 elsewhere: uint64, of the shape of `values`.

    Values are positions, numbers, or two letters as `country_number` has them.
    """
    bits = BITS[name]
    value = np.asarray(values).astype(np.uint64)
    if bits.form == "letters":
        value = (value >> _EIGHT & _LETTER) << _FIVE | value & _LETTER
    elif bits.form == "half":
        value = value >> np.uint64(1)
    coded: U64 = value << np.uint64(bits.lowest)
    return coded


def pack(**parts: Part) -> U64:
    """Return the codes that have these keys, by name (see `word`), and 0 for all others: shape (…, 2)."""
    words = [np.zeros((), np.uint64) for _ in range(_WORDS)]
    for name, values in parts.items():
        words[BITS[name].word] = words[BITS[name].word] | word(name, values)
    return np.stack(np.broadcast_arrays(*words), axis=-1)


def part(codes: U64, name: str) -> U64:
    """Return a key of each code, as `pack` takes it: uint64, one for each code."""
    return part_of_word(codes[..., BITS[name].word], name)


def part_of_word(words: U64, name: str) -> U64:
    """Return a key, as `pack` takes it, from the words of codes that it stands in: uint64, of the shape of `words`."""
    bits = BITS[name]
    value: U64 = words >> np.uint64(bits.lowest) & np.uint64((1 << bits.count) - 1)
    if bits.form == "letters":
        value = ((value >> _FIVE) + _BEFORE_A) << _EIGHT | (value & _LETTER) + _BEFORE_A
    elif bits.form == "half":
        value = value << np.uint64(1)
    return value


def column_of(codes: U64, column: Column, names: Names) -> pa.Array:
    """Return a key of each code as a batch has it, of the column's Arrow type; `names` are those of keys that stand as names."""
    values = part(codes, column.name)
    form = BITS[column.name].form
    if form in ("choice", "name"):
        texts = column.values if form == "choice" else names[column.name]
        return pa.array(np.array(texts, object)[values.astype(np.int64)], column.arrow)
    if form == "letters":
        return pa.array(values.astype(">u2").view("S2").astype("U2"), column.arrow)
    return pa.array(values.astype(column.arrow.to_pandas_dtype()))


def coarser(codes: U64, step: Folding) -> U64:
    """Return the codes of the cells that these are added up in by a step of folding, and by the steps before it."""
    keep, rest = _COARSER[step]
    folded: U64 = codes & keep | rest
    return folded


def folded(codes: U64) -> Mask:
    """Return which cells are the rest of a country or of the network: several, added up."""
    which: Mask = part(codes, "transport") == _ANY
    return which


def _number(column: Column, value: Value) -> int:
    """Return the value of a key as `pack` takes it; a name must be ''."""
    assert column.bits is not None
    if column.bits.form == "choice":
        return column.values.index(str(value))
    if column.bits.form == "letters":
        return country_number(str(value))
    return int(value or 0)


def _folding(step: Folding) -> tuple[U64, U64]:
    """Return the bits that a step of folding keeps, and those that it puts in place of the others: shape (2,) each."""
    dropped = [c for c in FLOWS if c.bits is not None and c.dropped is not None and c.dropped <= step]
    keep = np.full(_WORDS, ~np.uint64(0), np.uint64)
    for column in dropped:
        keep[BITS[column.name].word] &= ~mask(column.name)
    return keep, pack(**{column.name: _number(column, column.rest) for column in dropped})


_COARSER: Final = {step: _folding(step) for step in Folding}
_ANY: Final = TRANSPORTS.index("any")

_TCP, _UDP = 6, 17
_TRANSPORT: U8 = np.full(256, TRANSPORTS.index("other"), np.uint8)
_TRANSPORT[_TCP] = TRANSPORTS.index("tcp")
_TRANSPORT[_UDP] = TRANSPORTS.index("udp")
# By what a number of eight bits in a record may say: the word of metering that has that key. What is neither 4 nor 6 is cut
# to the bits that there are.
OF_PROTOCOL: Final = word("transport", _TRANSPORT)
OF_IP_VERSION: Final = word("ip_version", np.arange(256, dtype=np.uint16) & np.uint16(7))
OF_SAMPLING: Final = word("sampling_from", np.arange(256, dtype=np.uint16) % np.uint16(len(SAMPLING_FROM)))
