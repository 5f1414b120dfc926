"""A router that exports IPv4 flows as NetFlow v9 (RFC 3954), its sampling announced in an options record."""

import struct
from typing import Final

import numpy as np

from caudal.demo.exports.message import (
    IPV4_TEMPLATE,
    OPTIONS_TEMPLATE,
    REFRESH,
    Chunk,
    Field,
    Message,
    chunks,
    encode,
    fields_of,
    record_dtype,
    set_of,
    template_record,
)
from caudal.demo.traffic.sampling import RATE
from caudal.demo.traffic.traffic import Flows

_HEADER: Final = 20
_SET_HEADER: Final = 4
_SAMPLER: Final = 1
_RANDOM: Final = 2
_SYSTEM: Final = (1, 4)
_OPTIONS: Final[tuple[Field, ...]] = ((48, 1), (49, 1), (50, 4))
LAYOUT: Final[tuple[Field, ...]] = (
    *((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (5, 1), (61, 1)),
    *((1, 4), (2, 4), (22, 4), (21, 4), (10, 4), (14, 4), (16, 4), (17, 4), (48, 1)),
)


class Netflow9Router:
    """Turns flows into NetFlow v9 datagrams; keeps sequence number and template refresh from call to call.

    `boot_seconds` is when the router started; its uptime wraps every 49.7 days, as real ones do. It says that it
    samples one packet in `rate`.
    """

    def __init__(self, router: int, source_id: int, boot_seconds: int, rate: int = RATE) -> None:
        self._router = router
        self._source_id = source_id
        self._rate = rate
        self._boot_ms = boot_seconds * 1000
        self._sequence = 0
        self._dtype = record_dtype(LAYOUT)

    def export(self, flows: Flows) -> list[Message]:
        """Return the datagrams of a day of IPv4 flows, templates among them."""
        remote_asn = np.where(flows.announced, flows.remote_asn, 0)
        records = encode(
            flows,
            self._dtype,
            {
                6: np.where(flows.ip_protocol == 6, 0x18, 0),
                16: np.where(flows.outbound, 0, remote_asn),
                17: np.where(flows.outbound, remote_asn, 0),
                21: (flows.end_ms - self._boot_ms) & 0xFFFF_FFFF,
                22: (flows.start_ms - self._boot_ms) & 0xFFFF_FFFF,
                48: _SAMPLER,
            },
        )
        messages = []
        for chunk in chunks(flows, records, IPV4_TEMPLATE, _HEADER + _SET_HEADER):
            if self._sequence % REFRESH == 0:
                messages.append(self._templates(chunk.export_seconds))
            messages.append(self._data(chunk))
        return messages

    def _templates(self, export_seconds: int) -> Message:
        options = struct.pack("!HHH", OPTIONS_TEMPLATE, 4, 4 * len(_OPTIONS)) + fields_of(
            (_SYSTEM, *_OPTIONS)
        )
        sampler = struct.pack("!IBBI", self._router, _SAMPLER, _RANDOM, self._rate)
        body = set_of(0, template_record(IPV4_TEMPLATE, LAYOUT)) + set_of(1, options)
        return self._message(export_seconds, 3, body + set_of(OPTIONS_TEMPLATE, sampler))

    def _data(self, chunk: Chunk) -> Message:
        return self._message(
            chunk.export_seconds, chunk.last - chunk.first, set_of(chunk.template, chunk.body)
        )

    def _message(self, export_seconds: int, count: int, body: bytes) -> Message:
        uptime = (export_seconds * 1000 - self._boot_ms) & 0xFFFF_FFFF
        sequence = self._sequence & 0xFFFF_FFFF
        header = struct.pack("!HHIIII", 9, count, uptime, export_seconds, sequence, self._source_id)
        self._sequence += 1
        return Message(export_seconds, self._router, header + body)
