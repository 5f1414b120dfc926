"""Makes widths.json of the font package: `python -m caudal.service.reports.typeface.build > widths.json`.

Typst, which sets the PDF, is asked how far it goes on after each character: what is measured here is what is set there.
"""

import json
import sys
import tempfile
from pathlib import Path

import fontpkg_ibm_plex_sans
import typst

FAMILY = "IBM Plex Sans"
# The weights of the charts: of texts, and of titles.
WEIGHTS = {"regular": 400, "bold": 600}
# Latin with its accents, Greek, Cyrillic, punctuation, currencies, arrows, and what stands in figures.
RANGES = (
    (0x20, 0x7F),
    (0xA0, 0x180),
    (0x386, 0x3CF),
    (0x400, 0x460),
    (0x2010, 0x2045),
    (0x20A0, 0x20C0),
    (0x2190, 0x219A),
    (0x2212, 0x2213),
    (0x2248, 0x2249),
    (0x2260, 0x2266),
)
_QUESTION = """
#set text(font: "{family}", size: 1000pt, weight: {weight}, fallback: false, kerning: false)
#context [#metadata(({codes},).map(code => measure(text(str.from-unicode(code))).width.pt())) <widths>]
"""


def widths(weight: int) -> dict[str, int]:
    """Return the advance of each character, in thousandths of the size."""
    codes = [code for first, end in RANGES for code in range(first, end) if chr(code).isprintable()]
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(fontpkg_ibm_plex_sans.ROOT / "files")],
    )
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "widths.typ"
        source.write_text(
            _QUESTION.format(family=FAMILY, weight=weight, codes=", ".join(map(str, codes))), encoding="utf-8"
        )
        answer = typst.query(str(source), "<widths>", field="value", one=True, font_paths=fonts)
    return {chr(code): round(width) for code, width in zip(codes, json.loads(answer), strict=True)}


if __name__ == "__main__":
    json.dump(
        {name: widths(weight) for name, weight in WEIGHTS.items()},
        sys.stdout,
        ensure_ascii=False,
        separators=(",", ":"),
    )
