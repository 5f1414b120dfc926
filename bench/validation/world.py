"""A small world whose traffic is known to the byte: networks, servers, operators and their flows."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from caudal.reference import Reference

ECONOMY: Final = "CL"
MONTH: Final = "2026-09"
SMALL_PACKET: Final = 80
LARGE_PACKET: Final = 1480
# A network that no table of the reference lists, and none at all.
UNLISTED: Final = tuple(range(4_210_000_001, 4_210_000_013))
NO_NETWORK: Final = 0
UNKNOWN: Final = "ZZ"
EVERYBODY: Final = "everybody"

_OPERATORS = 8
_FLOWS = 24_000
# Flows between subscribers of two operators: each is metered at both ends.
_EXCHANGED = 2_000
# AS numbers of operators that no table lists; the first operators have those that are listed.
_OWN_UNLISTED: Final = tuple(range(4_220_000_001, 4_220_000_001 + _OPERATORS))
_NEIGHBOURS = ("BR", "AR", "PE", "MX")
_FAR = ("US", "US", "US", "DE", "FR", "GB", "CN")
_SHORTEST, _LONGEST, _TAIL = 300, 200_000, 1.1
# Share of a network's servers at home, in the neighbours and elsewhere, by what it is.
_PLACES = {"platform": (0.35, 0.15, 0.5), "transit": (0.1, 0.3, 0.6), "unlisted": (0.5, 0.2, 0.3)}

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Operator(NamedTuple):
    """An operator, the people it serves, and the AS number of its network."""

    id: str
    users: int
    asn: int


@dataclass(frozen=True)
class World:
    """Servers, operators, and every flow of a month between them.

    `servers` has asn (as tables number its network), true_asn (the listed network that it belongs to), country (where it is),
    exact (whether a list says so, which is never wrong), unlocated (whether no table knows where it is). Flow columns have one length: `server` and `operator` are positions, `host` numbers the
    subscriber, `large` of `packets` have LARGE_PACKET octets and the others SMALL_PACKET. What two operators exchange is there
    twice, as each of them meets it: `other` is the position of the other one, −1 of all other flows, and the server stands
    for its network.
    """

    servers: pl.DataFrame
    operators: tuple[Operator, ...]
    server: I64
    operator: I64
    outbound: Mask
    packets: I64
    large: I64
    host: I64
    other: I64

    def __len__(self) -> int:
        return len(self.server)

    @cached_property
    def bytes(self) -> I64:
        """Octets of each flow."""
        return self.large * LARGE_PACKET + (self.packets - self.large) * SMALL_PACKET

    def of(self, operators: tuple[int, ...]) -> "World":
        """Return the same world with the flows of these operators only; their positions stay."""
        kept = np.isin(self.operator, operators)
        columns = ("server", "operator", "outbound", "packets", "large", "host", "other")
        return replace(self, **{name: getattr(self, name)[kept] for name in columns})

    def facts(self, *, listed: bool = False) -> pl.DataFrame:
        """Return what a store would hold had every packet been seen and every server been placed rightly.

        Each network is the one that it truly is; or, with `listed`, as far as the tables know. All are facts of one
        operator, EVERYBODY: what two operators that are there exchange counts half at each, once together.
        """
        counted = np.where(np.isin(self.other, np.unique(self.operator)), 0.5, 1.0)
        flows = pl.DataFrame(
            {
                "operator": np.full(len(self), EVERYBODY),
                "direction": np.where(self.outbound, "out", "in"),
                "server": self.server,
                "bytes": self.bytes * counted,
                "packets": self.packets * counted,
            }
        )
        hidden = pl.col("unlocated") & listed
        places = self.servers.with_row_index("server").select(
            pl.col("server").cast(pl.Int64),
            pl.col("asn" if listed else "true_asn").cast(pl.UInt32).alias("remote_asn"),
            pl.when(hidden).then(pl.lit(UNKNOWN)).otherwise("country").alias("remote_country"),
            pl.when(hidden).then(pl.lit("unknown")).otherwise(pl.lit("operator")).alias("location_rung"),
        )
        keys = ("operator", "direction", "remote_asn", "remote_country", "location_rung")
        return (
            flows.join(places, on="server")
            .group_by(keys)
            .agg(pl.col("bytes", "packets").sum(), pl.len().alias("flows"))
            .sort(keys)
            .select(
                *keys,
                pl.lit("").alias("service"),
                pl.lit("unsampled").alias("sampling_from"),
                pl.lit(value=False).alias("folded"),
                "bytes",
                "packets",
                # A truth is never too small a sample.
                (pl.col("flows") + 1_000_000).alias("flows"),
                pl.lit(0.0).alias("bytes_variance"),
            )
        )


def make_world(reference: Reference, seed: int, *, unknown: bool) -> World:
    """Return a world of the networks of a reference; the same arguments give the same world.

    With `unknown`, some servers cannot be located and some networks are in no list, and who controls a network may be
    read in several ways. Without it everything is known, and all readings of who controls agree.
    """
    random = np.random.default_rng((seed, unknown))
    networks = _networks(reference, certain_only=not unknown)
    if unknown:
        # Nobody listed them, but they are somebody's.
        asns = [*UNLISTED, NO_NETWORK]
        owners = random.choice(networks["asn"].to_numpy(), len(asns), replace=False)
        strangers = {"asn": asns, "true_asn": owners, "kind": "unlisted"}
        networks = pl.concat([networks, pl.DataFrame(strangers, schema=networks.schema)])
    order = random.permutation(networks.height)
    weights = (np.arange(networks.height) + 2.0) ** -1.1
    of_network = np.empty(networks.height)
    of_network[order] = weights / weights.sum()
    # Together, what nobody lists carries about a twentieth.
    strange = (networks["kind"] == "unlisted").to_numpy()
    if strange.any():
        of_network[strange] *= 0.05 / of_network[strange].sum()
    servers, popularity, outward = _servers(networks, of_network, random, unknown)

    users = _users(reference.economy(ECONOMY).internet_users or 0)
    operators = tuple(
        Operator(f"net-{number}", count, asn)
        for number, (count, asn) in enumerate(zip(users, _own_networks(reference), strict=True))
    )
    habits = random.lognormal(0, 0.5, (_OPERATORS, networks.height))
    wanted = popularity * habits[:, servers["network"].to_numpy()]
    wanted *= (np.array(users) * random.lognormal(0, 0.2, _OPERATORS) / wanted.sum(axis=1))[:, None]
    chosen = random.choice(wanted.size, _FLOWS, p=(wanted / wanted.sum()).ravel())
    operator, server = np.divmod(chosen, servers.height)
    packets = _bounded_pareto(random.random(_FLOWS))
    outbound = random.random(_FLOWS) < outward[server]
    mixed = np.where(outbound, random.beta(1, 6, _FLOWS), random.beta(6, 2, _FLOWS))
    return _with_exchange(
        World(
            servers=servers.select("asn", "true_asn", "country", "exact", "unlocated"),
            operators=operators,
            server=server.astype(np.int64),
            operator=operator.astype(np.int64),
            outbound=outbound,
            packets=packets,
            large=np.rint(packets * mixed).astype(np.int64),
            host=random.integers(0, 4000, _FLOWS),
            other=np.full(_FLOWS, -1),
        ),
        random,
    )


def _own_networks(reference: Reference) -> list[int]:
    """Return the AS number of each operator: listed access networks of the economy, then some that no table lists."""
    listed = reference.facts("access_networks").filter(pl.col("country") == ECONOMY)["asn"].sort().to_list()
    return [*listed[: _OPERATORS // 2], *_OWN_UNLISTED][:_OPERATORS]


def _with_exchange(world: World, random: np.random.Generator) -> World:
    """Return a world with what its operators exchange: every flow as the one that sends it meets it, and the one that receives it."""
    own = pl.DataFrame(
        {
            "asn": [each.asn for each in world.operators],
            "true_asn": [each.asn for each in world.operators],
            "country": ECONOMY,
            "exact": False,
            "unlocated": False,
        }
    ).cast(dict(world.servers.schema))  # type: ignore[arg-type]
    users = np.array([each.users for each in world.operators], np.float64)
    # Whom a subscriber meets is as likely as there are people.
    sender = random.choice(len(users), _EXCHANGED, p=users / users.sum())
    step = random.integers(1, len(users), _EXCHANGED)
    receiver = (sender + step) % len(users)
    packets = _bounded_pareto(random.random(_EXCHANGED))
    large = np.rint(packets * random.beta(3, 3, _EXCHANGED)).astype(np.int64)
    first = world.servers.height
    return World(
        servers=pl.concat([world.servers, own]),
        operators=world.operators,
        server=np.concatenate([world.server, first + receiver, first + sender]),
        operator=np.concatenate([world.operator, sender, receiver]),
        outbound=np.concatenate([world.outbound, np.ones(_EXCHANGED, bool), np.zeros(_EXCHANGED, bool)]),
        packets=np.concatenate([world.packets, packets, packets]),
        large=np.concatenate([world.large, large, large]),
        host=np.concatenate([world.host, random.integers(0, 4000, 2 * _EXCHANGED)]),
        other=np.concatenate([world.other, receiver, sender]),
    )


def _networks(reference: Reference, *, certain_only: bool) -> pl.DataFrame:
    """Return asn, true_asn and kind of listed networks, of each platform the first; perhaps only those that one country commands."""
    platforms = reference.platforms.select(
        "platform_id",
        (
            (pl.col("incorporation_country") == pl.col("control_country"))
            & (pl.col("hq_country") == pl.col("control_country"))
        ).alias("certain"),
    )
    of_platforms = (
        reference.networks.filter(pl.col("kind") == "platform")
        .join(platforms, on="platform_id")
        .filter(pl.col("certain") | (not certain_only))
        .sort("platform_id", "asn")
        .unique("platform_id", keep="first", maintain_order=True)
    )
    # The operators' own networks are met as such (see `_with_exchange`).
    own = _own_networks(reference)
    carriers = reference.networks.filter(
        pl.col("kind").is_in(["access", "transit"]) & ~pl.col("asn").is_in(own)
    ).sort("asn")
    return pl.concat(
        [
            each.select(pl.col("asn").cast(pl.Int64), pl.col("asn").cast(pl.Int64).alias("true_asn"), "kind")
            for each in (of_platforms, carriers)
        ]
    )


def _servers(
    networks: pl.DataFrame, of_network: F64, random: np.random.Generator, unknown: bool
) -> tuple[pl.DataFrame, F64, F64]:
    """Return the servers, how much each is asked for, and what part of its flows go out to it."""
    rows: list[dict[str, object]] = []
    popularity: list[float] = []
    outward: list[float] = []
    for number, (asn, true_asn, kind) in enumerate(networks.iter_rows()):
        count = int(random.integers(3, 9))
        parts = random.dirichlet(np.full(count, 1.5))
        sends = float(random.beta(2, 3))
        for part in parts:
            rows.append(
                {
                    "network": number,
                    "asn": asn,
                    "true_asn": true_asn,
                    "country": _place(kind, random),
                    "exact": bool(random.random() < 0.3),
                    "unlocated": bool(unknown and random.random() < 0.06),
                }
            )
            popularity.append(of_network[number] * part)
            outward.append(sends)
    return pl.DataFrame(rows), np.array(popularity), np.array(outward)


def _place(kind: str, random: np.random.Generator) -> str:
    home, near, _ = _PLACES.get(kind, _PLACES["transit"])
    drawn = random.random()
    if drawn < home:
        return ECONOMY
    choices = _NEIGHBOURS if drawn < home + near else _FAR
    return choices[int(random.integers(len(choices)))]


def _users(total: int) -> list[int]:
    """Return how many people each operator serves, all together everybody."""
    sizes = (np.arange(_OPERATORS) + 2.0) ** -0.7
    counts = np.floor(total * sizes / sizes.sum()).astype(int)
    counts[0] += total - counts.sum()
    return [int(count) for count in counts]


def _bounded_pareto(uniform: F64) -> I64:
    low, high = _SHORTEST**-_TAIL, _LONGEST**-_TAIL
    return np.rint((low - uniform * (low - high)) ** (-1 / _TAIL)).astype(np.int64)
