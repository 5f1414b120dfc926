"""Definitions of indicators as data: everything about one except the function that computes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from caudal.service.indicators.model.base import WITHIN_FUNCTION, Base, within_function
from caudal.service.indicators.model.errors import DefinitionError

LANGUAGES = ("en", "es", "pt")

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


@dataclass(frozen=True)
class Definition:
    """The definition of an indicator: how it is named, computed, bounded, criticised.

    `base` is what a value is a part or number of (see `base.py`), and `bases` that of single observations by their
    dimension, or of all those within one function. `title` is per language (en, es, pt). `range` is the least and greatest possible value, None for no
    bound. `inputs` names the columns of the flow cells and the fields of the Context that the value
    depends on. `dimension` says what tells several observations of one month apart, None where there is
    one. `details` declares every figure that may accompany a value, with its meaning. An answer from
    fewer than `minimum_flows` flow records is "insufficient". `method_version` changes with any change
    that can change a value. `source_status` says how the source was checked.
    """

    id: str
    group: str
    base: Base
    title: Mapping[str, str]
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

    def __post_init__(self) -> None:
        """Refuse a definition that lacks a title or states an impossible level."""
        missing = [language for language in LANGUAGES if not self.title.get(language)]
        if missing:
            raise DefinitionError(f"indicator {self.id} has no title in {', '.join(missing)}; add it")
        if not 0 < self.level < 1:
            raise DefinitionError(f"indicator {self.id} has level {self.level}; it must lie between 0 and 1")

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
