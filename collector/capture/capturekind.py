"""Kinds of files given to the collector: captured traffic, captured exports, an IPFIX file, or one raw export payload."""

from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np

from caudal.collector.capture.capture import Capture
from caudal.collector.capture.capturefile import CaptureError, CaptureFile
from caudal.collector.capture.exportcapture import looks_like_exports
from caudal.collector.capture.exportmessage import export_seconds, has_export_version
from caudal.collector.capture.messagefile import is_message_file
from caudal.collector.capture.pcap import PCAP_MAGICS
from caudal.collector.capture.pcapng import PCAPNG_MAGIC
from caudal.collector.columns.datagrams import Datagrams

FileKind = Literal["packets", "exports", "messages", "payload"]

_LONGEST_PAYLOAD = 65_535


def file_kind(path: Path) -> FileKind:
    """Return the kind of a file by its content; raise CaptureError if it is none of these.

    `payload` is the content of one UDP export datagram and nothing else, `messages` an IPFIX file of several messages. A
    capture without a single UDP export datagram at its beginning is one of `packets`.
    """
    head, filled, damage = _head(path)
    if head[:4] in PCAP_MAGICS or head[:4] == PCAPNG_MAGIC:
        with closing(Capture(path).chunks()) as chunks:
            first = next(chunks, None)
        return "exports" if first is not None and looks_like_exports(first) else "packets"
    if is_message_file(head[:filled]):
        return "messages"
    if has_export_version(head[:filled]) and not damage and filled <= _LONGEST_PAYLOAD:
        return "payload"
    raise CaptureError(damage or _unknown(path, filled))


def read_raw_payload(path: Path, exporter: int = 0) -> Datagrams:
    """Return the one UDP payload that a file consists of; raise CaptureError if it is not one.

    The time of receipt is the export time in its header, or 0 where the protocol (sFlow) has none.
    """
    head, filled, damage = _head(path)
    if damage or not has_export_version(head[:filled]):
        raise CaptureError(damage or _unknown(path, filled))
    if filled > _LONGEST_PAYLOAD:
        raise CaptureError(
            f"{path}: longer than a UDP payload can be ({_LONGEST_PAYLOAD} bytes); give one payload a file"
        )
    return Datagrams(
        np.frombuffer(head, np.uint8),
        np.zeros(1, np.int64),
        np.array([filled], np.int64),
        np.array([exporter], np.int32),
        np.array([export_seconds(head[:filled]) * 1_000], np.int64),
        np.zeros(1, np.bool_),
    )


def _head(path: Path) -> tuple[bytes, int, str]:
    with CaptureFile(path, _LONGEST_PAYLOAD + 2) as source:
        data, filled = source.more()
        return bytes(data), filled, source.damage


def _unknown(path: Path, filled: int) -> str:
    if not filled:
        return (
            f"{path}: the file is empty; give a capture (pcap, pcapng) or the payload of an export datagram"
        )
    return (
        f"{path}: neither a capture (pcap, pcapng, either of them gzip'ed) nor an IPFIX file nor the payload of an export "
        "datagram (NetFlow v5, v7, v9, IPFIX, sFlow v5); give one of these"
    )
