"""What comes as a code or in English is named in the language of the report."""

import pytest

from caudal.service.confidentiality.confidentiality import Rule, Withheld
from caudal.service.indicators import CATALOGUE
from caudal.service.reports.findings.names import Names, Passage
from caudal.service.reports.language import Language
from caudal.service.vocabulary.reason import joined, reason

from .samples import content, measures, observed


def names(code: str, economy: str = "CL") -> Names:
    return Names(content(measures("2026-10", observed("J1", 0.5))), Language.of(code, economy))


@pytest.mark.parametrize(
    ("code", "economy", "text"),
    [
        (
            "es",
            "CL",
            "Faltan registros de flujo, que tienen los operadores: hay 12 y se requieren al menos 1.000.",
        ),
        (
            "es",
            "MX",
            "Faltan registros de flujo, que tienen los operadores: hay 12 y se requieren al menos 1,000.",
        ),
        ("pt", "BR", "São necessários ao menos 1.000 registros de fluxo das operadoras, e há 12."),
        (
            "en",
            "CL",
            "Flow records are missing, which the operators have: there are 12, and at least 1,000 are needed.",
        ),
    ],
)
def test_a_reason_has_the_numbers_of_the_language(code: str, economy: str, text: str) -> None:
    told = reason("too_few_flows", minimum=1000, flows=12)
    assert names(code, economy).reason(told) == Passage(text)


def test_reasons_together_are_told_together() -> None:
    rows = {"month": "2026-10", "file": "tax", "columns": "country, rate"}
    told = joined(
        reason("tax_rate", country="CL", **rows), reason("exports", country="CL", item="SH", **rows)
    )
    assert names("es").reason(told).text == (
        "Falta la tasa del impuesto a las empresas hasta octubre de 2026; la publica la administración tributaria. "
        "Faltan las exportaciones de «cargos por el uso de propiedad intelectual» hasta octubre de 2026; las publican la "
        "OCDE y la OMC en su base BaTIS, gratuita."
    )
    # The sentence for machines stays as it is.
    assert "rows of tax.csv with country, rate" in told


def test_a_year_is_no_quantity() -> None:
    told = reason("no_trade", item="SI", year=2024)
    assert names("en", "US").reason(told).text == (
        "There were neither exports nor imports of “telecommunications, computer and information services” in 2024."
    )


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        (
            [5.0],
            "Dado omitido por sigilo (secundário), pela regra de frequência mínima (poucas operadoras): "
            "só 1 operadora participou; um total de menos de 3 revelaria o tráfego de cada uma.",
        ),
        (
            [100.0, 9.0, 1.0],
            "Dado omitido por sigilo (secundário), pela regra do p% (predomínio de uma operadora): entre as operadoras "
            "participantes, a segunda maior poderia deduzir o tráfego da maior com erro de 12,5% ou menos.",
        ),
    ],
)
def test_what_is_withheld_says_why(amounts: list[float], text: str) -> None:
    objection = Rule(percent=12.5).objection(amounts)
    assert objection is not None
    told = Withheld("V4", "secondary", objection.rule, objection.why).reason
    assert names("pt", "BR").reason(told) == Passage(text)


def test_a_reason_that_nobody_knows_any_more_stands_as_it_was_published() -> None:
    old = reason("earlier", text="needs something that version 0.0 asked for")
    assert names("es").reason(old) == Passage(old, "en")
    assert names("en").reason(old) == Passage(old)


@pytest.mark.parametrize(
    ("indicator", "dimension", "es", "pt"),
    [
        ("C4", "largest_1", "la mayor", "a maior"),
        ("C4", "largest_8", "las 8 mayores", "as 8 maiores"),
        ("J6", "BR_strict", "Brasil: por ubicación y control", "Brasil: localização e controle"),
        ("J6", "EU", "UE", "UE"),
        ("J7", "content_only", "solo leyes sobre contenido", "só leis sobre o conteúdo"),
        ("J8", "place_US", "por ubicación, a través de Estados Unidos", "pela localização, via Estados Unidos"),
        ("V1", "device_cloud_store", "dispositivos, nube y tienda", "dispositivos, nuvem e loja"),
        ("V1", "a_new_one", "a new one", "a new one"),
        ("V2", "carries_video", "video", "vídeo"),
        ("V2", "US", "Estados Unidos", "Estados Unidos"),
        ("C4", "sells-largest_8", "las 8 mayores: comercio de bienes", "as 8 maiores: comércio de bens"),
        ("C7", "US-pays", "Estados Unidos: pagos", "Estados Unidos: pagamentos"),
        ("V7", "bound_rates", "aranceles consolidados", "tarifas consolidadas"),
        ("V8", "BR-cide_digital_bill_plp_173_2025-5", "Brasil: CIDE-Digital (proyecto PLP 173/2025), 5,0%",
         "Brasil: CIDE-Digital (projeto PLP 173/2025), 5,0%"),
        ("P4", "commodity_standard", "genérico (commodity), estándar", "genérico (commodity) e padrão"),
        ("J1", None, "", ""),
    ],
)  # fmt: skip
def test_dimensions(indicator: str, dimension: str | None, es: str, pt: str) -> None:
    definition = CATALOGUE[indicator].definition
    assert names("es").dimension(definition, dimension).replace("\u00a0", "") == es
    assert names("pt", "BR").dimension(definition, dimension).replace("\u00a0", "") == pt
