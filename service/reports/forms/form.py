"""The forms there are: name, media type, file ending, and the function that renders an edition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from caudal.service.reports.edition.edition import Edition


@dataclass(frozen=True)
class Form:
    """A form of a report; `module` and `function` are imported when it is first rendered."""

    name: str
    media_type: str
    suffix: str
    module: str
    function: str = "render"
    inline: bool = False

    @property
    def binary(self) -> bool:
        """True if the form is no text."""
        return self.suffix.rpartition(".")[2] in ("xlsx", "pdf", "zip")

    @property
    def bare_type(self) -> str:
        """The media type without parameters, as Accept is compared."""
        return self.media_type.partition(";")[0]

    def render(self, edition: Edition) -> bytes:
        """Return an edition in this form."""
        module = import_module(f"caudal.service.reports.forms.{self.module}")
        renderer: Callable[[Edition], bytes] = getattr(module, self.function)
        return renderer(edition)

    def filename(self, edition: Edition) -> str:
        """Return the name of a file with the edition; a synthetic one says so."""
        content = edition.content
        said = ["caudal", content.economy, content.month]
        said += ["synthetic"] if content.synthetic else []
        if self.name not in ("csv", "json"):
            said.append(edition.language.code)
        return "-".join(said) + self.suffix


# Endings of single pictures, and what they are.
PICTURE_TYPES: Mapping[str, str] = MappingProxyType({"svg": "image/svg+xml", "png": "image/png"})
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        form.name: form
        for form in (
            Form("json", "application/json", ".json", "document", inline=True),
            Form("csv", "text/csv; charset=utf-8; header=present", ".csv", "tidy"),
            Form("xlsx", _XLSX, ".xlsx", "workbook"),
            Form(
                "sdmx-csv",
                "application/vnd.sdmx.data+csv; version=2.0.0",
                ".sdmx.csv",
                "sdmxdata",
                "render_csv",
            ),
            Form(
                "sdmx-json",
                "application/vnd.sdmx.data+json; version=2.0.0",
                ".sdmx.json",
                "sdmxdata",
                "render_json",
            ),
            Form("html", "text/html; charset=utf-8", ".html", "page", inline=True),
            Form("pdf", "application/pdf", ".pdf", "paper", inline=True),
            # After the whole report: who asks for a media type gets the first form that has it.
            Form("brief", "application/pdf", ".brief.pdf", "brief", "render_pdf", inline=True),
            Form(
                "brief-html", "text/html; charset=utf-8", ".brief.html", "brief", "render_html", inline=True
            ),
            Form("press", "application/zip", "-press.zip", "press"),
        )
    }
)
