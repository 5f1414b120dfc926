"""Which of several observations of an indicator stands for it: in a sentence, first in a chart, in a row on paper."""

from collections.abc import Sequence

from caudal.service.indicators import Definition, Observation
from caudal.service.indicators.model.base import within_function
from caudal.service.vocabulary.dimension import largest, parts

# The regime whose list of adequate countries others took as their model.
_MODEL = "EU"
# The four largest; where there are no more than that, the largest alone: that few are all is told by their number.
_FEW, _ONE = 4, 1
# Units, groups and single indicators whose parts do not add up to anything.
_APART_UNITS = frozenset({"index", "score", "count", "USD/GB"})
_APART_GROUPS = frozenset({"concentration", "dependency"})
_APART = frozenset({"J6", "J8", "V7", "V8", "P1", "P3"})


def adds_up(definition: Definition) -> bool:
    """Return True if the observations of an indicator are parts of something: then the largest says most of it."""
    return not (
        definition.unit in _APART_UNITS or definition.group in _APART_GROUPS or definition.id in _APART
    )


def relevant(definition: Definition, observations: Sequence[Observation], economy: str) -> Observation:
    """Return the observation that stands for an indicator, whatever order they come in; ValueError of none.

    One with a value before one without. Then what sums the indicator up, or the country's own law; else the largest
    where parts add up, and where they do not that with the most flow records: a part with hardly any traffic often has the
    most extreme value.
    """
    valued = [each for each in observations if each.value is not None]
    rows = sorted(valued or observations, key=lambda each: _rank(definition, each, economy))
    if definition.id == "V8" and rows and valued:
        return _nearest_law(rows, economy)
    return next(iter(rows)) if rows else _none(definition)


def ordered(definition: Definition, observations: Sequence[Observation], economy: str) -> list[Observation]:
    """Return the observations of an indicator, the relevant one first, then the weightiest."""
    if not observations:
        return []
    first = relevant(definition, observations, economy)
    others = [each for each in observations if each is not first]
    return [first, *sorted(others, key=lambda each: _rank(definition, each, economy))]


def _rank(
    definition: Definition, each: Observation, economy: str
) -> tuple[bool, int, bool, float, float, str]:
    dimension = each.dimension or ""
    preferred = _preferred(definition, each, economy)
    place = preferred.index(dimension) if dimension in preferred else len(preferred)
    # The country's own control is no dependency, nor one function the whole.
    behind = within_function(dimension) or (definition.id == "J4" and dimension == economy)
    # Of what does not add up by its parts, those of the dependency on one are ranked by their size.
    by_size = adds_up(definition) or definition.id in ("C6", "C7")
    size = abs(each.value or 0.0)
    # Where the records tell nothing apart, as of laws, size does.
    return each.value is None, place, behind, -(size if by_size else float(each.flows)), -size, dimension


def _preferred(definition: Definition, each: Observation, economy: str) -> tuple[str, ...]:
    if definition.id == "J6":
        return economy, _MODEL
    if definition.id == "C4":
        # Within a function it is the number of its own platforms that counts.
        few = each.details.get("providers", _FEW + 1) <= _FEW
        return (largest(_ONE), largest(_FEW)) if few else (largest(_FEW), largest(_ONE))
    # Observations without a dimension are of the whole.
    return ("", *definition.sums_up)


def _nearest_law(rows: list[Observation], economy: str) -> Observation:
    """Return the country's own levy, in force or else proposed; without one, of the others the one of middle yield.

    Nobody's levy is nearer than another's, and neither the least nor the greatest would be fair.
    """
    own = [each for each in rows if parts(each.dimension or "").country == economy]
    if own:
        return max(own, key=lambda each: (each.details.get("in_force", 0.0), each.value or 0.0))
    by_yield = sorted(rows, key=lambda each: (each.value or 0.0, each.dimension or ""))
    return by_yield[len(by_yield) // 2]


def _none(definition: Definition) -> Observation:
    raise ValueError(f"{definition.id} has no observation, so none stands for it")
