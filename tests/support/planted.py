"""What is planted in traffic to be searched for in everything that is written: every way to write it down.

Nothing here uses the product. A form is long enough not to occur by chance in what is searched.
"""

import base64
import hashlib
import ipaddress
import json
from collections.abc import Iterable, Iterator

_DIGESTS = ("md5", "sha1", "sha256", "blake2b")


def forms_of_address(text: str) -> set[bytes]:
    """Return an IP address as text, numbers, hexadecimal digits and octets, in either byte order, and in base64."""
    address = ipaddress.ip_address(text)
    packed = address.packed
    texts = {str(address), address.exploded, address.reverse_pointer}
    octets = {packed, packed[::-1]}
    numbers = {int.from_bytes(packed), int.from_bytes(packed, "little")}
    if isinstance(address, ipaddress.IPv6Address):
        halves = packed[:8], packed[8:]
        octets |= {packed[7::-1] + packed[:7:-1]}  # both halves as a little-endian machine keeps them
        numbers |= {int.from_bytes(half) for half in halves} | {int.from_bytes(halves[0]) >> 8}  # its /56
        texts |= {":".join(packed[at : at + 2].hex() for at in range(0, 16, 2))}
    else:
        texts |= {f"::ffff:{address}", f"::ffff:{packed[:2].hex()}:{packed[2:].hex()}"}
        texts |= {".".join(f"{octet:03d}" for octet in packed)}
    found = {form.encode() for one in texts for form in (one, one.upper())}
    found |= {str(number).encode() for number in numbers if number >= 1 << 24}
    found |= _encoded(octets) | {form for one in texts for form in _base64(one.encode())}
    return found | {_digest(name, one.encode()) for one in texts for name in _DIGESTS}


def forms_of_name(name: str) -> set[bytes]:
    """Return a DNS name as text, on the wire, in hexadecimal digits and in base64, and its usual digests."""
    plain = name.encode()
    wire = b"".join(bytes([len(label)]) + label for label in plain.split(b"."))
    found = {plain, plain.upper(), plain[::-1], wire} | _encoded({plain}) | _base64(plain)
    return found | {
        _digest(digest, one) for one in (plain, plain + b".", plain.upper()) for digest in _DIGESTS
    }


def found_in(content: bytes, forms: Iterable[bytes]) -> list[bytes]:
    """Return which forms occur in some content."""
    return [form for form in sorted(forms) if form in content]


def as_written(values: object) -> bytes:
    """Return what values look like to people and to programs."""
    return repr(values).encode() + json.dumps(values, default=str).encode()


def _encoded(octets: set[bytes]) -> set[bytes]:
    out: set[bytes] = set()
    for one in octets:
        spaced = one.hex(":"), one.hex(" "), repr(one)[2:-1]
        out |= {one, one.hex().encode(), one.hex().upper().encode(), *(form.encode() for form in spaced)}
        out |= set(_base64(one)) if len(one) > 4 else {base64.b64encode(one).rstrip(b"=")}
    return out


def _base64(octets: bytes) -> set[bytes]:
    """Return what base64 makes of octets wherever in a longer text they begin, without what depends on their neighbours."""
    return set(_alignments(octets))


def _alignments(octets: bytes) -> Iterator[bytes]:
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + octets)
        first = (before * 8 + 5) // 6
        last = (before + len(octets)) * 8 // 6
        yield encoded[first:last]


def _digest(name: str, octets: bytes) -> bytes:
    """Return the first digits of a digest, by which a list of digests would be told apart."""
    return hashlib.new(name, octets).hexdigest()[:10].encode()
