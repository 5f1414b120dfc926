"""Every indicator of an economy's made-up month: does it answer, and if not, why."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from caudal.reference import Reference, load_reference
from caudal.service.answerability.fulltraffic import OPERATOR, full_traffic
from caudal.service.answerability.inputs import neighbours, paths, routes, trade_overlay
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs, evaluate
from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.vocabulary.period import Month

# What is there beside full traffic and the facts: nothing; what is public and free; what operators have as well.
Given = Literal["facts", "public", "operators"]
GIVEN: tuple[Given, ...] = ("facts", "public", "operators")


@dataclass(frozen=True)
class Answer:
    """The answer of an indicator: in how many of its values there is one, and why not in the others.

    `reasons` are the codes of its reasons (see `reason.py`), each once.
    """

    values: int
    reasons: tuple[str, ...]

    @property
    def answers(self) -> bool:
        """True if there is any value."""
        return self.values > 0


def ask(
    economies: Iterable[str], given: Iterable[Given] = GIVEN, overlay: Path | None = None
) -> dict[tuple[str, Given], dict[str, Answer]]:
    """Return the answer of every indicator, by economy and by what is given beside full traffic.

    `overlay` are facts of a deployment's own over those shipped. The month is the last one that was over when the
    newest fact was taken.
    """
    shipped = load_reference(overlay)
    with tempfile.TemporaryDirectory(prefix="caudal-answers-") as name:
        traded = load_reference(trade_overlay(shipped, _copy(overlay, Path(name))))
        month = month_of(shipped)
        return {
            (economy, what): _answers(shipped if what == "facts" else traded, month, economy, what)
            for economy in economies
            for what in given
        }


def month_of(reference: Reference) -> str:
    """Return the last month that was over on the reference's day."""
    return str(Month(reference.day.year, reference.day.month).before)


def _answers(reference: Reference, month: str, economy: str, given: Given) -> dict[str, Answer]:
    reference = reference.at(month)
    facts = full_traffic(reference, economy)
    told: dict[str, Any] = {}
    if given != "facts":
        told["routes"] = routes(reference, economy)
    if given == "operators":
        told |= {"paths": paths(facts), "region_flows": neighbours(reference, economy)}
    measured = evaluate(_inputs(reference, month, economy), facts, reference, CATALOGUE.values(), **told)
    return {name: _answer(own) for name, own in measured.observations.items()}


def _inputs(reference: Reference, month: str, economy: str) -> MonthInputs:
    users = reference.economy(economy).internet_users
    declared = {OPERATOR: (users, f"{month}-01")} if users else {}
    return MonthInputs(economy, month, (OPERATOR,), declared, frozenset({SYNTHETIC}), Rule())


def _answer(observations: Iterable[Observation]) -> Answer:
    told = list(observations)
    values = sum(each.value is not None for each in told)
    reasons = dict.fromkeys(why.code for each in told if each.reason for why in each.reason.told)
    return Answer(values, tuple(reasons))


def _copy(overlay: Path | None, directory: Path) -> Path:
    if overlay is not None:
        for path in overlay.glob("*.csv"):
            (directory / path.name).write_bytes(path.read_bytes())
    return directory
