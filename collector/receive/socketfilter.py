"""The program the kernel runs on each packet: how much of it, if anything, the collector gets to see.

Of packets that may hold a name (DNS answers, the beginning of TLS and QUIC, requests of plain HTTP) it passes on enough
to read it;
of all others their headers, so that nothing else of what people send ever leaves the kernel. Classic BPF, as
in the kernel's Documentation/networking/filter.rst.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from caudal.collector.names.candidates import DNS_PORT, HTTP_PORTS, QUIC_PORTS, TLS_PORTS
from caudal.collector.names.request import METHODS

HEADERS_OCTETS: Final = 128
# Where tunnels are opened there are twice as many headers.
TUNNELLED_OCTETS: Final = 256
_LOAD_HALF, _LOAD_BYTE, _LOAD_HALF_AT, _LOAD_BYTE_AT = 0x28, 0x30, 0x48, 0x50
_LOAD_X, _LOAD_X_IPV4_HEADER = 0x01, 0xB1
_LOAD_WORD_AT, _LOAD_SIZE, _TO_X = 0x40, 0x80, 0x07
_AND, _SHIFT_RIGHT, _SUBTRACT, _ADD_X = 0x54, 0x74, 0x14, 0x0C
_JUMP, _IF_EQUAL, _IF_BITS, _IF_AT_LEAST_X, _RETURN = 0x05, 0x15, 0x45, 0x3D, 0x06
_METHOD = 4
_TCP, _UDP = 6, 17
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6 = 0x0800, 0x86DD

# Code, jump if true, jump if false, operand: as struct sock_filter.
Instruction = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Line:
    """An instruction whose jumps are names of places; '' goes on."""

    code: int
    operand: int
    true: str = ""
    false: str = ""
    place: str = ""


def program(
    snap_length: int,
    *,
    ethernet: bool,
    chosen: Sequence[Instruction] = (),
    headers_octets: int = HEADERS_OCTETS,
) -> list[Instruction]:
    """Return the program that passes on `snap_length` octets of what may hold a name, else the headers: `headers_octets`.

    `chosen` is a filter that says which packets are wanted at all; of its own lengths only zero is kept.
    """
    tail = _assemble(_lengths(snap_length, 14 if ethernet else 0, headers_octets))
    if snap_length <= headers_octets:
        tail = [(_RETURN, 0, 0, snap_length)]
    head = []
    for at, (code, true, false, operand) in enumerate(chosen):
        if code == _RETURN and operand:
            head.append((_JUMP, 0, 0, len(chosen) - at - 1))
        else:
            head.append((code, true, false, operand))
    return [*head, *tail]


def _lengths(snap_length: int, base: int, headers_octets: int) -> list[_Line]:
    lines = []
    if base:
        lines += [
            _Line(_LOAD_HALF, 12),
            _Line(_IF_EQUAL, _ETHERTYPE_IPV4, "ipv4", ""),
            _Line(_IF_EQUAL, _ETHERTYPE_IPV6, "ipv6", "headers"),
        ]
    else:
        lines += [
            _Line(_LOAD_BYTE, 0),
            _Line(_IF_BITS, 0x20, "ipv6", "ipv4"),
        ]
    lines += [
        _Line(_LOAD_BYTE, base + 6, place="ipv6"),
        _Line(_LOAD_X, 40),
        _Line(_IF_EQUAL, _TCP, "tcp", ""),
        _Line(_IF_EQUAL, _UDP, "udp", "headers"),
        _Line(_LOAD_HALF, base + 6, place="ipv4"),
        _Line(_IF_BITS, 0x1FFF, "headers", ""),
        _Line(_LOAD_X_IPV4_HEADER, base),
        _Line(_LOAD_BYTE, base + 9),
        _Line(_IF_EQUAL, _TCP, "tcp", ""),
        _Line(_IF_EQUAL, _UDP, "udp", "headers"),
        _Line(_LOAD_HALF_AT, base, place="udp"),
        _Line(_IF_EQUAL, DNS_PORT, "names", ""),
        _Line(_LOAD_HALF_AT, base + 2),
        *(_Line(_IF_EQUAL, port, "quic", "") for port in QUIC_PORTS),
        _Line(_JUMP, 0, "headers"),
        _Line(_LOAD_BYTE_AT, base + 8, place="quic"),
        _Line(_IF_BITS, 0x80, "names", "headers"),
        _Line(_LOAD_HALF_AT, base + 2, place="tcp"),
        *(_Line(_IF_EQUAL, port, "names", "") for port in TLS_PORTS),
        *(_Line(_IF_EQUAL, port, "http", "") for port in HTTP_PORTS),
        _Line(_JUMP, 0, "headers"),
        # Past the header of TCP; to read beyond the end of a packet would drop it.
        _Line(_LOAD_BYTE_AT, base + 12, place="http"),
        _Line(_AND, 0xF0),
        _Line(_SHIFT_RIGHT, 2),
        _Line(_ADD_X, 0),
        _Line(_TO_X, 0),
        _Line(_LOAD_SIZE, 0),
        _Line(_SUBTRACT, base + _METHOD),
        _Line(_IF_AT_LEAST_X, 0, "", "headers"),
        _Line(_LOAD_WORD_AT, base),
        *(_Line(_IF_EQUAL, int.from_bytes(method), "names", "") for method in METHODS),
        _Line(_RETURN, headers_octets, place="headers"),
        _Line(_RETURN, snap_length, place="names"),
    ]
    return lines


def _assemble(lines: Sequence[_Line]) -> list[Instruction]:
    places = {line.place: at for at, line in enumerate(lines) if line.place}

    def jump(at: int, place: str) -> int:
        return places[place] - at - 1 if place else 0

    return [
        (line.code, 0, 0, jump(at, line.true))
        if line.code == _JUMP
        else (line.code, jump(at, line.true), jump(at, line.false), line.operand)
        for at, line in enumerate(lines)
    ]
