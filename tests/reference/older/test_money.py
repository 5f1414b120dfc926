"""Older rows of money with the columns of today: what their notes said, once more."""

import csv
import io
from types import ModuleType

import pytest

from caudal.reference.files.catalogue import DIGITAL_TAXES, ECONOMIES, REGIONAL_REVENUE
from caudal.reference.files.declaration import FactFile
from caudal.reference.older import digital_taxes, economies, is_older, regional_revenue


def older(text: str) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(text))
    return dict(row)


@pytest.mark.parametrize(
    ("module", "file"),
    [(economies, ECONOMIES), (regional_revenue, REGIONAL_REVENUE), (digital_taxes, DIGITAL_TAXES)],
)
def test_what_is_added_is_a_column_of_today(module: ModuleType, file: FactFile) -> None:
    assert set(module.ADDED) <= {column.name for column in file.columns}


@pytest.mark.parametrize(
    ("note", "column", "cell"),
    [
        ("Factbook gives more, also unusable. Do not use as a weight", "usable_as_weight", "0"),
        ("GDP 2024 vs World Bank 2023: +48%", "usable_as_weight", ""),
        ("published estimates differ widely", "disputed_factor", "2"),
        (
            "internet use: Factbook (earlier ITU vintage) has 78 % for the same year",
            "internet_users_percent_other",
            "78",
        ),
        (
            "the PPP series of Feb 2026 stands 41 % above the one the Factbook used",
            "gdp_revision_percent",
            "41",
        ),
        ("", "gdp_revision_percent", ""),
    ],
)
def test_the_note_of_an_economy_is_read(note: str, column: str, cell: str) -> None:
    assert economies.typed({"country": "XX", "note": note})[column] == cell


def test_the_words_of_a_revenue_are_read() -> None:
    header = "platform_id,value,basis,filing,note\n"
    rounded = regional_revenue.typed(older(f"{header}p,21000,,press,rounded\n"))
    assert (rounded["rounded_to"], rounded["usable_for_value"]) == ("1000", "")
    press = regional_revenue.typed(older(f"{header}p,39000,press report (unaudited),,\n"))
    assert (press["rounded_to"], press["audited"]) == ("1000", "0")
    unfit = regional_revenue.typed(
        older(f"{header}p,167045,segment,,hardware dominates: do not use for data value\n")
    )
    assert (unfit["usable_for_value"], unfit["rounded_to"], unfit["audited"]) == ("0", "", "")


def test_the_threshold_and_base_of_a_tax_are_read() -> None:
    header = "country,instrument,base,threshold\n"
    french = digital_taxes.typed(
        older(
            f'{header}FR,DST,"intermediation, targeted ads, data transmission","global EUR 750m, domestic EUR 25m"\n'
        )
    )
    assert french["scope"] == "intermediation advertising user_data"
    assert french["threshold_global_amount"] == "750000000"
    assert (french["threshold_domestic_amount"], french["threshold_domestic_currency"]) == ("25000000", "EUR")
    assert (french["kind"], french["counted"]) == ("levy", "1")
    bill = digital_taxes.typed(
        older(
            f"{header}BR,CIDE-Digital (bill),gross revenue in BR of large platforms,BRL 100m in BR and 1m users\n"
        )
    )
    assert bill["threshold_domestic_amount"] == "100000000"
    assert bill["scope"] == "intermediation advertising"
    other = digital_taxes.typed(older(f'{header}PE,IGV on digital services (VAT),"VAT, not DST",\n'))
    assert (other["kind"], other["counted"]) == ("vat", "0")


@pytest.mark.parametrize(
    ("note", "before"), [("", False), ("from our registry", False), ("Do not use as a weight", True)]
)
def test_an_overlay_without_the_new_columns_is_older_where_its_notes_say_what_they_hold(
    note: str, before: bool
) -> None:
    header = ["country", "gdp_usd", "note"]
    assert is_older(ECONOMIES, header, [["XX", "1", note]]) is before
