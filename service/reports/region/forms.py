"""The forms of a region's report: those of an economy's report that hold several economies side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from caudal.service.reports.forms import FORMS

if TYPE_CHECKING:
    from caudal.service.reports.region.edition import RegionEdition


@dataclass(frozen=True)
class RegionForm:
    """A form of a region's report; `module` is imported when it is first rendered. The rest is as in `Form`."""

    name: str
    module: str

    @property
    def media_type(self) -> str:
        """The media type."""
        return FORMS[self.name].media_type

    @property
    def bare_type(self) -> str:
        """The media type without parameters, as Accept is compared."""
        return FORMS[self.name].bare_type

    @property
    def inline(self) -> bool:
        """True if a browser shows the form."""
        return FORMS[self.name].inline

    def render(self, edition: "RegionEdition") -> bytes:
        """Return an edition in this form."""
        module = import_module(f"caudal.service.reports.region.{self.module}")
        renderer: Callable[[RegionEdition], bytes] = module.render
        return renderer(edition)

    def filename(self, group: str, month: str, language: str, *, synthetic: bool) -> str:
        """Return the name of a file with a group's month; a synthetic one says so."""
        said = ["caudal", "region", group, month]
        said += ["synthetic"] if synthetic else []
        if self.name not in ("csv", "json"):
            said.append(language)
        return "-".join(said) + FORMS[self.name].suffix


REGION_FORMS: Mapping[str, RegionForm] = MappingProxyType(
    {
        form.name: form
        for form in (
            RegionForm("json", "document"),
            RegionForm("csv", "tidy"),
            RegionForm("html", "page"),
            RegionForm("pdf", "paper"),
        )
    }
)
