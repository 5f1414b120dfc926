"""Capacity of an operator's links: a batch that would exceed it waits for review."""

import numpy as np
import polars as pl
import pyarrow.compute as pc

from caudal.contract.batch import MOST_SITES, Batch
from caudal.service.admission.windows import said, seconds_of
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.hourrows import bytes_by_hour
from caudal.service.store.siterows import sites_of
from caudal.service.store.store import Store

_HOUR = 3600
# The smallest IP packet, in bytes: so many packets a link can carry.
_SMALLEST_PACKET = 20


def review(store: Store, batch: Batch, settings: ServiceSettings) -> str | None:
    """Return why a batch is to be held for review, in one line; None where it may be counted.

    Held is what would give an operator more than its capacity times the length of a window within the batch, or times
    an hour together with what is stored of the hour already; and what would give it more sites in the batch's months than an
    operator may tell apart. To be called in one turn with storing the batch: two
    batches reviewed at once would each be within the limit.
    """
    if not batch.flows.num_rows:
        return None
    if why := _too_many_sites(store, batch):
        return why
    operator = settings.operator(batch.origin.operator)
    gbit = operator.capacity_gbit_per_second or settings.admission.capacity_gbit_per_second
    per_second = gbit * 1e9 / 8
    windows = _carried(batch)
    over = windows.filter(pl.col("carried") > per_second * pl.col("seconds"))
    if over.height:
        start, seconds, carried = over.row(0)
        return (
            f"{operator.id} would have carried {carried:.3g} bytes in the {seconds} s from {said(start)}; "
            f"{_at_most(per_second * seconds, gbit)}"
        )
    hours = windows.group_by(pl.col("start") // _HOUR * _HOUR).agg(pl.col("carried").sum()).sort("start")
    origin = batch.origin
    stored = bytes_by_hour(store, origin.economy, origin.operator, hours["start"].to_list(), _SMALLEST_PACKET)
    for start, carried in hours.iter_rows():
        before = stored.get(start, 0.0)
        if carried + before > per_second * _HOUR:
            return (
                f"{operator.id} would have carried {carried + before:.3g} bytes in the hour from {said(start)}, "
                f"{before:.3g} of which are stored; {_at_most(per_second * _HOUR, gbit)}"
            )
    return None


def _too_many_sites(store: Store, batch: Batch) -> str | None:
    """Return why the sites of a batch are more than its operator may have; None where they are not."""
    told = set(batch.flows.column("site").unique().to_pylist()) - {""}
    if not told:
        return None
    span = pc.min_max(batch.flows.column("window_start")).as_py()
    origin = batch.origin
    count = len(told | sites_of(store, origin.economy, origin.operator, span["min"], span["max"]))
    if count <= MOST_SITES:
        return None
    return f"{origin.operator} would have {count} sites in these months; {MOST_SITES} can be told apart: name fewer"


def _carried(batch: Batch) -> pl.DataFrame:
    """Return the windows of a batch: start, seconds, and what each carried at least, in bytes."""
    flows = batch.flows
    octets, packets = (flows.column(name).to_numpy().astype(np.float64) for name in ("bytes", "packets"))
    return (
        pl.DataFrame(
            {
                "start": seconds_of(flows),
                "seconds": flows.column("window_seconds").to_numpy(),
                "octets": octets,
                "packets": packets,
            }
        )
        .group_by("start", "seconds")
        .agg(pl.col("octets", "packets").sum())
        .select("start", "seconds", pl.max_horizontal("octets", pl.col("packets") * _SMALLEST_PACKET).alias("carried"))
        .sort("start", "seconds")
    )  # fmt: skip


def _at_most(most: float, gbit: float) -> str:
    return f"its links carry {most:.3g} at most (capacity_gbit_per_second = {gbit:g})"
