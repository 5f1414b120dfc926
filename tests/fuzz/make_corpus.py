"""Writes the seed corpus of the fuzzer: small inputs of everything the decoder knows.

python -m tests.fuzz.make_corpus
"""

import struct
from collections.abc import Mapping

from fuzz.decoder import CORPUS, pack
from tests.support.builders import (
    BASIC,
    DESTINATION6,
    OCTETS,
    PACKETS,
    SOURCE6,
    VARIABLE,
    a_set,
    basic,
    flow_sample,
    gateway,
    ipfix,
    netflow5,
    netflow9,
    options9,
    options10,
    raw_header,
    record5,
    sflow,
    template,
    udp4,
    withdrawal,
)

DATA = a_set(256, basic())
SAMPLER9 = options9(300, [(1, 4)], [(48, 1), (50, 4)])
SAMPLED9 = template(257, *BASIC, (48, 1))
RATE9 = a_set(300, struct.pack(">IBI", 1, 1, 500))
DATA9 = a_set(257, basic() + b"\1")
OPTIONS10 = options10(300, [(302, 4)], [(305, 4), (306, 4), (160, 8)])
RATE10 = a_set(300, struct.pack(">IIIQ", 9, 1, 99, 1_767_220_000_000))
UPTIME10 = template(258, (22, 4), (21, 4), OCTETS, (302, 4), ipfix=True)
BIFLOW10 = template(259, OCTETS, PACKETS, (1, 4, 29305), (2, 4, 29305), (9999, VARIABLE, 1), ipfix=True)
SAMPLE = flow_sample(
    raw_header(b"\0" * 12 + b"\x08\0" + udp4("198.18.0.1", "203.0.113.9")), gateway(64496, 64499)
)
FRAME = b"\0" * 12 + b"\x08\0" + udp4("198.18.0.1", "203.0.113.9")
SECTIONS10 = template(260, (312, 2), (315, VARIABLE), (313, VARIABLE), ipfix=True)
FRAMES10 = template(261, (8, 4), (352, 8), PACKETS, (243, 2), ipfix=True)
RESTART = 0x40


def inputs() -> Mapping[str, bytes]:
    """Return the inputs by name."""
    t9, t10 = template(256, *BASIC), template(256, *BASIC, ipfix=True)
    return {
        "netflow5": pack((0, netflow5([record5(), record5(octets=5)], sampling=0x4064)), (1, netflow5([]))),
        "netflow9": pack((0, netflow9(t9, DATA, DATA)), (0, netflow9(DATA, sequence=9))),
        "netflow9-section": pack((0, netflow9(template(260, (102, 2), (103, 2), (104, 48)), a_set(260, bytes(3) + b"\x2a" + FRAME.ljust(48))))),
        "ipfix-sections": pack((0, ipfix(SECTIONS10, a_set(260, b"\x05\x86" + bytes([len(FRAME)]) + FRAME + b"\0")))),
        "ipfix-frames": pack((0, ipfix(FRAMES10, a_set(261, bytes(4) + struct.pack(">QIH", 15_140, 10, 7))))),
        "netflow9-waiting": pack((0, netflow9(DATA)), (1, netflow9(DATA)), (0, netflow9(t9))),
        "netflow9-sampled": pack((0, netflow9(SAMPLER9, SAMPLED9, DATA9, RATE9, DATA9)), (2, netflow9(SAMPLED9, DATA9))),
        "netflow9-options-late": pack((0, netflow9(RATE9)), (0, netflow9(SAMPLED9, DATA9)), (0, netflow9(SAMPLER9))),
        "netflow9-restart": pack((0 | RESTART, netflow9(SAMPLER9, SAMPLED9, RATE9)), (0, netflow9(DATA9))),
        "netflow9-changed": pack((0, netflow9(t9, DATA, template(256, OCTETS), a_set(256, bytes(8))))),
        "netflow9-exporters": pack(*((n, netflow9(t9, DATA, domain=n)) for n in range(4)), together=True),
        "netflow9-orders": pack(
            (0, netflow9(t9, DATA, template(260, *BASIC[::-1]), a_set(260, bytes(range(16))))),
            (1, netflow9(template(256, *BASIC[::-1]), a_set(256, bytes(range(16))))), together=True,
        ),
        "netflow9-tail": pack((0, netflow9(t9, DATA) + bytes(40)), (0, netflow9(a_set(256, basic(), length=3)))),
        "ipfix": pack((0, ipfix(t10, DATA)), (0, ipfix(template(261, SOURCE6, DESTINATION6, OCTETS, ipfix=True)))),
        "ipfix-withdrawal": pack((0, ipfix(t10, DATA, withdrawal(256))), (0, ipfix(DATA, withdrawal(2)))),
        "ipfix-options": pack((0, ipfix(OPTIONS10, UPTIME10, RATE10)), (0, ipfix(a_set(258, bytes(16))))),
        "ipfix-boot-of-one": pack(
            (0, ipfix(OPTIONS10, UPTIME10, RATE10, a_set(258, bytes(16)))),
            (1, ipfix(UPTIME10, a_set(258, bytes(16)))), (2, ipfix(UPTIME10, a_set(258, bytes(16)))), together=True,
        ),
        "ipfix-biflow": pack((0, ipfix(BIFLOW10, a_set(259, struct.pack(">IIII", 1, 2, 3, 4) + b"\2ab")))),
        "sflow": pack((0, sflow(SAMPLE, SAMPLE)), (1, sflow(SAMPLE, sequence=9))),
        "mixed": pack(
            (0, netflow5([record5()])), (0, netflow9(t9, DATA)), (1, ipfix(t10, DATA)), (2, sflow(SAMPLE)),
            (3, b"GET / HTTP/1.1"), together=True,
        ),
    }  # fmt: skip


if __name__ == "__main__":
    CORPUS.mkdir(exist_ok=True)
    for name, data in inputs().items():
        (CORPUS / name).write_bytes(data)
