"""A router that exports IPv4 and IPv6 flows as IPFIX (RFC 7011), its sampling announced in an options record."""

import struct
from typing import Final

import numpy as np

from caudal.demo.exports.message import (
    IPV4_TEMPLATE,
    IPV6_TEMPLATE,
    OPTIONS_TEMPLATE,
    REFRESH,
    Array,
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

_HEADER: Final = 16
_SET_HEADER: Final = 4
_SELECTOR: Final = 7
_SYSTEMATIC_COUNT: Final = 1
# selectorId is the scope; algorithm, and one packet sampled after every so many left out (RFC 5477 §8.2).
_OPTIONS: Final[tuple[Field, ...]] = ((302, 4), (304, 2), (305, 4), (306, 4))
_AFTER_ADDRESSES: Final[tuple[Field, ...]] = (
    *((7, 2), (11, 2), (4, 1), (61, 1), (1, 8), (2, 8), (152, 8), (153, 8)),
    *((10, 4), (14, 4), (16, 4), (17, 4), (302, 4)),
)
IPV4_LAYOUT: Final[tuple[Field, ...]] = ((8, 4), (12, 4), *_AFTER_ADDRESSES)
IPV6_LAYOUT: Final[tuple[Field, ...]] = ((27, 16), (28, 16), *_AFTER_ADDRESSES)


class IpfixRouter:
    """Turns flows into IPFIX datagrams; keeps sequence number and template refresh from call to call.

    AS numbers are 0: this router has no full BGP table, and the collector must look them up.
    """

    def __init__(self, router: int, observation_domain: int) -> None:
        self._router = router
        self._observation_domain = observation_domain
        self._datagrams = 0
        self._records = 0

    def export(self, flows: Flows) -> list[Message]:
        """Return the datagrams of a day of flows, templates among them, in order of export."""
        waiting: list[Chunk] = []
        for ip_version, template, layout in (
            (4, IPV4_TEMPLATE, IPV4_LAYOUT),
            (6, IPV6_TEMPLATE, IPV6_LAYOUT),
        ):
            these = flows.take(np.flatnonzero(flows.ip_version == ip_version))
            values: dict[int, Array | int] = {
                16: 0,
                17: 0,
                152: these.start_ms,
                153: these.end_ms,
                302: _SELECTOR,
            }
            records = encode(these, record_dtype(layout), values)
            waiting += chunks(these, records, template, _HEADER + _SET_HEADER)
        waiting.sort(key=lambda chunk: chunk.export_seconds)
        messages = []
        for chunk in waiting:
            if self._datagrams % REFRESH == 0:
                messages.append(self._templates(chunk.export_seconds))
            body = set_of(chunk.template, chunk.body)
            messages.append(self._message(chunk.export_seconds, chunk.last - chunk.first, body))
        return messages

    def _templates(self, export_seconds: int) -> Message:
        templates = template_record(IPV4_TEMPLATE, IPV4_LAYOUT) + template_record(IPV6_TEMPLATE, IPV6_LAYOUT)
        options = struct.pack("!HHH", OPTIONS_TEMPLATE, len(_OPTIONS), 1) + fields_of(_OPTIONS)
        selector = struct.pack("!IHII", _SELECTOR, _SYSTEMATIC_COUNT, 1, RATE - 1)
        body = set_of(2, templates) + set_of(3, options) + set_of(OPTIONS_TEMPLATE, selector)
        return self._message(export_seconds, 1, body)

    def _message(self, export_seconds: int, data_records: int, body: bytes) -> Message:
        sequence = self._records & 0xFFFF_FFFF
        header = struct.pack(
            "!HHIII", 10, _HEADER + len(body), export_seconds, sequence, self._observation_domain
        )
        self._datagrams += 1
        self._records += data_records
        return Message(export_seconds, self._router, header + body)
