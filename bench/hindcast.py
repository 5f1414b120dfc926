"""Hindcast: what V3 and V8 would have said of receipts that are known. `python -m bench.hindcast > docs/hindcast.md`.

Each country is told by the receipts of the others: its own are left out of the fit, all of them and all years.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.hindcastfigure import figure
from caudal.reference import FILES, Reference, load_reference
from caudal.service.indicators.facts.calibration import GRID, Calibration, Place, calibration_of, residents
from caudal.service.indicators.facts.digitaltax import digital_taxes
from caudal.service.indicators.facts.levies import Levies
from caudal.service.indicators.facts.platformrevenue import capture
from caudal.service.indicators.facts.receipts import LEVY, Receipt, receipts
from caudal.service.indicators.groups.taxation import raised
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import DRAWS, Band, band

MONTH = "2026-10"
MILLION = 1e6
GOAL = (0.85, 0.95)
FIGURE = "hindcast.svg"


@dataclass(frozen=True)
class Hindcast:
    """Known receipts beside what would have been said: `told` of the receipts, `turnover` by V3; USD a year."""

    receipt: Receipt
    received: float
    told: Band | None
    turnover: Band | None
    why: str

    @property
    def held(self) -> bool:
        """Whether the interval holds what was received."""
        return self.told is not None and self.told.low <= self.received <= self.told.high


def context_of(country: str, month: str, facts: dict[str, pl.DataFrame]) -> Context:
    """Return a country and month as indicators see them, without traffic."""
    return Context(
        economy=Place(country),
        month=month,
        region_members=frozenset(),
        region_group="",
        coverage=None,
        covered_users=None,
        accuracy=pl.DataFrame(),
        days_in_month=28,
        facts=facts,
    )


def hindcasts(reference: Reference) -> list[Hindcast]:
    """Return every receipt that is counted beside what the others' receipts would have said of it.

    Levies are those that held at the time; all other facts are today's.
    """
    facts = facts_of(reference)
    found = []
    for each in receipts(context_of("GB", MONTH, facts)):
        if each.counted:
            then = reference.at(each.month).facts("digital_taxes")
            found.append(_hindcast(each, {**facts, "digital_taxes": then}))
    return found


def facts_of(reference: Reference) -> dict[str, pl.DataFrame]:
    """Return the facts of a reference as frames, by name."""
    return {file.name: reference.facts(file.name) for file in FILES}


def _hindcast(receipt: Receipt, facts: dict[str, pl.DataFrame]) -> Hindcast:
    context = context_of(receipt.country, receipt.month, facts)
    received = receipt.amount / receipt.years
    captured = capture(context, own=False)
    if captured.reason:
        return Hindcast(receipt, received, None, None, str(captured.reason))
    levies, home = Levies(context), residents(context)
    turnover = band(np.sum([each.common for each in captured.platforms], axis=0))
    if receipt.measure == LEVY:
        own = [tax for tax in digital_taxes(context) if tax.country == receipt.country and tax.in_force]
        amounts = [raised(tax, each, levies) for tax in own[:1] for each in captured.platforms]
    else:
        amounts = [receipt.rate * each.plain for each in captured.platforms if each.platform not in home]
    total: FloatArray = np.sum([each for each in amounts if each is not None] or [np.zeros(DRAWS)], axis=0)
    if not total.any():
        return Hindcast(receipt, received, None, turnover, "no levy of it in digital_taxes.csv")
    return Hindcast(receipt, received, band(total * np.exp(captured.fit.base[receipt.measure])), turnover, "")


def coverage(found: Iterable[Hindcast]) -> tuple[int, int]:
    """Return in how many of the answered cases the interval held, and how many there are."""
    told = [each for each in found if each.told is not None]
    return sum(each.held for each in told), len(told)


def page(found: Sequence[Hindcast], calibration: Calibration) -> str:
    """Return docs/hindcast.md."""
    lines = [_HEAD]
    for measure, title in (
        (LEVY, "Levies on turnover (V8)"),
        ("vat", "VAT on services of non-residents (V3)"),
    ):
        of = [each for each in found if each.receipt.measure == measure]
        held, told = coverage(of)
        countries = sorted({each.receipt.country for each in of if each.told})
        inside = sum(
            all(each.held for each in of if each.receipt.country == c and each.told) for c in countries
        )
        lines.append(f"\n## {title}\n")
        lines.append(
            f"Of {told} receipts of {len(countries)} countries the 90 % interval held {held} "
            f"({_percent(held, told)}); of the countries, all receipts of {inside}.\n"
        )
        lines.append("| country | period | tax | received | told: P50 | P5 to P95 | received / P50 | held |")
        lines.append("|---|---|---|---|---|---|---|---|")
        lines.extend(_row(each) for each in of)
    held, told = coverage(found)
    lines.append(f"\n## How often it held\n\nTogether: {held} of {told} ({_percent(held, told)}).")
    lines.append(_verdict(found, held / told if told else 0.0))
    lines.append(_fit(calibration))
    lines.append(_OPEN)
    return "\n".join(lines)


def _row(each: Hindcast) -> str:
    receipt = each.receipt
    period = f"{receipt.start:%Y-%m} to {receipt.end:%Y-%m}"
    bound = "≥ " if receipt.bound == "least" else ""
    received = f"{bound}{each.received / MILLION:,.4g}"
    head = f"| {receipt.country} | {period} | {receipt.instrument} | {received} "
    if each.told is None:
        return f"{head}| | | | {each.why} |"
    low, value, high = (x / MILLION for x in (each.told.low, each.told.value, each.told.high))
    ratio = each.received / each.told.value
    return f"{head}| {value:,.4g} | {low:,.4g} to {high:,.4g} | {ratio:.2f} | {'yes' if each.held else '**no**'} |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


def _verdict(found: Sequence[Hindcast], share: float) -> str:
    missed = [each for each in found if each.told is not None and not each.held]
    names = ", ".join(sorted({f"{each.receipt.country} ({_side(each)})" for each in missed})) or "none"
    goal = f"The goal is {100 * GOAL[0]:.0f} to {100 * GOAL[1]:.0f} %."
    if GOAL[0] <= share <= GOAL[1]:
        text = f"{goal} It is met. Missed: {names}."
    elif share > GOAL[1]:
        text = (
            f"{goal} It held more often: the intervals are rather too wide than too narrow, for with so few countries "
            f"the tails of Student's t are long, and years of one country are alike. Missed: {names}."
        )
    else:
        text = f"{goal} It held less often: with so few countries a few of their own kind weigh. Missed: {names}."
    return text


def _side(each: Hindcast) -> str:
    assert each.told is not None
    return "more was received" if each.received > each.told.high else "less was received"


def _fit(calibration: Calibration) -> str:
    fit = calibration.fit("", own=False)
    theta, levy, vat = band(fit.theta), band(np.exp(fit.level[LEVY])), band(np.exp(fit.level["vat"]))
    firms = ", ".join(
        f"{platform} {country} {math.exp(float(np.interp(theta.value, GRID, ratios))):.2f}"
        for (platform, country), ratios in calibration.firms.items()
    )
    return f"""
## What was fitted

| | P50 | P5 to P95 |
|---|---|---|
| θ, the power of the product per head | {theta.value:.2f} | {theta.low:.2f} to {theta.high:.2f} |
| what a levy reaches, over the filings it could reach | {levy.value:.2f} | {levy.low:.2f} to {levy.high:.2f} |
| what VAT of consumers reaches, over the filings | {vat.value:.2f} | {vat.low:.2f} to {vat.high:.2f} |
| by how much a country differs, all kinds: standard deviation of the logarithm | {band(fit.spread).value:.2f} | \
{band(fit.spread).low:.2f} to {band(fit.spread).high:.2f} |
| by how much one firm differs beyond that | {band(fit.firm).value:.2f} | {band(fit.firm).low:.2f} to \
{band(fit.firm).high:.2f} |

θ above 1 says that what platforms earn grows faster than income per head. A levy reaches more than the filings
because firms that publish no region pay it too; VAT reaches less because businesses that are registered for it, most
advertisers among them, do not pay it this way.

Firms that file by country, over what users and product give: {firms}."""


_HEAD = f"""# Hindcast

What V3 and V8 would have said of every country and period whose receipts are known, beside what was received. Each
country is told by the receipts of the other countries alone; its own, of every year and kind, are left out. Figures
are million USD a year. `python -m bench.hindcast > docs/hindcast.md` writes this page from the facts; receipts are in
`known_receipts.csv`, with their sources.

![Interval and receipts of each country and period, on a log scale]({FIGURE})

Intervals are 90 % intervals. *Received* is the receipts of the period, for a year; ≥ where the source says "more than",
and *held* is then of the amount that it names."""
_OPEN = """
## What this does not show

- Receipts of Uganda, Nigeria, Türkiye and others that levy such taxes were not found. Of India only the year in which
  one rate held alone can be used; Kenya's first half year, in which few had registered, is left out.
- Mexico's receipts are of several taxes together, and two reports of the same office contradict each other; Argentina's
  are of 2018, Paraguay's of one month. None is counted.
- Users and product per head are of 2023 and 2024 for all years; filings before 2024 are from memory, and add up to the
  totals reported.
- No receipts of a levy in Latin America at one rate are published. V8 there rests on the levels of Europe, India and
  Kenya. What is known of Uruguay's IRNR (12 and 6 %), some USD 13 million or more in 2024 (over 50 with VAT, of which
  37.2 is VAT), lies at the low end of what V8 says of it: read V8 in the region as what a levy that is
  enforced as in Europe would raise.
- A levy on one kind of service reaches that kind of a firm's sales only (Amazon, Mercado Libre: by what they published of
  the world). What firms without a filing add is taken in proportion to all kinds: Austria, which levies advertising alone,
  received about 0.7 of what is told.
- V3 itself is compared by VAT only: the turnover of all platforms in a country is published nowhere."""


def main() -> None:
    """Write the page to the standard output, and its figure beside the documents."""
    reference = load_reference()
    found, facts = hindcasts(reference), facts_of(reference)
    Path("docs", FIGURE).write_text(figure(found), encoding="utf-8")
    sys.stdout.write(page(found, calibration_of(context_of("GB", MONTH, facts))) + "\n")


if __name__ == "__main__":
    main()
