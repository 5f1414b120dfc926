"""Sight: how much of an economy's figures somebody sees who asks: what is published, what is running, what is exact."""

from collections.abc import Iterable

from fastapi import Request

from caudal.service.access.access import Access, actor_of
from caudal.service.months.measures import Measures
from caudal.service.problem import Problem
from caudal.service.roles.actor import decide
from caudal.service.roles.roles import Resource

# A table that anyone may cut anew cannot be made safe cell by cell: two answers together tell what each withholds.
AMOUNTS_WITHHELD = (
    "how much traffic there is, is told by /v1/totals and /v1/export/aggregates.jsonl, as far as the rules of "
    "confidentiality allow (minimum number of operators, p% rule); here only to those whose key "
    "allows it, or where the settings let everything pass (confidentiality: minimum_operators = 1, percent = 0)"
)


class Sight:
    """Decides what of an economy's figures an answer may hold, and has it noted where that is more than the public's."""

    def __init__(self, measures: Measures, access: Access) -> None:
        self._measures = measures
        self._access = access

    def running(self, request: Request, economy: str) -> bool:
        """Return True if who asks may see months of an economy that are not published."""
        if not self._measures.awaits_publication(economy):
            return True
        return decide(actor_of(request), Resource.running, [economy])

    def quality(self, request: Request, economy: str) -> bool:
        """Return True if who asks may see the ledger of an economy by exporter; whoever is bound to operators, of those."""
        if not self._measures.protected(economy):
            return True
        actor = actor_of(request)
        return decide(actor, Resource.quality, [economy], actor.operators)

    def exact(self, request: Request, economy: str) -> bool:
        """Return True if who asks may see the traffic of all operators of an economy as it was metered; noted if so."""
        if not self._measures.protected(economy):
            return True
        actor = actor_of(request)
        if not decide(actor, Resource.exact, [economy]):
            return False
        self._access.note_reading(actor, Resource.exact, [economy])
        return True

    def demand_exact(self, request: Request, economy: str) -> None:
        """Return if who asks may see an economy's traffic as it was metered; raise Problem otherwise."""
        if not self.exact(request, economy):
            raise Problem(
                "confidential",
                f"exact figures of {economy} are for roles that may see what single operators carry (analyst, publisher, "
                "auditor); without exact=true the answer is as it is published",
                extras={"withheld": [economy]},
            )

    def note(self, request: Request, economy: str, months: Iterable[str]) -> None:
        """Have it noted where somebody reads months that are not published."""
        if not self._measures.awaits_publication(economy):
            return
        published = self._measures.months(economy, running=False)
        if any(month not in published for month in months):
            self._access.note_reading(actor_of(request), Resource.running, [economy])
