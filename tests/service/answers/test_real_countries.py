"""Of eight real economies with full traffic, every indicator answers or names a public source of what it lacks."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from caudal.reference import Reference, load_reference
from caudal.service.answerability.asking import GIVEN, Answer, Given, ask
from caudal.service.answerability.cures import CURES, cures_of
from caudal.service.answerability.fulltraffic import full_traffic
from caudal.service.answerability.page import page, section
from caudal.service.indicators import CATALOGUE
from caudal.service.vocabulary.reason import REASONS

ECONOMIES = ("AR", "BR", "CL", "CO", "CR", "MX", "PE", "UY")
# How many of the indicators answer at least, by what is given beside full traffic.
LEAST: Mapping[Given, int] = {"facts": 25, "public": 26, "operators": 27}
PAGE = Path(__file__).parents[3] / "docs" / "coverage-of-facts.md"


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, Given], dict[str, Answer]]:
    return ask(ECONOMIES)


@pytest.mark.parametrize("economy", ECONOMIES)
@pytest.mark.parametrize("given", GIVEN)
def test_every_indicator_has_a_value_or_says_where_to_get_what_it_lacks(
    answers: dict[tuple[str, Given], dict[str, Answer]], economy: str, given: Given
) -> None:
    told = answers[economy, given]
    assert set(told) == set(CATALOGUE)
    for name, answer in told.items():
        assert answer.answers or answer.reasons, name
        if not answer.answers:
            cures = cures_of(answer.reasons)
            assert cures, f"{name} of {economy}: {answer.reasons}"
            assert all(cure.url.startswith("https://") for cure in cures)
    assert sum(each.answers for each in told.values()) >= LEAST[given]


def test_more_is_answered_the_more_is_given(answers: dict[tuple[str, Given], dict[str, Answer]]) -> None:
    for economy in ECONOMIES:
        by_given = [
            {name for name, each in answers[economy, given].items() if each.answers} for given in GIVEN
        ]
        assert by_given[0] <= by_given[1] <= by_given[2]
        assert "C6" in by_given[1] - by_given[0]
        assert "J8" in by_given[2] - by_given[1]


def test_a_cure_is_of_a_reason_that_there_is() -> None:
    assert set(CURES) <= set(REASONS)


def test_the_page_says_what_it_would_say_anew(
    answers: dict[tuple[str, Given], dict[str, Answer]], reference: Reference
) -> None:
    written = PAGE.read_text(encoding="utf-8")
    for economy in ECONOMIES:
        assert "\n".join(section(answers, reference, economy)) in written
    overview = page(answers, reference).split("\n## ")[0].splitlines()
    rows = [line for line in overview if line.startswith("| ") and "(" in line and "facts" not in line]
    assert len(rows) == len(ECONOMIES)
    assert all(line in written for line in rows)


def test_the_page_has_a_section_for_every_economy(reference: Reference) -> None:
    written = PAGE.read_text(encoding="utf-8")
    for code, name in reference.economies.select("country", "name_en").iter_rows():
        assert f"\n## {name} ({code})\n" in written


def test_made_up_traffic_reaches_every_platform_and_says_so(reference: Reference) -> None:
    facts = full_traffic(reference, "CL")
    assert set(facts["operator"]) == {"made_up_operator"}
    assert set(reference.platforms["platform_id"]) <= set(facts["service"])
    assert facts.filter(facts["service"] != "")["remote_country"].is_in(["CL", "BR", "US"]).any()
