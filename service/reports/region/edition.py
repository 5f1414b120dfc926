"""A region's edition: the content in one language, every sentence made from what the economies published."""

from dataclasses import dataclass
from functools import cached_property

from caudal.service.indicators import Definition
from caudal.service.reports.content.peers import PeerValue
from caudal.service.reports.content.standing import LEAST_FOR_MEDIAN
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.findings.names import Called, Passage
from caudal.service.reports.language import Language
from caudal.service.reports.region.content import Cell, Member, RegionColumn, RegionContent, RegionGroup


@dataclass(frozen=True)
class RegionEdition:
    """A content in a language."""

    content: RegionContent
    language: Language
    publication: Publication

    @cached_property
    def names(self) -> Called:
        """Names of places, dimensions and reasons in the language."""
        return Called(self.content, self.language)

    @cached_property
    def group(self) -> str:
        """The name of the country group in the language; that of the reference where the language has none."""
        return self.language.known("country_group", self.content.group, self.content.name)

    @cached_property
    def month(self) -> str:
        """The month in words."""
        return self.language.month(self.content.month)

    @cached_property
    def title(self) -> str:
        """The title of the report."""
        return self.language.say("region", "title")

    @cached_property
    def subtitle(self) -> str:
        """Which group and month it is of."""
        return self.language.say("region", "subtitle", group=self.group, month=self.month)

    @property
    def path(self) -> str:
        """The path under which the report is served."""
        return f"/v1/reports/region/{self.content.group}/{self.content.month}"

    @cached_property
    def banners(self) -> list[str]:
        """Sentences that stand on every page: that the figures are synthetic."""
        return [self.language.say("region", "synthetic")] if self.content.synthetic else []

    def place(self, economy: str) -> str:
        """Return the name of an economy."""
        return self.names.place(economy)

    @cached_property
    def who(self) -> str:
        """The sentence on how many economies of the group published the month, which ones, and that no others are in."""
        content, number = self.content, self.language.number
        return self.language.say(
            "region",
            "who_one" if len(content.members) == 1 else "who",
            count=number(len(content.members)),
            all=number(len(content.members) + len(content.missing) + len(content.left_out)),
            names=self.language.listed(tuple(self.place(each.economy) for each in content.members)),
        )

    def notes(self) -> list[str]:
        """Return the notes to know before quoting: who is left out, what is withheld, what compares with nothing."""
        content, say, listed = self.content, self.language.say, self.language.listed
        notes = [say("region", "note_no_total"), say("region", "note_coverage")]
        if content.left_out:
            names = listed(tuple(self.place(each) for each in content.left_out))
            notes.append(say("region", "note_left_out", names=names))
        cells = [cell for group in content.groups for column in group.columns for cell in column.cells]
        withheld = {cell.member.economy: None for cell in cells if cell.withheld}
        if withheld:
            notes.append(say("region", "note_withheld", names=listed(tuple(map(self.place, withheld)))))
        apart = {c.member.economy: None for c in cells if c.observation is not None and not c.compared}
        if apart:
            notes.append(say("region", "note_apart", names=listed(tuple(map(self.place, apart)))))
        return notes

    def group_name(self, group: RegionGroup) -> str:
        """Return the name of a group of indicators."""
        return self.language.known("group", group.name, group.name.capitalize())

    def question(self, group: RegionGroup) -> str:
        """Return the question that a group answers; '' where none is known."""
        return self.language.known("question", group.name, "")

    def column_name(self, column: RegionColumn) -> str:
        """Return the name of a column: the value, and of what."""
        return self.names.measure(column.definition, column.dimension)

    def summary(self, group: RegionGroup) -> str:
        """Return the summary of a group over the economies of the region: a sentence or two about its headline.

        That is the first column with a value. The highest and the lowest are named only where no other interval overlaps.
        """
        column = next((each for each in group.columns if each.compared), None)
        if column is None:
            return self.language.say("region", "nothing")
        compared, say = column.compared, self.language.say
        if len(compared) < LEAST_FOR_MEDIAN:
            return say(
                "region",
                "few" if len(compared) > 1 else "one",
                title=self.column_name(column),
                values="; ".join(
                    f"{self.place(member.economy)} {self.figure(column.definition, v.value, v.low, v.high)}"
                    for member, v in compared
                ),
            )
        assert column.median is not None
        sentences = [
            say(
                "region",
                "median",
                title=self.column_name(column),
                count=self.language.number(len(compared)),
                value=self.figure(column.definition, *column.median),
            )
        ]
        for key, pair in (("lowest", _lowest(column)), ("highest", _highest(column))):
            if pair is not None:
                member, value = pair
                told = self.figure(column.definition, value.value, value.low, value.high)
                sentences.append(say("region", key, name=self.place(member.economy), value=told))
        if len(sentences) == 1:
            sentences.append(say("region", "no_order"))
        return " ".join(sentences)

    def figure(self, definition: Definition, value: float, low: float, high: float) -> str:
        """Return a value with its interval, as it stands in a sentence."""
        return self.language.figure(value, low, high, definition.unit).with_interval

    def cell(self, cell: Cell) -> tuple[str, str]:
        """Return a cell as it is shown: value and interval; in place of a value, what there is instead."""
        own = cell.observation
        if own is None:
            return self.language.say("label", "none"), ""
        if cell.withheld:
            return self.language.say("region", "withheld"), ""
        if own.value is None or own.low is None or own.high is None or cell.published is None:
            return self.language.say("label", "insufficient"), ""
        text = self.language.figure(own.value, own.low, own.high, cell.published.unit)
        mark = "" if cell.compared else " *"
        return text.value + mark, text.interval

    def reason(self, cell: Cell) -> Passage:
        """Return why a cell has no value; '' where it has one, or the economy says nothing of it."""
        return self.names.reason(cell.observation.reason if cell.observation is not None else None)

    def coverage(self, member: Member) -> str:
        """Return the words for the share of an economy's internet users that its figures speak for."""
        share = member.coverage.share
        if share is None:
            return self.language.say("region", "coverage_unknown")
        if share > 1:
            return self.language.say("region", "coverage_exceeded")
        return self.language.percent(share)

    @cached_property
    def citation(self) -> str:
        """The citation of the report, with every vintage in it."""
        content, say = self.content, self.language.say
        references = sorted({member.reference_version for member in content.members})
        text = say(
            "region",
            "citation",
            publisher=self.publication.publisher or say("citation", "publisher"),
            group=self.group,
            month=self.month,
            vintages=self.language.listed(tuple(member.vintage for member in content.members)),
            reference=self.language.listed(tuple(references)),
            place=f"{self.publication.url.rstrip('/')}{self.path}",
        )
        return f"{text} {say('citation', 'synthetic')}" if content.synthetic else text


def _lowest(column: RegionColumn) -> tuple[Member, PeerValue] | None:
    """Return the economy whose interval ends below all others; None where there is none."""
    pairs = column.compared
    least = min(pairs, key=lambda pair: pair[1].high)
    apart = all(value.low > least[1].high for member, value in pairs if member is not least[0])
    return least if apart else None


def _highest(column: RegionColumn) -> tuple[Member, PeerValue] | None:
    """Return the economy whose interval begins above all others; None where there is none."""
    pairs = column.compared
    most = max(pairs, key=lambda pair: pair[1].low)
    apart = all(value.high < most[1].low for member, value in pairs if member is not most[0])
    return most if apart else None
