"""An edition: the content of a report in one language, every sentence and label made from its values."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from caudal.service.confidentiality.confidentiality import CONFIDENTIAL, Withheld
from caudal.service.evaluation.evaluation import FLAG_TEXTS
from caudal.service.indicators import Definition
from caudal.service.indicators.model.observation import ECONOMY_HIGH, ECONOMY_LOW
from caudal.service.national.national import Figure, NationalTotal
from caudal.service.reports.content import Content, Group, Remark
from caudal.service.reports.content.change import Since, Trend
from caudal.service.reports.content.destinations import Share
from caudal.service.reports.findings import Finding, Findings, Line, Quote
from caudal.service.reports.findings.comparison import Comparison
from caudal.service.reports.findings.line import line_of, written
from caudal.service.reports.findings.names import Names, Passage
from caudal.service.reports.findings.news import News, news, sentences
from caudal.service.reports.findings.quoting import quote
from caudal.service.reports.language import Language

# The indicator whose shares are those of the jurisdictions, and how close two shares are the same one.
_CONTROL = "J4"
_SAME_SHARE = 1e-3


@dataclass(frozen=True)
class Publication:
    """The publisher of the reports, their address and terms: '' where the deployment does not say."""

    publisher: str = ""
    url: str = ""
    licence: str = ""
    licence_url: str = ""


@dataclass(frozen=True)
class Edition:
    """A content in a language."""

    content: Content
    language: Language
    publication: Publication = Publication()

    @cached_property
    def names(self) -> Names:
        """Names of places, dimensions and reasons in the language."""
        return Names(self.content, self.language)

    @cached_property
    def economy(self) -> str:
        """The name of the economy."""
        return self.content.names.get(self.language.code, self.content.economy)

    @cached_property
    def month(self) -> str:
        """The month in words."""
        return self.language.month(self.content.month)

    @cached_property
    def title(self) -> str:
        """The title of the report."""
        return self.language.say("document", "title")

    @cached_property
    def subtitle(self) -> str:
        """Which economy and month it is of."""
        return self.language.say("document", "subtitle", economy=self.economy, month=self.month)

    @cached_property
    def banners(self) -> list[str]:
        """Sentences that stand on every page: that the figures are synthetic, that the month is partial."""
        banners = []
        if self.content.synthetic:
            banners.append(self.language.say("document", "synthetic"))
        if self.content.partial:
            banners.append(self.language.say("document", "partial"))
        return banners

    @cached_property
    def reading_note(self) -> str:
        """The note on how values, intervals and charts are to be read."""
        before = self.content.compared.get("month_before")
        if before is None:
            return self.language.say("document", "reading_alone")
        return self.language.say("document", "reading", month=self.language.month(before))

    @property
    def path(self) -> str:
        """The path under which the report is served."""
        return f"/v1/reports/{self.content.economy}/{self.content.month}"

    @property
    def address(self) -> str:
        """The address at which readers find the report."""
        return f"{self.publication.url.rstrip('/')}{self.path}"

    @cached_property
    def citation(self) -> str:
        """The citation of the report."""
        provenance, say = self.content.provenance, self.language.say
        vintage = (
            say("citation", "vintage", vintage=provenance.vintage)
            if provenance.vintage
            else say(
                "citation",
                "computed",
                date=self.language.date(provenance.computed_at.date()),
                software=provenance.software,
            )
        )
        text = say(
            "citation",
            "form",
            publisher=self.publication.publisher or say("citation", "publisher"),
            economy=self.economy,
            month=self.month,
            vintage=vintage,
            reference=provenance.reference_version,
            place=self.address,
        )
        return f"{text} {say('citation', 'synthetic')}" if self.content.synthetic else text

    def group_name(self, group: Group) -> str:
        """Return the name of a group."""
        return self.language.known("group", group.name, group.name.capitalize())

    def question(self, group: Group) -> str:
        """Return the question that a group answers; '' where none is known."""
        return self.language.known("question", group.name, "")

    @cached_property
    def findings(self) -> Findings:
        """The sentences that the values of the month allow."""
        return Findings(self.names)

    def found(self) -> list[Finding]:
        """Return the finding of each group, in their order."""
        return list(self._found.values())

    def found_of(self, group: Group) -> Finding:
        """Return the finding of a group."""
        return self._found[group.name]

    def finding(self, group: Group) -> str:
        """Return the finding of a group: one to three sentences made of its values, or why there is none."""
        return self._found[group.name].text

    def quote(self, group: Group) -> Quote:
        """Return the quotation of a group's finding."""
        publisher = self.publication.publisher or self.language.say("citation", "publisher")
        return quote(self.names, self._found[group.name], publisher, self.address)

    def comparison(self, group: Group) -> str:
        """Return the comparison of a group's value with the region and with economies of like size; '' without any."""
        # The value of the finding where others published it as well: what is said is then said of one thing.
        said = self.found_of(group)
        return Comparison(self.content, self.language, self.names).of(group, (said.indicator, said.dimension))

    def changed(self) -> list[str]:
        """Return the changes of the whole report, at most five sentences; where nothing is told, why, in a sentence each."""
        return sentences(self.findings, self._news)

    def changes(self, group: Group) -> list[str]:
        """Return the sentences of `changed` about a group; where there is none, a sentence that says so."""
        return sentences(self.findings, [each for each in self._news if each.group == group.name])

    @cached_property
    def _found(self) -> dict[str, Finding]:
        return {group.name: self.findings.of(group) for group in self.content.groups}

    @cached_property
    def _lines(self) -> dict[str, list[Line]]:
        return {
            group.name: [line_of(definition, reading, self.names) for definition, reading in group.readings()]
            for group in self.content.groups
        }

    @cached_property
    def _news(self) -> list[News]:
        return news(self.findings)

    def relevant(self, group: Group) -> list[Line]:
        """Return the line that stands for each indicator of a group."""
        return [self.findings.relevant(entry) for entry in group.entries if entry.readings]

    def lines(self, group: Group) -> list[Line]:
        """Return every reading of a group as it is shown, in the order of the data."""
        return self._lines[group.name]

    def figure(
        self, definition: Definition, value: float | None, low: float | None, high: float | None
    ) -> str:
        """Return a value of an indicator with its interval, as it stands in a sentence."""
        if value is None or low is None or high is None:
            return self.language.say("label", "insufficient")
        return self.language.figure(value, low, high, definition.unit).with_interval

    def ranked(self, group: Group) -> list[Line]:
        """Return the lines of a group, of each indicator first that which stands for it."""
        ranked = []
        for entry in (each for each in group.entries if each.readings):
            first = self.findings.relevant(entry)
            others = (each for each in entry.readings if each is not first.reading)
            ranked += [first, *(line_of(entry.definition, each, self.names) for each in others)]
        return ranked

    def unit(self, definition: Definition) -> str:
        """Return the name of an indicator's unit."""
        return self.language.known("unit", definition.unit, definition.unit)

    def before(self, line: Line, since: Since) -> str:
        """Return the value of another month; a dash where there is none."""
        found = next((each for each in line.reading.changes if each.since == since), None)
        if found is None:
            return self.language.say("label", "none")
        arrow = {Trend.ROSE: "▲ ", Trend.FELL: "▼ ", Trend.UNTOLD: ""}[found.trend]
        return arrow + written(line.definition, found.before, self.language)[0]

    def remark(self, remark: Remark) -> str:
        """Return a remark in words."""
        text = self.language.known("flag", remark.flag, FLAG_TEXTS.get(remark.flag, remark.flag))
        number = self.language.number(remark.number) if remark.number is not None else ""
        return text.format(number=number, names=self.language.listed(remark.names))

    def remarks(self) -> list[str]:
        """Return everything a reader must know."""
        return [self.remark(remark) for remark in self.content.remarks]

    def withheld(self, entry: Withheld) -> str:
        """Return the words for a withheld total, with the rule that withheld it."""
        return self.language.say(
            "withheld",
            entry.degree,
            what=self.language.known("total", entry.what, entry.what),
            rule=self.language.known("rule", entry.rule, entry.rule),
        )

    def total(self, total: NationalTotal) -> tuple[str, str, str]:
        """Return a national total as it is shown: what it is of, as observed, as estimated."""
        name = self.language.known("total", total.what, total.what)
        return name, self._total(total.observed, total), self._total(total.estimated, total)

    def economy_limits(self, group: Group) -> list[tuple[str, str, str]]:
        """Return the values of a group that have limits for the whole economy: what it is, as observed, the limits.

        Those of indicators with one value a month only: of the others the limits are among the details.
        """
        rows = []
        for line in self.lines(group):
            details, value = line.observation.details, line.observation.value
            if line.observation.dimension is None and value is not None and ECONOMY_LOW in details:
                limits = self.language.figure(
                    value, details[ECONOMY_LOW], details[ECONOMY_HIGH], line.definition.unit
                )
                rows.append(
                    (f"{line.definition.id} {line.title}", f"{line.value} ({line.interval})", limits.interval)
                )
        return rows

    def not_estimated(self) -> list[Passage]:
        """Return why totals were not estimated of the whole economy, each reason once; what is withheld has its own."""
        reasons = {
            total.reason: None
            for total in self.content.totals
            if total.estimated is None and total.reason and CONFIDENTIAL not in total.flags
        }
        return [self.names.reason(reason) for reason in reasons]

    def _total(self, figure: Figure | None, total: NationalTotal) -> str:
        if figure is None:
            return self.language.say("label", "none")
        return self.language.figure(figure.value, figure.low, figure.high, total.unit).with_interval

    def quality(self) -> list[str]:
        """Return the quality of the data in sentences."""
        content, say, number = self.content, self.language.say, self.language.number
        counts = content.quality.counts
        sentences = [
            say(
                "document",
                "quality_text",
                received=number(counts["received"]),
                exporters=number(content.quality.exporters),
                datagrams=number(counts["datagrams"]),
                aggregated=number(counts["aggregated"]),
                balanced=self.yes(content.quality.balanced),
            ),
            self.coverage(),
        ]
        undetermined = self.undetermined()
        if undetermined is not None:
            sentences.append(say("document", "undetermined_text", share=self.language.percent(undetermined)))
        return sentences

    def coverage(self) -> str:
        """Return the sentence on who reported, and how many of the economy's internet users they serve."""
        coverage, say = self.content.coverage, self.language.say
        operators = self.language.listed(coverage.operators)
        if coverage.share is None or coverage.users is None:
            return say("document", "coverage_unknown", operators=operators)
        # More than all: somebody is counted twice, or the country's users are out of date. No per cent says it.
        return say(
            "document",
            "coverage_exceeded" if coverage.share > 1 else "coverage_text",
            operators=operators,
            share=self.language.percent(coverage.share),
            users=self.language.number(coverage.users),
        )

    def controls(self) -> list[Share]:
        """Return the shares of jurisdictions, with the interval of the indicator where it is of the same share.

        The indicator's holds the errors of the sources as well: one value has one interval in a report.
        """
        entry = self.content.entry(_CONTROL)
        told = {each.observation.dimension: each.observation for each in entry.readings} if entry else {}
        shares = []
        for share in self.content.destinations.controls:
            seen = told.get(share.key)
            if (
                seen is not None
                and seen.value is not None
                and seen.low is not None
                and seen.high is not None
                and abs(seen.value - share.value) < _SAME_SHARE / 2
            ):
                shares.append(Share(share.key, share.value, seen.low, seen.high))
            else:
                shares.append(share)
        return shares

    def undetermined(self) -> float | None:
        """Return the undetermined share of the month, which stands beside every value; None without values."""
        for entry in self.content.entries():
            for reading in entry.readings:
                return reading.observation.undetermined
        return None

    def counts(self) -> Iterator[tuple[str, str, int]]:
        """Yield the counts of the ledger: name, meaning, count."""
        for name, count in self.content.quality.counts.items():
            yield name, self.language.known("count", name, name.replace("_", " ")), count

    def yes(self, value: bool) -> str:
        """Return yes or no."""
        return self.language.say("label", "yes" if value else "no")
