"""A typesetter: Typst with the font of the reports and one of their templates."""

import json
import threading
from collections.abc import Mapping
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import Any

import fontpkg_ibm_plex_sans
import typst

TEMPLATES = Path(__file__).parents[1] / "templates"
# Tagged for screen readers, made to be kept.
STANDARDS: list[Any] = ["ua-1", "a-3a"]


class Typesetter:
    """Sets what a template is given: the same bytes for the same input; nothing is fetched."""

    def __init__(self, template: str) -> None:
        self._template = template
        # A compiler keeps what it parsed, and answers one question at a time.
        self._one_at_a_time = threading.Lock()

    def pdf(self, shown: Mapping[str, Any]) -> bytes:
        """Return the PDF of the values shown, dated `computed_at` of them; the rest must be what JSON can hold."""
        with self._one_at_a_time:
            return self._pdf(shown)

    def pdf_and_number(self, shown: Mapping[str, Any], label: str) -> tuple[bytes, int]:
        """Return the PDF of the values shown, and the number that stands at a label of it."""
        with self._one_at_a_time:
            return self._pdf(shown), int(json.loads(self._compiler.query(label, field="value", one=True)))

    def png(self, drawing: str, dots_per_inch: float) -> bytes:
        """Return an SVG drawing as PNG."""
        with self._one_at_a_time:
            picture = self._compiler.compile(format="png", ppi=dots_per_inch, sys_inputs={"drawing": drawing})
        assert isinstance(picture, bytes)
        return picture

    def _pdf(self, shown: Mapping[str, Any]) -> bytes:
        made = shown["computed_at"].astimezone(UTC).replace(microsecond=0)
        date = [made.year, made.month, made.day, made.hour, made.minute, made.second]
        document = self._compiler.compile(
            format="pdf",
            sys_inputs={"report": json.dumps({**shown, "computed_at": date})},
            pdf_standards=STANDARDS,
            timestamp=int(made.timestamp()),
        )
        assert isinstance(document, bytes)
        return document

    @cached_property
    def _compiler(self) -> typst.Compiler:
        fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=True,
            font_paths=[str(fontpkg_ibm_plex_sans.ROOT / "files")],
        )
        return typst.Compiler(str(TEMPLATES / f"{self._template}.typ"), font_paths=fonts)
