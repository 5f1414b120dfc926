"""docs/validation.md: how often each interval held the truth, and why not 95 times in a hundred."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bench.machine import Machine
from bench.validation.coverage import INDICATORS, SCENARIOS, Key, Scenario, Tallies, Tally
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.groups.value import ALL_BUT_VIDEO

LEAST, MOST = 0.93, 0.97
_SAMPLING = "by sampling alone"
_ECONOMY = "of the economy"
_TOTAL = "total"
_NONE = "–"
# A dimension that answered less often is not named as the worst.
_ENOUGH = 0.5


@dataclass(frozen=True)
class Row:
    """A row of a table: what it is called, and its tallies by scenario, each of all its dimensions together."""

    indicator: str
    label: str
    tallies: Mapping[str, Mapping[Key, Tally]]

    def share(self, scenario: str) -> float | None:
        """Return how often the truth was held; None where there was nothing to hold."""
        found = self.tallies.get(scenario, {}).values()
        given = sum(each.given for each in found)
        if not given or not any(each.width for each in found):
            return None
        return sum(each.held for each in found) / given

    def worst(self, scenario: str) -> tuple[str, float] | None:
        """Return the dimension that held the truth least often, of several that mostly answered."""
        found = {
            dimension: each.held / each.given
            for (_, dimension), each in self.tallies.get(scenario, {}).items()
            if each.given > _ENOUGH * each.asked and each.width
        }
        if len(found) < 2:
            return None
        return min(found.items(), key=lambda item: item[1])


@dataclass(frozen=True)
class Note:
    """Why a share is below LEAST, or above MOST: in which rows (of these labels or indicators; all if none), and when."""

    mark: str
    below: bool
    text: str
    rows: tuple[str, ...] = ()
    when: Callable[[Scenario], bool] = lambda _: True

    def holds(self, row: Row, scenario: Scenario, below: bool) -> bool:
        """Return whether this is why the share of a row is on this side in a scenario."""
        named = row.label in self.rows or (row.indicator in self.rows and _SAMPLING not in row.label)
        return self.below == below and (named or not self.rows) and self.when(scenario)


def _places_right(scenario: Scenario) -> bool:
    return not scenario.errors.misplaced


def _bounded(scenario: Scenario) -> bool:
    return scenario.unknown or scenario.reporting is not None or scenario.declaring is not None


# The first that holds is given.
NOTES: Final = (
    Note(
        "a",
        True,
        "J9 counts what was folded as undetermined, which it is for whoever reads the totals; the truth here is what the tables do not "
        "tell.",
        ("J9",),
        lambda scenario: scenario.errors.k > 1,
    ),
    Note(
        "b",
        True,
        "Few packets. What is left of a small jurisdiction or category at this rate are a handful of sampled packets, some of "
        "80 and some of 1,480 octets; the variance estimated from them is as uncertain as they are few. Limits by the "
        "effective number of packets help, but not where the few that were seen happen to be small ones. The flow records "
        "behind a value say how few it rests on.",
        ("J3", "J4", "J7", "C7", "V1"),
        _places_right,
    ),
    Note(
        "c",
        True,
        "The largest are chosen after sampling, and of several of nearly the same size those are taken that came out too large; "
        "an index adds up squares, which sampling makes larger, and its correction is one of expectation.",
        ("C1", "C2", "C3", "C4"),
        _places_right,
    ),
    Note(
        "d",
        True,
        "Places go wrong network by network. The variance of that is estimated from the networks that were placed rightly: where "
        "the largest was missed, or the only one a small country has here, nothing that is left tells of it. J2 moreover "
        "takes one sensitivity for a region whose countries have several.",
        ("J1", "J2", "J5", "J6", "J7", "P3"),
        lambda scenario: scenario.errors.misplaced,
    ),
    Note(
        "e",
        True,
        "A category or function is that of the networks that the reference lists and that were not folded. In this world a "
        "twentieth of the bytes belongs to networks of listed companies that it does not list, and what is folded is first of "
        "all what is small; the interval of a part holds what sampling does to the networks listed. For the first value of an "
        "indicator, of all functions or all but video, unknown networks are in the interval.",
        (
            "V1",
            *(
                f"{name}{side}, each part"
                for name in ("C1", "C2", "C3", "C4", "C7", "V2")
                for side in ("", " of the economy")
            ),
        ),
        lambda scenario: scenario.unknown,
    ),
    Note(
        "f",
        True,
        "Nothing particular: near enough to 95 for the noise of the simulation and the skewness of totals of few packets.",
    ),
    Note(
        "g",
        False,
        "Bounds, not a distribution. The interval is the envelope of everything that cannot be ruled out: every unknown byte inside "
        "or outside, places as wrong as they were measured to be (even in a world where, as here, none is), each reading of who "
        "controls, what two operators exchange metered once or twice, stages and head counts wrong by as much as is assumed. Such an interval holds the truth more often than 95 "
        "times in a hundred, and is meant to.",
        (
            "J1",
            "J2",
            "J5",
            "J6",
            "J7",
            "V1, all but video",
            "V2",
            "V2, total",
            "P1, sent",
            "P1, delivered",
            "P3",
            "bytes domestic, total",
            "bytes out, total",
            "bytes in, total",
        ),
    ),
    Note(
        "g",
        False,
        "",
        when=_bounded,
    ),
    Note(
        "h",
        False,
        "Careful limits. A flow record does not say how unequal its packets are; the variance is that of the most unequal "
        "ones there can be, and limits by Clopper and Pearson hold at least 95 times in a hundred, of few packets more often.",
    ),
)


# Those with a value of everything and one of each part: of a function, or of a jurisdiction.
_BY_FUNCTION = frozenset({"C1", "C2", "C3", "V2"})


def rows_of(found: Mapping[str, Tallies], side: str) -> list[Row]:
    """Return the rows of the table against the networks that report (`reporting`), or the whole `economy`."""
    grouped: dict[tuple[str, str], dict[str, dict[Key, Tally]]] = defaultdict(lambda: defaultdict(dict))
    for scenario, tallies in found.items():
        counted: Mapping[Key, Tally] = getattr(tallies, side)
        for (name, dimension), tally in counted.items():
            indicator, label = _labelled(name, dimension)
            if _SAMPLING in label and (side == "economy" or _disturbed(scenario)):
                continue
            grouped[indicator, label][scenario][name, dimension] = tally
    return sorted(
        (Row(indicator, label, tallies) for (indicator, label), tallies in grouped.items()),
        key=lambda row: (_place(row.indicator), row.label),
    )


def _disturbed(scenario: str) -> bool:
    return not scenario.startswith(("sampling", "missing"))


def _labelled(name: str, dimension: str) -> tuple[str, str]:
    if dimension == _TOTAL:
        return _TOTAL, f"{name.replace('_', ' ')}, total"
    indicator = name.split(" ", maxsplit=1)[0]
    label = name
    if indicator == "V1":
        label = f"{name}, all but video" if dimension == ALL_BUT_VIDEO else f"{name}, each category"
    elif indicator == "P1":
        label = f"{name}, {dimension}"
    elif dimension and (indicator in _BY_FUNCTION or "-" in dimension):
        label = f"{name}, each part"
    return indicator, label


def _place(indicator: str) -> int:
    return INDICATORS.index(indicator) if indicator in INDICATORS else len(INDICATORS)


def mark_of(row: Row, scenario: Scenario) -> str:
    """Return the mark of the note that says why a share is too small or too large; empty where it is neither."""
    share = row.share(scenario.id)
    if share is None or LEAST <= round(share, 3) <= MOST:
        return ""
    return next(note.mark for note in NOTES if note.holds(row, scenario, share < LEAST))


def as_page(found: Mapping[str, Tallies], machine: Machine, worlds: int, repeats: int) -> str:
    """Return the page."""
    scenarios = [each for each in SCENARIOS if each.id in found]
    reporting = rows_of(found, "reporting")
    partial = [each for each in scenarios if each.reporting is not None]
    economy = [
        row
        for row in rows_of({each.id: found[each.id] for each in partial}, "economy")
        if (_ECONOMY in row.label or row.indicator == _TOTAL)
        and any(row.share(each.id) is not None for each in partial)
    ]
    plain = {row.label: row for row in rows_of({each.id: found[each.id] for each in partial}, "economy")}
    used = {
        mark
        for rows, which in ((reporting, scenarios), (economy, partial))
        for row in rows
        for each in which
        if (mark := mark_of(row, each))
    }
    versions = ", ".join(f"{each} {CATALOGUE[each].definition.method_version}" for each in INDICATORS)
    error = 196 * (0.95 * 0.05 / (worlds * repeats)) ** 0.5
    parts = [
        "# Validation",
        "<!-- Written by `python -m bench.validation --write docs/validation.md`: change bench/validation, not this page. -->",
        _INTRODUCTION.format(
            worlds=worlds,
            repeats=repeats,
            times=worlds * repeats,
            error=error,
            date=machine.date,
            version=machine.caudal,
            methods=versions,
        ),
        "## What is done to the traffic",
        _SCENARIOS,
        "## Of the networks that report",
        "How often, in per cent, the interval of a value held the truth of the networks that report. Values of several "
        "dimensions (jurisdictions, laws, ranks, categories) are counted together.",
        _table(reporting, scenarios),
        "The dimension that held the truth least often, of those that mostly had an answer:",
        _worst(reporting, scenarios),
        "## Of the whole economy",
        "Half of the operators (in one column one of them) do not report, others each time. A value is stated of those that do; that its own interval "
        "holds the economy's value less often (in brackets) is what its coverage is shown for. The limits `economy_low` and "
        "`economy_high` among its details, and the estimate of a total, are those of the whole economy.",
        _economy_table(economy, plain, partial),
        "## Why not 95",
        f"A share between {LEAST:.0%} and {MOST:.0%} has no mark.",
        "\n".join(f"- **{note.mark}** {note.text}" for note in NOTES if note.mark in used and note.text),
        "## What is not in it",
        _LEFT_OUT,
    ]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """\
Whether the intervals mean what they say can be seen where the truth is known. {worlds} small worlds were drawn, with networks of the
reference, servers in places, eight operators and 26,000 flows to the byte, 2,000 of them between subscribers of two operators and so metered at both
ends; each was metered {repeats} times for each column below.
Every time packets were sampled anew, exported as NetFlow v9, decoded, located, added up and shipped as batches by a collector for each
operator, stored in ClickHouse (chDB), and evaluated as for a report. Then it was counted how often, of {times} times, the 95 % interval
held what the same indicators say of the traffic itself. The shares themselves are uncertain by {error:.1f} points.

Made on {date} with Caudal {version}; method versions: {methods}. A small version runs with the tests. **The worlds are made up**: they
show that sampling, misplaced addresses and missing operators are in the intervals, not that reality is like them."""

_SCENARIOS = """\
| column | |
|---|---|
| 1:100, 1:1,000, 1:10,000 | one packet in so many is sampled, each with the same chance; everything else is known. Flows have 300 to 200,000 packets (bounded Pareto, 1.1) of 80 and 1,480 octets, mixed differently in each |
| places wrong | and a server's address is placed in the United States with the chance 1 − Se of its country, Se drawn about what was measured for the address database, with the error of so many ranges (a third of the servers are placed exactly, by an operator's list); one in 500 of those there is placed in the country |
| and much unknown | and 6 % of the servers have no known place, 5 % of the bytes go to networks that no table lists but that belong to listed ones, and parents are incorporated, headquartered and hosted in several countries |
| and cells folded | and cells with fewer than three subscribers are folded (not those of which one has most), which at a thousandth of a real network's size is a good part of them |
| no AS numbers | as 1:1,000, but no operator declared its AS numbers: what two of them exchange is told by the four networks that the reference lists, and may count once or twice |
| one missing, some AS numbers | as 1:1,000, and one operator of eight, another each time, does not report; four declared their AS numbers, two of these numbers are listed |
| operators missing | as 1:1,000, and four operators of eight report; their subscribers are declared with an error of up to 10 % |
| all but folding | all of it, but no cells folded |"""

_LEFT_OUT = """\
- **C5, C6, J8** rest on counts, routes and paths that a deployment supplies, not on metered flows; the interval of C6 is that of the
  choice of viewpoints.
- **V3 to V10 and P4** are sums of money, or shares of them. A simulation that drew a truth from the ranges that they are drawn from would
  show no more than that the arithmetic is right. V3 and V8 are held against what states received ([hindcast.md](hindcast.md)); of the
  others nobody has published a truth. The sampling error in V4 is that of the bytes above.
- **Flows that are no sample**: records lost on the way, exporters that misstate their rate, NAT, and addresses that are wrong in
  other ways than those measured. The ledger counts the first, flags tell of the others."""


def _table(rows: Iterable[Row], scenarios: list[Scenario]) -> str:
    return _lines(scenarios, "---:", {row.label: [_cell(row, each) for each in scenarios] for row in rows})


def _economy_table(rows: Iterable[Row], plain: Mapping[str, Row], scenarios: list[Scenario]) -> str:
    lines = {}
    for row in rows:
        label = row.label.replace(f" {_ECONOMY}", "")
        own = plain.get(label) if label != row.label else None
        shares = [None if own is None else own.share(each.id) for each in scenarios]
        lines[label] = [
            _cell(row, each) + ("" if share is None else f" ({100 * share:.1f})")
            for each, share in zip(scenarios, shares, strict=True)
        ]
    return _lines(scenarios, "---:", lines)


def _worst(rows: Iterable[Row], scenarios: list[Scenario]) -> str:
    lines = {}
    for row in rows:
        found = [row.worst(each.id) for each in scenarios]
        if any(found):
            lines[row.label] = [_NONE if each is None else f"{each[0]} {100 * each[1]:.1f}" for each in found]
    return _lines(scenarios, "---", lines)


def _cell(row: Row, scenario: Scenario) -> str:
    share, mark = row.share(scenario.id), mark_of(row, scenario)
    if share is None:
        return _NONE
    return f"{100 * share:.1f}" + (f" <sup>{mark}</sup>" if mark else "")


def _lines(scenarios: list[Scenario], aligned: str, rows: Mapping[str, list[str]]) -> str:
    """Return a table with a column for each scenario."""
    head = ["| | " + " | ".join(each.title for each in scenarios) + " |"]
    head.append("|---|" + f"{aligned}|" * len(scenarios))
    return "\n".join([*head, *(f"| {label} | " + " | ".join(cells) + " |" for label, cells in rows.items())])
