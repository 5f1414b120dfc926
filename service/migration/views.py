"""The views of flows with their interpretation, written once: facts joined with the reference in force, for each grain of time.

`flow_attributed_GRAIN` (hour, day, month) adds to the rows of `flow_GRAIN` which platform stands behind them, who controls it,
which border they cross, and what of the sums counts where two networks of one economy report them. `flow_counted_GRAIN` has the
sums as they count. What is interpreted of a month with the facts of that month says the same (`interpretation.py`).

Views hold nothing: they are made anew after the migrations, of what the tables have, where they are not those of this version.
Each carries the hash of its text as a comment, because the engine keeps the text in its own words.
"""

from collections.abc import Iterable
from hashlib import sha256

from caudal.common.vocabulary import CROSSING, UNKNOWN_COUNTRY
from caudal.contract.batch import FLOWS
from caudal.service.indicators.model.cells import CARRIERS, EXACT_RUNGS
from caudal.service.store.store import Store

GRAINS = ("hour", "day", "month")
_SENDER = ("economy", "operator", "collector")


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(f"'{text}'" for text in texts)


# Columns by which a table of the reference is joined, of the version in force.
def _in_force(table: str, columns: str) -> str:
    return f"(SELECT {columns} FROM {table} WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version))"


# The platform: the one that DNS or TLS named, else the one whose network it is.
_PLATFORM = "if(f.service != '', f.service, n.platform)"
_CROSSING = f"f.direction IN ({_listed(CROSSING)})"
_NOWHERE_ELSE = f"f.remote_country IN ('', '{UNKNOWN_COUNTRY}', f.economy)"
# What is known of each row, by its name: SQL over f (facts), n (network), p (platform), c (country) and e (network_met).
_INTERPRETED = {
    "platform": _PLATFORM,
    "platform_name": "p.name",
    "parent": "p.parent",
    "category": "p.category",
    "tier": "p.tier",
    "stage": "p.stage",
    "network_name": "n.name",
    "network_kind": "n.kind",
    # Whoever controls the platform, else the network that carries.
    "control": f"multiIf(p.control != '', p.control, n.kind IN ({_listed(CARRIERS)}), n.control, '')",
    "region": "c.region",
    "interpretation_status": "if(p.platform != '', p.status, n.status)",
    # With another network of the economy, by declaration or by list.
    "exchange": f"{_CROSSING} AND {_PLATFORM} = '' AND multiIf("
    f"e.owner != '', NOT (f.remote_country NOT IN ('', '{UNKNOWN_COUNTRY}', f.economy) "
    f"AND f.location_rung IN ({_listed(EXACT_RUNGS)})), "
    f"e.listed, {_NOWHERE_ELSE} OR f.location_rung = 'anycast', 0)",
    "border": f"multiIf(f.direction NOT IN ({_listed(CROSSING)}), '', "
    "exchange OR (f.remote_country = f.economy AND f.location_rung != 'anycast'), 'domestic', toString(f.direction))",
    "other_operator": "if(exchange, e.owner, '')",
    # Halves of the sums that count: two, or one where the other side reports them as well.
    "halves": "toUInt8(if(exchange AND e.half, 1, 2))",
}
_JOINED = (
    f"LEFT JOIN {_in_force('network', 'asn, platform, name, kind, control, status')} AS n ON n.asn = f.remote_asn "
    f"LEFT JOIN {_in_force('platform', 'platform, name, parent, control, category, tier, stage, status')} AS p "
    f"ON p.platform = {_PLATFORM} "
    f"LEFT JOIN {_in_force('country', 'country, region')} AS c ON c.country = f.remote_country "
    "LEFT JOIN network_met AS e ON e.economy = f.economy AND e.time = toDateTime(toStartOfMonth(f.time), 'UTC') "
    "AND e.operator = f.operator AND e.remote_asn = f.remote_asn"
)
_COUNTED = (
    "SELECT * REPLACE (toFloat64(bytes * halves) / 2 AS bytes, toFloat64(packets * halves) / 2 AS packets, "
    "toFloat64(bytes_variance * halves * halves) / 4 AS bytes_variance)"
)


def make_views(store: Store) -> list[str]:
    """Make those views of a store that is migrated that are not as this version has them; return their names."""
    comments = dict(
        store.frame(
            "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
        ).iter_rows()
    )
    made = []
    for name, text in views(_columns(store)).items():
        comment = f"sha256 {sha256(text.encode()).hexdigest()}"
        if comments.get(name) != comment:
            store.command(f"CREATE OR REPLACE VIEW {name} AS {text} COMMENT '{comment}'")
            made.append(name)
    return made


def views(columns: Iterable[str]) -> dict[str, str]:
    """Return the SELECT of each view by name, in the order in which they can be made, over roll-ups that have these columns."""
    selects = {}
    stored = [f"f.{name} AS {name}" for name in columns]
    told = [f"{sql} AS {name}" for name, sql in _INTERPRETED.items()]
    for grain in GRAINS:
        selects[f"flow_attributed_{grain}"] = (
            f"SELECT {', '.join((*stored, *told))} FROM flow_{grain} AS f {_JOINED}"
        )
        selects[f"flow_counted_{grain}"] = f"{_COUNTED} FROM flow_attributed_{grain}"
    return selects


def _columns(store: Store) -> list[str]:
    """Return the columns of the roll-ups in the order in which the views have them."""
    found = store.frame(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
        {"table": f"flow_{GRAINS[0]}"},
    )
    present = set(found["name"])
    return [name for name in ("time", *_SENDER, *(column.name for column in FLOWS)) if name in present]
