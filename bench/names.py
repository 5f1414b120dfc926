"""Messages that hold a name, as hosts send them: DNS answers, TLS ClientHellos and QUIC Initials."""

import hmac
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

NAMES: Final = (
    "www.netflix.com",
    "i.ytimg.com",
    "media-lim1-1.cdn.whatsapp.net",
    "scontent.xx.fbcdn.net",
    "d1.awsstatic.com",
    "www.example.org",
    "news.example.com",
    "static.shop.example.net",
)
# RFC 9001, section 5.2.
_SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_DATAGRAM = 1_200


def dns_answer(name: str) -> bytes:
    """An answer with one alias and two addresses."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    alias = b"\x05alias\xc0\x0c"
    aliased = 12 + len(question) + 4 + 12
    records = b"\xc0\x0c" + _record(5, alias)
    for last in (1, 2):
        records += (0xC000 | aliased).to_bytes(2) + _record(1, bytes([203, 0, 113, last]))
    return b"\0\7\x81\x80\0\1\0\3\0\0\0\0" + question + b"\0\1\0\1" + records


def _record(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2) + b"\0\1\0\0\0\x3c" + len(value).to_bytes(2) + value


def client_hello(name: str) -> bytes:
    """The TLS record of a hello that fills 517 octets, as OpenSSL's does."""
    handshake = _handshake(name, 512)
    return b"\x16\x03\x01" + len(handshake).to_bytes(2) + handshake


def quic_initial(name: str, destination: bytes) -> bytes:
    """A client's first datagram towards a connection id, with a hello in it."""
    hello = _handshake(name, 300)
    payload = b"\x06\0" + (0x4000 | len(hello)).to_bytes(2) + hello
    head = b"\xc3\0\0\0\1" + bytes([len(destination)]) + destination + b"\0\0"
    payload = payload.ljust(_DATAGRAM - len(head) - 6 - 16, b"\0")
    header = head + (0x4000 | 4 + len(payload) + 16).to_bytes(2) + bytes(4)
    secret = _expand(hmac.digest(_SALT, destination, "sha256"), "client in", 32)
    sealed = AESGCM(_expand(secret, "quic key", 16)).encrypt(_expand(secret, "quic iv", 12), payload, header)
    mask = Cipher(AES(_expand(secret, "quic hp", 16)), ECB()).encryptor().update(sealed[:16])
    protected = bytearray(header)
    for at, bits in zip((0, -4, -3, -2, -1), (0x0F, 255, 255, 255, 255), strict=True):
        protected[at] ^= mask[at if at == 0 else at + 5] & bits
    return bytes(protected) + sealed


def _handshake(name: str, size: int) -> bytes:
    host = b"\0" + len(name).to_bytes(2) + name.encode()
    extensions = (
        _extension(10, bytes(20)) + _extension(0, len(host).to_bytes(2) + host) + _extension(51, bytes(36))
    )
    fixed = b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + b"\0\x1e" + bytes(30) + b"\x01\0"
    extensions += _extension(21, bytes(size - 4 - len(fixed) - 2 - len(extensions) - 4))
    body = fixed + len(extensions).to_bytes(2) + extensions
    return b"\x01" + len(body).to_bytes(3) + body


def _extension(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2) + len(value).to_bytes(2) + value


def _expand(secret: bytes, label: str, length: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446, for one block."""
    whole = b"tls13 " + label.encode()
    info = length.to_bytes(2) + bytes([len(whole)]) + whole + b"\0\1"
    return hmac.digest(secret, info, "sha256")[:length]
