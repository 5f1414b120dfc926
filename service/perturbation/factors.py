"""Secret factors of operators (see `perturbation.py`): drawn when first needed, then kept for good."""

import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from caudal.service.perturbation.perturbation import reach_of
from caudal.service.store.factorrows import drawn_factors
from caudal.service.store.store import Store

_Lot = Callable[[], float]


def _even_lot() -> float:
    return secrets.SystemRandom().uniform(-1.0, 1.0)


@dataclass(frozen=True)
class Drawn:
    """The factors of operators, and the largest that any of them could have been. Without any, nothing is moved."""

    factors: Mapping[str, float] = field(default_factory=dict)
    reach: float = 1.0


class Factors:
    """The factors of one store; safe between threads. `lot` answers a secret number of [−1, 1], evenly drawn."""

    def __init__(self, store: Store, clock: Callable[[], datetime], lot: _Lot = _even_lot) -> None:
        self._store = store
        self._clock = clock
        self._lot = lot
        self._known: dict[tuple[str, str], tuple[float, float]] = {}
        self._lock = threading.Lock()

    def of(self, economy: str, operators: Collection[str], percent: float) -> Drawn:
        """Return the factor of each operator for a p% rule of so many per cent; none where it demands nothing.

        A factor that was drawn for at least as large a p stays. For a larger p it is moved further, by no more than the
        two reaches differ: so what the new one leaves possible holds all that the old one did. Of two factors that had
        nothing to do with each other, both known beside the same traffic, the traffic could follow to the byte.
        """
        reach = reach_of(percent)
        if reach <= 1 or not operators:
            return Drawn()
        with self._lock:
            if any(self._lacks(economy, operator, reach) for operator in operators):
                self._known = drawn_factors(self._store)
            for operator in operators:
                if self._lacks(economy, operator, reach):
                    self._draw(economy, operator, reach)
            known = {operator: self._known[economy, operator] for operator in operators}
            return Drawn(
                {operator: factor for operator, (factor, _) in known.items()},
                max(reach for _, reach in known.values()),
            )

    def _lacks(self, economy: str, operator: str, reach: float) -> bool:
        known = self._known.get((economy, operator))
        return known is None or known[1] < reach * (1 - 1e-12)

    def _draw(self, economy: str, operator: str, reach: float) -> None:
        before, reached = self._known.get((economy, operator), (1.0, 1.0))
        factor = before * (reach / reached) ** self._lot()
        row = pa.table(
            {
                "economy": [economy],
                "operator": [operator],
                "factor": pa.array([factor], pa.float64()),
                "reach": pa.array([reach], pa.float64()),
                "drawn_at": pa.array([self._clock()], pa.timestamp("us", tz="UTC")),
            }
        )
        self._store.insert("perturbation", row)
        self._known[economy, operator] = (factor, reach)
