"""An edition: the content of a report in one language, every sentence and label made from its values."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from caudal.service.confidentiality import CONFIDENTIAL, Withheld
from caudal.service.dimension import largest, parts
from caudal.service.evaluation import FLAG_TEXTS
from caudal.service.indicators import Definition, Observation
from caudal.service.indicators.observation import ECONOMY_HIGH, ECONOMY_LOW
from caudal.service.national import Figure, NationalTotal
from caudal.service.reports.change import Change, Since, Trend
from caudal.service.reports.content import Content, Group, Reading, Remark
from caudal.service.reports.finding import Finding, Quote
from caudal.service.reports.language import Language
from caudal.service.reports.names import Names, Passage

# What the finding of a group is made of: the first so many of these indicators that have a value.
_FINDINGS = {
    "jurisdiction": ("J4", "J1", "J9"),
    "concentration": ("C4", "C3", "C2"),
    "dependency": ("C7", "C6"),
    "value": ("V3", "V5", "V2", "V1"),
    "positioning": ("P1", "P2", "P3", "P4"),
}
_CLAUSES = 3
_MOST_CHANGES = 5
# Of several observations of one indicator the finding quotes this one, else the first.
_QUOTED = {"C4": largest(4)}
_SINCE: tuple[Since, ...] = ("month_before", "year_before")


@dataclass(frozen=True)
class Line:
    """A reading as it is shown: `of` names the dimension, '' without one; `interval` is '' without a value."""

    definition: Definition
    reading: Reading
    title: str
    of: str
    value: str
    interval: str

    @property
    def observation(self) -> Observation:
        """What is shown."""
        return self.reading.observation

    @property
    def name(self) -> str:
        """Title and dimension together."""
        return f"{self.title}: {self.of}" if self.of else self.title


@dataclass(frozen=True)
class Publication:
    """Who publishes the reports, where, and under which terms: '' where the deployment does not say."""

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
        """What things are called."""
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
        """What the report is called."""
        return self.language.say("document", "title")

    @cached_property
    def subtitle(self) -> str:
        """Which economy and month it is of."""
        return self.language.say("document", "subtitle", economy=self.economy, month=self.month)

    @cached_property
    def banners(self) -> list[str]:
        """What stands on every page: that the figures are synthetic, that the month is partial."""
        banners = []
        if self.content.synthetic:
            banners.append(self.language.say("document", "synthetic"))
        if self.content.partial:
            banners.append(self.language.say("document", "partial"))
        return banners

    @cached_property
    def reading_note(self) -> str:
        """How values, intervals and charts are to be read."""
        before = self.content.compared.get("month_before")
        if before is None:
            return self.language.say("document", "reading_alone")
        return self.language.say("document", "reading", month=self.language.month(before))

    @property
    def path(self) -> str:
        """Where the report is served."""
        return f"/v1/reports/{self.content.economy}/{self.content.month}"

    @cached_property
    def citation(self) -> str:
        """How to cite the report."""
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
            place=f"{self.publication.url.rstrip('/')}{self.path}",
        )
        return f"{text} {say('citation', 'synthetic')}" if self.content.synthetic else text

    def group_name(self, group: Group) -> str:
        """Return what a group is called."""
        return self.language.known("group", group.name, group.name.capitalize())

    def question(self, group: Group) -> str:
        """Return the question that a group answers; '' where none is known."""
        return self.language.known("question", group.name, "")

    def finding(self, group: Group) -> str:
        """Return what the month shows of a group, in one sentence made of its values."""
        lines = self.lines(group)
        if not lines:
            return self.language.say("sentence", "nothing")
        valued = [line for line in lines if line.observation.value is not None]
        if not valued:
            reason = self.names.reason(lines[0].observation.reason).text
            return self.language.say("sentence", "insufficient", reason=reason)
        wanted = _FINDINGS.get(group.name, ())
        quoted = [line for line in (_quoted(valued, name) for name in wanted) if line is not None]
        clauses = [self._clause(line) for line in (quoted or valued)[:_CLAUSES]]
        sentence = "; ".join(clauses)
        return sentence[:1].upper() + sentence[1:] + "."

    def headlines(self) -> list[Finding]:
        """Return the finding of each group, in their order."""
        return [
            Finding(
                group.name,
                self.finding(group),
                told=any(r.observation.value is not None for _, r in group.readings()),
            )
            for group in self.content.groups
        ]

    def quote(self, group: Group) -> Quote:
        """Return how the finding of a group is quoted."""
        address = f"{self.publication.url.rstrip('/')}{self.path}"
        vintage = self.content.provenance.vintage or ""
        sentence, coverage = self.finding(group), self.coverage()
        return Quote(
            " ".join((sentence, coverage, vintage, address)), sentence, "", coverage, vintage, address, ()
        )

    def changes(self, group: Group, most: int | None = None) -> list[str]:
        """Return what changed in a group, as far as the intervals allow it to be said."""
        sentences = []
        for since in _SINCE:
            told = [
                (line, change)
                for line in self.lines(group)
                for change in line.reading.told
                if change.since == since
            ]
            month = self.content.compared.get(since)
            suffix = since.partition("_")[0]
            if month is None:
                sentences.append(self.language.say("sentence", f"no_{suffix}"))
            elif not told:
                key = f"no_change_{suffix}"
                sentences.append(self.language.say("sentence", key, month=self.language.month(month)))
            else:
                shown = told if most is None else told[:most]
                text = "; ".join(self.change(line, change) for line, change in shown)
                if len(told) > len(shown):
                    text += "; " + self.language.say("sentence", "more", count=len(told) - len(shown))
                sentences.append(text + ".")
        return sentences

    def changed(self) -> list[str]:
        """Return what changed in the whole report, at most five sentences."""
        told = [sentence for group in self.content.groups for sentence in self._told(group)]
        return told[:_MOST_CHANGES]

    def comparison(self, group: Group) -> str:  # noqa: ARG002
        """Return how a group compares with other economies, in one sentence; '' where nothing is published of any."""
        return ""

    def _told(self, group: Group) -> list[str]:
        return [
            self.change(line, change) + "." for line in self.lines(group) for change in line.reading.told[:1]
        ][:1]

    def change(self, line: Line, change: Change) -> str:
        """Return a change that is told, in words."""
        before = self._figure(line.definition, change.before)
        return self.language.say(
            "sentence",
            "rose" if change.trend is Trend.ROSE else "fell",
            title=line.title,
            of=f" ({line.of})" if line.of else "",
            before=before[0],
            month=self.language.month(change.month),
            value=line.value,
        )

    def lines(self, group: Group) -> list[Line]:
        """Return every reading of a group as it is shown."""
        return [self._line(definition, reading) for definition, reading in group.readings()]

    def unit(self, definition: Definition) -> str:
        """Return what the unit of an indicator is called."""
        return self.language.known("unit", definition.unit, definition.unit)

    def before(self, line: Line, since: Since) -> str:
        """Return the value of another month; a dash where there is none."""
        found = next((each for each in line.reading.changes if each.since == since), None)
        if found is None:
            return self.language.say("label", "none")
        arrow = {Trend.ROSE: "▲ ", Trend.FELL: "▼ ", Trend.UNTOLD: ""}[found.trend]
        return arrow + self._figure(line.definition, found.before)[0]

    def remark(self, remark: Remark) -> str:
        """Return what a reader must know, in words."""
        text = self.language.known("flag", remark.flag, FLAG_TEXTS.get(remark.flag, remark.flag))
        number = self.language.number(remark.number) if remark.number is not None else ""
        return text.format(number=number, names=self.language.listed(remark.names))

    def remarks(self) -> list[str]:
        """Return everything a reader must know."""
        return [self.remark(remark) for remark in self.content.remarks]

    def withheld(self, entry: Withheld) -> str:
        """Return what was withheld by which rule."""
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
        text = self.language.figure(figure.value, figure.low, figure.high, total.unit)
        return f"{text.value} ({text.interval})"

    def quality(self) -> list[str]:
        """Return how good the data is, in sentences."""
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
        """Return who reported, and how many of the economy's internet users they serve."""
        coverage, say = self.content.coverage, self.language.say
        operators = self.language.listed(coverage.operators)
        if coverage.share is None or coverage.users is None:
            return say("document", "coverage_unknown", operators=operators)
        return say(
            "document",
            "coverage_text",
            operators=operators,
            share=self.language.percent(coverage.share),
            users=self.language.number(coverage.users),
        )

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

    def _line(self, definition: Definition, reading: Reading) -> Line:
        observation = reading.observation
        value, interval = self._figure(definition, observation)
        title = definition.title.get(self.language.code, definition.title["en"])
        return Line(
            definition,
            reading,
            title,
            self.names.dimension(definition, observation.dimension),
            value,
            interval,
        )

    def _figure(self, definition: Definition, observation: Observation) -> tuple[str, str]:
        if observation.value is None or observation.low is None or observation.high is None:
            return self.language.say("label", "insufficient"), ""
        text = self.language.figure(observation.value, observation.low, observation.high, definition.unit)
        return text.value, text.interval

    def _clause(self, line: Line) -> str:
        phrase = self.language.known("clause", line.definition.id, "")
        if not phrase:
            of = f" ({line.of})" if line.of else ""
            return self.language.say(
                "sentence", "other", title=line.title, of=of, value=line.value, interval=line.interval
            )
        held = parts(line.observation.dimension or "")
        return phrase.format(
            value=line.value, interval=line.interval, of=line.of, k=str(held.count) if held.count else line.of
        )


def _quoted(lines: list[Line], indicator: str) -> Line | None:
    own = [line for line in lines if line.definition.id == indicator]
    wanted = _QUOTED.get(indicator)
    return next((line for line in own if line.observation.dimension == wanted), own[0] if own else None)
