"""The months whose reports are read: the demo's, and those of real countries with made-up traffic."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from caudal.contract.batch import LEDGER_COUNTS
from caudal.demo.traffic.economy import ECONOMY
from caudal.reference import attributions, load_reference
from caudal.service.answerability.asking import month_of
from caudal.service.answerability.fulltraffic import OPERATOR, full_traffic
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs, evaluate
from caudal.service.indicators import CATALOGUE
from caudal.service.months.measures import Measures
from caudal.service.queries import LedgerAnswer
from caudal.service.reports.content import Content, Facts, Provenance, build_content
from caudal.service.reports.content.destinations import destinations_of
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.reports import Reports
from caudal.service.settings.settings import load_settings
from caudal.service.store.store import Store
from caudal.service.vocabulary.referencenames import category_names, country_names, economy_names

_NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def of_demo(directory: Path) -> Content:
    """Return the content of the last month that `caudal demo --once --directory` left in a store."""
    settings = load_settings(directory / "service.toml")
    reference = load_reference(settings.reference_overlay)
    store = Store(settings.dsn.get_secret_value())
    store.open()
    try:
        measures = Measures(settings, store, reference, lambda: _NOW)
        month = measures.months(ECONOMY)[-1]
        reports = Reports(store, measures, lambda: _NOW, Publication())
        return reports.content(ECONOMY, reports.months(ECONOMY, month))
    finally:
        store.close()


def of_countries(economies: Iterable[str]) -> Iterator[Content]:
    """Yield the content of a month of each economy, of made-up traffic and of the facts that there are."""
    reference = load_reference()
    month = month_of(reference)
    reference = reference.at(month)
    for economy in economies:
        users = reference.economy(economy).internet_users
        declared = {OPERATOR: (users, f"{month}-01")} if users else {}
        inputs = MonthInputs(economy, month, (OPERATOR,), declared, frozenset({SYNTHETIC}), Rule())
        cells = full_traffic(reference, economy)
        yield build_content(
            now=evaluate(inputs, cells, reference, CATALOGUE.values()),
            before={},
            definitions=[each.definition for each in CATALOGUE.values()],
            destinations=destinations_of(cells.clear()),
            ledger=LedgerAnswer(cells.clear(), dict.fromkeys(LEDGER_COUNTS, 0), True, 1, False),
            facts=Facts(
                reference_version=reference.version,
                names=economy_names(reference, economy),
                region=reference.economy(economy).region_group,
                places=country_names(reference),
                platforms=dict(reference.platforms.select("platform_id", "name").iter_rows()),
                attributions=tuple(attributions()),
                categories=category_names(reference),
            ),
            provenance=Provenance(reference.version, _NOW, "readability"),
        )
