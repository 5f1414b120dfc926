"""DNS answers, ClientHellos and QUIC Initials as they are on the wire, for the tests of names."""

import itertools
import ssl
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from scapy.layers.dns import DNS, DNSQR, DNSRR

# RFC 9001, section 5.2, and RFC 9369, section 3.3.
QUIC1 = (1, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic")
QUIC2 = (0x6B3343CF, "0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2")


def dns_answer(
    name: str, *rest: str, aliases: Sequence[str] = (), ttl: int = 60, question: str = "A"
) -> bytes:
    """The answer of a resolver: aliases of the name one after the other, then the addresses in `rest`."""
    names = [name, *aliases]
    records = [
        DNSRR(rrname=one, type="CNAME", rdata=other, ttl=ttl) for one, other in itertools.pairwise(names)
    ]
    records += [DNSRR(rrname=names[-1], type=question, rdata=address, ttl=ttl) for address in rest]
    return bytes(DNS(id=7, qr=1, rd=1, ra=1, qd=DNSQR(qname=name, qtype=question), an=records))


def real_hello(name: str | None) -> bytes:
    """The TLS records in which OpenSSL begins a connection."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    out = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return out.read()
    raise AssertionError


def extension(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2) + len(value).to_bytes(2) + value


def server_name(name: str) -> bytes:
    host = b"\0" + len(name).to_bytes(2) + name.encode()
    return extension(0, len(host).to_bytes(2) + host)


ECH = extension(0xFE0D, b"\0" + bytes(180))
KEY_SHARE = extension(51, bytes(1_250))


def hello(*extensions: bytes) -> bytes:
    """A ClientHello of these extensions, as a handshake message."""
    listed = b"".join(extensions)
    body = b"\x03\x03" + bytes(range(32)) + b"\x20" + bytes(32) + b"\0\x02\x13\x01" + b"\x01\0"
    body += len(listed).to_bytes(2) + listed
    return b"\x01" + len(body).to_bytes(3) + body


def records(handshake: bytes, size: int = 16_384) -> bytes:
    """A handshake message in TLS records of at most so many octets."""
    parts = [handshake[at : at + size] for at in range(0, len(handshake), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in parts)


def varint(number: int) -> bytes:
    for size, bits in ((1, 6), (2, 14), (4, 30)):
        if number < 1 << bits:
            return (number | (size.bit_length() - 1) << (8 * size - 2)).to_bytes(size)
    raise AssertionError


def crypto(octets: bytes, offset: int = 0) -> bytes:
    """A CRYPTO frame."""
    return b"\x06" + varint(offset) + varint(len(octets)) + octets


def quic_initial(
    payload: bytes,
    version: tuple[int, str, str] = QUIC1,
    destination: bytes = bytes.fromhex("8394c8f03e515708"),
    number: int = 2,
    size: int = 1_200,
    token: bytes = b"",
) -> bytes:
    """A client's Initial packet, padded so that it fills `size` octets."""
    code, salt, label = version
    first = 0xC3 if code == 1 else 0xD3
    head = bytes([first]) + code.to_bytes(4) + bytes([len(destination)]) + destination + b"\0"
    head += varint(len(token)) + token
    room = size - len(head) - 2 - 4 - 16
    payload = payload.ljust(room, b"\0")
    header = head + (0x4000 | 4 + len(payload) + 16).to_bytes(2) + number.to_bytes(4)
    key, iv, protection = _keys(salt, label, destination)
    nonce = (int.from_bytes(iv) ^ number).to_bytes(12)
    sealed = AESGCM(key).encrypt(nonce, payload, header)
    mask = Cipher(AES(protection), ECB()).encryptor().update(sealed[:16])
    protected = bytearray(header)
    protected[0] ^= mask[0] & 0x0F
    for at in range(4):
        protected[len(header) - 4 + at] ^= mask[1 + at]
    return bytes(protected) + sealed


def _keys(salt: str, label: str, destination: bytes) -> tuple[bytes, bytes, bytes]:
    extract = HMAC(bytes.fromhex(salt), SHA256())
    extract.update(destination)
    secret = _expand(extract.finalize(), "client in", 32)
    return (
        _expand(secret, f"{label} key", 16),
        _expand(secret, f"{label} iv", 12),
        _expand(secret, f"{label} hp", 16),
    )


def _expand(secret: bytes, label: str, length: int) -> bytes:
    whole = b"tls13 " + label.encode()
    info = length.to_bytes(2) + bytes([len(whole)]) + whole + b"\0"
    return HKDFExpand(SHA256(), length, info).derive(secret)
