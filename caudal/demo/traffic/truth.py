"""The truth that the traffic model knows and a collector can only estimate."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from caudal.demo.traffic.cells import Cells
from caudal.demo.traffic.endpoints import Endpoint

_SUMS = ("true_bytes", "true_packets", "records", "sampled_bytes", "sampled_packets")


class Truth:
    """Exact totals by month and cell, of all flows and of the records that packet sampling left of them."""

    def __init__(self, endpoints: Sequence[Endpoint], cells: Cells, months: Sequence[date]) -> None:
        self._endpoints = endpoints
        self._cells = cells
        self._months = months
        self._sums = {name: np.zeros((len(months), len(cells))) for name in _SUMS}

    def add(self, month: int, sums: dict[str, npt.NDArray[np.float64]]) -> None:
        """Add totals by cell to month number `month`."""
        for name in _SUMS:
            self._sums[name][month] += sums[name]

    def frame(self) -> pl.DataFrame:
        """Return the cells by month, a row each: what the cell is, and its totals.

        Columns: month (first day), destination, platform, direction, remote_asn, remote_country, location_rung,
        ip_version, transport; true_bytes, true_packets, records, sampled_bytes, sampled_packets (Int64).
        """
        cells, months = self._cells, len(self._months)
        endpoints = [self._endpoints[number] for number in cells.endpoint]
        keys = pl.DataFrame(
            {
                "destination": [endpoint.destination.name for endpoint in endpoints],
                "platform": [endpoint.destination.platform for endpoint in endpoints],
                "direction": ["out" if outbound else "in" for outbound in cells.outbound],
                "remote_asn": pl.Series([endpoint.asn for endpoint in endpoints], dtype=pl.UInt32),
                "remote_country": [endpoint.country for endpoint in endpoints],
                "location_rung": [endpoint.rung for endpoint in endpoints],
                "ip_version": pl.Series([endpoint.ip_version for endpoint in endpoints], dtype=pl.UInt8),
                "transport": ["udp" if udp else "tcp" for udp in cells.udp],
            }
        )
        days = pl.Series("month", self._months, dtype=pl.Date)
        return pl.concat([keys] * months).select(
            days.gather(np.repeat(np.arange(months), len(cells))),
            pl.all(),
            *(pl.Series(name, self._sums[name].ravel()).cast(pl.Int64) for name in _SUMS),
        )
