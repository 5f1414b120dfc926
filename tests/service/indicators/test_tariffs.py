"""V7 against figures worked by hand."""

from datetime import date

import pytest

from caudal.reference import load_reference
from caudal.service.indicators.facts.treaties import bans
from caudal.service.indicators.groups.tariffs import (
    APPLIED,
    BOUND,
    CONSOLES,
    DEMAND,
    INDICATORS,
    moratorium_in_force,
)
from tests.service.indicators.world import table

(V7,) = INDICATORS


@pytest.fixture(scope="module")
def delivered(cell, cells):
    """Bytes in: 600 from a platform under US, 100 from one of the country, 300 from nobody known."""
    return cells(
        [
            cell(600, "US", "operator", "search", direction="in"),
            cell(100, "XA", "operator", "shop", direction="in"),
            cell(300, "US", "operator", direction="in"),
        ]
    )


@pytest.fixture(scope="module")
def observe(delivered, context, country):
    def ask(of="CL", when="2026-10", month=None, **facts):
        here = context(country(country=of), month=when, facts=facts)
        answers = V7.compute(delivered if month is None else month, here)
        return {answer.dimension: answer for answer in answers}

    return ask


def line(hs6, **rest):
    return {"hs6": hs6, "keep": True, "apart": False, **rest}


def imported(hs6, year, millions, **rest):
    return {
        "country": "CL",
        "year": year,
        "hs6": hs6,
        "hs_revision": "HS2022",
        "value_usd_m": millions,
        "preferential_percent": 0.0,
        **rest,
    }


def rate(hs6, kind, percent, year=2012, **rest):
    return {
        "country": "CL",
        "year": year,
        "hs6": hs6,
        "hs_revision": "HS2022",
        "rate": kind,
        "percent": percent,
        **rest,
    }


EVENTS = table(
    {"date": "1998-05-20", "kind": "event", "effect": "in_force"},
    {"date": "2024-03-01", "kind": "event", "effect": "in_force"},
    {"date": "2026-03-30", "kind": "event", "effect": "lapsed"},
    {"date": "2026-03-30", "kind": "event", "effect": ""},
    {"date": "2019", "kind": "estimate", "effect": ""},
)


@pytest.fixture(scope="module")
def tariffs():
    """One line: 100 m in 2008, 121 m in 2010 (10 % a year), 50 m in 2012. Applied 10 %, bound 30 %."""
    return {
        "tariff_lines": table(line("490110"), line("852380", keep=False)),
        "product_imports": table(
            *(
                imported("490110", year, value)
                for year, value in ((2008, 100.0), (2010, 121.0), (2012, 50.0))
            ),
            *(imported("852380", year, 1e6) for year in (2008, 2010, 2012)),
        ),
        "tariff_rates": table(
            rate("490110", "mfn_applied", 10.0),
            rate("490110", "mfn_applied", 99.0, year=2001),
            rate("490110", "bound", 30.0),
            rate("852380", "mfn_applied", 50.0),
        ),
        "moratorium": EVENTS,
    }


def test_duty_is_on_what_no_longer_comes_on_carriers(observe, tariffs):
    answers = observe(when="2012-06", **tariffs)
    assert list(answers) == [APPLIED, BOUND, DEMAND, CONSOLES]
    # no growth: 121 − 50 = 71 m; full growth: 121 · 1.1² − 50 = 96.41 m; half: 121 · 1.05² − 50 = 83.40 m
    applied = answers[APPLIED]
    assert applied.details["no_growth"] == pytest.approx(7.1e6)
    assert applied.details["full_growth"] == pytest.approx(9.641e6)
    assert applied.value == pytest.approx(8.340e6, rel=0.01)
    assert 7.1e6 <= applied.low < applied.value < applied.high <= 9.641e6
    assert answers[BOUND].value == pytest.approx(3 * applied.value, rel=1e-4)
    assert applied.details["lines"] == 1
    assert (applied.details["year"], applied.details["rates_year"]) == (2012, 2012)


def test_demand_and_vat_leave_less(observe, tariffs):
    answers = observe(**tariffs)
    # at ε = 1: imports fall by 1/1.1 and VAT on them with duty stays: 10/1.1 = 9.09 %; ± what ε and VAT move
    ratio = answers[DEMAND].value / answers[APPLIED].value
    assert ratio == pytest.approx(1 / 1.1, rel=0.02)
    assert ratio < 1


def test_one_year_of_growth_is_compounded_over_the_years_known(observe):
    lines = table(line("490110"))
    rates = table(rate("490110", "mfn_applied", 100.0))
    series = table(*(imported("490110", y, v) for y, v in ((2000, 50.0), (2010, 100.0), (2020, 40.0))))
    answer = observe(tariff_lines=lines, tariff_rates=rates, product_imports=series)[APPLIED]
    # doubled in ten years, so doubling again in ten: 200 − 40 = 160; without growth 100 − 40 = 60
    assert answer.details["full_growth"] == pytest.approx(160e6)
    assert answer.details["no_growth"] == pytest.approx(60e6)
    assert "moratorium_in_force" not in answer.details


def test_imports_that_grew_on_lose_nothing(observe):
    facts = {
        "tariff_lines": table(line("490110")),
        "tariff_rates": table(rate("490110", "mfn_applied", 100.0)),
        "product_imports": table(
            *(imported("490110", y, v) for y, v in ((2009, 9.0), (2010, 9.0), (2020, 80.0)))
        ),
    }
    answer = observe(**facts)[APPLIED]
    assert (answer.low, answer.value, answer.high) == (0.0, 0.0, 0.0)


def test_a_scenario_without_its_rates_is_insufficient_alone(observe, tariffs):
    rates = table(rate("490110", "mfn_applied", 10.0))
    answers = observe(**{**tariffs, "tariff_rates": rates})
    assert answers[APPLIED].value is not None
    assert answers[BOUND].value is None
    assert answers[BOUND].reason.startswith("needs bound rates of duty of CL")


@pytest.mark.parametrize(
    ("month", "in_force"),
    [
        ("1998-04", None),
        ("1998-05", True),
        ("2024-02", True),
        ("2026-02", True),
        ("2026-03", False),
        ("2026-10", False),
    ],
)
def test_the_moratorium_is_as_on_the_months_last_day(context, country, month, in_force):
    here = context(country(country="CL"), month=month, facts={"moratorium": EVENTS})
    assert moratorium_in_force(here) is in_force


def test_the_shipped_history_of_the_moratorium_is_understood(context, country):
    shipped = {"moratorium": load_reference().facts("moratorium")}
    states = [
        moratorium_in_force(context(country(country="CL"), month=month, facts=shipped))
        for month in ("1998-04", "2010-01", "2026-02", "2026-03", "2026-11")
    ]
    assert states == [None, True, True, False, False]


def test_after_the_lapse_the_figure_is_policy_space(observe, tariffs):
    before, after = (observe(when=month, **tariffs)[APPLIED] for month in ("2026-02", "2026-04"))
    assert before.details["moratorium_in_force"] == 1
    assert "moratorium_lapsed" not in before.flags
    assert after.details["moratorium_in_force"] == 0
    assert "moratorium_lapsed" in after.flags


def test_as_shipped_it_says_what_it_needs_and_where_that_is(observe):
    reference = load_reference()
    shipped = {
        name: reference.facts(name)
        for name in ("tariff_lines", "tariff_rates", "product_imports", "treaty_bans", "moratorium")
    }
    for of in ("BR", "CL", "MX", "CO", "AR", "PE", "UY", "CR"):
        (answer,) = observe(of=of, **shipped).values()
        assert answer.value is None
        assert "product_imports.csv" in answer.reason
        assert "UN Comtrade" in answer.reason
        # Chile's uniform duty, and that of Mercosur on consoles, are shipped.
        assert ("WITS/TRAINS" in answer.reason) == (of not in ("CL", "AR", "UY"))


def test_the_shipped_lines_leave_out_what_no_wire_carries(observe, tariffs):
    lines = load_reference().facts("tariff_lines")
    kept = set(lines.filter(lines["keep"])["hs6"])
    assert len(lines) == 35 and len(kept) == 23
    # banknotes, stripe cards, blank discs, memory cards, billiards, coin games, playing cards, table games
    assert not kept & {"490700", "852321", "852341", "852351", "950420", "950430", "950440", "950490"}
    assert set(lines.filter(lines["apart"])["hs6"]) == {"950450"}
    answer = observe(**{**tariffs, "tariff_lines": lines})[APPLIED]
    # the list keeps both subheadings
    assert answer.details["lines"] == 2
    assert "from_memory" in answer.flags


def test_consoles_are_in_none_of_the_sums(observe, tariffs):
    facts = {
        **tariffs,
        "tariff_lines": table(line("490110"), line("950450", apart=True)),
        "product_imports": table(
            *(imported("490110", y, v) for y, v in ((2008, 100.0), (2010, 121.0), (2012, 50.0))),
            *(imported("950450", y, v) for y, v in ((2008, 1e6), (2010, 1e6), (2012, 0.5e6))),
        ),
        "tariff_rates": table(rate("490110", "mfn_applied", 10.0), rate("950450", "mfn_applied", 20.0)),
    }
    answers = observe(when="2012-06", **facts)
    assert answers[APPLIED].details["no_growth"] == pytest.approx(7.1e6)
    assert answers[CONSOLES].details["no_growth"] == pytest.approx(0.2 * 0.5e12)
    assert observe(when="2012-06", **tariffs)[CONSOLES].reason.startswith("needs imports of CL of products")


def test_what_came_free_of_duty_is_no_space(observe, tariffs):
    def ask(**rest):
        imports = table(
            *(imported("490110", y, v, **rest) for y, v in ((2008, 100.0), (2010, 121.0), (2012, 50.0)))
        )
        return observe(when="2012-06", **{**tariffs, "product_imports": imports})[APPLIED]

    whole, quarter = ask(), ask(preferential_percent=75.0)
    assert quarter.value == pytest.approx(whole.value / 4, rel=1e-4)
    assert quarter.details["without_treaties"] == whole.value
    unknown = ask(preferential_percent=None)
    assert "preferences_unknown" in unknown.flags
    assert "preferences_unknown" not in quarter.flags
    # from none to all of it, evenly
    assert unknown.value == pytest.approx(whole.value / 2, rel=0.05)
    assert unknown.low < 0.1 * whole.value
    assert unknown.high == pytest.approx(0.95 * whole.value, rel=0.05)


def ban(country="CL", partners="", group="", in_force="yes", since=None, until=None):
    return {
        "country": country,
        "treaty": f"with {partners or group}",
        "partners": partners,
        "partner_group": group,
        "in_force": in_force,
        "in_force_from": since,
        "in_force_to": until,
    }


def test_treaties_end_the_space_towards_their_partners(observe, tariffs):
    free = observe(when="2012-06", **tariffs)[APPLIED]
    assert (free.details["treaties"], free.details["barred_low"], free.details["barred_high"]) == (0, 0, 0)
    bound = observe(when="2012-06", treaty_bans=table(ban(partners="CA US")), **tariffs)[APPLIED]
    # Of 1,000 bytes in, all from abroad as seen from CL, 600 are of US for sure and 300 of nobody known.
    assert bound.details["barred_low"] == pytest.approx(0.6)
    assert bound.details["barred_high"] == pytest.approx(0.9)
    assert bound.details["treaties"] == 1
    # between 10 % and 40 % of it is left
    assert 0.1 * free.low <= bound.low < bound.value < bound.high <= 0.4 * free.high
    assert bound.value == pytest.approx(0.25 * free.value, rel=0.05)
    assert bound.details["without_treaties"] == free.value


def test_what_the_countrys_own_companies_deliver_is_not_imported(observe, tariffs):
    facts = {name: each for name, each in tariffs.items() if name != "tariff_rates"}
    rates = table({**rate("490110", "mfn_applied", 10.0), "country": "XA"})
    imports = table(
        *({**imported("490110", y, v), "country": "XA"} for y, v in ((2008, 9.0), (2010, 9.0), (2012, 5.0)))
    )
    facts |= {"tariff_rates": rates, "product_imports": imports, "treaty_bans": table(ban("XA", "US"))}
    answer = observe(of="XA", **facts)[APPLIED]
    assert answer.details["barred_low"] == pytest.approx(600 / 900)


@pytest.mark.parametrize(
    "treaties",
    [
        table(ban(country="PE", partners="US")),
        table(ban(partners="US", in_force="no")),
        table(ban(partners="US", since=date(2026, 10, 16))),
        table(ban(partners="US", until=date(2026, 10, 14))),
    ],
)
def test_only_treaties_of_the_country_that_are_in_force_bind(observe, tariffs, treaties):
    assert observe(treaty_bans=treaties, **tariffs)[APPLIED].details["treaties"] == 0


def test_a_group_stands_for_its_members(observe, tariffs):
    groups = table({"group_id": "NAFTA", "country": "US"}, {"group_id": "NAFTA", "country": "MX"})
    facts = {**tariffs, "treaty_bans": table(ban(group="NAFTA")), "country_groups": groups}
    assert observe(**facts)[APPLIED].details["barred_low"] == pytest.approx(0.6)


def test_without_bytes_from_abroad_nothing_is_known_of_partners(observe, tariffs, cell, cells):
    outward = cells([cell(100, "US", "operator", "search", direction="out")])
    answer = observe(month=outward, treaty_bans=table(ban(partners="US")), **tariffs)[APPLIED]
    assert (answer.details["barred_low"], answer.details["barred_high"]) == (0, 1)


@pytest.mark.parametrize(
    ("of", "month", "binds"),
    [
        ("CL", "2026-10", {"US", "DE", "CO", "AU"}),
        ("MX", "2026-10", {"US", "CA", "JP"}),
        # Signed with the United States, and not seen in force.
        ("AR", "2026-10", {"CL", "DE"}),
        ("BR", "2026-04", {"CL"}),
        ("BR", "2026-10", {"CL", "DE"}),
        ("UY", "2026-10", {"CL", "DE"}),
    ],
)
def test_the_shipped_treaties_bind(context, country, of, month, binds):
    reference = load_reference().at(month)
    facts = {name: reference.facts(name) for name in ("treaty_bans", "country_groups")}
    found = bans(context(country(of), month=month, facts=facts))
    assert binds <= found.partners
    assert ("US" in found.partners) == ("US" in binds)


def test_rates_of_another_country_are_not_taken(observe, tariffs):
    (answer,) = observe(of="BR", **tariffs).values()
    assert "rates of duty of BR" in answer.reason
    assert "imports of BR" in answer.reason
