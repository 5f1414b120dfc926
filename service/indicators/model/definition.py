"""Definitions of indicators as data: everything about one except the function that computes it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

from caudal.service.indicators.model.base import WITHIN_FUNCTION, Base, within_function
from caudal.service.indicators.model.errors import DefinitionError
from caudal.service.vocabulary.languages import ORIGINAL, TRANSLATED, indicator_texts

# The least number of flow records behind a published share. Were records a simple random sample, 100
# of them would leave a share uncertain by ±0.10 at 95 % in the worst case (1.96·√(0.25/100)); with
# fewer, not even a minority can be told from a majority, and the answer is "insufficient".
SHARE_MINIMUM_FLOWS = 100

# Inputs that come from the reference tables by attribution, and so carry an interpretation status.
ATTRIBUTED_INPUTS = frozenset({"platform", "category", "stage", "network_kind", "control"})

# Which of the three flows (domestic, out, in) a value is made of.
Takes = Literal["all", "services", "crossing"]
TAKES: Mapping[Takes, str] = {
    "all": "domestic, out and in; what networks of the country exchange counts once",
    "services": "domestic, out and in, without what networks of the country exchange with each other: it asks what is "
    "sent to services, wherever they are, and what comes from them",
    "crossing": "out and in: what leaves the country or comes into it, and what may, as nobody knows its place",
}
# Fields of a definition that are words of reports, in English.
_WORDS = ("name", "short", "clause", "clauses", "measure", "cautions", "sums_up")


@dataclass(frozen=True)
class Definition:
    """The definition of an indicator: how it is named, computed, bounded, criticised.

    `base` is what a value is a part or number of (see `base.py`), and `bases` that of single observations by their
    dimension, or of all those within one function. `name` is its title in English. `range` is the least and greatest possible value, None for no
    bound. `inputs` names the columns of the flow cells and the fields of the Context that the value
    depends on. `dimension` says what tells several observations of one month apart, None where there is
    one. `details` declares every figure that may accompany a value, with its meaning. An answer from
    fewer than `minimum_flows` flow records is "insufficient". `method_version` changes with any change
    that can change a value. `source_status` says how the source was checked.

    The rest is how reports tell it, in English (other languages have theirs in `service/texts/`). `short` is a paragraph of plain sentences for the page about the indicators
    in short: what it tells, what it must not be taken for, what it needs. `clause` is a sentence of
    a value without its full stop: {value}, {aside} (interval and coverage), {of}, {from}, {k} and the others come from the
    values, {base} from the definition; `clauses` are those of special cases ("negative", "one"). `measure` is what a value is
    and of what, where it is set beside others or drawn over the months; '' is the title. `cautions` are keys of [caution] in
    the texts: what must not be concluded, at most two, or nobody reads them. `sums_up` are dimensions that stand for the
    whole, the best first: of those that have a value the first is taken.
    """

    id: str
    group: str
    base: Base
    name: str
    unit: str
    range: tuple[float | None, float | None]
    formula: str
    inputs: tuple[str, ...]
    uncertainty: str
    source: str
    source_status: str
    critique: str
    method_version: str
    minimum_flows: int = SHARE_MINIMUM_FLOWS
    dimension: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.95
    takes: Takes = "all"
    bases: Mapping[str, Base] = field(default_factory=dict)
    short: str = ""
    clause: str = ""
    clauses: Mapping[str, str] = field(default_factory=dict)
    measure: str = ""
    cautions: tuple[str, ...] = ()
    sums_up: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a definition that lacks a title or states an impossible level."""
        if not self.name:
            raise DefinitionError(f"indicator {self.id} has no title; name it")
        if not 0 < self.level < 1:
            raise DefinitionError(f"indicator {self.id} has level {self.level}; it must lie between 0 and 1")

    @cached_property
    def title(self) -> Mapping[str, str]:
        """The title by language, {"en": …, "es": …}; the English one where a language has none."""
        told = {code: indicator_texts(code).get(self.id, {}) for code in TRANSLATED}
        return {ORIGINAL: self.name, **{code: each.get("title", self.name) for code, each in told.items()}}

    def as_data(self) -> dict[str, Any]:
        """Return the indicator as data by field, its title by language, without the words in which reports tell it."""
        known = asdict(self)
        return {"title": dict(self.title), **{key: known[key] for key in known if key not in _WORDS}}

    def base_of(self, dimension: str | None) -> Base:
        """Return the base of the observation with this dimension: "US-pays" of C7 is of one function, "US" of all."""
        within = WITHIN_FUNCTION if within_function(dimension) else ""
        return self.bases.get(dimension or "", self.bases.get(within, self.base))

    @property
    def interpreted(self) -> bool:
        """True if the value depends on who a network or platform is said to be."""
        return not ATTRIBUTED_INPUTS.isdisjoint(self.inputs)

    @property
    def located(self) -> bool:
        """True if the value depends on where the far end is said to be."""
        return "remote_country" in self.inputs
