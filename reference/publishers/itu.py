"""ITU DataHub CSV: the download of an indicator, one row for each economy, year and series.

Columns used: entityIso (alpha-3), dataYear, dataValue, seriesCode, seriesName.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from caudal.reference.files.catalogue import SUBSCRIBERS
from caudal.reference.files.errors import ImportFault
from caudal.reference.publishers.imported import Imported
from caudal.reference.publishers.places import Places
from caudal.reference.publishers.tables import number, opened, records, written
from caudal.reference.reference import Reference

PUBLISHER = "ITU"
_COLUMNS = ("entityIso", "dataYear", "dataValue", "seriesCode")
# Series → technology, column of subscribers.csv. The codes are ITU's short names of its indicators.
SERIES: Mapping[str, tuple[str, str]] = {
    "i4213tfbb": ("fixed_broadband", "subscriptions"),
    "i992b": ("fixed_broadband", "per_100_inhabitants"),
    "i271": ("mobile_cellular", "subscriptions"),
    "i911": ("mobile_cellular", "per_100_inhabitants"),
    "i271mw": ("mobile_broadband", "subscriptions"),
    "i911mw": ("mobile_broadband", "per_100_inhabitants"),
}


def read_itu(
    paths: list[Path],
    reference: Reference,
    since: int,
    as_of: date,
    series: Mapping[str, tuple[str, str]] = SERIES,
) -> list[Imported]:
    """Return rows of subscribers from ITU DataHub files, of `since` and later, taken on `as_of`.

    `series` says which column of which technology a seriesCode fills. Raises ImportFault for a file of
    another form, or one in which no series is known.
    """
    places = Places(reference)
    left_out: Counter[str] = Counter()
    rows: dict[tuple[str, int, str], dict[str, str]] = {}
    codes: set[str] = set()
    for path in paths:
        with opened(path) as lines:
            listed = records(lines, path, lambda cells: set(_COLUMNS) <= set(cells), ", ".join(_COLUMNS), [])
            for line, cells in listed:
                code = cells["seriesCode"].strip()
                codes.add(f"{code} ({cells.get('seriesName', '')})")
                country = places.country(cells["entityIso"])
                if code not in series:
                    left_out[f"series {code} is not one that facts are made of"] += 1
                    continue
                if country is None:
                    left_out["a region or group, not a country"] += 1
                    continue
                year = number(cells["dataYear"], path, line, "dataYear")
                value = number(cells["dataValue"], path, line, "dataValue")
                if year is None or value is None or year < since:
                    continue
                technology, column = series[code]
                row = rows.setdefault(
                    (country, int(year), technology),
                    {
                        "country": country,
                        "year": str(int(year)),
                        "technology": technology,
                        "source": f"{PUBLISHER} DataHub, series {code}",
                        "as_of": str(as_of),
                        "status": "verified",
                        "note": "",
                    },
                )
                row[column] = written(round(value, 4 if column == "per_100_inhabitants" else 0))
                if code not in row["source"]:
                    row["source"] += f", {code}"
    if not rows:
        raise ImportFault(
            f"{', '.join(map(str, paths))}: no observation of {since} or later could be used; series in it: "
            f"{', '.join(sorted(codes)) or 'none'}; known are {', '.join(series)}. Name others with --series"
        )
    return [Imported(SUBSCRIBERS, PUBLISHER, tuple(rows.values()), left_out)]
