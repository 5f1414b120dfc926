"""The figure of the hindcast: for each receipt the interval that would have been told, and what was received."""

import math
from collections.abc import Sequence
from typing import Protocol

from caudal.service.indicators.facts.receipts import LEVY, Receipt
from caudal.service.indicators.statistics.montecarlo import Band

WIDTH, LEFT, RIGHT, TOP, ROW = 760, 150, 20, 34, 17
MILLION = 1e6


class Told(Protocol):
    """What is drawn: a receipt, what was received, and the interval told, USD a year."""

    @property
    def receipt(self) -> Receipt:
        """The receipt."""

    @property
    def received(self) -> float:
        """What was received."""

    @property
    def told(self) -> Band | None:
        """The interval."""

    @property
    def held(self) -> bool:
        """Whether the interval holds what was received."""


def figure(found: Sequence[Told]) -> str:
    """Return an SVG: a line from P5 to P95, a bar at P50, a dot for what was received; million USD on a log axis."""
    rows = [(each, each.told) for each in found if each.told is not None]
    rows.sort(key=lambda row: (row[0].receipt.measure != LEVY, row[0].receipt.country, row[0].receipt.start))
    values = [x / MILLION for each, told in rows for x in (told.low, told.high, each.received)]
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    height = TOP + ROW * len(rows) + 30
    bottom = TOP + ROW * len(rows)

    def at(usd: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(usd / MILLION) - first) / (last - first)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="14" fill="#333">line: 90 % interval told without the country\'s own receipts; '
        "bar: P50</text>",
        f'<text x="{LEFT}" y="27" fill="#333">dot: received (blue: within, red: outside)</text>',
    ]
    for power in range(first, last + 1):
        x = at(MILLION * 10**power)
        parts.append(f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#ddd"/>')
        label = f"{10**power:g}"
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle" fill="#333">{label}</text>')
    parts.append(f'<text x="{LEFT}" y="{bottom + 27}" fill="#333">million USD a year</text>')
    for place, (each, told) in enumerate(rows):
        y = TOP + ROW * place + ROW / 2
        receipt = each.receipt
        label = f"{receipt.country} {receipt.start:%Y-%m} {'levy' if receipt.measure == LEVY else 'VAT'}"
        colour = "#0b62a4" if each.held else "#c0392b"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#333">{label}</text>')
        parts.append(
            f'<path d="M{at(told.low):.1f} {y:.1f}H{at(told.high):.1f}" stroke="#888" stroke-width="2"/>'
        )
        parts.append(f'<path d="M{at(told.value):.1f} {y - 4:.1f}v8" stroke="#333" stroke-width="2"/>')
        parts.append(f'<circle cx="{at(each.received):.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>", ""])
