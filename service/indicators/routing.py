"""Routes to a country's networks, from a dump of a route collector's table (MRT, RFC 6396)."""

from collections import Counter
from collections.abc import Collection, Generator
from contextlib import closing
from pathlib import Path

import polars as pl
from ftlbgp import BgpParser
from ftlbgp.model.error import FtlError

from caudal.service.indicators.errors import SuppliedError

ROUTES = {
    "viewpoint": pl.Int64(),
    "origin": pl.Int64(),
    "path": pl.List(pl.Int64()),
    "addresses": pl.Float64(),
}
_RIB = 0
_IPV4 = 4
_IPV4_BITS = 32

# Viewpoint and the networks from it to the origin, each once.
_Route = tuple[int, tuple[int, ...]]


def read_routes(path: Path, origins: Collection[int]) -> pl.DataFrame:
    """Return the IPv4 routes of a RIB dump to `origins`, added up by viewpoint and path.

    Columns of ROUTES: `viewpoint` the AS that gave its routes to the collector, `path` the networks from it to the
    origin without repetitions, `addresses` the IPv4 addresses of the prefixes that it has by this path. Paths that
    end in an AS_SET have no single origin and are left out, as is a default route. Raises SuppliedError.
    """
    wanted = frozenset(origins)
    addresses: Counter[_Route] = Counter()
    try:
        with closing(_routes(path)) as routes:
            for viewpoint, length, hops in routes:
                if hops and hops[-1] in wanted and length > 0:
                    addresses[(viewpoint, hops)] += 1 << (_IPV4_BITS - length)
    except FtlError as error:
        raise SuppliedError(
            f"{path}: is no MRT dump of a RIB (RFC 6396), or damaged: {error.message or 'unreadable'}"
        ) from error
    except (OSError, EOFError) as error:
        raise SuppliedError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    rows = [
        (viewpoint, hops[-1], list(hops), float(count))
        for (viewpoint, hops), count in sorted(addresses.items())
    ]
    return pl.DataFrame(rows, schema=ROUTES, orient="row")


def _routes(path: Path) -> Generator[tuple[int, int, tuple[int, ...]], None, None]:
    """Yield viewpoint, length of the prefix, and path without repetitions, of every IPv4 route."""
    route = BgpParser.bgp.route
    wanted = route.source | route.peer_as | route.prefix_protocol | route.prefix | route.aspath
    with (
        BgpParser(
            bgp_records=BgpParser.bgp.records.route,
            bgp_route=wanted,
            named_records=False,
            raise_on_errors=True,
        ) as parse,
        closing(parse(str(path))) as entries,
    ):  # a parser left half-way locks out the next one
        for source, viewpoint, version, (_, length), aspath in entries:
            if source != _RIB or version != _IPV4 or not aspath or not isinstance(aspath[-1], int):
                continue
            # A set inside the path came of aggregation: which of its networks was crossed is not known.
            hops = tuple(hop for hop in aspath if isinstance(hop, int))
            yield int(viewpoint), int(length), tuple(dict.fromkeys(hops))
