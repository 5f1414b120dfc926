"""docs/changes-of-method.md: old and new values of every indicator side by side, each difference explained.

    python -m bench.sidebyside.page

computes the made-up month with the methods and facts of this version, compares it with `before.json`, and writes the
page. `explanations.toml` says why an indicator differs: every one that does has a text, no other has.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.sidebyside.comparison import Compared, compare
from bench.sidebyside.compute import BEFORE, Value, Values, compute
from bench.sidebyside.world import COUNTRIES, GIGABYTES_PER_SUBSCRIBER
from caudal import __version__

PAGE = Path(__file__).parents[2] / "docs" / "changes-of-method.md"
EXPLANATIONS = Path(__file__).parent / "explanations.toml"
_WITHDRAWN, _NONE = "withdrawn", "–"


def explanations() -> Mapping[str, str]:
    """Return why indicators differ, by their ids."""
    return {name: str(text).strip() for name, text in tomllib.loads(EXPLANATIONS.read_text("utf-8")).items()}


def unexplained(compared: tuple[Compared, ...], told: Mapping[str, str]) -> list[str]:
    """Return what lacks of the explanations, and what is too much, in words."""
    differing = {each.indicator for each in compared if each.differs}
    return [
        *(
            f"{name} differs, and nothing in {EXPLANATIONS.name} says why"
            for name in sorted(differing - told.keys())
        ),
        *(f"{name} is explained, and does not differ" for name in sorted(told.keys() - differing)),
    ]


def render(before: Values, now: Values, told: Mapping[str, str]) -> str:
    """Return the page."""
    compared = compare(before, now)
    return "\n".join(
        [*_head(before, now), *_overview(compared), *_economies(before, now), *_sections(compared, told)]
    )


def _head(before: Values, now: Values) -> Iterator[str]:
    yield "# Old and new values side by side"
    yield ""
    yield (
        f"One month ({now.month}) of eight economies ({', '.join(each.code for each in COUNTRIES)}), computed by "
        f"{before.release} and by {now.release}: what changed, by how much, and why. **The traffic is made up** "
        "(`bench/sidebyside/world.py`: three operators an economy, all of which report and exchange traffic, "
        f"{GIGABYTES_PER_SUBSCRIBER:g} GB delivered to a subscriber, platforms at home and abroad; seeded, the same for "
        "both). The facts are those that each release ships. So the values say how methods and facts changed, and nothing "
        "of these economies."
    )
    yield ""
    yield f"- facts: {before.reference_version} → {now.reference_version}"
    yield "- written by `python -m bench.sidebyside.page`; explanations in `bench/sidebyside/explanations.toml`"
    yield ""


def _overview(compared: tuple[Compared, ...]) -> Iterator[str]:
    yield "## All indicators"
    yield ""
    yield "| indicator | method | economies with a value | values that differ | median change |"
    yield "|---|---|---|---|---|"
    for each in compared:
        change = each.median_change
        yield (
            f"| {each.indicator} {each.title or each.title_before} | {_arrow(each.method_before, each.method)} | "
            f"{_arrow(str(each.answering(each.before)), str(each.answering(each.now)))} | "
            f"{len(each.changed)} of {len({*each.before, *each.now})} | "
            f"{_NONE if change is None else f'{100 * change:+.1f} %'} |"
        )
    yield ""


def _economies(before: Values, now: Values) -> Iterator[str]:
    yield "How many indicators have a value, by economy:"
    yield ""
    yield "| economy | before | now |"
    yield "|---|---|---|"
    for country in COUNTRIES:
        counts = [
            len(
                {
                    each.indicator
                    for each in values.values
                    if each.economy == country.code and each.value is not None
                }
            )
            for values in (before, now)
        ]
        yield f"| {country.code} | {counts[0]} of {len(before.methods)} | {counts[1]} of {len(now.methods)} |"
    yield ""


def _sections(compared: tuple[Compared, ...], told: Mapping[str, str]) -> Iterator[str]:
    for each in compared:
        yield f"## {each.indicator} {each.title or each.title_before}"
        yield ""
        if each.title and each.title_before and each.title != each.title_before:
            yield f"Before: *{each.title_before}*."
            yield ""
        if not each.differs:
            yield f"Nothing changed (method {each.method})."
            yield ""
            continue
        yield told.get(each.indicator, "*Not explained yet.*")
        yield ""
        yield f"Method {_arrow(each.method_before, each.method)}; {each.unit}."
        yield ""
        yield "| economy | of | before | now |"
        yield "|---|---|---|---|"
        for old, new in each.shown():
            yield f"| {(new or old or _NOBODY).economy} | {_dimensions(old, new)} | {_figure(old)} | {_figure(new)} |"
        yield ""


_NOBODY = Value(_NONE, "", None, None, None, None, None)


def _arrow(before: str, now: str) -> str:
    if before == now:
        return now
    return f"{before or _NONE} → {now or _WITHDRAWN}"


def _dimensions(before: Value | None, now: Value | None) -> str:
    named = [each.dimension for each in (before, now) if each is not None and each.dimension]
    return " → ".join(dict.fromkeys(named)) or _NONE


def _figure(value: Value | None) -> str:
    if value is None:
        return _NONE
    if value.value is None or value.low is None or value.high is None:
        return f"insufficient: {(value.reason or '').replace('|', '/')}"
    return f"{_number(value.value)} [{_number(value.low)}, {_number(value.high)}]"


def _number(number: float) -> str:
    if abs(number) >= 1e6:
        return f"{number / 1e6:,.4g} million" if abs(number) < 1e10 else f"{number / 1e6:,.0f} million"
    return f"{number:,.0f}" if abs(number) >= 1e4 else f"{number:.4g}"


def main() -> None:
    """Compute, compare, write the page; exit with 1 where a difference is not explained."""
    before = Values.from_json(BEFORE.read_text(encoding="utf-8"))
    now = compute(f"{__version__} now")
    told = explanations()
    PAGE.write_text(render(before, now, told), encoding="utf-8")
    lacking = unexplained(compare(before, now), told)
    for each in lacking:
        print(each)
    sys.exit(1 if lacking else 0)


if __name__ == "__main__":
    main()
