"""Which economy a publisher's code means."""

from collections.abc import Iterable

from caudal.reference.reference import Reference

# World Bank and OECD codes of Kosovo; numbers that UN Comtrade and WITS use in place of those of M49.
_ALIASES = {
    "XKX": "XK",
    "XKV": "XK",
    "251": "FR",
    "579": "NO",
    "699": "IN",
    "757": "CH",
    "842": "US",
}
# WITS gives the tariff of the European Union once, for all members.
_EUROPEAN_UNION = frozenset({"918", "EUN", "EUU"})
WORLD = frozenset({"W", "WL", "WLD", "W00", "_W", "000", "W1"})


class Places:
    """Turns ISO 3166-1 codes (alpha-2, alpha-3, numeric) into alpha-2."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._codes: dict[str, str] = dict(_ALIASES)
        for country, iso3, m49 in reference.countries.select("country", "iso3", "m49").iter_rows():
            for code in (country, iso3, m49):
                if code:
                    self._codes.setdefault(code, country)
        self.economies = frozenset(reference.economies["country"].to_list())

    def country(self, code: str) -> str | None:
        """Return the alpha-2 code; None for a region, a group or what is no code."""
        return self._codes.get(code.strip().upper())

    def customs_territory(self, code: str, year: int) -> Iterable[str]:
        """Return the countries that a code stands for in a year: one, or the members of the European Union."""
        if code.strip().upper() in _EUROPEAN_UNION:
            return sorted(self._reference.at(f"{year}-06").group("EU"))
        country = self.country(code)
        return (country,) if country else ()
