"""Queries about the quality of the data: what is undetermined, how sampling was known, the ledger, who is silent."""

from caudal.contract.batch import BALANCE
from caudal.dashboards.sql.scope import CONTROLLED, DAYS, LARGEST_ROWS, LOCATED, WHO, bit_rate, scope

_UNEXPLAINED = " + ".join(
    f"abs(sum(f.{whole}) - {' - '.join(f'sum(f.{part})' for part in parts)})"
    for whole, parts in BALANCE.items()
)


def undetermined_by_day() -> str:
    """Shares of the bytes without a location, without a known controller, and without either of them."""
    return f"""SELECT $__timeInterval(f.time) AS time,
  sumIf(f.bytes, NOT {LOCATED} OR NOT {CONTROLLED}) / nullIf(sum(f.bytes), 0) AS "undetermined",
  sumIf(f.bytes, NOT {LOCATED}) / nullIf(sum(f.bytes), 0) AS "location unknown",
  sumIf(f.bytes, NOT {CONTROLLED}) / nullIf(sum(f.bytes), 0) AS "control unknown",
  sumIf(f.bytes, f.folded) / nullIf(sum(f.bytes), 0) AS "folded for privacy"
FROM flow_counted_day AS f
WHERE {scope(DAYS)}
GROUP BY time
ORDER BY time"""


def sampling_by_day() -> str:
    """Shares of the bytes by how their sampling rate was known."""
    return f"""SELECT $__timeInterval(f.time) AS time, toString(f.sampling_from) AS known_from,
  {bit_rate("sum(f.bytes)")} AS rate
FROM flow_counted_day AS f
WHERE {scope(DAYS)}
GROUP BY time, known_from
ORDER BY time, known_from"""


def ledger_by_day() -> str:
    """Records by what became of them, from the ledger."""
    return f"""SELECT $__timeInterval(f.time) AS time,
  toFloat64(sum(f.decoded)) AS "decoded",
  toFloat64(sum(f.waiting)) AS "waiting for a template",
  toFloat64(sum(f.malformed)) AS "malformed",
  toFloat64(sum(f.filtered)) AS "filtered",
  toFloat64(sum(f.lost)) AS "lost (records)",
  toFloat64(sum(f.lost_datagrams)) AS "lost (datagrams)",
  toFloat64(sum(f.kernel_drops)) AS "dropped by the kernel",
  toFloat64(sum(f.counts_implausible)) AS "implausible counts"
FROM ledger_day AS f
WHERE {WHO}
  AND {DAYS}
GROUP BY time
ORDER BY time"""


def ledger_by_exporter() -> str:
    """The ledger of each exporter over the time range; `unexplained` must be 0."""
    return f"""SELECT f.operator AS "operator", f.collector AS "collector", f.exporter AS "exporter",
  toFloat64(sum(f.received)) AS "received",
  toFloat64(sum(f.decoded)) AS "decoded",
  toFloat64(sum(f.waiting)) AS "waiting",
  toFloat64(sum(f.malformed)) AS "malformed",
  toFloat64(sum(f.filtered)) AS "filtered",
  toFloat64({_UNEXPLAINED}) AS "unexplained",
  toFloat64(sum(f.lost)) AS "lost",
  toFloat64(sum(f.lost_datagrams)) AS "lost datagrams",
  toFloat64(sum(f.kernel_drops)) AS "kernel drops",
  toFloat64(sum(f.interface_unknown)) AS "interface unknown",
  toFloat64(sum(f.counts_implausible)) AS "implausible counts",
  toFloat64(sum(f.rate_implausible)) AS "implausible rate",
  sum(f.sampling_assumed) / nullIf(sum(f.decoded), 0) AS "sampling assumed"
FROM ledger_day AS f
WHERE {WHO}
  AND {DAYS}
GROUP BY f.operator, f.collector, f.exporter
ORDER BY sum(f.received) DESC LIMIT {LARGEST_ROWS}"""


def last_batches() -> str:
    """The last batch of each collector, whatever the time range."""
    return f"""SELECT f.operator AS "operator", f.collector AS "collector",
  max(f.received_at) AS "last batch",
  toFloat64(dateDiff('second', max(f.received_at), now('UTC'))) AS "age",
  toFloat64(count()) AS "batches",
  argMax(f.software, f.received_at) AS "software",
  if(countIf(f.synthetic) = 0, 'measured', 'SYNTHETIC') AS "data are"
FROM batch_counted AS f
WHERE {WHO}
GROUP BY f.operator, f.collector
ORDER BY "last batch" """.rstrip()
