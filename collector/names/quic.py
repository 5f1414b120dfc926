"""The first packets of a QUIC connection: their handshake octets, which anybody on the path can decrypt.

Keys of Initial packets follow from the connection id in clear and a salt of the version (RFC 9001, RFC 9369),
so that this is no breach of anything: the protocol means it against tampering, not against reading.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from caudal.common.errors import Unreadable

_TAG = 16
_SAMPLE = 16
_LONGEST_ID = 20
_PADDING_AND_PING = b"\0\1"
_ACK, _ACK_ECN, _CRYPTO = 2, 3, 6


@dataclass(frozen=True)
class _Version:
    salt: bytes
    label: str
    initial: int


VERSIONS = {
    1: _Version(bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic", 0),
    0x6B3343CF: _Version(bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2", 1),
}


class UnreadableInitial(Unreadable):
    """Octets that are no Initial packet of a known version, or one that cannot be decrypted."""


@dataclass(frozen=True)
class _Keys:
    key: bytes
    iv: bytes
    header: bytes


def crypto_frames(datagram: bytes) -> list[tuple[int, bytes]]:
    """Return the pieces of the handshake in the Initial packets of a client's datagram: (offset, octets).

    Raises UnreadableInitial where the first packet cannot be read; what follows it is read as far as possible.
    """
    frames: list[tuple[int, bytes]] = []
    at, keys = 0, None
    while at < len(datagram) and datagram[at] & 0xC0 == 0xC0:
        try:
            packet = _packet(datagram, at)
            if packet.initial:
                if keys is None:
                    keys = _client_keys(packet.version, packet.destination)
                frames.extend(_crypto(_open(datagram[at : packet.end], packet.number_at - at, keys)))
        except UnreadableInitial:
            if at == 0:
                raise
            break
        at = packet.end
    return frames


@dataclass(frozen=True)
class _Packet:
    version: _Version
    destination: bytes
    initial: bool
    number_at: int
    end: int


def _packet(data: bytes, start: int) -> _Packet:
    """Read a long header; its packet number is still protected."""
    version = VERSIONS.get(int.from_bytes(data[start + 1 : start + 5]))
    at = start + 5
    if version is None or at >= len(data):
        raise UnreadableInitial("no known version")
    ids = []
    for _ in range(2):
        size = data[at] if at < len(data) else _LONGEST_ID + 1
        if size > _LONGEST_ID or at + 1 + size > len(data):
            raise UnreadableInitial("a connection id is too long or cut off")
        ids.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    initial = (data[start] >> 4 & 3) == version.initial
    if initial:
        size, at = _varint(data, at)
        at += size
    length, at = _varint(data, at)
    if at + length > len(data):
        raise UnreadableInitial("the packet is cut off")
    return _Packet(version, ids[0], initial, at, at + length)


def _open(packet: bytes, number_at: int, keys: _Keys) -> bytes:
    sample = packet[number_at + 4 : number_at + 4 + _SAMPLE]
    if len(sample) < _SAMPLE:
        raise UnreadableInitial("the packet is too short")
    # One block in this mode is AES itself, which is what header protection is defined by.
    mask = Cipher(AES(keys.header), ECB()).encryptor().update(sample)
    first = packet[0] ^ mask[0] & 0x0F
    size = (first & 3) + 1
    number = bytes(a ^ b for a, b in zip(packet[number_at : number_at + size], mask[1:], strict=False))
    header = bytes([first]) + packet[1:number_at] + number
    nonce = (int.from_bytes(keys.iv) ^ int.from_bytes(number)).to_bytes(len(keys.iv))
    try:
        return AESGCM(keys.key).decrypt(nonce, packet[number_at + size :], header)
    except InvalidTag as error:
        raise UnreadableInitial("the packet is not what the keys of a client decrypt") from error


def _crypto(payload: bytes) -> Iterator[tuple[int, bytes]]:
    # Most of a first packet is padding, which is passed over at once.
    while rest := payload.lstrip(_PADDING_AND_PING):
        payload, at, kind = rest, 1, rest[0]
        if kind == _CRYPTO:
            offset, at = _varint(payload, at)
            length, at = _varint(payload, at)
            yield offset, payload[at : at + length]
            at += length
        elif kind in (_ACK, _ACK_ECN):
            fields = []
            for _ in range(4):
                value, at = _varint(payload, at)
                fields.append(value)
            for _ in range(2 * min(fields[2], len(payload)) + (3 if kind == _ACK_ECN else 0)):
                _, at = _varint(payload, at)
        else:
            return  # nothing else of use comes before the handshake is done
        payload = payload[at:]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise UnreadableInitial("a number is cut off")
    size = 1 << (data[at] >> 6)
    if at + size > len(data):
        raise UnreadableInitial("a number is cut off")
    return int.from_bytes(data[at : at + size]) & ((1 << (8 * size - 2)) - 1), at + size


def _client_keys(version: _Version, destination: bytes) -> _Keys:
    initial = hmac.digest(version.salt, destination, "sha256")
    secret = _expand(initial, "client in", 32)
    return _Keys(
        _expand(secret, f"{version.label} key", 16),
        _expand(secret, f"{version.label} iv", 12),
        _expand(secret, f"{version.label} hp", 16),
    )


def _expand(secret: bytes, label: str, length: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446 for up to one block, which is all that is needed here."""
    return hmac.digest(secret, _info(label, length), "sha256")[:length]


@cache
def _info(label: str, length: int) -> bytes:
    full = b"tls13 " + label.encode()
    return length.to_bytes(2) + bytes([len(full)]) + full + b"\0\x01"
