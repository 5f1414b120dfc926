"""The page about the indicators, written from their definitions.

`python -m caudal.service.indicators.document > docs/indicators.md` writes it anew.
"""

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby

from caudal.service.indicators.catalogue import CATALOGUE
from caudal.service.indicators.model.base import BASES, WITHIN_FUNCTION
from caudal.service.indicators.model.definition import TAKES, Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import COMMON_DETAILS, FLAGS
from caudal.service.vocabulary.languages import TRANSLATED

COMMAND = "python -m caudal.service.indicators.document > docs/indicators.md"

_PREFACE = f"""# The indicators

<!-- Written from the definitions by `{COMMAND}`: change those, not this page. -->

Every indicator is computed for one economy and one month from flow cells: sums of IP bytes, packets and
flow records by network, place and direction. Who operates a network, and who controls the operator, is
joined from the reference tables when the indicator is computed.

## How to read an answer

- **value, low, high**: the value and its interval, at the level of the definition (95 % unless it says
  otherwise). The interval holds what sampling, missing knowledge and known errors of the sources allow;
  it need not be symmetrical, and the value may lie at its end.
- **undetermined**: the share of the month's bytes that lack a location or an operator (J9). It stands
  beside every value.
- **coverage**: the people whom the reporting networks serve, as operators declare them, as a share of the
  economy's internet users; null where no operator declared it. Value and interval are of the networks that
  report. What a value may be of the whole economy stands apart, among the details (economy_low,
  economy_high); so do estimates of national totals.
- **of**: what a value is a part or number of. Reports and sentences take it from here.
- **flows**: the flow records behind the value. Below the minimum of the definition the answer is
  *insufficient*: no value, and a reason.
- **flags** and **details**: what to know before quoting the number, and the figures it is made of.

## Notation

B[·] is the sum of the bytes of the cells that satisfy ·; B without brackets is all of them. There are three flows:
*domestic*, with far ends in the country (its other networks, hosting, caches), *out* of it and *in*. What two networks of
the country exchange is domestic and counts once, however many of them report; who sends what to services in the country
keeps its direction. Which flows an indicator takes is said with each. c is the economy, g(c) the country group taken
as its region, l the location of the far end, j the jurisdiction that controls its operator, s a share, o and i sent by
users and received. Traffic inside a network that reports, and in transit through it, is left out.

## What the intervals are made of

- **Sampling.** Each cell carries the variance V of its bytes: N(N−1)q for packets sampled 1:N, q the sum of
  the squares of their sizes, 0 unsampled (Duffield, Lund & Thorup 2001). Of a record of several packets q is
  not known, and taken as the greatest that sizes of 40 to 1500 octets allow. Variances add. A share S has the
  variance V_S = ((1−S)²·V_in + S²·V_out)/B² (delta method). It is known as well as by n = S(1−S)/V_S equal
  units drawn, and its limits are those of Clopper & Pearson (1934) for n·S of n (Korn & Graubard 1998): near
  0 and 1 they are not symmetrical.
- **The unknown.** A byte without location or operator could be anything. The interval runs from none of
  them to all of them having what is counted, before anything else: [p, p + the unknown part].
- **Location.** Address databases miss addresses of a country's own clouds. With the sensitivity Se and
  the specificity Sp that were measured, the true share is p* = (p − (1−Sp)) / (Se + Sp − 1)
  (Rogan & Gladen 1978), applied to the bytes that a database located and to no others. The value is the
  share as observed; the correction widens the interval, because Se was measured on addresses of public
  clouds and not on this traffic. p* varies as Se does, which was measured on so many ranges of addresses;
  and because addresses of one network in one place are found or missed together: by
  (1−Se)·Σ F²/(T·(Se+Sp−1))², F the bytes of each network found inside and T all that a database located,
  divided by (1 − z·r)² for the relative deviation r = √((1−Se)/Se·Σ F²)/Σ F. Such a limit is that of an
  interval by the score (Wilson 1927): what was missed may be larger than what was found. 1 − z·r is at
  least 0.2. What a database found in a place is there, but for 1 − Sp of what it looked up, whatever it
  missed: no correction takes the lower limit below that share (nor, where an area is the one that wrong
  locations point to, the upper limit above it).
- **Control.** The value follows the jurisdiction that a cell is attributed to. Others may command the same
  bytes: where the parent is incorporated, where it has its head office, who controls the network that its
  service runs on (a tenant on a cloud). What all four readings agree on is certain, what one of them says is
  possible, and the interval runs from the one to the other.
- **Exchange.** An operator that declared no AS numbers cannot be told from the networks that others exchange traffic
  with. What may have been metered at both ends counts half or whole, and the interval holds both; so it does for what was
  folded into the country, and for what a cache of a platform delivered from a network that reports.
- **Choice.** Where a method has a free choice (weights, raters, viewpoints) the interval, or the values beside
  it, show what it does.
- **Days.** Flow cells are sums of a month and carry no exporter and no day: the variance of sampling is by
  the delta method throughout, and what varies from day to day is in no interval.
- **Operators that do not report.** From three that do on, the limits of the whole economy: those of the value,
  moved apart by Student's t times the root of (1 − coverage) times the jackknife variance over operators.
- **Tried out.** How often the intervals held a truth that was known: [validation.md](validation.md) of shares
  and totals, [hindcast.md](hindcast.md) of money, by what states received.
- **Money.** Sums of money rest on factors that nobody measured for each country. How spending grows with the
  product per head, how countries differ, and what a levy reaches are fitted on known receipts (V3, V8, and what
  is made of them); the others are judged, as how many users a country has. Each factor is drawn 10,000 times,
  with a fixed seed, from the fit or from the range that the definition states; value, low and high are the 50th,
  the 5th and the 95th percentile, to six digits. They are to be read on a log scale. The details say
  of which year a figure is; the older it is, the wider the interval, and beyond three years it is flagged.
- Other values are given to 12 significant digits.

## What a deployment may supply

Some indicators need more than flows and the shipped facts. Without it they answer *insufficient* and name it.

| for | what | form |
|---|---|---|
| J8 | the ways traffic takes (`paths`) | CSV, one path to a far end a row: `remote_asn`; `remote_country`, \
empty for any; `countries` of the hops between, separated by spaces, `ZZ` for one that nobody placed, `-` for none; \
`as_path`, AS numbers between separated by spaces, `-` where the networks meet; or from flow export \
`adjacent_asn` (IPFIX bgpNextAdjacentAsNumber), 0 for unknown; `share` or `bytes`, the weight of the path |
| C6 | routes to the economy's access networks (`routes`) | a RIB dump of a route collector (MRT, RFC 6396, also \
gzip or bzip2), of ten viewpoints or more; IPv4 routes are read |
| C6 | more access networks | access_networks.csv |
| C5 | domains or prefixes by provider | provider_counts.csv: `country`, `unit` (what was counted), `provider` \
(`unknown` where it is not known), `count` |
| P3 | the flows of the region's other members (`region_flows`) | batches of collectors in those economies |
| P4 | places on the positioning map | platform_positions.csv: `platform_id`, `rater`, `commodity_special` \
(commodity, special), `standard_custom` (standard, custom) |
| J6, J7, V3 to V10 | decisions, laws, revenues, taxes, tariffs, treaties | the files of [reference.md](reference.md) |

Files of facts go into the reference overlay.
"""

_BY_THE_SERVICE = """What the service answers may also carry `partial_month` (the month is not over), `confidential` (withheld: it
would show what a single operator carries), `exchange_doubtful` (some operators that report declared no AS numbers, or
networks were folded away, or a cache of a platform stands in a network that reports: exchange may count once or twice, and
the interval holds both) and `perturbed` (the traffic of each operator was multiplied by a secret factor near 1, which is
in the interval: [confidentiality.md](confidentiality.md)).
"""


def catalogue_document(catalogue: Mapping[str, Indicator] = CATALOGUE) -> str:
    """Return the page in Markdown, with one section per group and one entry per indicator."""
    return "\n".join(_lines(catalogue))


def _lines(catalogue: Mapping[str, Indicator]) -> Iterator[str]:
    definitions = [indicator.definition for indicator in catalogue.values()]
    yield _PREFACE
    yield "## Flags"
    yield ""
    yield from _table(("flag", "meaning"), ((f"`{flag}`", meaning) for flag, meaning in FLAGS.items()))
    yield _BY_THE_SERVICE
    yield "Details that any observation may carry:"
    yield ""
    yield from _table(("detail", "meaning"), ((f"`{k}`", v) for k, v in COMMON_DETAILS.items()))
    yield "## Overview"
    yield ""
    yield from _table(
        ("id", "indicator", "unit", "one value per"),
        ((f"[{d.id}](#{d.id.lower()})", d.title["en"], d.unit, d.dimension or "month") for d in definitions),
    )
    for group, members in groupby(definitions, key=lambda d: d.group):
        yield f"## {group.capitalize()}"
        yield ""
        for definition in members:
            yield from _entry(definition)


def _entry(definition: Definition) -> Iterator[str]:
    least, greatest = definition.range
    yield f'### <a id="{definition.id.lower()}"></a>{definition.id} · {definition.title["en"]}'
    yield ""
    yield " · ".join(f"*{definition.title[code]}* ({code})" for code in TRANSLATED)
    yield ""
    yield f"> {definition.formula}"
    yield ""
    yield from _table(
        ("", ""),
        (
            ("unit", definition.unit),
            ("range", _range(least, greatest)),
            ("of", _of(definition)),
            ("one value per", definition.dimension or "month"),
            *([("flows", TAKES[definition.takes])] if "bytes" in definition.inputs else []),
            ("computed from", ", ".join(f"`{name}`" for name in definition.inputs)),
            ("interval", f"{definition.uncertainty} Level {definition.level:.0%}."),
            (
                "minimum sample",
                f"{definition.minimum_flows} flow records" if definition.minimum_flows else "none",
            ),
            ("source", f"{definition.source} (`{definition.source_status}`)"),
            ("critique", definition.critique),
            ("method version", definition.method_version),
        ),
    )
    if definition.details:
        yield from _table(("detail", "meaning"), ((f"`{k}`", v) for k, v in definition.details.items()))


def _of(definition: Definition) -> str:
    told = [f"{BASES[definition.base]} (`{definition.base}`)"]
    for dimension, base in definition.bases.items():
        where = "within a function" if dimension == WITHIN_FUNCTION else f"`{dimension}`"
        told.append(f"{where}: {BASES[base]} (`{base}`)")
    return "; ".join(told)


def _range(least: float | None, greatest: float | None) -> str:
    if least is None:
        return "any number" if greatest is None else f"{greatest:g} or less"
    return f"{least:g} or more" if greatest is None else f"{least:g} to {greatest:g}"


def _table(
    head: tuple[str, ...], rows: Iterator[tuple[str, ...]] | tuple[tuple[str, ...], ...]
) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(catalogue_document())
