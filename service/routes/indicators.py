"""GET /v1/indicators: what they are, and their values by month."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from caudal.service.answers.answers import (
    DefinitionAnswer,
    EconomyCode,
    IndicatorList,
    IndicatorSeries,
    MonthObservations,
    MonthText,
    ObservationAnswer,
)
from caudal.service.errors import NotFound, QuestionError
from caudal.service.indicators import CATALOGUE, Definition, Indicator
from caudal.service.months.measures import Measures, MonthMeasures
from caudal.service.problem import documented
from caudal.service.requests.choices import Exact, VintageText, bounded, most_months
from caudal.service.requests.dependencies import TheMeasures, TheReference, TheSight
from caudal.service.workload.caching import cache_headers, entity_tag, not_modified
from caudal.service.workload.cancellation import check
from caudal.service.workload.heavywork import heavy_work

router = APIRouter(tags=["indicators"])


@router.get("/v1/indicators", summary="What the indicators are")
def get_indicators() -> IndicatorList:
    """Return the definition of every indicator: formula, inputs, source, critique, least sample."""
    return IndicatorList(indicators=[_definition_answer(each.definition) for each in CATALOGUE.values()])


@router.get(
    "/v1/indicators/{id}",
    summary="An indicator month by month",
    response_model=IndicatorSeries,
    responses={304: {"description": "Nothing is new."}, **documented(403, 404, 422, 503)},
)
def get_indicator(
    indicator_id: Annotated[
        str, Path(alias="id", max_length=20, description="the id of an indicator", examples=["J4"])
    ],
    request: Request,
    response: Response,
    reference: TheReference,
    measures: TheMeasures,
    sight: TheSight,
    economy: EconomyCode,
    month: MonthText | None = None,
    vintage: VintageText | None = None,
    first: Annotated[MonthText | None, Query(alias="from", description="first month")] = None,
    last: Annotated[MonthText | None, Query(alias="to", description="last month, included")] = None,
    exact: Exact = False,
) -> IndicatorSeries | Response:
    """Return the values of an indicator in a month, from … to, or in the newest months with data.

    One answer holds so many months as the settings allow, 36 by default.

    Of a month that is published, what was published; of any other, what is computed now: of metered economies for
    roles that may see months that are not published.
    """
    indicator = measures.indicator(indicator_id)
    if exact:
        sight.demand_exact(request, economy)
    running = sight.running(request, economy)
    months = _months(measures, economy, month, first, last, running=running)
    sight.note(request, economy, months)
    if vintage is not None and month is None:
        raise QuestionError("a vintage is that of one month: give `month` with it")
    tag = entity_tag(measures.state(economy, months), indicator_id, economy, months, vintage, exact)
    # A vintage that there is not has no answer, whatever the client says it has.
    found = [measures.measured(economy, months[0], [indicator], vintage)] if vintage is not None else []
    same = not_modified(request, tag, fixed=vintage is not None)
    if same is not None:
        return same
    if exact:
        found = [measures.exact(economy, each, [indicator], vintage) for each in months]
    found = found or list(_measured(measures, economy, months, indicator))
    response.headers.update(cache_headers(tag, fixed=vintage is not None))
    return IndicatorSeries(
        economy=economy,
        synthetic=measures.is_synthetic(economy),
        reference_version=reference.version,
        definition=_definition_answer(indicator.definition),
        months=[
            MonthObservations(
                month=each.month,
                vintage=each.vintage,
                reference_version=each.reference_version,
                computed_at=each.computed_at,
                method_version=each.as_computed(indicator.definition).method_version,
                unit=each.as_computed(indicator.definition).unit,
                observations=[
                    ObservationAnswer.of(observation)
                    for observation in each.observations.get(indicator.definition.id, [])
                ],
            )
            for each in found
        ],
    )


def _definition_answer(definition: Definition) -> DefinitionAnswer:
    """Return a definition as the API says it."""
    return DefinitionAnswer.model_validate(
        {name: value for name, value in definition.as_data().items() if name in DefinitionAnswer.model_fields}
    )


def _months(
    measures: Measures,
    economy: str,
    month: str | None,
    first: str | None,
    last: str | None,
    *,
    running: bool,
) -> list[str]:
    if month is not None:
        if first is not None or last is not None:
            raise QuestionError("give `month`, or `from` and `to`; not both")
        return [measures.month(economy, month, running=running)]
    known = measures.months(economy, running=running)
    if not known:
        measures.month(economy, None, running=running)
    if first is not None and last is not None and last < first:
        raise QuestionError("`to` must not come before `from`")
    chosen = [each for each in known if (first or each) <= each <= (last or each)]
    if not chosen:
        raise NotFound(
            "month",
            f"{economy} has no flows from {first or known[0]} to {last or known[-1]}; "
            f"months with data: {', '.join(known)}",
            known,
        )
    if first is None and last is None:
        most = most_months()
        return chosen[-most:] if most is not None else chosen
    bounded(len(chosen))
    return chosen


def _measured(
    measures: Measures, economy: str, months: list[str], indicator: Indicator
) -> Iterator[MonthMeasures]:
    """Yield the months one by one, in one turn of heavy work where one of them is to be computed."""
    with ExitStack() as turn:
        for month in months:
            check()
            found = measures.published(economy, month)
            if found is None:
                turn.enter_context(heavy_work())
            yield measures.measured(economy, month, [indicator])
