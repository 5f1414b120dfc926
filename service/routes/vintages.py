"""/v1/vintages: what is published, publishing it, computing it again; /v1/totals: how much there is."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request, Response

import caudal
from caudal.service.access.access import Access
from caudal.service.answers.answers import CoverageAnswer, EconomyCode, MonthText
from caudal.service.answers.vintages import (
    ConfidentialAnswer,
    DeclaredSubscribers,
    MonthTotals,
    NationalTotalAnswer,
    PublicationOrder,
    PublicationOutcome,
    PublicationReceipt,
    RecomputationAnswer,
    VintageAnswer,
    VintageList,
)
from caudal.service.errors import AlreadyPublished, NotFound
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs
from caudal.service.indicators import CATALOGUE
from caudal.service.months.vintages import Vintages
from caudal.service.problem import documented
from caudal.service.queries import economies_with_data, months_with_data
from caudal.service.queries.vintages import Vintage, vintages
from caudal.service.requests.choices import Exact, VintageText
from caudal.service.requests.dependencies import (
    KEY,
    TheAccess,
    TheMeasures,
    TheRecomputations,
    TheSight,
    TheStore,
    TheVintages,
    demand,
)
from caudal.service.roles.actor import Actor, decide
from caudal.service.roles.roles import Resource
from caudal.service.workload.caching import cache_headers, entity_tag, not_modified

router = APIRouter(tags=["vintages"])


def _publish(
    published: Vintages, access: Access, actor: Actor, economy: str, order: PublicationOrder
) -> PublicationOutcome:
    made = published.publish(economy, order.month, order.reason)
    if made is not None:
        access.audit.write(actor, "publish", made.vintage, detail={"reason": order.reason})
    return PublicationOutcome.of(economy, _vintage_answer(made) if made is not None else None)


@router.get("/v1/vintages", summary="What is published", responses=documented(422, 503))
def get_vintages(
    store: TheStore, economy: EconomyCode | None = None, month: MonthText | None = None
) -> VintageList:
    """Return every vintage, by economy, month and number. What is published never changes."""
    return VintageList(vintages=[_vintage_answer(each) for each in vintages(store, economy, month)])


@router.post(
    "/v1/vintages",
    summary="Publish a month",
    status_code=201,
    responses=documented(401, 403, 404, 409, 422, 503),
    dependencies=[KEY],
)
def post_vintage(
    store: TheStore,
    published: TheVintages,
    access: TheAccess,
    actor: Annotated[Actor, Depends(demand(Resource.publish))],
    order: Annotated[PublicationOrder, Body()],
) -> PublicationReceipt:
    """Compute a month that is over and publish it; with a reason, publish a revision of it.

    Without an economy, all that have data in the month: those that are published and not to be revised are left.
    A key that is bound to economies publishes these.
    """
    if order.economy is not None:
        access.allow(actor, Resource.publish, [order.economy])
        outcome = _publish(published, access, actor, order.economy, order)
        return PublicationReceipt(month=order.month, outcomes=[outcome])
    codes = [
        str(code)
        for code in economies_with_data(store)["economy"]
        if decide(actor, Resource.publish, [str(code)])
    ]
    with_data = [code for code in codes if order.month in months_with_data(store, code)]
    if not with_data:
        raise NotFound("month", f"no economy has flows in {order.month}", [])
    outcomes = []
    for code in with_data:
        try:
            outcomes.append(_publish(published, access, actor, code, order))
        except AlreadyPublished:
            outcomes.append(PublicationOutcome(economy=code, outcome="already published", vintage=None))
    return PublicationReceipt(month=order.month, outcomes=outcomes)


@router.get(
    "/v1/vintages/{vintage}/recomputation",
    summary="A vintage computed again",
    response_model=RecomputationAnswer,
    responses={304: {"description": "Nothing is new."}, **documented(404, 422, 503)},
)
def get_recomputation(
    request: Request,
    published: TheVintages,
    recomputations: TheRecomputations,
    vintage: Annotated[str, Path(max_length=40, examples=["XA-2026-08-v1"])],
) -> Response:
    """Compute a vintage again from the facts and the reference it was computed from, and compare.

    A vintage never changes: the answer is kept for as long as the service runs this version.
    """
    tag = entity_tag(caudal.__version__, "recomputation", vintage)
    body = recomputations.get(
        tag,
        lambda: (
            RecomputationAnswer.model_validate(asdict(published.recompute(vintage)))
            .model_dump_json()
            .encode()
        ),
    )
    return not_modified(request, tag) or Response(
        body, media_type="application/json", headers=cache_headers(tag)
    )


@router.get(
    "/v1/totals",
    summary="How much there is, observed and estimated",
    responses={304: {"description": "Nothing is new."}, **documented(403, 404, 422, 503)},
    response_model=MonthTotals,
)
def get_totals(
    request: Request,
    response: Response,
    measures: TheMeasures,
    sight: TheSight,
    economy: EconomyCode,
    month: MonthText | None = None,
    vintage: VintageText | None = None,
    exact: Exact = False,
) -> MonthTotals | Response:
    """Return the totals of a month: as observed, and as estimated of the whole economy. Never one for the other."""
    if exact:
        sight.demand_exact(request, economy)
    chosen = measures.month(economy, month, running=sight.running(request, economy))
    sight.note(request, economy, [chosen])
    tag = entity_tag(measures.state(economy, [chosen]), "totals", economy, chosen, vintage, exact)
    # A vintage that there is not has no answer, whatever the client says it has.
    measured = measures.measured(economy, chosen, vintage=vintage) if vintage is not None else None
    same = not_modified(request, tag, fixed=vintage is not None)
    if same is not None:
        return same
    if exact:
        measured = measures.exact(economy, chosen, CATALOGUE.values(), vintage)
    measured = measured or measures.measured(economy, chosen)
    response.headers.update(cache_headers(tag, fixed=vintage is not None))
    return MonthTotals(
        economy=economy,
        month=chosen,
        synthetic=SYNTHETIC in measured.flags,
        vintage=measured.vintage,
        computed_at=measured.computed_at,
        reference_version=measured.reference_version,
        coverage=CoverageAnswer.of(measured.coverage),
        declared={
            name: DeclaredSubscribers(count=count, as_of=as_of)
            for name, (count, as_of) in measured.declared.items()
        },
        totals=[NationalTotalAnswer.of(each) for each in measured.totals],
        withheld=[ConfidentialAnswer.of(each) for each in measured.withheld],
    )


def _vintage_answer(vintage: Vintage) -> VintageAnswer:
    """Return a vintage as the API says it."""
    known = asdict(vintage)
    if MonthInputs.from_json(vintage.inputs).factors:
        # The hash of exact facts would confirm whoever guesses them.
        known["facts"] = None
    return VintageAnswer.model_validate({name: known[name] for name in VintageAnswer.model_fields})
