"""Places and networks named in the settings, read into the address table."""

import csv
import ipaddress
import re
from pathlib import Path

from caudal.collector.settings.settings import CollectorSettings
from caudal.common.errors import SettingsError
from caudal.reference import AddressTable, OwnPrefix

_COLUMNS = "prefix,country[,asn[,platform]]"


def load_address_table(settings: CollectorSettings) -> AddressTable:
    """Return the address table that the settings ask for; raise SettingsError or AddressError.

    Everything comes from files; nothing is asked of the network.
    """
    return AddressTable.load(
        read_locations(settings.locations) if settings.locations else (),
        reference_overlay=settings.reference_overlay,
        geofeeds=settings.geofeeds,
        asn_tables=settings.asn_tables,
        second_country_table=settings.second_country_table,
    )


def read_locations(path: Path) -> list[OwnPrefix]:
    """Return the operator's own list; raise SettingsError naming the line.

    Whether countries and platforms exist is for the address table to know.
    """
    rows: list[OwnPrefix] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            for row in lines:
                if not row or row[0].startswith("#") or row[0] == "prefix":
                    continue
                rows.append(_location(path, lines.line_num, row))
    except OSError as error:
        raise SettingsError(
            f"locations: {path} cannot be read: {error.strerror}; correct `locations`"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"locations: {path} is no CSV file in UTF-8: {error}; save it as one") from error
    return rows


def _location(path: Path, number: int, row: list[str]) -> OwnPrefix:
    cells = [cell.strip() for cell in row]
    try:
        if len(cells) < 2:
            raise ValueError("no country")
        if len(cells) > 4:
            raise ValueError(f"{len(cells)} columns")
        prefix, country, asn, platform = cells + [""] * (4 - len(cells))
        if not re.fullmatch(r"[A-Z]{2}", country):
            raise ValueError(f"{country!r} is no two-letter country code")
        if not re.fullmatch(r"(AS)?\d{1,10}|", asn):
            raise ValueError(f"{asn!r} is no AS number")
        return OwnPrefix(
            str(ipaddress.ip_network(prefix)), country, int(asn.removeprefix("AS") or 0), platform
        )
    except ValueError as error:
        raise SettingsError(f"locations: {path}, line {number}: {error}; write {_COLUMNS}") from error
