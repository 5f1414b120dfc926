"""Statistical confidentiality: what of an economy's month would show what a single operator carries.

Two rules of official statistics decide about totals to which few contribute (Hundepool et al., *Statistical
Disclosure Control*, Wiley 2012, ch. 4): the minimum frequency rule, by which so many must contribute, and
the p% rule, by which the second largest contributor, who knows itself, must not be able to tell the largest
to within p %. What fails is withheld (primary); so is what a reader could compute it from (secondary).
Shares of an economy's traffic are kept: they say where traffic goes, not how much there is; what an operator could
compute from them of another's is prevented by `perturbation.py`. Declared subscribers, and so coverage, are declared
to be published.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from caudal.service.indicators import Definition, Observation
from caudal.service.vocabulary.reason import Reason, reason

CONFIDENTIAL = "confidential"
MINIMUM_FREQUENCY = "minimum frequency rule"
P_PERCENT = "p% rule"

# Units that hold an amount of traffic. An amount itself is withheld first; what has the amount of traffic
# below the line, beside an amount of money that is published, would give it back.
_PRIMARY_UNITS = frozenset({"GB", "GB/user/month", "bytes", "bytes/user/month"})
_SECONDARY_UNITS = frozenset({"USD/GB"})

Degree = Literal["primary", "secondary"]
# What operators did that contribute to a total: reported, declared subscribers, reported without declaring any.
# … or sent what changed since an earlier vintage.
Deed = Literal["reported", "declared", "undeclared", "changed"]


@dataclass(frozen=True)
class Rule:
    """The rule for totals: how many operators must contribute, and how near the largest may be told, in per cent.

    1 and 0 let everything pass.
    """

    minimum_operators: int = 3
    percent: float = 10.0

    @property
    def forbids(self) -> bool:
        """True if there is any total that may not be published."""
        return self.minimum_operators > 1 or self.percent > 0

    def objection(self, contributions: Iterable[float], did: Deed = "reported") -> "Objection | None":
        """Return why a total of these contributions must be withheld; None where it may be published.

        Contributions of nothing are none. `did` says what those who contribute did.
        """
        amounts = sorted((amount for amount in contributions if amount > 0), reverse=True)
        if not amounts:
            return None
        if len(amounts) < self.minimum_operators:
            code = f"one_{did}" if len(amounts) == 1 else f"few_{did}"
            why = reason(code, operators=len(amounts), minimum=self.minimum_operators)
            return Objection(MINIMUM_FREQUENCY, why)
        if sum(amounts[2:]) < self.percent / 100 * amounts[0]:
            return Objection(P_PERCENT, reason(f"near_{did}", percent=self.percent))
        return None


@dataclass(frozen=True)
class Objection:
    """Which rule forbids to publish a total, and why here."""

    rule: str
    why: Reason


@dataclass(frozen=True)
class Withheld:
    """Something that is not published: an indicator's id or the name of a total, by which rule, and why.

    `degree` is "primary" for what itself shows an operator's traffic, "secondary" for what it could be
    computed from.
    """

    what: str
    degree: Degree
    rule: str
    why: Reason

    @property
    def reason(self) -> Reason:
        """The sentence that stands in place of the value."""
        return reason("withheld", why=self.why, rule=self.rule, degree=self.degree)


def degree_of(definition: Definition) -> Degree | None:
    """Return the degree to which an indicator shows traffic: an amount, or a value that gives one back; None if neither."""
    if definition.unit in _PRIMARY_UNITS:
        return "primary"
    return "secondary" if definition.unit in _SECONDARY_UNITS else None


def withhold(
    observations: Mapping[str, list[Observation]],
    definitions: Mapping[str, Definition],
    objection: Objection | None,
) -> tuple[dict[str, list[Observation]], tuple[Withheld, ...]]:
    """Return the observations with those replaced that must not be published, and the totals withheld.

    What is withheld keeps its place, without value, limits and details, with the flag `confidential` and the
    reason. What had no value keeps its own reason.
    """
    if objection is None:
        return dict(observations), ()
    answer: dict[str, list[Observation]] = {}
    withheld: list[Withheld] = []
    for name, own in observations.items():
        degree = degree_of(definitions[name])
        if degree is None or all(each.value is None for each in own):
            answer[name] = own
            continue
        entry = Withheld(name, degree, objection.rule, objection.why)
        withheld.append(entry)
        answer[name] = [each if each.value is None else _without_value(each, entry) for each in own]
    return answer, tuple(withheld)


def _without_value(observation: Observation, entry: Withheld) -> Observation:
    return replace(
        observation,
        value=None,
        low=None,
        high=None,
        details={},
        flags=tuple(sorted({*observation.flags, CONFIDENTIAL})),
        reason=entry.reason,
    )
