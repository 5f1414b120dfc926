"""The parts of the service, put together once: settings, store, reference and clock in, all that routes ask for out.

Nothing else puts them together, and none is given anything after it was made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from caudal.reference import Reference
from caudal.service.access.access import Access
from caudal.service.access.audit import Audit
from caudal.service.access.keyring import Keyring
from caudal.service.access.tokenfiles import TokenFiles
from caudal.service.evaluation.supplied import read_supplied
from caudal.service.ingest import Ingest, Space
from caudal.service.metrics import Metrics
from caudal.service.migration.migration import load_migrations
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.region.regions import Regions
from caudal.service.reports.reports import Reports
from caudal.service.reports.sdmx.structuremessage import StructureMessage
from caudal.service.requests.intake import Intake
from caudal.service.requests.readiness import Readiness, look
from caudal.service.requests.sight import Sight
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from caudal.service.vocabulary.referencenames import country_names
from caudal.service.workload.caching import Renderings

_RECOMPUTATION_BYTES = 4 << 20


def utc_now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    """The objects that the routes of one service work with.

    `structure` is the SDMX structure of the reference in force, `recomputations` the vintages that were computed again.
    """

    settings: ServiceSettings
    store: Store
    reference: Reference
    clock: Callable[[], datetime]
    access: Access
    ingest: Ingest
    intake: Intake
    measures: Measures
    metrics: Metrics
    readiness: Readiness
    recomputations: Renderings
    regions: Regions
    reports: Reports
    sight: Sight
    structure: StructureMessage
    vintages: Vintages


def wire(
    settings: ServiceSettings,
    store: Store,
    reference: Reference,
    clock: Callable[[], datetime] = utc_now,
    own_tokens: Mapping[Role, str] | None = None,
) -> Parts:
    """Return the parts over a store that is open and migrated; raise SettingsError where a token is missing.

    `own_tokens` are tokens that this process makes for itself, by role. `access` of the parts is to be started and stopped by
    whoever runs them. A batch that was being stored when the service was killed is finished before the first new one.
    """
    metrics = Metrics()
    supplied = read_supplied(settings, reference)
    measures = Measures(settings, store, reference, clock, supplied)
    access = Access(
        settings, TokenFiles(settings, own_tokens), Keyring(store, clock), Audit(store, clock), clock
    )
    access.load()
    licence = settings.data_licence
    publication = Publication(licence.holder, settings.public_url, licence.name, licence.url)
    space = Space.of(store.directory, settings.storage.reserve_mebibytes << 20)
    ingest = Ingest(store, space, clock)
    return Parts(
        settings=settings,
        store=store,
        reference=reference,
        clock=clock,
        access=access,
        ingest=ingest,
        intake=Intake(settings, store, ingest, measures, metrics, clock),
        measures=measures,
        metrics=metrics,
        readiness=Readiness(partial(look, store, ingest, load_migrations())),
        recomputations=Renderings(_RECOMPUTATION_BYTES),
        regions=Regions(store, reference, publication),
        reports=Reports(store, measures, clock, publication),
        sight=Sight(measures, access),
        structure=StructureMessage(country_names(reference)),
        vintages=Vintages(store, reference, measures, clock, settings.reference_overlay, supplied),
    )
