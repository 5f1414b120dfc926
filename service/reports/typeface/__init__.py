"""Widths of texts in the typeface of the reports, and their breaking into lines.

A text and a size come in; widths in the units of the size, and lines, go out. `widths.json` is made of the font by `build`.
"""

from caudal.service.reports.typeface.advance import ASCENT, DESCENT, LEADING, width_of
from caudal.service.reports.typeface.lines import Wrapped, wrapped

__all__ = ["ASCENT", "DESCENT", "LEADING", "Wrapped", "width_of", "wrapped"]
