"""Reports of country groups: which there are, what each is made of, and its forms, rendered once for each state."""

from dataclasses import dataclass

import caudal
from caudal.common.logline import quoted
from caudal.reference import Reference, ReferenceDataError, attributions
from caudal.service.errors import NotFound
from caudal.service.queries.published import Issue, issues, published_values
from caudal.service.queries.vintages import coverages
from caudal.service.reports.content.headline import INDICATORS
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.region.content import Member, RegionContent, groups_of
from caudal.service.reports.region.edition import RegionEdition
from caudal.service.reports.region.forms import RegionForm
from caudal.service.reports.reports import language_of
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month
from caudal.service.vocabulary.referencenames import category_names, country_names
from caudal.service.workload.caching import Renderings, entity_tag


@dataclass(frozen=True)
class RegionMonth:
    """A month of a country group in which somebody published: the newest vintage of each, and those beside it.

    `members` is the group as of the month, `earlier` and `later` are months of the group that are published.
    """

    group: str
    month: str
    members: frozenset[str]
    issues: tuple[Issue, ...]
    left_out: tuple[str, ...]
    earlier: str | None
    later: str | None
    reference_version: str

    @property
    def state(self) -> str:
        """A name of everything that the report depends on."""
        names = " ".join(each.vintage for each in self.issues)
        return f"{caudal.__version__} {self.reference_version} {names} {self.left_out} {self.earlier} {self.later}"

    @property
    def language(self) -> str:
        """The language in which most of its economies read; of equally many the first of LANGUAGES."""
        spoken = [language_of(each.economy) for each in self.issues]
        return max(LANGUAGES, key=spoken.count)


class Regions:
    """Answers the reports of country groups from what is published; whoever asks sees the same."""

    def __init__(self, store: Store, reference: Reference, publication: Publication) -> None:
        self._store = store
        self._reference = reference
        self.publication = publication
        self._renderings = Renderings()

    def month(self, group: str, month: str) -> RegionMonth:
        """Return a month of a group; raise NotFound naming the groups, or the months, that there are."""
        reference = self._reference.at(str(Month.parse(month)))
        try:
            members = reference.group(group)
        except ReferenceDataError as error:
            known = sorted(set(reference.groups["group_id"].to_list()))
            raise NotFound(
                "group", f"there is no country group {quoted(group)}; there are {', '.join(known)}", known
            ) from error
        published = issues(self._store, economies=members)
        months = sorted({each.month for each in published})
        if month not in months:
            raise NotFound(
                "month",
                f"no economy of {group} has published {month}; published months: {', '.join(months) or 'none yet'}",
                months,
            )
        own = [each for each in published if each.month == month]
        # Made-up figures beside metered ones would be read as if they were.
        metered = [each for each in own if not each.synthetic]
        position = months.index(month)
        return RegionMonth(
            group=group,
            month=month,
            members=members,
            issues=tuple(metered or own),
            left_out=tuple(each.economy for each in own if each.synthetic and metered),
            earlier=months[position - 1] if position else None,
            later=months[position + 1] if position + 1 < len(months) else None,
            reference_version=self._reference.version,
        )

    def tag(self, month: RegionMonth, *asked: object) -> str:
        """Return the entity tag of what is asked about a month: it changes with any vintage in it."""
        return entity_tag(month.state, "region", month.group, month.month, self.publication, *asked)

    def content(self, month: RegionMonth) -> RegionContent:
        """Return the figures that the economies published of a month, side by side."""
        reference = self._reference.at(month.month)
        values = published_values(self._store, month.issues, INDICATORS)
        coverage = coverages(self._store, [each.vintage for each in month.issues])
        members = tuple(
            Member(
                each.economy,
                each.vintage,
                each.computed_at,
                each.software,
                each.reference_version,
                each.synthetic,
                coverage[each.vintage],
                values[each.vintage],
            )
            for each in month.issues
        )
        known = {each.economy for each in month.issues} | set(month.left_out)
        names = dict(reference.groups.select("group_id", "group_name").iter_rows())
        return RegionContent(
            group=month.group,
            name=str(names[month.group]),
            month=month.month,
            members=members,
            missing=tuple(sorted(month.members - known)),
            left_out=month.left_out,
            groups=groups_of(members),
            attributions=tuple(attributions()),
            places=country_names(reference),
            platforms=dict(reference.platforms.select("platform_id", "name").iter_rows()),
            categories=category_names(reference),
        )

    def edition(self, month: RegionMonth, language: str) -> RegionEdition:
        """Return the content of a month in a language of LANGUAGES, as it is written everywhere it is spoken."""
        return RegionEdition(self.content(month), Language.of(language, ""), self.publication)

    def render(self, month: RegionMonth, form: RegionForm, language: str) -> tuple[bytes, str]:
        """Return a report in a form and language, and the name of a file for it."""
        tag = self.tag(month, form.name, language)
        synthetic = any(each.synthetic for each in month.issues)
        body = self._renderings.get(tag, lambda: form.render(self.edition(month, language)))
        return body, form.filename(month.group, month.month, language, synthetic=synthetic)
