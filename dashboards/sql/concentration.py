"""Concentration by month: on how few providers and jurisdictions the traffic depends.

A provider is a platform, or a hosting network that belongs to none; networks that connect (access, transit and the like)
are left out of the indices of providers, and the rest is unknown.
"""

from caudal.dashboards.sql.scope import CONTROLLED, MONTHS, Z_95, literal, scope
from caudal.service.indicators.model.functions import CONNECTS, KINDS, shipped_categories


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(literal, names))


_HOSTING = _listed(tuple(kind for kind, function in KINDS.items() if function != CONNECTS))
PROVIDER = f"""multiIf(f.platform != '', toString(f.platform),
      f.network_kind IN ({_HOSTING}) AND f.remote_asn > 0, concat('AS', toString(f.remote_asn)), '')"""
JURISDICTION = f"if({CONTROLLED}, toString(f.control), '')"
_CONNECTING_KINDS = _listed(tuple(kind for kind, function in KINDS.items() if function == CONNECTS))
_CONNECTING = f"""if(f.platform != '', f.category IN ({_listed(shipped_categories(CONNECTS))}),
      f.network_kind IN ({_CONNECTING_KINDS}))"""


def _owners(owner: str) -> str:
    kept = f"AND NOT {_CONNECTING}" if owner == PROVIDER else ""
    return f"""SELECT month,
    arrayReverseSort(groupArrayIf((amount, variance), owner != '')) AS known,
    arrayMap(pair -> pair.1, known) AS amounts,
    arrayMap(pair -> pair.2, known) AS variances,
    sumIf(amount, owner = '') AS unknown,
    sumIf(variance, owner = '') AS unknown_variance
  FROM (
    SELECT f.time AS month, {owner} AS owner,
      toFloat64(sum(f.bytes)) AS amount, toFloat64(sum(f.bytes_variance)) AS variance
    FROM flow_counted_month AS f
    WHERE {scope(MONTHS)} {kept}
    GROUP BY month, owner
    HAVING amount > 0
  )
  GROUP BY month
  HAVING notEmpty(known)"""


def herfindahl_by_month(owner: str, *, unknown_counts: bool, value: str = "index") -> str:
    """The Herfindahl-Hirschman index of `owner` by month: value, low, high.

    Corrected for sampling (Σ s² − Σ var(s)). The limits hold it among known owners, with every unknown
    byte an owner of its own, and with the largest owner having them all; `unknown_counts` says whether
    the value is the second of these or the first.
    """
    return f"""SELECT month AS time,
  anyIf(corrected, scenario = '{"apart" if unknown_counts else "known"}') AS {value},
  min(corrected / factor) AS low,
  max(least(1, corrected * factor)) AS high
FROM (
  SELECT month, owners.1 AS scenario, owners.2 AS held, owners.3 AS held_variance,
    arraySum(held) + owners.4 AS total,
    arraySum(held_variance) + owners.5 AS total_variance,
    arrayMap(amount -> amount / total, held) AS shares,
    arraySum(share -> share * share, shares) AS observed,
    arraySum((share, variance) -> pow(1 - share, 2) * variance
      + pow(share, 2) * greatest(0, total_variance - variance), shares, held_variance) / pow(total, 2) AS noise,
    greatest(pow(arraySum(held) / total, 2) / length(held), least(1, observed - noise)) AS corrected,
    sqrt(arraySum((share, variance) -> 4 * pow(share - observed, 2) * variance, shares, held_variance)
      + 4 * pow(observed, 2) * owners.5) / total AS deviation,
    exp(least(50, {Z_95} * deviation / corrected)) AS factor
  FROM (
    SELECT month, arrayJoin([
      ('known', amounts, variances, 0., 0.),
      ('apart', amounts, variances, unknown, unknown_variance),
      ('merged', arrayPushFront(arrayPopFront(amounts), amounts[1] + unknown),
        arrayPushFront(arrayPopFront(variances), variances[1] + unknown_variance), 0., 0.)]) AS owners
    FROM (
  {_owners(owner)}
    )
  )
)
GROUP BY month
ORDER BY time"""


def largest_by_month(owner: str, ranks: tuple[int, ...]) -> str:
    """The share of the k largest owners by month, for each k of `ranks`: share, low, high.

    The limits hold it among known owners, with none of the unknown bytes among the k largest, and with all.
    """
    with_unknown = "arrayPushBack(amounts, unknown), arrayPushBack(variances, unknown_variance)"
    scenarios = ", ".join(
        f"({k}, '{name}', {held})"
        for k in ranks
        for name, held in (
            ("known", "amounts, variances"),
            ("least", with_unknown),
            ("most", with_unknown),
        )
    )
    return f"""SELECT month AS time, k,
  anyIf(held_share, scenario = 'known') AS share,
  greatest(0, min(held_share - spread)) AS low,
  least(1, max(held_share + spread)) AS high
FROM (
  SELECT month, owners.1 AS k, owners.2 AS scenario, owners.3 AS held,
    arrayMap(rank -> multiIf(scenario != 'known' AND rank = length(held), if(scenario = 'most', 1., 0.),
      rank <= k, 1., 0.), arrayEnumerate(held)) AS weights,
    arraySum((weight, amount) -> weight * amount, weights, held) / arraySum(held) AS held_share,
    {Z_95} * sqrt(arraySum((weight, variance) -> pow(weight - held_share, 2) * variance, weights, owners.4))
      / arraySum(held) AS spread
  FROM (
    SELECT month, arrayJoin([{scenarios}]) AS owners
    FROM (
  {_owners(owner)}
    )
  )
)
GROUP BY month, k
ORDER BY time, k"""


def concentration_table(names: dict[str, str], ranks: tuple[int, ...]) -> str:
    """Every index of concentration by month, the newest first; `names` are those of C1, C2, C3 and C4."""

    def part(name: str, value: str, low: str, high: str, query: str) -> str:
        return f"""  SELECT q.time AS time, {name} AS indicator, {value} AS value, {low} AS low, {high} AS high
  FROM (
{query}
  ) AS q"""

    providers = herfindahl_by_month(PROVIDER, unknown_counts=False)
    parts = [
        part(literal(names["C1"]), "q.index", "q.low", "q.high", providers),
        part(
            literal(names["C2"]),
            "q.index",
            "q.low",
            "q.high",
            herfindahl_by_month(JURISDICTION, unknown_counts=True),
        ),
        part(literal(names["C3"]), "1 / q.index", "1 / q.high", "1 / q.low", providers),
        part(
            f"concat({literal(names['C4'])}, ', k = ', toString(q.k))",
            "q.share",
            "q.low",
            "q.high",
            largest_by_month(PROVIDER, ranks),
        ),
    ]
    union = "\n  UNION ALL\n".join(parts)
    return f"""SELECT formatDateTime(time, '%Y-%m') AS "month", indicator, value, low, high
FROM (
{union}
)
ORDER BY time DESC, indicator"""
