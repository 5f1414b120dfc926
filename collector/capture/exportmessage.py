"""The outer marks of an export datagram: enough to tell one from any other UDP payload."""

import struct

# Of versions 5 and 7: header, record by version, and how many records there can be.
_FIXED_HEADER, _FIXED_RECORD, _FIXED_MOST = 24, {5: 48, 7: 52}, 30
_NETFLOW9_HEADER, _IPFIX_HEADER, _SET_HEADER = 20, 16, 4
_FIRST_DATA_SET = 256
_SFLOW_ADDRESS_TYPES = (1, 2)


def has_export_version(payload: bytes) -> bool:
    """Return True if a payload begins as NetFlow v5, v7 or v9, IPFIX or sFlow v5 do."""
    return payload[:2] in (b"\0\5", b"\0\7", b"\0\x09", b"\0\x0a") or payload[:4] == b"\0\0\0\5"


def is_export_message(payload: bytes, length: int | None = None) -> bool:
    """Return True if a payload is, by its header and first set, an export datagram of one of the protocols.

    `length` is what the UDP header says, where less of the payload is at hand.
    """
    if length is None:
        length = len(payload)
    if len(payload) < 8:
        return False
    version: int
    second: int
    version, second = struct.unpack_from(">HH", payload)
    if version in _FIXED_RECORD:
        return 1 <= second <= _FIXED_MOST and length == _FIXED_HEADER + second * _FIXED_RECORD[version]
    if version == 9:
        return length >= _NETFLOW9_HEADER + _SET_HEADER and _is_set(payload, _NETFLOW9_HEADER, length, (0, 1))
    if version == 10:
        if second != length:
            return False
        return length == _IPFIX_HEADER or _is_set(payload, _IPFIX_HEADER, length, (2, 3))
    if version == 0 and second == 5:
        (address_type,) = struct.unpack_from(">I", payload, 4)
        # Eight bytes of fixed values: telling enough, even of a datagram that ends too soon.
        return address_type in _SFLOW_ADDRESS_TYPES
    return False


def export_seconds(payload: bytes) -> int:
    """Return the export time in seconds since 1970 that a NetFlow or IPFIX header tells, else 0."""
    at = {5: 8, 7: 8, 9: 8, 10: 4}.get(int.from_bytes(payload[:2], "big"))
    return 0 if at is None or len(payload) < at + 4 else int.from_bytes(payload[at : at + 4], "big")


def _is_set(payload: bytes, at: int, length: int, templates: tuple[int, int]) -> bool:
    if len(payload) < at + _SET_HEADER:
        return False
    set_id: int
    set_length: int
    set_id, set_length = struct.unpack_from(">HH", payload, at)
    return (set_id in templates or set_id >= _FIRST_DATA_SET) and _SET_HEADER <= set_length <= length - at
