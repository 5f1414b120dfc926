"""GET /v1/flows: bytes, packets and flows by any grouping."""

from contextlib import nullcontext
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from caudal.common.logline import quoted
from caudal.service.answers.answers import CoverageAnswer, FlowRow, FlowsAnswer, FlowSums, MonthText
from caudal.service.errors import QuestionError
from caudal.service.problem import Problem, documented
from caudal.service.queries import FlowQuery, flows
from caudal.service.queries.flows import DIMENSIONS, GROUPINGS, OF_OPERATORS
from caudal.service.requests.choices import TimeParameter, span
from caudal.service.requests.dependencies import KEY, TheAccess, TheMeasures, TheReference, TheStore, demand
from caudal.service.requests.sight import AMOUNTS_WITHHELD
from caudal.service.roles.actor import Actor, decide, entitled
from caudal.service.roles.roles import Resource
from caudal.service.workload.heavywork import heavy_work

EconomyParameter = Annotated[
    list[Annotated[str, Query(pattern=r"^[A-Z]{2}$")]],
    Query(min_length=1, max_length=50, description="one or more economies", examples=[["XA"]]),
]


router = APIRouter(tags=["flows"])


@router.get(
    "/v1/flows",
    summary="Flows by any grouping",
    responses=documented(401, 403, 404, 422, 503),
    dependencies=[KEY],
)
def get_flows(
    store: TheStore,
    reference: TheReference,
    measures: TheMeasures,
    access: TheAccess,
    actor: Annotated[Actor, Depends(demand(Resource.published))],
    economy: EconomyParameter,
    month: MonthText | None = None,
    start: Annotated[TimeParameter, Query(alias="from")] = None,
    end: Annotated[TimeParameter, Query(alias="to")] = None,
    group_by: Annotated[
        str,
        Query(
            description=f"names, with commas between: {', '.join(GROUPINGS)}",
            max_length=300,
            examples=["platform,control"],
        ),
    ] = "",
    where: Annotated[
        list[Annotated[str, Query(max_length=1000)]],
        Query(
            description="dimension:value, several values with commas between; repeat for several dimensions",
            max_length=20,
            examples=[["direction:out", "control:US,CN"]],
        ),
    ] = [],  # noqa: B006 - FastAPI copies defaults
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> FlowsAnswer:
    """Add up flows of economies in a time, by the dimensions named, from the coarsest exact roll-up.

    Without a time the newest month of the first economy is taken. Intervals are 95 % and hold what packet sampling leaves
    uncertain; `undetermined` holds what location and attribution leave open. Of a metered economy they are
    told to roles that may have exact figures only: any grouping would show what single operators carry. The key
    of an operator is told of that operator. Sites are of an operator's own network: of any economy they are told to these
    roles only.
    """
    economies = tuple(dict.fromkeys(economy))
    for code in economies:
        measures.months(code)
    filters, names = _filters(where), _names(group_by)
    if actor.operators is not None and entitled(actor, Resource.exact):
        filters.setdefault("operator", tuple(sorted(actor.operators)))
        access.allow(actor, Resource.exact, economies, filters["operator"])
    protected = [code for code in economies if measures.protected(code)]
    if decide(actor, Resource.exact, economies, filters.get("operator")):
        access.note_reading(actor, Resource.exact, protected)
    else:
        _refuse(protected)
        _refuse_of_operators((*names, *filters))
    time = span(measures, economies[0], month, start, end)
    query = FlowQuery(economies, time.start, time.end, names, filters, limit, offset)
    with heavy_work() if query.wide else nullcontext():
        answer = flows(store, query)
    keys = [name for name in answer.rows.columns if name in DIMENSIONS]
    return FlowsAnswer(
        economy=list(economies),
        start=time.start,
        end=time.end,
        group_by=list(query.group_by),
        roll_up=answer.roll_up,
        synthetic=any(measures.is_synthetic(code) for code in economies),
        reference_version=reference.version,
        undetermined=answer.undetermined,
        coverage={
            code: CoverageAnswer.of(measures.coverage(code, time.start, time.end)) for code in economies
        },
        total=FlowSums.model_validate(answer.total),
        rows=[
            FlowRow(
                time=row.get("time"),
                group={key: row[key] for key in keys},
                **{name: row[name] for name in (*FlowSums.model_fields, "share")},
            )
            for row in answer.rows.iter_rows(named=True)
        ],
        more=answer.more,
    )


def _refuse(protected: list[str]) -> None:
    if protected:
        raise Problem(
            "confidential",
            f"the flows of {', '.join(protected)} are withheld: groupings and filters would show what single "
            f"operators carry; {AMOUNTS_WITHHELD}; shares are in /v1/reports and /v1/indicators",
            extras={"withheld": protected},
        )


def _refuse_of_operators(asked: tuple[str, ...]) -> None:
    for name in OF_OPERATORS:
        if name in asked:
            raise Problem(
                "confidential",
                f"{name} is withheld: it is of an operator's own network, and is told to the operator and to those whose key "
                "allows exact figures; leave it out of group_by and where",
                extras={"withheld": [name]},
            )


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in GROUPINGS]
    if unknown:
        raise QuestionError(f"cannot group by {quoted(unknown[0])}; there are {', '.join(GROUPINGS)}")
    return names


def _filters(texts: list[str]) -> dict[str, tuple[str, ...]]:
    filters: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, colon, values = text.partition(":")
        if not colon or name not in DIMENSIONS:
            raise QuestionError(
                f"where={quoted(text)} is no filter; write dimension:value with one of {', '.join(DIMENSIONS)}"
            )
        if name in filters:
            raise QuestionError(
                f"{name} is filtered twice; write its values in one filter, with commas between"
            )
        filters[name] = tuple(values.split(","))
    return filters
