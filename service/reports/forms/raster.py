"""PNG of a drawing, by Typst with the font of the reports: the same bytes for the same drawing, nothing is fetched."""

import threading
from functools import lru_cache
from pathlib import Path

import fontpkg_ibm_plex_sans
import typst

# Pixels that a picture is wide: twice what a page on a screen has for it.
PIXELS_WIDE = 1920
# As the template sets it.
_POINTS_WIDE = 640
TEMPLATE = Path(__file__).parents[1] / "templates" / "picture.typ"
# A compiler answers one question at a time.
_ONE_AT_A_TIME = threading.Lock()


def png(svg: str) -> bytes:
    """Return a drawing as PNG, PIXELS_WIDE wide."""
    with _ONE_AT_A_TIME:
        picture = _compiler().compile(
            format="png", ppi=72.0 * PIXELS_WIDE / _POINTS_WIDE, sys_inputs={"drawing": svg}
        )
    assert isinstance(picture, bytes)
    return picture


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,
        font_paths=[str(fontpkg_ibm_plex_sans.ROOT / "files")],
    )
    return typst.Compiler(str(TEMPLATE), font_paths=fonts)
