"""PNG of a drawing, with the font of the reports: the same bytes for the same drawing, nothing is fetched."""

from caudal.service.reports.forms.typesetter import Typesetter

# Pixels that a picture is wide: twice what a page on a screen has for it.
PIXELS_WIDE = 1920
# As the template sets it.
_POINTS_WIDE = 640
_TYPESETTER = Typesetter("picture")


def png(svg: str) -> bytes:
    """Return a drawing as PNG, PIXELS_WIDE wide."""
    return _TYPESETTER.png(svg, 72.0 * PIXELS_WIDE / _POINTS_WIDE)
