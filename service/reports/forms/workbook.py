"""XLSX: a sheet for each group, one for destinations, data quality, the method, and the metadata."""

import io
import re
from collections.abc import Iterable, Sequence

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from caudal.service.reports.content import Group
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms.metadata import metadata
from caudal.service.reports.language.method import method_text
from caudal.service.reports.pictures import map_note

_LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")


def render(edition: Edition) -> bytes:
    """Return an edition as an Office Open XML workbook, the same bytes for the same edition.

    Cells hold the values themselves, and their number formats show them as the reader's program does.
    """
    sink = io.BytesIO()
    # Texts that begin with = are texts; what is not finite cannot be in a report.
    with xlsxwriter.Workbook(
        sink, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        book.set_properties(
            {
                "title": f"{edition.title} · {edition.subtitle}",
                "comments": edition.citation,
                "company": edition.publication.publisher,
                "created": edition.content.provenance.computed_at.replace(tzinfo=None),
            }
        )
        writer = _Writer(edition, book)
        writer.summary()
        for group in edition.content.groups:
            writer.group(group)
        writer.destinations()
        writer.quality()
        writer.method()
        writer.metadata()
    return sink.getvalue()


class _Writer:
    """Writes the sheets of one workbook."""

    def __init__(self, edition: Edition, book: xlsxwriter.Workbook) -> None:
        self._edition = edition
        self._book = book
        self._say = edition.language.say
        self._bold: Format = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._warning: Format = book.add_format({"bold": True, "font_color": "#B00020"})
        self._wrapped: Format = book.add_format({"text_wrap": True, "valign": "top"})
        # The space before the sign is quoted: a spreadsheet takes its own for a unit of thousands in some countries.
        space = edition.language.percent_sign.removesuffix("%")
        self._percent: Format = book.add_format({"num_format": f'0.0"{space}"%' if space else "0.0%"})
        self._plain: Format = book.add_format({"num_format": "General"})

    def summary(self) -> None:
        """Write the findings, what changed, how to quote each finding and what must not be concluded of it."""
        edition = self._edition
        sheet, row = self._sheet(self._say("document", "summary"), [22, 110])
        names = [edition.group_name(group) for group in edition.content.groups]
        quotes = [edition.quote(group) for group in edition.content.groups]
        findings = [edition.finding(group) for group in edition.content.groups]
        row = self._pairs(sheet, row, list(zip(names, findings, strict=True)))
        changes = [(self._say("document", "changes"), each) for each in edition.changed()]
        row = self._pairs(sheet, row + 1, changes)
        told = list(zip(names, quotes, strict=True))
        for head, texts in (
            (self._say("quote", "title"), [(name, quote.text) for name, quote in told]),
            (
                self._say("quote", "not_concluded"),
                [(name, each) for name, quote in told for each in quote.cautions],
            ),
        ):
            sheet.write(row + 1, 0, head, self._bold)
            row = self._pairs(sheet, row + 2, texts)

    def _pairs(self, sheet: Worksheet, row: int, texts: list[tuple[str, str]]) -> int:
        """Write pairs of texts from a row on; return the row after them."""
        for name, text in texts:
            sheet.write(row, 0, name, self._bold)
            sheet.write(row, 1, text, self._wrapped)
            row += 1
        return row

    def group(self, group: Group) -> None:
        """Write the readings of a group."""
        label = self._edition.language.phrases["label"]
        heads = [
            label[name]
            for name in ("indicator", "title", "dimension", "value", "low", "high", "unit", "level")
        ]
        heads += [
            label["flow_records"],
            label["undetermined"],
            label["coverage"],
            label["flags"],
            label["reason"],
        ]
        sinces = list(self._edition.content.compared.items())
        for _, month in sinces:
            head = self._say("label", "since_month", month=self._edition.language.month(month))
            heads += [head, label["low"], label["high"]]
        sheet, row = self._sheet(
            self._edition.group_name(group),
            [10, 44, 22, 12, 12, 12, 16, 8, 14, 14, 12, 34, 40] + [18, 12, 12] * len(sinces),
        )
        self._heads(sheet, row, heads)
        names = self._edition.names
        for line in self._edition.lines(group):
            row += 1
            seen, shape = line.observation, self._percent if line.definition.unit == "share" else self._plain
            self._texts(sheet, row, 0, (line.definition.id, line.title, line.of))
            self._numbers(sheet, row, 3, (seen.value, seen.low, seen.high), shape)
            self._texts(sheet, row, 6, (self._edition.unit(line.definition),))
            self._numbers(sheet, row, 7, (line.definition.level,), self._percent)
            self._numbers(sheet, row, 8, (seen.flows,), self._plain)
            self._numbers(sheet, row, 9, (seen.undetermined, seen.coverage), self._percent)
            self._texts(sheet, row, 11, (", ".join(names.marks(seen.flags)), names.reason(seen.reason).text))
            changes = {change.since: change.before for change in line.reading.changes}
            for position, (since, _) in enumerate(sinces):
                before = changes.get(since)
                if before is not None:
                    numbers = (before.value, before.low, before.high)
                    self._numbers(sheet, row, 13 + 3 * position, numbers, shape)

    def destinations(self) -> None:
        """Write where the traffic goes and who controls it."""
        label = self._edition.language.phrases["label"]
        sheet, row = self._sheet(label["destinations"], [26, 26, 12, 12, 12])
        found = self._edition.content.destinations
        place, border = self._edition.names.place, self._edition.names.border
        for head, shares, named in (
            (label["border"], found.borders, border),
            (label["place"], found.locations, place),
            (label["control"], self._edition.controls(), place),
        ):
            self._heads(sheet, row, [head, "", label["share"], label["low"], label["high"]])
            for share in shares:
                row += 1
                self._texts(sheet, row, 0, (named(share.key),))
                self._numbers(sheet, row, 2, (share.value, share.low, share.high), self._percent)
            row += 2
        self._heads(sheet, row, [label["place"], label["control"], label["share"]])
        for link in found.links:
            row += 1
            self._texts(
                sheet,
                row,
                0,
                (self._edition.names.place(link.location), self._edition.names.place(link.control)),
            )
            self._numbers(sheet, row, 2, (link.share,), self._percent)
        if found.locations:
            sheet.write(row + 2, 0, map_note(self._edition))

    def quality(self) -> None:
        """Write the ledger and what to know."""
        label = self._edition.language.phrases["label"]
        sheet, row = self._sheet(self._say("document", "quality"), [24, 70, 16])
        for sentence in (*self._edition.quality(), *self._edition.remarks()):
            sheet.write(row, 0, sentence)
            row += 1
        row += 1
        self._heads(sheet, row, ["", label["meaning"], label["count"]])
        for name, meaning, count in self._edition.counts():
            row += 1
            self._texts(sheet, row, 0, (name, meaning))
            self._numbers(sheet, row, 2, (count,), self._plain)

    def method(self) -> None:
        """Write the definitions."""
        label = self._edition.language.phrases["label"]
        names = ("indicator", "title", "unit", "formula", "source", "critique", "method_version")
        sheet, row = self._sheet(self._say("document", "method"), [10, 40, 16, 70, 60, 70, 10])
        self._heads(sheet, row, [label[name] for name in names])
        for entry in self._edition.content.entries():
            row += 1
            definition = entry.definition
            title = definition.title.get(self._edition.language.code, definition.title["en"])
            told = method_text(definition, self._edition.language)
            self._texts(
                sheet,
                row,
                0,
                (
                    definition.id,
                    title,
                    self._edition.unit(definition),
                    told.formula,
                    self._edition.names.source(definition),
                    told.critique,
                    definition.method_version,
                ),
            )

    def metadata(self) -> None:
        """Write what the workbook is, of which facts, and how to cite it."""
        sheet, row = self._sheet(self._say("label", "metadata"), [28, 110])
        for name, value in metadata(self._edition):
            self._texts(sheet, row, 0, (name, value))
            row += 1

    def _sheet(self, name: str, widths: Sequence[int]) -> tuple[Worksheet, int]:
        """Add a sheet with the title and the banners; return it and the first free row."""
        sheet = self._book.add_worksheet(_NOT_IN_NAMES.sub(" ", name)[:_LONGEST_NAME])
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.write(0, 0, f"{self._edition.title} · {self._edition.subtitle}")
        row = 1
        for banner in self._edition.banners:
            sheet.write(row, 0, banner, self._warning)
            row += 1
        return sheet, row + 1

    def _heads(self, sheet: Worksheet, row: int, heads: Iterable[str]) -> None:
        for column, head in enumerate(heads):
            sheet.write_string(row, column, head, self._bold)

    @staticmethod
    def _texts(sheet: Worksheet, row: int, column: int, texts: Iterable[str]) -> None:
        for offset, text in enumerate(texts):
            sheet.write_string(row, column + offset, text)

    @staticmethod
    def _numbers(
        sheet: Worksheet, row: int, column: int, numbers: Iterable[float | None], shape: Format
    ) -> None:
        for offset, number in enumerate(numbers):
            if number is not None:
                sheet.write_number(row, column + offset, number, shape)
