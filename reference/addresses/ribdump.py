"""The entries of a routing table dump (MRT, RFC 6396, also gzip or bzip2)."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from ftlbgp import BgpParser
from ftlbgp.model.error import FtlError

from caudal.reference.addresses.steps import Version
from caudal.reference.files.errors import AddressError

_RIB = 0

# The AS that gave the route, IP version, first address and length of its prefix, AS path: numbers, a set as a tuple.
Entry = tuple[int, Version, int, int, tuple[Any, ...] | None]


def rib_entries(path: Path) -> Generator[Entry, None, None]:
    """Yield every entry of a RIB dump; close it before another is read. Raises AddressError."""
    # One choice of fields for all who read dumps: the library takes one in a process at a time.
    route = BgpParser.bgp.route
    wanted = route.source | route.peer_as | route.prefix_protocol | route.prefix | route.aspath
    try:
        with (
            BgpParser(
                bgp_records=BgpParser.bgp.records.route,
                bgp_route=wanted,
                named_records=False,
                raise_on_errors=True,
            ) as parse,
            closing(parse(str(path))) as entries,
        ):  # a parser left half-way locks out the next one
            for source, viewpoint, version, (start, length), aspath in entries:
                if source == _RIB:
                    yield viewpoint, version, start, length, aspath
    except FtlError as error:
        raise AddressError(
            f"{path}: is no MRT dump of a RIB (RFC 6396), or damaged: {error.message or 'unreadable'}"
        ) from error
    except (OSError, EOFError) as error:
        raise AddressError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
