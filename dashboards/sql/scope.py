"""Parts of SQL that every query of the dashboard shares: whose flows, which time, what a row is known of.

Columns are named by table (`f.time`), because ClickHouse would otherwise read an alias of the same name.
"""

from caudal.common.vocabulary import NORMAL_QUANTILE_95

Z_95 = round(NORMAL_QUANTILE_95, 6)
LARGEST_ROWS = 200

WHO = """f.economy = ${economy:singlequote}
  AND $__conditionalAll(f.operator IN (${operator:singlequote}), $operator)"""
HOURS = "f.time >= toStartOfInterval($__fromTime, INTERVAL $__interval_s second) AND f.time <= $__toTime"
DAYS = "f.time >= toStartOfDay($__fromTime, 'UTC') AND f.time <= $__toTime"
MONTHS = "f.time >= toDateTime(toStartOfMonth($__fromTime, 'UTC'), 'UTC') AND f.time <= $__toTime"


REFERENCE = "(SELECT argMax(version, loaded_at) FROM reference_version)"
COUNTRY_NAMES = f"(SELECT country, name_en FROM country WHERE version = {REFERENCE})"
_GROUP = (
    f"(SELECT country FROM country_group WHERE version = {REFERENCE} AND group_id = ${{group:singlequote}})"
)


# What networks of the economy exchange is in it, whatever an address database says.
LOCATED = "(f.exchange OR (f.remote_country NOT IN ('', 'ZZ') AND f.location_rung != 'anycast'))"
HERE = "(f.border = 'domestic')"
IN_GROUP = f"({LOCATED} AND ({HERE} OR f.remote_country IN {_GROUP}))"
PLACE = "toString(if(f.exchange, f.economy, f.remote_country))"
CONTROLLED = "(f.control NOT IN ('', 'ZZ'))"
CONTROLLED_HERE = "(f.control = ${economy:singlequote})"


def literal(text: str) -> str:
    """Return a text as a ClickHouse string literal in which Grafana and the plugin expand nothing."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\x24")
    return "'" + " ".join(escaped.split()) + "'"


def scope(period: str) -> str:
    """Return the condition for what operators of the economy exchange with others in a period: domestic, out and in."""
    return f"{WHO}\n  AND f.direction IN ('out', 'in')\n  AND {period}"


def bit_rate(sum_of_bytes: str) -> str:
    """Return the average bit rate of an interval of the panel, from an expression for its bytes."""
    return f"toFloat64({sum_of_bytes}) * 8 / $__interval_s"
