"""Months whose pages are looked at: real countries with made-up traffic, one operator, nothing that suffices, long names."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import polars as pl

from caudal.contract.batch import LEDGER_COUNTS
from caudal.reference import Reference, attributions, load_reference
from caudal.service.answerability.asking import month_of
from caudal.service.answerability.fulltraffic import full_traffic
from caudal.service.attribution.interpretation import interpret
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs, MonthMeasures, evaluate
from caudal.service.indicators import CATALOGUE
from caudal.service.queries import LedgerAnswer
from caudal.service.reports.content import Content, Facts, Provenance, build_content
from caudal.service.reports.content.destinations import destinations_of, located
from caudal.service.reports.language import LANGUAGES
from caudal.service.vocabulary.reason import reason
from caudal.service.vocabulary.referencenames import category_names, country_names, economy_names

# Eighty characters, in words as names have them.
LONG_NAME = "Mancomunidad Autónoma de los Territorios Insulares y Ribereños del Mar Occidental"
LONG_OPERATOR = "Compañía Nacional de Telecomunicaciones y Servicios Audiovisuales del Norte, S.A."
_NOTHING_LOST = Rule(1, 0)


@lru_cache(maxsize=1)
def _reference() -> Reference:
    shipped = load_reference()
    return shipped.at(month_of(shipped))


@lru_cache(maxsize=8)
def country(
    economy: str,
    operators: tuple[str, ...] = ("norte", "sur", "andes", "costa"),
    rule: Rule = _NOTHING_LOST,
    *,
    synthetic: bool = True,
    suffices: bool = True,
) -> Content:
    """Return a month of a real economy, its made-up traffic split evenly among operators.

    What is not `synthetic` is subject to confidentiality. Where nothing `suffices`, no indicator has a value.
    """
    reference = _reference()
    month = month_of(load_reference())
    whole = full_traffic(reference, economy)
    if not suffices:
        whole = whole.with_columns(flows=pl.lit(1, pl.Int64)).head(4)
    traffic = pl.concat(
        [
            whole.with_columns(
                operator=pl.lit(operator),
                bytes=pl.col("bytes") / len(operators),
                packets=pl.col("packets") / len(operators),
            )
            for operator in operators
        ]
    )
    users = reference.economy(economy).internet_users or 0.0
    declared = {operator: (0.41 * users / len(operators), f"{month}-01") for operator in operators}
    inputs = MonthInputs(
        economy, month, operators, declared, frozenset({SYNTHETIC} if synthetic else ()), rule
    )
    measured = evaluate(inputs, traffic, reference, CATALOGUE.values())
    return build_content(
        now=measured if suffices else _without_values(measured),
        before={},
        definitions=[each.definition for each in CATALOGUE.values()],
        destinations=destinations_of(located(interpret(traffic, reference, inputs.own))),
        ledger=LedgerAnswer(
            pl.DataFrame(), dict.fromkeys(LEDGER_COUNTS, 0) | {"received": 4000}, True, 2, False
        ),
        facts=Facts(
            reference_version=reference.version,
            names=economy_names(reference, economy),
            region=reference.economy(economy).region_group,
            places=country_names(reference),
            platforms=dict(reference.platforms.select("platform_id", "name").iter_rows()),
            attributions=tuple(attributions()),
            categories=category_names(reference),
        ),
        provenance=Provenance(reference.version, datetime(2026, 11, 21, tzinfo=UTC), "0.1.0"),
    )


def _without_values(measured: MonthMeasures) -> MonthMeasures:
    """Return measures in which what has a value of facts alone has none either."""
    few = reason("too_few_flows", minimum=1000, flows=4)
    observations = {
        name: [
            replace(each, value=None, low=None, high=None, reason=each.reason or few, details={})
            for each in own
        ]
        for name, own in measured.observations.items()
    }
    return replace(measured, observations=observations, totals=())


def brazil() -> Content:
    """Return Brazil's month."""
    return country("BR")


def chile() -> Content:
    """Return Chile's month."""
    return country("CL")


def mexico() -> Content:
    """Return Mexico's month."""
    return country("MX")


def one_operator() -> Content:
    """Return a month of which one operator reported: what would show its traffic is withheld."""
    return country("UY", ("norte",), Rule(), synthetic=False)


def insufficient() -> Content:
    """Return a month with too few flow records for any value."""
    return country("CR", ("norte",), suffices=False)


def long_names() -> Content:
    """Return a month in which economy, operators, places and platforms have names of eighty characters."""
    whole = country("CO", (LONG_OPERATOR, LONG_OPERATOR[::-1]))
    places = {
        language: {code: f"{LONG_NAME[: 80 - 3]} {code}" for code in named}
        for language, named in whole.places.items()
    }
    return replace(
        whole,
        names=dict.fromkeys(LANGUAGES, LONG_NAME),
        places=places,
        platforms={each: f"{LONG_OPERATOR[:70]} {each[:9]}" for each in whole.platforms},
    )


MONTHS = {each.__name__: each for each in (brazil, chile, mexico, one_operator, insufficient, long_names)}
