"""PDF of a region's report: tagged (PDF/UA-1), made to be kept (PDF/A-3a), with the figures attached as CSV."""

from caudal.service.reports.forms.typesetter import Typesetter
from caudal.service.reports.region import tidy
from caudal.service.reports.region.edition import RegionEdition
from caudal.service.reports.region.view import view

_TYPESETTER = Typesetter("region")


def render(edition: RegionEdition) -> bytes:
    """Return an edition as PDF, the same bytes for the same edition; nothing is fetched."""
    shown = view(edition)
    shown["data"] = tidy.render(edition).decode()
    shown["data_name"] = f"caudal-region-{edition.content.group}-{edition.content.month}.csv"
    return _TYPESETTER.pdf(shown)
