"""JSON: the whole content, figures as numbers, sentences in the language asked for."""

from dataclasses import asdict

from caudal.service.answers.answers import CoverageAnswer, ObservationAnswer
from caudal.service.answers.vintages import ConfidentialAnswer, NationalTotalAnswer
from caudal.service.reports.content import Entry, Group
from caudal.service.reports.content.destinations import Share
from caudal.service.reports.content.history import Series
from caudal.service.reports.content.peers import Peer
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.edition.model import (
    ChangeAnswer,
    CrossingAnswer,
    DestinationsAnswer,
    FindingAnswer,
    IndicatorReport,
    IntervalAnswer,
    LedgerSummary,
    LinkAnswer,
    Notice,
    PeerAnswer,
    PeerValueAnswer,
    QuoteAnswer,
    Report,
    SeriesAnswer,
    ShareAnswer,
)
from caudal.service.reports.findings.finding import Finding


def render(edition: Edition) -> bytes:
    """Return an edition as JSON."""
    return report(edition).model_dump_json().encode()


def report(edition: Edition) -> Report:
    """Return an edition as the API's model of a report."""
    content = edition.content
    coverage = content.coverage
    found = content.destinations
    return Report(
        economy=content.economy,
        names=dict(content.names),
        month=content.month,
        language=edition.language.code,
        title=f"{edition.title}: {edition.subtitle}",
        generated_at=content.provenance.computed_at,
        synthetic=content.synthetic,
        partial=content.partial,
        reference_version=content.provenance.reference_version,
        software=content.provenance.software,
        vintage=content.provenance.vintage,
        vintage_reason=content.provenance.reason,
        compared_with=dict(content.compared),
        coverage=CoverageAnswer(
            operators=list(coverage.operators),
            undeclared=list(coverage.undeclared),
            users=coverage.users,
            share=coverage.share,
        ),
        findings=[
            _finding(edition, group, finding)
            for group, finding in zip(content.groups, edition.found(), strict=True)
        ],
        indicators=[_indicator(entry) for entry in content.entries()],
        totals=[NationalTotalAnswer.of(each) for each in content.totals],
        withheld=[ConfidentialAnswer.of(each) for each in content.withheld],
        comparisons={group.name: edition.comparison(group) for group in content.groups},
        peers=[_peer(each) for each in content.peers],
        history=[_series(each) for each in content.history],
        destinations=DestinationsAnswer(
            locations=[_share(each) for each in found.locations],
            controls=[_share(each) for each in edition.controls()],
            links=[LinkAnswer(location=e.location, control=e.control, share=e.share) for e in found.links],
            withheld=found.withheld,
            borders=[_share(each) for each in found.borders],
            crossings=[
                CrossingAnswer(border=e.border, location=e.location, share=e.share) for e in found.crossings
            ],
        ),
        ledger=LedgerSummary(
            counts=dict(content.quality.counts),
            balanced=content.quality.balanced,
            exporters=content.quality.exporters,
        ),
        notices=[Notice(flag=each.flag, text=edition.remark(each)) for each in content.remarks],
        attributions=list(content.attributions),
        licence=edition.publication.licence,
        citation=edition.citation,
    )


def _finding(edition: Edition, group: Group, finding: Finding) -> FindingAnswer:
    quote, coverage = edition.quote(group), edition.content.coverage.share
    found = edition.content.observation(finding.indicator, finding.dimension)
    interval = None
    if finding.told and found is not None:
        definition, seen = found
        assert seen.value is not None and seen.low is not None and seen.high is not None
        interval = IntervalAnswer(value=seen.value, low=seen.low, high=seen.high, level=definition.level)
    return FindingAnswer(
        group=group.name,
        name=edition.group_name(group),
        finding=finding.text,
        told=finding.told,
        indicator=finding.indicator,
        dimension=finding.dimension,
        base=finding.base,
        interval=interval,
        coverage=coverage,
        quote=QuoteAnswer(
            text=quote.text,
            sentence=quote.sentence,
            interval=quote.interval,
            coverage=quote.coverage,
            vintage=quote.vintage,
            address=quote.address,
        ),
        cautions=list(quote.cautions),
        changes=edition.changes(group),
    )


def _indicator(entry: Entry) -> IndicatorReport:
    definition = entry.definition
    return IndicatorReport(
        id=definition.id,
        group=definition.group,
        title=dict(definition.title),
        unit=definition.unit,
        method_version=definition.method_version,
        observations=[ObservationAnswer.of(reading.observation) for reading in entry.readings],
        changes=[
            ChangeAnswer(
                dimension=reading.observation.dimension,
                since=change.since,
                month=change.month,
                value=change.before.value,
                low=change.before.low,
                high=change.before.high,
                difference=change.difference,
                trend=change.trend.value,
            )
            for reading in entry.readings
            for change in reading.changes
        ],
    )


def _share(share: Share) -> ShareAnswer:
    return ShareAnswer(key=share.key, value=share.value, low=share.low, high=share.high)


def _peer(peer: Peer) -> PeerAnswer:
    return PeerAnswer(
        economy=peer.economy,
        month=peer.month,
        vintage=peer.vintage,
        region=peer.region,
        like_size=peer.like,
        values=[PeerValueAnswer.model_validate(asdict(each)) for each in peer.values],
    )


def _series(series: Series) -> SeriesAnswer:
    return SeriesAnswer.model_validate(asdict(series))
