"""Names for exporters that the operator gave none: the same each time, and not to be traced to an address."""

import hashlib
import secrets
from pathlib import Path

from caudal.collector.errors import SpoolError
from caudal.common.durable import replace_synced

_KEY_OCTETS = 32


def pseudonym(key: bytes, address: str) -> str:
    """Return a name for `address` that only who has `key` can make; of no address, `unnamed`."""
    if not address:
        return "unnamed"
    return "exporter-" + hashlib.blake2b(address.encode(), key=key, digest_size=5).hexdigest()


def read_or_make_key(path: Path) -> bytes:
    """Return the key kept at `path`, made by chance at first; raise SpoolError if it cannot be kept."""
    try:
        if path.exists():
            key = path.read_bytes()
            if len(key) != _KEY_OCTETS:
                raise SpoolError(
                    f"{path} does not hold a key of {_KEY_OCTETS} bytes; restore it, or remove it to get other names"
                )
            return key
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = secrets.token_bytes(_KEY_OCTETS)
        replace_synced(path, key)
    except OSError as error:
        raise SpoolError(
            f"{path} cannot be used: {error.strerror}; correct `state_directory` or its owner"
        ) from error
    return key
