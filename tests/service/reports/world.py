"""Several metered economies in one store, published one after the other."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from caudal.contract.batch import decode_batch
from caudal.reference import Reference
from caudal.service.ingest import Ingest
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.forms import FORMS
from caudal.service.reports.region.regions import Regions
from caudal.service.reports.reports import Reports
from caudal.service.settings.settings import ConfidentialitySettings, ServiceSettings
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch

BEFORE, MONTH = "2026-09", "2026-10"
UNCHANGING = ("csv", "json", "html")


def open_to_all(settings: ServiceSettings) -> ServiceSettings:
    """Return settings under which nothing is confidential."""
    rule = ConfidentialitySettings(minimum_operators=1, percent=0)
    return settings.model_copy(update={"confidentiality": rule})


@dataclass
class World:
    """A store with metered months of several economies, published one after the other."""

    settings: ServiceSettings
    store: Store
    reference: Reference
    overlay: Path
    hours: int = 0
    sent: dict[str, int] = field(default_factory=dict)

    def parts(self) -> tuple[Reports, Vintages]:
        """The service's parts with nothing in memory, at a time that passes with what is published."""
        now: datetime = NOW + timedelta(hours=self.hours)
        measures = Measures(self.settings, self.store, self.reference, lambda: now)
        vintages = Vintages(self.store, self.reference, measures, lambda: now, self.overlay)
        return Reports(self.store, measures, lambda: now, Publication()), vintages

    def send(self, economy: str, month: str, home: int, abroad: int) -> None:
        """Send traffic that stays at home and that goes to the United States, with Google."""
        start = datetime.fromisoformat(f"{month}-12T10:00:00+00:00")
        flow: dict[str, Any] = {
            "window_start": start,
            "flows": 5000,
            "service": "google",
            "location_rung": "cloud",
        }
        rows = [
            {**flow, "remote_country": economy, "bytes": home, "direction": "in"},
            {**flow, "remote_country": "US", "bytes": abroad, "direction": "in"},
        ]
        self.sent[economy] = self.sent.get(economy, 0) + 1
        origin = {
            "collector": f"{economy.lower()}-1",
            "operator": f"{economy.lower()}-net",
            "economy": economy,
        }
        body = batch(rows, synthetic=economy == "XA", sequence=str(self.sent[economy]), **origin)
        Ingest(self.store).store_batch(decode_batch(body), body, NOW)

    def publish(self, economy: str, month: str, reason: str = "") -> None:
        self.hours += 1
        assert self.parts()[1].publish(economy, month, reason) is not None

    def regions(self) -> Regions:
        return Regions(self.store, self.reference, Publication())

    def content(self, economy: str, month: str = MONTH, vintage: str | None = None) -> Content:
        reports, _ = self.parts()
        return reports.content(economy, reports.months(economy, month), vintage)

    def bytes_of(self, economy: str, vintage: str) -> dict[str, bytes]:
        reports, _ = self.parts()
        months = reports.months(economy, MONTH)
        return {name: reports.render(economy, months, FORMS[name], "es", vintage)[0] for name in UNCHANGING}
