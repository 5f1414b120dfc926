"""Reports of a store: puts together the content of a month and renders it, once for each state of the data."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from babel.languages import get_territory_language_info

import caudal
from caudal.reference import attributions
from caudal.service.indicators import CATALOGUE
from caudal.service.months.measures import Measures, MonthMeasures
from caudal.service.queries.published import issues
from caudal.service.queries.vintages import Vintage, vintages
from caudal.service.reports.content import Content, Facts, Provenance, build_content
from caudal.service.reports.content.change import Since
from caudal.service.reports.content.destinations import Moved, destinations_of, located
from caudal.service.reports.content.history import history_of
from caudal.service.reports.content.peers import peers_of
from caudal.service.reports.edition.edition import Edition, Publication
from caudal.service.reports.forms import Form
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month
from caudal.service.vocabulary.referencenames import category_names, country_names, economy_names
from caudal.service.workload.caching import Flights, Renderings, entity_tag

_KEPT_CONTENTS = 48
# A language in which the whole of a country is governed, by law or in practice; and one that many in it speak.
_OFFICIAL = frozenset({"official", "de_facto_official"})
_COMMON_PERCENT = 33.3


@dataclass(frozen=True)
class Months:
    """A month with data, those it is compared with, its neighbours with data (None where there is none).

    `state` names everything that its report depends on, as `Measures.state` does.
    """

    month: str
    state: str
    compared: Mapping[Since, str]
    earlier: str | None
    later: str | None


class Reports:
    """Answers reports; contents and finished renderings are kept in memory, both bounded."""

    def __init__(
        self,
        store: Store,
        measures: Measures,
        clock: Callable[[], datetime],
        publication: Publication,
    ) -> None:
        self._store = store
        self._measures = measures
        self._clock = clock
        self.publication = publication
        self._contents: OrderedDict[str, Content] = OrderedDict()
        self._renderings = Renderings()
        self._flights = Flights()
        self._lock = threading.Lock()

    def months(self, economy: str, month: str, *, running: bool = True) -> Months:
        """Return a month and those beside it; raise NotFound naming what there is.

        Without `running` only published months are there; raises NotPublished of others.
        """
        chosen = Month.parse(month)
        self._measures.month(economy, month, running=running)
        known = self._measures.months(economy, running=running)
        wanted: dict[Since, str] = {
            "month_before": str(chosen.before),
            "year_before": str(Month(chosen.year - 1, chosen.number)),
        }
        position = known.index(month)
        compared = {since: each for since, each in wanted.items() if each in known}
        return Months(
            month=month,
            state=f"{self._measures.state(economy, [month, *compared.values()])} {self._beside(economy, chosen)}",
            compared=compared,
            earlier=known[position - 1] if position else None,
            later=known[position + 1] if position + 1 < len(known) else None,
        )

    def tag(self, economy: str, months: Months, vintage: str | None, *asked: object) -> str:
        """Return the entity tag of what is asked about a month: it changes with any figure of it."""
        return entity_tag(months.state, "report", economy, months.month, vintage, self.publication, *asked)

    def content(self, economy: str, months: Months, vintage: str | None = None) -> Content:
        """Return the content of a month; of a published one that of its newest, or the given, vintage."""
        tag = self.tag(economy, months, vintage)
        return self._flights.once(
            tag, lambda: self._find(tag), lambda: self._keep(tag, self._make(economy, months, vintage))
        )

    def _find(self, tag: str) -> Content | None:
        with self._lock:
            if tag in self._contents:
                self._contents.move_to_end(tag)
                return self._contents[tag]
        return None

    def _keep(self, tag: str, made: Content) -> Content:
        with self._lock:
            self._contents[tag] = made
            while len(self._contents) > _KEPT_CONTENTS:
                self._contents.popitem(last=False)
        return made

    def edition(self, economy: str, months: Months, language: str, vintage: str | None = None) -> Edition:
        """Return the content of a month in a language of LANGUAGES."""
        return Edition(
            self.content(economy, months, vintage), Language.of(language, economy), self.publication
        )

    def render(
        self, economy: str, months: Months, form: Form, language: str, vintage: str | None = None
    ) -> tuple[bytes, str]:
        """Return a report in a form and language, and the name of a file for it."""
        edition = self.edition(economy, months, language, vintage)
        tag = entity_tag(edition.content.fingerprint, form.name, language, self.publication)
        return self._renderings.get(tag, lambda: form.render(edition)), form.filename(edition)

    def picture(
        self,
        economy: str,
        months: Months,
        name: str,
        suffix: str,
        language: str,
        vintage: str | None = None,
    ) -> tuple[bytes, str]:
        """Return a picture of the press sheet as svg or png, and the name of a file for it."""
        # Typst is loaded by who asks for a picture only.
        from caudal.service.reports.forms.press import file_name, render_picture  # noqa: PLC0415

        edition = self.edition(economy, months, language, vintage)
        tag = entity_tag(edition.content.fingerprint, "picture", name, suffix, language, self.publication)
        made = self._renderings.get(tag, lambda: render_picture(edition, name, suffix))
        return made, f"{file_name(edition, name)}.{suffix}"

    def _make(self, economy: str, months: Months, vintage: str | None) -> Content:
        now = self._measures.measured(economy, months.month, vintage=vintage)
        basis = self._measures.basis(economy, months.month, now.vintage)
        reference, published = basis.reference, basis.vintage
        moved = Moved(located(basis.cells, "operator"), basis.deviation) if basis.deviation else None
        software = published.software.removeprefix("caudal ") if published is not None else caudal.__version__
        return build_content(
            now=now,
            before=self._before(economy, months, published),
            definitions=[each.definition for each in CATALOGUE.values()],
            destinations=destinations_of(located(basis.cells), moved),
            ledger=self._measures.ledger(economy, months.month, now.vintage),
            facts=Facts(
                reference_version=reference.version,
                names=economy_names(reference, economy),
                region=reference.economy(economy).region_group,
                places=country_names(reference),
                platforms=dict(reference.platforms.select("platform_id", "name").iter_rows()),
                companies=dict(reference.facts("platforms").select("platform_id", "parent").iter_rows()),
                attributions=tuple(attributions()),
                categories=category_names(reference),
            ),
            provenance=Provenance(
                reference_version=now.reference_version or reference.version,
                computed_at=now.computed_at or self._clock(),
                software=software,
                vintage=now.vintage,
                reason=now.reason or None,
            ),
            peers=peers_of(self._store, now, reference, published.computed_at if published else None),
            history=history_of(self._store, now, published.computed_at if published else None),
        )

    def _beside(self, economy: str, month: Month) -> str:
        """Return the names of the vintages that the report of an unpublished month is set beside; '' of a published one.

        What that one is set beside was published before it, and stays.
        """
        around = issues(self._store, months=[str(month.before), str(month)])
        if any((each.economy, each.month) == (economy, str(month)) for each in around):
            return ""
        own = issues(self._store, economies=[economy])
        return " ".join(sorted({each.vintage for each in (*around, *own)}))

    def _before(self, economy: str, months: Months, published: Vintage | None) -> dict[Since, MonthMeasures]:
        """Return the months that one is compared with: beside what is published, as published by then, or not at all."""
        if published is None:
            return {
                since: self._measures.measured(economy, month) for since, month in months.compared.items()
            }
        before: dict[Since, MonthMeasures] = {}
        for since, month in months.compared.items():
            known = [
                each.vintage
                for each in vintages(self._store, economy, month)
                if each.computed_at <= published.computed_at
            ]
            if known:
                before[since] = self._measures.measured(economy, month, vintage=known[-1])
        return before


def language_of(economy: str, among: Collection[str] = LANGUAGES) -> str:
    """Return the language in which a report is read at home: of those there are an official one, else one a third speaks.

    By CLDR's table of who speaks what. Official in practice counts (Spanish in Mexico), in some regions only does not
    (Spanish in the United States). English where nothing of it holds, or CLDR does not know the economy.
    """
    official, common = {}, {}
    for code, each in get_territory_language_info(economy).items():
        if code in among:
            percent = float(each["population_percent"] or 0.0)
            if each["official_status"] in _OFFICIAL:
                official[code] = percent
            if percent >= _COMMON_PERCENT:
                common[code] = percent
    choice = official or common
    return max(choice, key=lambda code: choice[code], default="en")
