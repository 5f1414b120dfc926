"""The dimensions that versions before ids were stored wrote in words, and the ids they mean."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from caudal.service.vocabulary.dimension import design, largest, strict, through

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "all platforms": "all_platforms",
        "all except video and CDN": "without_video_and_cdn",
        "content only": "content_only",
        "applied rates": "applied_rates",
        "bound rates": "bound_rates",
        "applied rates, with demand and VAT": "applied_rates_demand_vat",
        "commodity, standard": "commodity_standard",
        "commodity, custom": "commodity_custom",
        "special, standard": "special_standard",
        "special, custom": "special_custom",
    }
)
_RANK = re.compile(r"k=(\d+)")
_STRICT = re.compile(r"(\w+) strict")
_THROUGH = re.compile(r"(place|network) ([A-Z]{2})")
_DESIGN = re.compile(r"([A-Z]{2}) (.+) ([\d.]+) %")


def read_dimension(text: str) -> str:
    """Return the id that a stored dimension means; what is one already stays."""
    if text in _WORDS:
        return _WORDS[text]
    if found := _RANK.fullmatch(text):
        return largest(int(found[1]))
    if found := _STRICT.fullmatch(text):
        return strict(found[1])
    if found := _THROUGH.fullmatch(text):
        return through(found[1], found[2])
    if found := _DESIGN.fullmatch(text):
        return design(found[1], found[2], float(found[3]))
    return text
