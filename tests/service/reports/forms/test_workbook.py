"""A spreadsheet writes per cent as the text beside it does."""

import io

import openpyxl
import pytest

from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms import FORMS
from caudal.service.reports.language import Language

from ..samples import content, measures, observed


@pytest.mark.parametrize(("territory", "shape"), [("CL", "0.0%"), ("ES", '0.0"\u00a0"%')])
def test_a_cell_of_a_share_has_the_sign_of_the_country(territory: str, shape: str) -> None:
    month = content(measures("2026-10", observed("J1", 0.5, 0.4, 0.6)))
    book = openpyxl.load_workbook(
        io.BytesIO(FORMS["xlsx"].render(Edition(month, Language.of("es", territory))))
    )
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == 0.5]
    assert cells and {cell.number_format for cell in cells} == {shape}
