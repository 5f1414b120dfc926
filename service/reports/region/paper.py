"""PDF of a region's report: tagged (PDF/UA-1), made to be kept (PDF/A-3a), with the figures attached as CSV."""

import json
import threading
from functools import lru_cache
from pathlib import Path

import fontpkg_ibm_plex_sans
import typst

from caudal.service.reports.forms.paper import STANDARDS
from caudal.service.reports.region import tidy
from caudal.service.reports.region.edition import RegionEdition
from caudal.service.reports.region.view import view

TEMPLATE = Path(__file__).parents[1] / "templates" / "region.typ"
# A compiler keeps what it parsed, and answers one question at a time.
_ONE_AT_A_TIME = threading.Lock()


def render(edition: RegionEdition) -> bytes:
    """Return an edition as PDF, the same bytes for the same edition; nothing is fetched."""
    shown = view(edition)
    made = shown["computed_at"]
    shown["computed_at"] = [made.year, made.month, made.day, made.hour, made.minute, made.second]
    shown["data"] = tidy.render(edition).decode()
    shown["data_name"] = f"caudal-region-{edition.content.group}-{edition.content.month}.csv"
    with _ONE_AT_A_TIME:
        document = _compiler().compile(
            format="pdf",
            sys_inputs={"report": json.dumps(shown)},
            pdf_standards=STANDARDS,
            timestamp=int(made.timestamp()),
        )
    assert isinstance(document, bytes)
    return document


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,
        font_paths=[str(fontpkg_ibm_plex_sans.ROOT / "files")],
    )
    return typst.Compiler(str(TEMPLATE), font_paths=fonts)
