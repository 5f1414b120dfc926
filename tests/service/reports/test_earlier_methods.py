"""Reports of vintages whose indicators have another method now, and of months that methods keep apart."""

from dataclasses import replace

from caudal.service.evaluation.evaluation import Method, MonthMeasures
from caudal.service.indicators import CATALOGUE
from caudal.service.reports.content import Content
from caudal.service.reports.content.change import Since
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.language import LANGUAGES, Language

from .samples import content, measures, observed

NOW = CATALOGUE["V2"].definition
BEFORE: Since = "month_before"
EARLIER = {"V2": Method("0", "MB/user/month")}


def month(name: str, value: float) -> MonthMeasures:
    return measures(name, observed("V2", value, value, value))


def notices(made: Content) -> dict[str, tuple[str, ...]]:
    return {each.flag: each.names for each in made.remarks}


def test_a_vintage_is_told_with_its_own_version_and_unit() -> None:
    made = content(replace(month("2026-10", 0.5), methods=EARLIER))
    (entry,) = made.entries()
    assert (entry.definition.method_version, entry.definition.unit) == ("0", "MB/user/month")
    assert notices(made) == {"earlier_method": ("V2",)}
    for language in LANGUAGES:
        said = Edition(made, Language.of(language, "CL")).remarks()
        assert any("V2" in each for each in said)


def test_months_of_two_methods_are_not_compared() -> None:
    before = month("2026-09", 0.1)
    (entry,) = content(month("2026-10", 0.5), {BEFORE: before}).entries()
    assert [len(each.changes) for each in entry.readings] == [1]
    made = content(month("2026-10", 0.5), {BEFORE: replace(before, methods=EARLIER)})
    (entry,) = made.entries()
    assert [each.changes for each in entry.readings] == [()]
    assert notices(made) == {"methods_apart": ("V2",)}
    assert entry.definition == NOW


def test_months_of_one_earlier_method_are_compared() -> None:
    now, before = (replace(each, methods=EARLIER) for each in (month("2026-10", 0.5), month("2026-09", 0.1)))
    made = content(now, {BEFORE: before})
    (entry,) = made.entries()
    assert [len(each.changes) for each in entry.readings] == [1]
    assert notices(made) == {"earlier_method": ("V2",)}
