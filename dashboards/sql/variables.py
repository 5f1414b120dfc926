"""The queries behind the dashboard's variables, and what says whether the data were measured."""

from caudal.dashboards.sql.scope import COUNTRY_NAMES, REFERENCE, WHO


def economies() -> str:
    """Values of the variable `economy`: every one that a batch came from, with its name."""
    return f"""SELECT economy AS value, if(name_en = '', economy, concat(name_en, ' (', economy, ')')) AS text
FROM (SELECT DISTINCT economy FROM batch_counted) AS received
LEFT JOIN {COUNTRY_NAMES} AS names ON names.country = received.economy
ORDER BY text"""


def operators() -> str:
    """Values of the variable `operator`: the operators of the economy."""
    return (
        "SELECT DISTINCT operator FROM batch_counted WHERE economy = ${economy:singlequote} ORDER BY operator"
    )


def groups() -> str:
    """Values of the variable `group`: groups the economy belongs to; those of a part of the world first.

    The world-wide classes (GLOBAL_NORTH, GLOBAL_SOUTH) are no region, so they come last.
    """
    return f"""SELECT group_id FROM country_group
WHERE version = {REFERENCE}
GROUP BY group_id
HAVING countIf(country = ${{economy:singlequote}}) > 0
ORDER BY startsWith(group_id, 'GLOBAL_'), count() DESC, group_id"""


def synthetic_annotation() -> str:
    """A region over the whole time range where any batch of the economy says that it is synthetic."""
    return """SELECT $__fromTime AS time, $__toTime AS timeEnd,
  'SYNTHETIC: traffic of this economy was made by a model; nothing here is a measurement' AS text
FROM (SELECT countIf(synthetic) AS batches FROM batch_counted WHERE economy = ${economy:singlequote})
WHERE batches > 0"""


def provenance() -> str:
    """Return the SQL of one text: whether what is shown was measured."""
    return f"""SELECT multiIf(count() = 0, 'no data', countIf(f.synthetic) = 0, 'measured',
  countIf(f.synthetic) = count(), 'SYNTHETIC', 'PARTLY SYNTHETIC') AS "data are"
FROM batch_counted AS f
WHERE {WHO}"""
