"""The page about what the facts can answer: docs/coverage-of-facts.md.

`python -m caudal.service.answerability.page > docs/coverage-of-facts.md` writes it anew, which takes a minute or two.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from caudal.reference import Reference, load_reference
from caudal.reference.addresses.announced import announced
from caudal.service.answerability.asking import GIVEN, Answer, Given, ask, month_of
from caudal.service.answerability.cures import cures_of
from caudal.service.indicators import CATALOGUE

COMMAND = "python -m caudal.service.answerability.page > docs/coverage-of-facts.md"
Answers = Mapping[tuple[str, Given], Mapping[str, Answer]]

_GIVEN_WORDS: Mapping[Given, str] = {
    "facts": "traffic alone",
    "public": "public files",
    "operators": "operators' own",
}
_BIGGEST = 5
# Values of parent_basis by which somebody else can check an owner.
_SEEN = ("filed", "press")
# From so many of a country's addresses in listed access networks on, nobody need look for more.
_ENOUGH = 0.8

_PREFACE = """# What the facts can answer

<!-- Written by `{command}`: change the facts or the cures, not this page. -->

For each economy: which of the {count} indicators answer when every operator reports, which do not, what would
make them answer, and where to get it. **The traffic behind this page is made up**: it shows what is known about an
economy, not what its traffic is. It stands for {month}; the facts are of version {version}.

An indicator *answers* if it gives a value in one of its answers at least. Three columns say what is given:

- **{facts}**: full traffic of the economy, and the facts that come with Caudal;
- **{public}**: besides, two files that anybody can fetch for nothing: a RIB dump of RouteViews or RIPE RIS (setting
  `routes`), and trade in services from OECD-WTO BaTIS (`caudal reference import batis`);
- **{operators}**: besides, what operators have: the ways of their traffic (setting `paths`), and the flows of the
  region's other members.

The last column is the share of the economy's announced IPv4 addresses that lie in access networks of which the
facts say who controls them.
"""


def page(answers: Answers, reference: Reference) -> str:
    """Return the page, in Markdown, of the economies that were asked."""
    economies = sorted({economy for economy, _ in answers})
    return "\n".join(
        [
            _PREFACE.format(
                command=COMMAND,
                count=len(CATALOGUE),
                month=month_of(reference),
                version=reference.version,
                **{str(given): words for given, words in _GIVEN_WORDS.items()},
            ),
            *_overview(answers, reference, economies),
            *(line for economy in economies for line in section(answers, reference, economy)),
        ]
    )


def section(answers: Answers, reference: Reference, economy: str) -> list[str]:
    """Return the lines about one economy: its networks, what answers with which inputs, and what would cure the rest."""
    lines = [f"## {_name(reference, economy)}", "", *_networks(reference, economy)]
    lacking = [name for name in CATALOGUE if not answers[economy, "operators"][name].answers]
    by_public = [name for name in CATALOGUE if _gained(answers, economy, name, "public")]
    by_operators = [name for name in CATALOGUE if _gained(answers, economy, name, "operators")]
    for names, word in ((by_public, "the public files"), (by_operators, "what operators have")):
        if names:
            lines += [f"Answered with {word}: {', '.join(names)}.", ""]
    if not lacking:
        return [*lines, f"All {len(CATALOGUE)} answer.", ""]
    lines += ["| no answer | what would make it answer | where |", "|---|---|---|"]
    return [*lines, *(_row(name, answers[economy, "operators"][name]) for name in lacking), ""]


def _row(name: str, answer: Answer) -> str:
    cures = cures_of(answer.reasons)
    title = CATALOGUE[name].definition.title["en"]
    cells = (
        f"{name} · {title}",
        "; ".join(cure.what for cure in cures) or "other traffic",
        "; ".join(dict.fromkeys(f"[{cure.source}]({cure.url})" for cure in cures)),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _gained(answers: Answers, economy: str, name: str, by: Given) -> bool:
    before = GIVEN[GIVEN.index(by) - 1]
    return answers[economy, by][name].answers and not answers[economy, before][name].answers


def _overview(answers: Answers, reference: Reference, economies: Sequence[str]) -> Iterator[str]:
    yield f"| economy | {' | '.join(_GIVEN_WORDS[given] for given in GIVEN)} | addresses |"
    yield f"|---|{'---:|' * (len(GIVEN) + 1)}"
    held = _shares(reference, economies)
    for economy in economies:
        counts = [sum(each.answers for each in answers[economy, given].values()) for given in GIVEN]
        yield f"| {_name(reference, economy)} | {' | '.join(map(str, counts))} | {held[economy]:.0%} |"
    yield ""


def _networks(reference: Reference, economy: str) -> Iterator[str]:
    """Yield lines on the part of the addresses that the listed access networks hold, and the largest others where it is small."""
    here = announced([economy])
    access = reference.facts("access_networks")
    listed = set(access["asn"])
    held = _held(here, listed)
    seen = _held(here, set(access.filter(pl.col("parent_basis").is_in(_SEEN))["asn"]))
    yield (
        f"Listed access networks hold {held:.1%} of the IPv4 addresses announced, {seen:.1%} in networks whose owner was "
        "seen in a filing or the press."
    )
    if held < _ENOUGH:
        known = set(reference.networks["asn"]) | listed
        others = here.filter(~pl.col("asn").is_in(sorted(known)))
        rows = others.sort("ipv4_addresses", "asn", descending=[True, False])
        largest = ", ".join(f"AS{asn} ({count:,})" for asn, count in rows[:_BIGGEST, 1:].iter_rows())
        yield f"The gap is {1 - held:.1%}; {others.height:,} networks are not listed" + (
            f", the largest: {largest}." if largest else "."
        )
    yield ""


def _shares(reference: Reference, economies: Sequence[str]) -> dict[str, float]:
    listed = set(reference.facts("access_networks")["asn"])
    counted = announced(list(economies))
    return {economy: _held(counted.filter(pl.col("country") == economy), listed) for economy in economies}


def _held(counted: pl.DataFrame, listed: set[int]) -> float:
    total = int(counted["ipv4_addresses"].sum())
    inside = int(counted.filter(pl.col("asn").is_in(sorted(listed)))["ipv4_addresses"].sum())
    return inside / total if total else 0.0


def _name(reference: Reference, economy: str) -> str:
    return f"{reference.economy(economy).name_en} ({economy})"


if __name__ == "__main__":
    known = load_reference()
    sys.stdout.write(page(ask(known.economies["country"]), known))
