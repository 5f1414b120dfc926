"""Findings: sentences that stand by themselves, short enough to be read aloud, and of what their definition says."""

from dataclasses import replace

import pytest

from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.findings.findings import WANTED
from caudal.service.reports.language import LANGUAGES, Language

from ..samples import content, measures, observed

MOST_WORDS = 35
# An observation of each indicator that can be told: dimension, value, limits, details.
TOLD: dict[str, tuple[str | None, float, float, float]] = {
    "J1": (None, 0.32, 0.30, 0.36),
    "J2": (None, 0.4, 0.38, 0.45),
    "J3": (None, 0.1, 0.09, 0.12),
    "J4": ("US", 0.626, 0.61, 0.70),
    "J5": (None, 0.2, 0.18, 0.22),
    "J6": ("EU", 0.3, 0.2, 0.4),
    "J7": ("equal", 0.829, 0.787, 0.851),
    "J8": ("place", 0.1, 0.05, 0.2),
    "J9": (None, 0.099, 0.098, 0.1),
    "C1": ("carries_for_others", 0.3, 0.29, 0.31),
    "C2": (None, 0.45, 0.4, 0.5),
    "C3": (None, 3.2, 3.1, 3.4),
    "C4": ("largest_4", 0.6, 0.58, 0.62),
    "C5": ("services", 0.12, 0.1, 0.15),
    "C6": ("AS3356", 0.4, 0.35, 0.45),
    "C7": ("US", 0.724, 0.70, 0.76),
    "V1": ("without_video_and_cdn", -0.275, -0.344, -0.207),
    "V2": (None, 3.2, 2.8, 3.9),
    "V3": ("all_platforms", 1.96e10, 1.2e10, 2.9e10),
    "V4": ("all_platforms", 0.25, 0.1, 0.4),
    "V5": (None, 0.3, 0.25, 0.4),
    "V6": ("DDS", -1.2e9, -1.5e9, -1e9),
    "V7": ("applied_rates", 2e8, 1e8, 4e8),
    "V8": ("GB-dst-2", 2e8, 1e8, 4e8),
    "V9": ("all_platforms", 2e8, 1e8, 4e8),
    "V10": ("all_platforms", 2e8, 1e8, 4e8),
    "P1": ("sent", 0.846, 0.748, 0.881),
    "P2": (None, 0.13, 0.12, 0.18),
    "P3": ("economy", 0.288, 0.258, 0.36),
    "P4": ("commodity_standard", 0.6, 0.5, 0.7),
}
COMPANY = {"by_company": 0.45, "by_company_low": 0.44, "by_company_high": 0.46, "companies": 6.0}


def tellable(indicator: str, dimension: str | None = None, **details: float) -> Observation:
    own, value, low, high = TOLD[indicator]
    flags = ("concentrated_highly",) if indicator == "C1" else ()
    seen = observed(indicator, value, low, high, dimension or own, flags=flags)
    return replace(seen, details={**COMPANY, **details})


def edition(*seen: Observation, language: str = "en", country: str = "CL") -> Edition:
    made: Content = content(measures("2026-10", *seen))
    return Edition(made, Language.of(language, country))


def headline(*seen: Observation, language: str = "en", country: str = "CL") -> str:
    return edition(*seen, language=language, country=country).found()[0].sentence


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("indicator", TOLD)
def test_a_sentence_takes_what_its_number_is_of_from_the_definition(indicator: str, language: str) -> None:
    seen = tellable(indicator)
    said = edition(seen, language=language)
    [found] = said.found()
    assert found.told and found.indicator == indicator
    assert found.base == CATALOGUE[indicator].definition.base_of(seen.dimension)
    words = said.language.phrases["base"][found.base]
    for part in words.replace("“", "{").replace("”", "}").replace("«", "{").replace("»", "}").split("{"):
        fixed = part.rpartition("}")[2].strip()
        assert fixed in found.sentence, (fixed, found.sentence)
    # Of the whole traffic of a country nothing is known, so nothing is said.
    for claim in ("all traffic", "all the traffic", "todo el tráfico", "todo o tráfego", "all platforms"):
        assert claim not in found.sentence
    assert "{" not in found.sentence and "  " not in found.sentence and found.sentence.endswith(".")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group", WANTED)
def test_every_sentence_can_be_read_aloud(group: str, language: str) -> None:
    found = edition(*(tellable(each) for each in WANTED[group]), language=language).found()[0]
    assert len(found.more) == min(2, len(WANTED[group]) - 1)
    for sentence in (found.sentence, *found.more):
        words = [
            word
            for word in sentence.replace("\u00a0", "").replace("\u202f", "").split()
            if any(letter.isalnum() for letter in word)
        ]
        assert len(words) <= MOST_WORDS, (len(words), sentence)


def test_the_country_has_its_article() -> None:
    seen = tellable("C7")
    assert headline(seen) == (
        "If companies controlled from the United States refused service, 72.4% of the measured traffic with services "
        "(between 70.0% and 76.0%; networks that serve 40% of the users) would be lost."
    )
    assert "controladas desde Estados Unidos negaran" in headline(seen, language="es")
    assert "controladas a partir dos Estados Unidos recusassem" in headline(seen, language="pt")
    assert "controladas a partir do Brasil" in headline(replace(seen, dimension="BR"), language="pt")
    assert "from Brazil refused" in headline(replace(seen, dimension="BR"))


def test_a_regime_has_its_article_as_well() -> None:
    of_union = tellable("J6")
    assert "under the rules of the EU" in headline(of_union)
    assert "según las normas de la UE" in headline(of_union, language="es")
    assert "segundo as regras da UE" in headline(of_union, language="pt")
    assert "segundo as regras do Brasil" in headline(replace(of_union, dimension="BR"), language="pt")
    assert "según las normas de Brasil" in headline(replace(of_union, dimension="BR"), language="es")


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_users_than_the_country_has_are_no_per_cent(language: str) -> None:
    made = content(measures("2026-10", replace(tellable("J4"), coverage=58.19)))
    exceeded = replace(made, coverage=replace(made.coverage, users=1_700_000.0, share=58.19))
    said = Edition(exceeded, Language.of(language, "CL"))
    [found] = said.found()
    quote = said.quote(said.content.groups[0])
    for text in (found.sentence, quote.coverage, said.coverage()):
        assert "819" not in text and "58" not in text
    assert "700" in quote.coverage and "700" in said.coverage()


def test_the_country_and_the_region_are_told_apart() -> None:
    country, region = headline(tellable("P3")), headline(tellable("P3", "region"))
    assert country.startswith("28.8% of the measured traffic with a known location in other countries (")
    assert region.startswith("28.8% of the traffic abroad measured in the countries of the region (")


def test_an_index_is_said_as_what_it_means() -> None:
    assert " equals that of 3.20 platforms of equal size (between 3.10 and 3.40" in headline(tellable("C3"))
    # 1/0.45 countries, between 1/0.5 and 1/0.4.
    assert "as if 2.22 countries of equal size shared it (between 2.00 and 2.50" in headline(tellable("C2"))
    assert "with a probability of 12.0% (" in headline(tellable("C5"))
    assert "on a scale from −1 (all download) to 1 (all upload)" in headline(tellable("V1"))


def test_a_scale_is_named_only_within_a_function_and_by_company() -> None:
    assert headline(tellable("C1")) == (
        "The concentration by company of the measured traffic with platforms of the function “content delivery (CDN)” is "
        "4,500 of 10,000 possible points (between 4,400 and 4,600; networks that serve 40% of the users): high (above 1,800) by the "
        "US Merger Guidelines 2023."
    )
    everything = replace(tellable("C1"), dimension=None)
    said = edition(everything)
    [untold] = said.found()
    # Beside others it is said by its title.
    [line] = said.relevant(said.content.groups[0])
    assert (
        said.findings.sentences.of(line) == "Platform concentration (HHI): 0.300 (between 0.290 and 0.310)."
    )
    assert not untold.told and "no sentence can say what the value means" in untold.sentence


def test_a_deficit_is_said_as_one() -> None:
    said = headline(tellable("V6"))
    assert said == (
        "Imports of digitally deliverable services exceed exports by US$\u00a01.20\u00a0billion a year (between 1.00 and 1.50)."
    )
    surplus = replace(tellable("V6"), value=1.2e9, low=1e9, high=1.5e9)
    assert headline(surplus).startswith(
        "Exports of digitally deliverable services exceed imports by US$\u00a01.20\u00a0"
    )


def test_a_levy_is_said_to_be_whose_it_is() -> None:
    seen = tellable("V8", in_force=1.0)
    assert headline(seen).startswith(
        "A tax as in the law of GB (digital services tax, 2.0%) on the revenue of "
    )
    own = replace(seen, dimension="CL-dst-3")
    assert headline(own).startswith("The country's own tax (digital services tax, 3.0%) on ")
    assert "proposed" in headline(replace(own, details={**COMPANY, "in_force": 0.0}))


def test_companies_are_counted_and_named_where_they_are_few() -> None:
    platforms = {each: each.capitalize() for each in ("alpha", "beta", "gamma", "delta", "epsilon")}
    owners = {**dict.fromkeys(("alpha", "beta"), "First Inc."), "gamma": "Second Inc."}

    def said(*listed: str) -> str:
        rows = [observed("V3", 1e9, dimension=each) for each in listed]
        made = content(measures("2026-10", tellable("V3"), *rows))
        known = replace(made, platforms=platforms, companies=owners)
        return Edition(known, Language.of("en", "CL")).found()[0].sentence

    # Two platforms of one company are one; a company that nobody named stands by its platform.
    assert said("alpha", "beta").startswith("The revenue of 1 company (First Inc.) with figures published")
    assert said("alpha", "beta", "gamma").startswith(
        "The revenue of 2 companies (First Inc., Second Inc.) with figures "
    )
    assert said(*platforms).startswith("The revenue of 4 companies with figures published by region, ")


def test_a_deployments_own_indicator_is_still_said() -> None:
    definition = replace(CATALOGUE["J3"].definition, id="J99")
    [group] = content(measures("2026-10", tellable("J3"))).groups
    mine = replace(group, entries=(replace(group.entries[0], definition=definition),))
    said = Edition(
        replace(content(measures("2026-10", tellable("J3"))), groups=(mine,)), Language.of("en", "CL")
    )
    assert said.found()[0].sentence.startswith(
        "Share of traffic under domestic control: 10.0% (between 9.00% and 12.0%; ".replace("9.00", "9.0")
    )


def test_a_value_of_an_earlier_method_is_not_said_in_todays_words() -> None:
    made = content(measures("2026-10", tellable("P1")))
    [group] = made.groups
    [entry] = group.entries
    old = replace(entry, definition=replace(entry.definition, method_version="1", unit="stages"))
    said = Edition(replace(made, groups=(replace(group, entries=(old,)),)), Language.of("en", "CL"))
    [found] = said.found()
    assert found.base == "" and "platforms controlled from" not in found.sentence
    assert found.sentence.startswith(
        "Processing outside the region (sent to platforms): 0.846 stages (between "
    )


def test_where_the_first_cannot_be_told_the_next_one_is() -> None:
    wide = replace(tellable("J4"), low=0.1, high=0.9)
    [found] = edition(wide, tellable("J1")).found()
    assert found.indicator == "J1" and found.more == ()


def test_an_interval_that_rounding_closes_is_said_as_that() -> None:
    exact = replace(tellable("J1"), low=0.32, high=0.32)
    assert headline(exact) == (
        "32.0% of the measured traffic with a known location (give or take rounding; networks that serve 40% of the users) "
        "stays in the country."
    )
