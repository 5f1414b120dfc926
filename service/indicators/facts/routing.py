"""Routes to a country's networks, from a dump of a route collector's table (MRT, RFC 6396)."""

from collections import Counter
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import polars as pl

from caudal.reference.addresses.ribdump import rib_entries
from caudal.reference.files.errors import AddressError
from caudal.service.indicators.model.errors import SuppliedError

ROUTES = {
    "viewpoint": pl.Int64(),
    "origin": pl.Int64(),
    "path": pl.List(pl.Int64()),
    "addresses": pl.Float64(),
}
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
        with closing(rib_entries(path)) as entries:
            for viewpoint, version, _, length, aspath in entries:
                if version != _IPV4 or not aspath or not isinstance(aspath[-1], int):
                    continue
                # A set inside the path came of aggregation: which of its networks was crossed is not known.
                hops = tuple(dict.fromkeys(hop for hop in aspath if isinstance(hop, int)))
                if hops[-1] in wanted and length > 0:
                    addresses[(int(viewpoint), hops)] += 1 << (_IPV4_BITS - length)
    except AddressError as error:
        raise SuppliedError(str(error)) from error
    rows = [
        (viewpoint, hops[-1], list(hops), float(count))
        for (viewpoint, hops), count in sorted(addresses.items())
    ]
    return pl.DataFrame(rows, schema=ROUTES, orient="row")
