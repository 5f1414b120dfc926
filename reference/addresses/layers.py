"""Layers of address data: each says one thing of the whole address space, or nothing of parts of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caudal.reference.addresses.steps import BITS, Steps, Version
from caudal.reference.files.errors import AddressError

U64 = NDArray[np.uint64]
U32 = NDArray[np.uint32]
_LOW = (1 << 64) - 1


@dataclass(frozen=True)
class Layer:
    """Steps as arrays: `codes[i]` holds from address `high[i]·2⁶⁴ + low[i]`; 0 is no answer.

    The first address is 0. IPv4 addresses are in `low`.
    """

    high: U64
    low: U64
    codes: U32


@dataclass(frozen=True)
class Stack:
    """The merged segments of several layers: first addresses, and for each layer its code by segment."""

    high: U64
    low: U64
    codes: tuple[U32, ...]


def layer_of_steps(steps: Steps, codes: dict[str, int]) -> Layer:
    """Return the layer of steps, with the code of each value; values without one have no answer."""
    return _layer(steps.starts, [codes.get(value, 0) for value in steps.values])


def layer_of_prefixes(codes: dict[int, int], version: Version) -> Layer:
    """Return the layer of prefixes, given as first address · 2⁸ + length: the longest that holds an address answers.

    A code of 0 is no answer, also for what a shorter prefix says.
    """
    bits = BITS[version]
    starts, values = [0], [0]
    open_ = [(1 << bits, 0)]  # the prefixes that hold the address reached: where they end, and their codes

    def change(at: int, code: int) -> None:
        if starts[-1] == at:
            values[-1] = code
        elif values[-1] != code:
            starts.append(at)
            values.append(code)

    for key in sorted(codes):  # of prefixes that begin alike the shorter comes first
        start, length = key >> 8, key & 0xFF
        while open_[-1][0] <= start:
            end, _ = open_.pop()
            change(end, open_[-1][1])
        change(start, codes[key])
        open_.append((start + (1 << bits - length), codes[key]))
    while len(open_) > 1:
        end, _ = open_.pop()
        if end < 1 << bits:
            change(end, open_[-1][1])
    return _layer(starts, values)


def _layer(starts: list[int], codes: list[int]) -> Layer:
    count = len(starts)
    return Layer(
        np.fromiter((start >> 64 for start in starts), np.uint64, count),
        np.fromiter((start & _LOW for start in starts), np.uint64, count),
        np.array(codes, np.uint32),
    )


def read_layer(path: Path, version: Version, column: str, codes: dict[str, int] | None = None) -> Layer:
    """Read a table as the builder writes it; text values become codes, those without one no answer."""
    schema = {"start": pa.uint32()} if version == 4 else {"start_high": pa.uint64(), "start_low": pa.uint64()}
    schema[column] = pa.uint32() if codes is None else pa.dictionary(pa.int32(), pa.string())
    try:
        with pq.ParquetFile(path, read_dictionary=[column] if codes is not None else None) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise AddressError(f"{path}: is no address table; run `caudal reference build`: {error}") from error
    found = {field.name: field.type for field in table.schema}
    if found != schema or any(each.null_count for each in table.columns):
        columns = ", ".join(f"{name} {kind}" for name, kind in schema.items())
        raise AddressError(
            f"{path}: the columns must be {columns}, without nulls; run `caudal reference build`"
        )
    *starts, values = (each.combine_chunks() for each in table.columns)
    # Not to_numpy(), which imports pandas where it is installed.
    low = np.asarray(np.from_dlpack(starts[-1]), np.uint64)
    high = np.asarray(np.from_dlpack(starts[0]), np.uint64) if version == 6 else np.zeros_like(low)
    if codes is None:
        answers = np.asarray(np.from_dlpack(values), np.uint32)
    else:
        by_index = np.array([codes.get(value, 0) for value in values.dictionary.to_pylist()], np.uint32)
        answers = by_index[np.from_dlpack(values.indices)]
    if len(low) == 0 or high[0] or low[0] or not _ascending(high, low):
        raise AddressError(f"{path}: steps must ascend from address 0; run `caudal reference build`")
    return Layer(high, low, answers)


def stack(layers: list[Layer]) -> Stack:
    """Return the segments on which no layer changes, with the code of every layer on each."""
    high = np.concatenate([layer.high for layer in layers])
    low = np.concatenate([layer.low for layer in layers])
    order = np.lexsort((low, high)) if high.any() else np.argsort(low, kind="stable")
    high, low = high[order], low[order]
    ends = np.ones(len(order), bool)
    ends[:-1] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    offset = 0
    codes = []
    for layer in layers:
        mine = (order >= offset) & (order < offset + len(layer.codes))
        latest = np.maximum.accumulate(np.where(mine, order, offset))[ends] - offset
        codes.append(layer.codes[latest])
        offset += len(layer.codes)
    return Stack(high[ends], low[ends], tuple(codes))


def _ascending(high: U64, low: U64) -> bool:
    after = (high[1:] > high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] > low[:-1]))
    return bool(after.all())
