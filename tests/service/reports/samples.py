"""A content made by hand, for tests that need no store."""

from datetime import UTC, datetime

import polars as pl

from caudal.contract.batch import LEDGER_COUNTS
from caudal.service.evaluation.evaluation import Coverage, MonthMeasures
from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.queries import LedgerAnswer
from caudal.service.reports.content import Content, Facts, Provenance, build_content
from caudal.service.reports.content.change import Since
from caudal.service.reports.content.destinations import destinations_of
from caudal.service.reports.content.history import Series
from caudal.service.reports.content.peers import Peer
from caudal.service.vocabulary.reason import Reason

PLACES = {
    "en": {"CL": "Chile", "US": "United States", "BR": "Brazil"},
    "es": {"CL": "Chile", "US": "Estados Unidos", "BR": "Brasil"},
    "pt": {"CL": "Chile", "US": "Estados Unidos", "BR": "Brasil"},
}
CATEGORIES = {
    "en": {"device_cloud_store": "devices, cloud and store"},
    "es": {"device_cloud_store": "dispositivos, nube y tienda"},
    "pt": {"device_cloud_store": "dispositivos, nuvem e loja"},
}
CELLS = pl.DataFrame(
    {
        "border": ["in", "domestic", "out", "out"],
        "location": ["US", "CL", "BR", ""],
        "control": ["US", "US", "BR", ""],
        "bytes": [600.0, 250.0, 100.0, 50.0],
        "bytes_variance": [0.0, 0.0, 0.0, 0.0],
        "flows": [1000, 1000, 1000, 1000],
    }
)


def observed(
    indicator: str,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    dimension: str | None = None,
    reason: Reason | None = None,
    flags: tuple[str, ...] = (),
) -> Observation:
    """Return an observation; its interval is the value where none is given."""
    return Observation(
        indicator=indicator,
        dimension=dimension,
        value=value,
        low=value if low is None else low,
        high=value if high is None else high,
        undetermined=0.05,
        coverage=0.4,
        flows=4000,
        flags=flags,
        reason=reason,
        details={},
    )


def measures(month: str, *observations: Observation, flags: frozenset[str] = frozenset()) -> MonthMeasures:
    """Return the measures of Chile's month."""
    by_id: dict[str, list[Observation]] = {}
    for each in observations:
        by_id.setdefault(each.indicator, []).append(each)
    return MonthMeasures("CL", month, Coverage(("red",), (), 4e6, 0.4), flags, by_id)


def content(
    now: MonthMeasures,
    before: dict[Since, MonthMeasures] | None = None,
    cells: pl.DataFrame = CELLS,
    peers: tuple[Peer, ...] = (),
    history: tuple[Series, ...] = (),
) -> Content:
    """Return a content of the indicators that were observed."""
    return build_content(
        now=now,
        before=before or {},
        definitions=[CATALOGUE[each].definition for each in CATALOGUE if each in now.observations],
        destinations=destinations_of(cells),
        ledger=LedgerAnswer(
            pl.DataFrame(), dict.fromkeys(LEDGER_COUNTS, 0) | {"received": 4000}, True, 1, False
        ),
        facts=Facts(
            "2026-11-21-0",
            {"en": "Chile", "es": "Chile", "pt": "Chile"},
            "CELAC",
            PLACES,
            {},
            ("A source",),
            CATEGORIES,
        ),
        provenance=Provenance("2026-11-21-0", datetime(2026, 11, 21, tzinfo=UTC), "0.1.0"),
        peers=peers,
        history=history,
    )
