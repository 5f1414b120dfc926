"""GET /v1/collector: what became of one's own batches."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from caudal.service.answers.batches import CollectorDay, CollectorStatus
from caudal.service.problem import documented
from caudal.service.queries.collectors import batches_by_day, newest_batch
from caudal.service.requests.dependencies import KEY, TheClock, TheStore, demand
from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Resource

router = APIRouter(tags=["batches"], dependencies=[KEY])


@router.get(
    "/v1/collector",
    summary="What became of one's own batches",
    responses=documented(401, 403, 422, 503),
)
def get_collector(
    store: TheStore,
    clock: TheClock,
    actor: Annotated[Actor, Depends(demand(Resource.status))],
    days: Annotated[int, Query(ge=1, le=366, description="of the last days")] = 7,
) -> CollectorStatus:
    """Return the batches of the collector whose token is sent, by day and by where they stand."""
    newest = newest_batch(store, actor.name)
    return CollectorStatus(
        collector=actor.name,
        operator=", ".join(sorted(actor.operators or ())),
        newest_received_at=datetime.fromtimestamp(newest, UTC) if newest else None,
        days=[
            CollectorDay(
                day=row["day"],
                state=row["state"],
                batches=row["batches"],
                rows=row["all_rows"],
                newest_received_at=datetime.fromtimestamp(row["newest"], UTC),
            )
            for row in batches_by_day(store, actor.name, clock() - timedelta(days=days)).iter_rows(named=True)
        ],
    )
