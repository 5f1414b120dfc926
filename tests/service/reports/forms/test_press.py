"""The press sheet: five pictures that say by themselves what they show, as SVG and PNG, alone and in a ZIP."""

import io
import struct
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import httpx
import pytest

from caudal.service.reports.edition.edition import Edition, Publication
from caudal.service.reports.forms import FORMS
from caudal.service.reports.forms.raster import PIXELS_WIDE, png
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.pictures import PICTURES, pictures
from caudal.service.reports.typeface.lines import RESERVE
from caudal.service.vocabulary.reason import reason

from ..conftest import MONTH
from ..samples import CELLS, content, measures, observed
from ..struck import struck

PATH = f"/v1/reports/XA/{MONTH}"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def texts(svg: str) -> str:
    """All that is written in a drawing."""
    root = ElementTree.fromstring(svg)
    return " ".join("".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text"))


def plain(text: str) -> str:
    """A text without its spaces, which lines break at."""
    return "".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheet_of_the_demo(demo_client: httpx.Client, language: str) -> None:
    answer = demo_client.get(PATH, params={"format": "press", "language": language})
    assert answer.headers["content-type"] == "application/zip"
    assert (
        f'filename="caudal-XA-{MONTH}-synthetic-{language}-press.zip"'
        in answer.headers["content-disposition"]
    )
    report = demo_client.get(PATH, params={"format": "json", "language": language}).json()
    said = Language.of(language, "XA")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as sheet:
        names = sheet.namelist()
        assert sheet.testzip() is None and len(names) == 11
        readme = sheet.read("README.txt").decode()
        assert report["citation"] in readme and said.say("document", "synthetic") in readme
        for number, name in enumerate(PICTURES, 1):
            stem = f"{number}-caudal-XA-{MONTH}-synthetic-{language}-{name}"
            assert stem in readme
            svg = sheet.read(f"{stem}.svg").decode()
            assert struck(svg, RESERVE) == []
            written = plain(texts(svg))
            for part in (
                said.say("document", "synthetic"),
                said.month(MONTH),
                report["names"][language],
                report["reference_version"],
                f"https://caudal.example{PATH}",
                said.say("press", "intervals"),
            ):
                assert plain(part) in written, (name, part)
            picture = sheet.read(f"{stem}.png")
            assert picture.startswith(SIGNATURE)
            assert struct.unpack(">I", picture[16:20]) == (PIXELS_WIDE,)
    for finding in report["findings"]:
        if finding["group"] in PICTURES:
            assert finding["finding"] in readme
    # Alone, a picture is that of the sheet.
    one = demo_client.get(f"{PATH}/pictures/value.png", params={"language": language})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as sheet:
        assert one.content == sheet.read(f"4-caudal-XA-{MONTH}-synthetic-{language}-value.png")


def test_a_picture_has_an_address(demo_client: httpx.Client) -> None:
    answer = demo_client.get(f"{PATH}/pictures/control.svg", headers={"Accept-Language": "pt-BR"})
    assert answer.headers["content-type"].partition(";")[0] == "image/svg+xml"
    assert answer.headers["content-language"] == "pt"
    assert f"caudal-XA-{MONTH}-synthetic-pt-control.svg" in answer.headers["content-disposition"]
    again = demo_client.get(
        f"{PATH}/pictures/control.svg",
        headers={"Accept-Language": "pt-BR", "If-None-Match": answer.headers["etag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize("language", LANGUAGES)
def test_five_pictures_are_made_of_nothing(language: str) -> None:
    none = content(measures("2026-10", observed("J1", None, reason=reason("no_bytes"))), cells=CELLS.clear())
    edition = Edition(none, Language.of(language, "CL"))
    assert [each.name for each in pictures(edition)] == list(PICTURES)
    for each in pictures(edition):
        svg = each.svg(edition)
        assert struck(svg, RESERVE) == [] and plain(each.sentence) in plain(texts(svg))


def test_a_picture_names_publisher_and_vintage() -> None:
    made = content(measures("2026-10", observed("V3", 4e8, 2e8, 9e8)))
    made = replace(made, provenance=replace(made.provenance, vintage="CL-2026-10-v1"))
    edition = Edition(made, Language.of("es", "CL"), Publication("Subtel", "https://caudal.cl"))
    for each in pictures(edition):
        written = plain(texts(each.svg(edition)))
        assert plain("edición CL-2026-10-v1") in written
        assert plain("Fuente: Subtel, https://caudal.cl/v1/reports/CL/2026-10") in written
    assert FORMS["press"].render(edition) == FORMS["press"].render(edition)


def test_the_font_is_that_of_the_reports() -> None:
    """Letters of IBM Plex Sans are set in it, whatever the machine has: another family gives the same picture."""
    drawn = pictures(Edition(content(measures("2026-10", observed("V3", 4e8))), Language.of("en", "CL")))[3]
    svg = drawn.svg(Edition(content(measures("2026-10", observed("V3", 4e8))), Language.of("en", "CL")))
    assert png(svg) == png(svg.replace("IBM Plex Sans, system-ui, sans-serif", "IBM Plex Sans"))
    assert png(svg) != png(svg.replace("IBM Plex Sans", "New Computer Modern"))


@pytest.mark.parametrize(
    "name", ["Economía de un país con un nombre de ochenta letras, que no cabe en una línea ya", "W" * 80]
)
def test_a_name_of_eighty_letters_is_wrapped(name: str) -> None:
    made = content(measures("2026-10", observed("V3", 4e8, 2e8, 9e8), observed("J4", 0.85, dimension="US")))
    made = replace(made, names=dict.fromkeys(LANGUAGES, name))
    edition = Edition(made, Language.of("es", "CL"), Publication(name, "https://caudal.cl"))
    for each in pictures(edition):
        svg = each.svg(edition)
        assert struck(svg, RESERVE) == []
        if " " in name:
            assert plain(name) in plain(texts(svg))
