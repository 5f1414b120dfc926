"""Bit rates over time: by country, by jurisdiction, by location, by direction."""

from caudal.dashboards.sql.scope import (
    CONTROLLED,
    DAYS,
    HERE,
    HOURS,
    IN_GROUP,
    LOCATED,
    PLACE,
    bit_rate,
    scope,
)

LARGEST_SERIES = 9


def _largest_over_time(column: str, known: str, label: str) -> str:
    return f"""WITH largest AS (
  SELECT {column} AS name FROM flow_counted_day AS f
  WHERE {scope(DAYS)}
    AND {known}
  GROUP BY name ORDER BY sum(f.bytes) DESC, name LIMIT {LARGEST_SERIES}
)
SELECT $__timeInterval(f.time) AS time,
  multiIf(NOT {known}, 'unknown', {column} IN (SELECT name FROM largest), toString({column}), 'other') AS {label},
  {bit_rate("sum(f.bytes)")} AS rate
FROM flow_counted_day AS f
WHERE {scope(DAYS)}
GROUP BY time, {label}
ORDER BY time, {label}"""


def rate_by_country() -> str:
    """Bit rate by country of the far end: the largest by code, the rest together, the unknown apart."""
    return _largest_over_time(PLACE, LOCATED, "country")


def rate_by_control() -> str:
    """Bit rate by the jurisdiction that controls the far end: the largest, the rest, the unknown."""
    return _largest_over_time("f.control", CONTROLLED, "jurisdiction")


def rate_by_location() -> str:
    """Bit rate within the economy, with the rest of the group, elsewhere, and not located."""
    return f"""SELECT $__timeInterval(f.time) AS time,
  {bit_rate(f"sumIf(f.bytes, {HERE})")} AS "domestic",
  {bit_rate(f"sumIf(f.bytes, {IN_GROUP} AND NOT {HERE})")} AS "rest of the group",
  {bit_rate(f"sumIf(f.bytes, {LOCATED} AND NOT {IN_GROUP})")} AS "elsewhere",
  {bit_rate(f"sumIf(f.bytes, NOT {LOCATED})")} AS "unknown"
FROM flow_counted_day AS f
WHERE {scope(DAYS)}
GROUP BY time
ORDER BY time"""


def rate_by_direction() -> str:
    """Bit rate by hour: out of the economy upwards, into it downwards, and apart what stays in it."""
    return f"""SELECT $__timeInterval(f.time) AS time,
  {bit_rate("sumIf(f.bytes, f.border = 'out')")} AS "out",
  -{bit_rate("sumIf(f.bytes, f.border = 'in')")} AS "in",
  {bit_rate("sumIf(f.bytes, f.border = 'domestic')")} AS "domestic"
FROM flow_counted_hour AS f
WHERE {scope(HOURS)}
GROUP BY time
ORDER BY time"""
