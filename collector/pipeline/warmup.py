"""Has everything compiled and imported before the first datagram comes: afterwards it would cost datagrams.

The kernels of a collector take up to half a minute to compile where they are not kept from an earlier start,
and what makes tables a second to import.
"""

import struct

import numpy as np

from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.pipeline.pipeline import Pipeline

_EXPORTER = "192.0.2.1"
_SOURCE, _DESTINATION = bytes((198, 51, 100, 1)), bytes((203, 0, 113, 1))
_OCTETS, _PACKETS = 1000, 10
_TEMPLATE, _OPTIONS = 256, 257
_FIELDS4 = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 4), (2, 4), (21, 4), (22, 4), (34, 4))
_SAMPLED = ((8, 4), (12, 4), (1, 4), (2, 4), (48, 1))
_VARIABLE = ((8, 4), (12, 4), (1, 4), (2, 4), (82, 0xFFFF))  # IPFIX only
_TOTALS = ((8, 4), (12, 4), (85, 4), (86, 4), (152, 8))  # IPFIX only
_FIELDS6 = ((27, 16), (28, 16), (4, 1), (1, 8), (2, 8))


def warm_up(pipeline: Pipeline, received_ms: int) -> None:
    """Meter one datagram of each kind that exporters send with `pipeline`, which is used for nothing else."""
    number = pipeline.exporters.keep(_EXPORTER)
    seconds = received_ms // 1000
    data = (
        _set(_TEMPLATE, _record4()) + _set(_TEMPLATE + 2, _record6()) + _set(_TEMPLATE + 4, _short() + b"\1")
    )
    named = _set(_TEMPLATE + 6, _short() + b"\3eth")
    totals = _set(_TEMPLATE + 8, _short() + struct.pack(">Q", received_ms))
    templates = _templates(0) + _set(1, struct.pack(">HHHHHHHHH", _OPTIONS, 4, 4, 1, 4, 34, 4, 0, 0))
    payloads = [
        struct.pack(">HHIIIIHH", 5, 1, 0, seconds, 0, 0, 0, 0) + _record5(),
        struct.pack(">HHIIII", 9, 5, 0, seconds, 0, 0)
        + templates
        + _set(_OPTIONS, struct.pack(">II", 0, 100))
        + data,
        _message(_templates(2) + data + named + totals, seconds),
        _sflow(),
    ]
    for _ in range(2):  # at first templates are learnt, then they are known
        lengths = np.array([len(payload) for payload in payloads], np.int64)
        pipeline.datagrams(
            Datagrams(
                np.frombuffer(b"".join(payloads), np.uint8),
                np.cumsum(lengths) - lengths,
                lengths,
                np.full(len(payloads), number, np.int32),
                np.full(len(payloads), received_ms, np.int64),
                np.zeros(len(payloads), np.bool_),
            )
        )
    pipeline.take(None, str)


def _set(number: int, content: bytes) -> bytes:
    content += bytes(-len(content) % 4)
    return struct.pack(">HH", number, 4 + len(content)) + content


def _templates(number: int) -> bytes:
    records = b""
    forms = [_FIELDS4, _FIELDS6, _SAMPLED, *([_VARIABLE, _TOTALS] if number else [])]
    for template, fields in zip(range(_TEMPLATE, _TEMPLATE + 10, 2), forms, strict=False):
        records += struct.pack(">HH", template, len(fields))
        records += b"".join(struct.pack(">HH", *field) for field in fields)
    return _set(number, records)


def _record4() -> bytes:
    return _SOURCE + _DESTINATION + struct.pack(">HHBIIIII", 50_000, 443, 6, _OCTETS, _PACKETS, 0, 0, 1)


def _short() -> bytes:
    return _SOURCE + _DESTINATION + struct.pack(">II", _OCTETS, _PACKETS)


def _record6() -> bytes:
    return bytes(12) + _SOURCE + bytes(12) + _DESTINATION + struct.pack(">BQQ", 17, _OCTETS, _PACKETS)


def _record5() -> bytes:
    fixed = struct.pack(">IHHIIIIHH", 0, 1, 2, _PACKETS, _OCTETS, 0, 0, 50_000, 443)
    return _SOURCE + _DESTINATION + fixed + struct.pack(">BBBBHHBBH", 0, 0, 6, 0, 0, 0, 0, 0, 0)


def _message(sets: bytes, seconds: int) -> bytes:
    return struct.pack(">HHIII", 10, 16 + len(sets), seconds, 0, 0) + sets


def _sflow() -> bytes:
    packet = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + _SOURCE + _DESTINATION + bytes(20)
    frame = bytes(12) + struct.pack(">H", 0x0800) + packet
    header = struct.pack(">IIII", 1, 1000, 4, len(frame)) + frame + bytes(-len(frame) % 4)
    record = struct.pack(">II", 1, len(header)) + header
    sample = struct.pack(">IIIIIIII", 1, 1, 100, 100, 0, 1, 2, 1) + record
    return struct.pack(">II4sIIII", 5, 1, _SOURCE, 0, 1, 0, 1) + struct.pack(">II", 1, len(sample)) + sample
