"""Shares of the bytes, and who holds them, with intervals.

A share comes as [low, high]: everything that could not be determined counted once against and once for
it, and 95 % for sampling beyond that, from the additive variance of the bytes.
"""

from dataclasses import dataclass

from caudal.dashboards.sql.scope import (
    CONTROLLED,
    COUNTRY_NAMES,
    DAYS,
    LARGEST_ROWS,
    MONTHS,
    Z_95,
    literal,
    scope,
)


@dataclass(frozen=True)
class Share:
    """A share of the bytes: which count, out of which, and which might count if more were known.

    The three are SQL conditions on a row of flow_counted_*; `name` is what the dashboard calls it.
    """

    name: str
    part: str
    base: str
    maybe: str


def _share_sums(share: Share) -> str:
    return f"""toFloat64(sumIf(f.bytes, {share.part})) AS part,
    toFloat64(sumIf(f.bytes, {share.base})) AS base,
    toFloat64(sumIf(f.bytes, {share.part} OR {share.maybe})) AS possible,
    toFloat64(sum(f.bytes)) AS total,
    toFloat64(sumIf(f.bytes_variance, {share.part})) AS part_variance,
    toFloat64(sumIf(f.bytes_variance, {share.base})) AS base_variance,
    toFloat64(sumIf(f.bytes_variance, {share.part} OR {share.maybe})) AS possible_variance,
    toFloat64(sum(f.bytes_variance)) AS total_variance"""


def _spread(share: str, variance: str, total: str = "total") -> str:
    """Half the sampling interval of a share, by the delta method on a ratio of correlated sums.

    Normal, because ClickHouse has no quantiles of the beta distribution, by which the service sets limits of few packets.
    """
    return (
        f"{Z_95} * sqrt(pow(1 - {share}, 2) * {variance} "
        f"+ pow({share}, 2) * greatest(0, {total}_variance - {variance})) / {total}"
    )


_SHARE = f"""part / nullIf(base, 0) AS share,
  greatest(0, least(share - {_spread("share", "part_variance", "base")},
    part / total - {_spread("(part / total)", "part_variance")})) AS low,
  least(1, greatest(share + {_spread("share", "part_variance", "base")},
    possible / total + {_spread("(possible / total)", "possible_variance")})) AS high"""


def share_table(shares: list[Share]) -> str:
    """The shares over the time range, one a row: share, low, high."""
    rows = "\n  UNION ALL\n".join(
        f"""  SELECT {position} AS position, {literal(share.name)} AS name,
    {_share_sums(share)}
  FROM flow_counted_day AS f
  WHERE {scope(DAYS)}"""
        for position, share in enumerate(shares)
    )
    return f"""SELECT name AS "indicator",
  {_SHARE}
FROM (
{rows}
)
ORDER BY position"""


def share_by_month(share: Share) -> str:
    """Return the SQL of a share by month, with columns share, low, high."""
    return f"""SELECT month AS time,
  {_SHARE}
FROM (
  SELECT f.time AS month,
    {_share_sums(share)}
  FROM flow_counted_month AS f
  WHERE {scope(MONTHS)}
  GROUP BY month
)
ORDER BY time"""


_TOTALS = """totals AS (
  SELECT sum(amount) AS total, sum(variance) AS total_variance,
    sumIf(amount, jurisdiction = '') AS unknown, sumIf(variance, jurisdiction = '') AS unknown_variance
  FROM held
)"""
_AMOUNT_INTERVAL = f"""greatest(0, amount - {Z_95} * sqrt(variance)) AS "bytes low",
  amount + {Z_95} * sqrt(variance) AS "bytes high\""""


def jurisdictions() -> str:
    """Controlling jurisdictions over the time range: bytes and share with their intervals."""
    return f"""WITH held AS (
  SELECT if({CONTROLLED}, toString(f.control), '') AS jurisdiction,
    toFloat64(sum(f.bytes)) AS amount, toFloat64(sum(f.bytes_variance)) AS variance
  FROM flow_counted_day AS f
  WHERE {scope(DAYS)}
  GROUP BY jurisdiction
),
{_TOTALS}
SELECT if(jurisdiction = '', 'unknown', jurisdiction) AS "jurisdiction",
  names.name_en AS "name",
  amount AS "bytes",
  {_AMOUNT_INTERVAL},
  amount / nullIf(total, 0) AS "share",
  greatest(0, share - {_spread("share", "variance")}) AS "share low",
  least(1, greatest(share + {_spread("share", "variance")}, if(jurisdiction = '', 0,
    (amount + unknown) / total
      + {_spread("((amount + unknown) / total)", "(variance + unknown_variance)")}))) AS "share high"
FROM held CROSS JOIN totals
LEFT JOIN {COUNTRY_NAMES} AS names ON names.country = held.jurisdiction
ORDER BY amount DESC LIMIT {LARGEST_ROWS}"""


def platforms() -> str:
    """Platforms over the time range: who, in which ladder stage, bytes and share with sampling intervals."""
    return f"""WITH held AS (
  SELECT toString(f.platform) AS id, any(f.platform_name) AS label, any(toString(f.control)) AS jurisdiction,
    any(toString(f.category)) AS sort, any(f.stage) AS ladder, any(toString(f.interpretation_status)) AS status,
    toFloat64(sum(f.bytes)) AS amount, toFloat64(sum(f.bytes_variance)) AS variance,
    toFloat64(sumIf(f.bytes, f.direction = 'out')) AS outward
  FROM flow_counted_day AS f
  WHERE {scope(DAYS)}
  GROUP BY id
),
totals AS (SELECT sum(amount) AS total, sum(variance) AS total_variance FROM held)
SELECT multiIf(id = '', 'no platform known', label = '', id, label) AS "platform",
  if(id = '', '', jurisdiction) AS "controlled from",
  if(id = '', '', sort) AS "category",
  if(id = '' OR ladder = 0, NULL, ladder) AS "stage",
  amount AS "bytes",
  {_AMOUNT_INTERVAL},
  amount / nullIf(total, 0) AS "share",
  greatest(0, share - {_spread("share", "variance")}) AS "share low",
  least(1, share + {_spread("share", "variance")}) AS "share high",
  outward / nullIf(amount, 0) AS "of it out",
  if(id = '', '', status) AS "attribution"
FROM held CROSS JOIN totals
ORDER BY amount DESC LIMIT {LARGEST_ROWS}"""


def asymmetry_by_month(categories: tuple[str, ...]) -> str:
    """(out − in) / (out + in) by month, without what networks of the economy exchange: asymmetry, low, high.

    Left out are `categories`. The limits also hold the
    asymmetry for every choice of which networks without a category are left out as well: the extremes are
    among the heads of the list of these networks by their own asymmetry, from either end. Bytes of an unknown
    network (0) may be of several, so that those out and those in stand apart.
    """
    named = ", ".join(map(literal, categories))
    return f"""WITH networks AS (
  SELECT f.time AS month,
    multiIf(f.category != '', '', f.remote_asn = 0, toString(f.direction), toString(f.remote_asn)) AS network,
    toFloat64(sumIf(f.bytes, f.direction = 'out')) AS outward,
    toFloat64(sumIf(f.bytes, f.direction = 'in')) AS inward,
    toFloat64(sumIf(f.bytes_variance, f.direction = 'out')) AS outward_variance,
    toFloat64(sumIf(f.bytes_variance, f.direction = 'in')) AS inward_variance
  FROM flow_counted_month AS f
  WHERE {scope(MONTHS)}
    AND NOT f.exchange
    AND f.category NOT IN ({named})
  GROUP BY month, network
),
heads AS (
  SELECT month, side,
    sum(outward) OVER list AS head_out, sum(inward) OVER list AS head_in,
    sum(outward_variance) OVER list AS head_out_variance, sum(inward_variance) OVER list AS head_in_variance
  FROM networks ARRAY JOIN [1, -1] AS side
  WINDOW list AS (PARTITION BY month, side
    ORDER BY network != '', side * (inward - outward) / greatest(inward + outward, 1), network
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
choices AS (
  SELECT month, 0 AS extreme, (sum(outward), sum(inward), sum(outward_variance), sum(inward_variance)) AS sums
  FROM networks
  GROUP BY month
  UNION ALL
  SELECT month, 1 AS extreme, argMax((head_out, head_in, head_out_variance, head_in_variance),
    side * (head_out - head_in) / (head_out + head_in)) AS sums
  FROM heads
  WHERE head_out + head_in > 0
  GROUP BY month, side
),
asymmetries AS (
  SELECT month, extreme, (sums.1 - sums.2) / (sums.1 + sums.2) AS value,
    {Z_95} * sqrt(pow(1 - value, 2) * sums.3 + pow(1 + value, 2) * sums.4) / (sums.1 + sums.2) AS spread
  FROM choices
  WHERE sums.1 + sums.2 > 0
)
SELECT month AS time, anyIf(value, extreme = 0) AS asymmetry,
  greatest(-1, min(value - spread)) AS low, least(1, max(value + spread)) AS high
FROM asymmetries
GROUP BY month
ORDER BY time"""
