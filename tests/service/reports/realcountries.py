"""Real countries with made-up traffic to every platform, as published: no store is needed."""

from datetime import UTC, datetime

from caudal.reference import Reference, attributions
from caudal.service.answerability.fulltraffic import OPERATOR, full_traffic
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs, MonthMeasures, evaluate
from caudal.service.indicators import CATALOGUE
from caudal.service.queries.published import PublishedValue
from caudal.service.reports.content.headline import INDICATORS
from caudal.service.reports.region.content import Member, RegionContent, groups_of
from caudal.service.vocabulary.referencenames import category_names, country_names

MONTH = "2026-10"


def measured(reference: Reference, economy: str) -> MonthMeasures:
    """Return the headlines of an economy's month with traffic to every platform, half of its users covered."""
    at = reference.at(MONTH)
    declared = {OPERATOR: (at.economy(economy).internet_users // 2, f"{MONTH}-01")}
    inputs = MonthInputs(economy, MONTH, (OPERATOR,), declared, frozenset({SYNTHETIC}), Rule())
    chosen = [CATALOGUE[each] for each in INDICATORS]
    return evaluate(inputs, full_traffic(at, economy), at, chosen)


def member(reference: Reference, economy: str) -> Member:
    """Return an economy as a member of a region's report."""
    months = measured(reference, economy)
    values = tuple(
        PublishedValue(each, method.unit, method.version)
        for indicator, own in months.observations.items()
        for method in (months.methods[indicator],)
        for each in own
    )
    return Member(
        economy,
        f"{economy}-{MONTH}-v1",
        datetime(2026, 11, 10, tzinfo=UTC),
        "caudal 0.1.0",
        reference.version,
        True,
        months.coverage,
        values,
    )


def region(reference: Reference, group: str, *economies: str) -> RegionContent:
    """Return the content of a group's report in which these published."""
    members = tuple(member(reference, each) for each in economies)
    at = reference.at(MONTH)
    return RegionContent(
        group,
        group,
        MONTH,
        members,
        tuple(sorted(at.group(group) - set(economies))),
        (),
        groups_of(members),
        tuple(attributions()),
        country_names(at),
        dict(at.platforms.select("platform_id", "name").iter_rows()),
        category_names(at),
    )
