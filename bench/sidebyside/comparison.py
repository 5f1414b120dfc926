"""What differs between two releases' values of the made-up month, indicator by indicator."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from bench.sidebyside.compute import Value, Values
from caudal.service.migration.dimensions import read_dimension

# Further apart than the last digits that another machine may give.
_TOLERANCE = 1e-9

Key = tuple[str, str | None]


@dataclass(frozen=True)
class Compared:
    """One indicator before and now: its values by economy and dimension, None where a release has none of it."""

    indicator: str
    title: str
    title_before: str
    unit: str
    method: str
    method_before: str
    before: Mapping[Key, Value]
    now: Mapping[Key, Value]

    @cached_property
    def changed(self) -> tuple[Key, ...]:
        """The economies and dimensions whose value or limits are others, or that only one release has."""
        keys = dict.fromkeys((*self.before, *self.now))
        return tuple(key for key in keys if _differ(self.before.get(key), self.now.get(key)))

    @property
    def differs(self) -> bool:
        """Whether there is anything to explain: other values, or another method."""
        return bool(self.changed) or self.method != self.method_before

    @property
    def median_change(self) -> float | None:
        """The median of value now over value before, less 1, of what has a value both times; None where nothing has."""
        ratios = [
            self.now[key].value / old.value - 1  # type: ignore[operator]
            for key, old in self.before.items()
            if old.value and key in self.now and self.now[key].value is not None
        ]
        return median(ratios) if ratios else None

    def answering(self, values: Mapping[Key, Value]) -> int:
        """Return of how many economies there is a value."""
        return len({economy for (economy, _), each in values.items() if each.value is not None})

    def shown(self) -> Iterator[tuple[Value | None, Value | None]]:
        """Yield one pair for each economy: the dimension that stands first now and was there before, if one is."""
        for economy in dict.fromkeys(economy for economy, _ in (*self.now, *self.before)):
            now = [each for (of, _), each in self.now.items() if of == economy]
            before = {each.dimension: each for (of, _), each in self.before.items() if of == economy}
            both = next((each for each in now if each.dimension in before), None)
            if both is not None:
                yield before[both.dimension], both
            else:
                yield next(iter(before.values()), None), next(iter(now), None)


def compare(before: Values, now: Values) -> tuple[Compared, ...]:
    """Return every indicator of either release, in the order of the catalogue, those that are gone last."""
    names = dict.fromkeys((*now.methods, *before.methods))
    return tuple(
        Compared(
            name,
            now.titles.get(name, ""),
            before.titles.get(name, ""),
            now.units.get(name, before.units.get(name, "")),
            now.methods.get(name, ""),
            before.methods.get(name, ""),
            _of(before, name),
            _of(now, name),
        )
        for name in names
    )


def _of(values: Values, indicator: str) -> dict[Key, Value]:
    """Return the values of an indicator; dimensions that an earlier release wrote in words by their ids."""
    found = {}
    for each in values.values:
        if each.indicator == indicator:
            dimension = read_dimension(each.dimension) if each.dimension else None
            found[each.economy, dimension] = Value(
                each.economy, indicator, dimension, each.value, each.low, each.high, each.reason
            )
    return found


def _differ(before: Value | None, now: Value | None) -> bool:
    old = (None, None, None) if before is None else (before.value, before.low, before.high)
    new = (None, None, None) if now is None else (now.value, now.low, now.high)
    return any(
        (one is None) != (other is None)
        or (
            one is not None
            and other is not None
            and not math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-12)
        )
        for one, other in zip(old, new, strict=True)
    )
