"""Every indicator of the made-up month, for every economy, with the methods and facts of this version.

    python -m bench.sidebyside.compute --json FILE --release NAME

writes them down; what was written before methods changed is `before.json` beside this file.
"""

import argparse
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench.sidebyside.world import COUNTRIES, MONTH, Country, month_facts, paths, region_flows, routes
from caudal.reference import Reference, load_reference
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs, evaluate
from caudal.service.indicators import CATALOGUE

BEFORE = Path(__file__).parent / "before.json"


@dataclass(frozen=True)
class Value:
    """A value of one economy, one indicator and one dimension, or the reason why there is none."""

    economy: str
    indicator: str
    dimension: str | None
    value: float | None
    low: float | None
    high: float | None
    reason: str | None


@dataclass(frozen=True)
class Values:
    """What a release says of the made-up month; `methods` are the method versions by indicator."""

    release: str
    reference_version: str
    month: str
    methods: dict[str, str]
    titles: dict[str, str]
    units: dict[str, str]
    values: tuple[Value, ...]

    def to_json(self) -> str:
        """Return the values as JSON, a line each."""
        head = {name: each for name, each in asdict(self).items() if name != "values"}
        lines = ",\n".join(
            json.dumps(list(asdict(each).values()), ensure_ascii=False) for each in self.values
        )
        return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "values": [\n{lines}\n]\n}}\n'

    @classmethod
    def from_json(cls, text: str) -> "Values":
        """Return the values that `to_json` wrote."""
        read: dict[str, Any] = json.loads(text)
        return cls(**{**read, "values": tuple(Value(*cells) for cells in read["values"])})


def compute(release: str, countries: tuple[Country, ...] = COUNTRIES) -> Values:
    """Return the values of the economies with the shipped facts."""
    reference = load_reference()
    definitions = {name: each.definition for name, each in CATALOGUE.items()}
    return Values(
        release,
        reference.version,
        MONTH,
        {name: each.method_version for name, each in definitions.items()},
        {name: each.title["en"] for name, each in definitions.items()},
        {name: each.unit for name, each in definitions.items()},
        tuple(value for country in countries for value in _of(country, reference)),
    )


def _of(country: Country, reference: Reference) -> list[Value]:
    measured = evaluate(
        _inputs(country),
        month_facts(country),
        reference,
        CATALOGUE.values(),
        paths(country),
        routes(country),
        region_flows(country),
    )
    return [
        Value(country.code, name, each.dimension, each.value, each.low, each.high, _text(each.reason))
        for name, own in measured.observations.items()
        for each in own
    ]


def _inputs(country: Country) -> MonthInputs:
    told: dict[str, Any] = {
        "economy": country.code,
        "month": MONTH,
        "operators": tuple(sorted(each.id for each in country.operators)),
        "declared": {
            each.id: (round(country.subscribers * each.share), "2026-10-01") for each in country.operators
        },
        "flags": frozenset({SYNTHETIC}),
        "rule": Rule(),
        # Told to a version that tells the border of the country from that of an operator.
        "asns": {each.id: each.asns for each in country.operators},
    }
    known = {each.name for each in fields(MonthInputs)}
    return MonthInputs(**{name: each for name, each in told.items() if name in known})


def _text(reason: object) -> str | None:
    return None if reason is None else str(reason)


def main() -> None:
    """Compute, and write the values down."""
    parser = argparse.ArgumentParser(prog="python -m bench.sidebyside.compute", description=__doc__)
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--release", required=True, metavar="NAME", help="what the values are called on the page"
    )
    arguments = parser.parse_args()
    arguments.json.write_text(compute(arguments.release).to_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
