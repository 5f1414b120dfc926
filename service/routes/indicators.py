"""GET /v1/indicators: what they are, and their values by month."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query

from caudal.reference import Reference
from caudal.service.errors import NotFound, QuestionError
from caudal.service.indicators import CATALOGUE, Definition, Observation
from caudal.service.measures import Measures
from caudal.service.models import (
    DefinitionAnswer,
    EconomyCode,
    IndicatorList,
    IndicatorSeries,
    MonthObservations,
    MonthText,
    ObservationAnswer,
)
from caudal.service.problem import documented


def router(reference: Reference, measures: Measures) -> APIRouter:
    """Return the routes that answer indicators."""
    routes = APIRouter(tags=["indicators"])

    @routes.get("/v1/indicators", summary="What the indicators are")
    def get_indicators() -> IndicatorList:
        """Return the definition of every indicator: formula, inputs, source, critique, least sample."""
        return IndicatorList(indicators=[definition_answer(each.definition) for each in CATALOGUE.values()])

    @routes.get(
        "/v1/indicators/{id}", summary="An indicator month by month", responses=documented(404, 422, 503)
    )
    def get_indicator(
        indicator_id: Annotated[
            str, Path(alias="id", max_length=20, description="the id of an indicator", examples=["J4"])
        ],
        economy: EconomyCode,
        month: MonthText | None = None,
        first: Annotated[MonthText | None, Query(alias="from", description="first month")] = None,
        last: Annotated[MonthText | None, Query(alias="to", description="last month, included")] = None,
    ) -> IndicatorSeries:
        """Return the values of an indicator in a month, from … to, or in every month with data."""
        indicator = measures.indicator(indicator_id)
        months = _months(measures, economy, month, first, last)
        return IndicatorSeries(
            economy=economy,
            synthetic=measures.is_synthetic(economy),
            reference_version=reference.version,
            definition=definition_answer(indicator.definition),
            months=[
                MonthObservations(
                    month=each,
                    observations=[
                        observation_answer(observation)
                        for observation in measures.compute(economy, each, [indicator]).observations[
                            indicator.definition.id
                        ]
                    ],
                )
                for each in months
            ],
        )

    return routes


def definition_answer(definition: Definition) -> DefinitionAnswer:
    """Return a definition as the API says it."""
    return DefinitionAnswer.model_validate(
        {name: value for name, value in asdict(definition).items() if name in DefinitionAnswer.model_fields}
    )


def observation_answer(observation: Observation) -> ObservationAnswer:
    """Return an observation as the API says it."""
    return ObservationAnswer.model_validate(
        {name: value for name, value in asdict(observation).items() if name in ObservationAnswer.model_fields}
    )


def _months(
    measures: Measures, economy: str, month: str | None, first: str | None, last: str | None
) -> list[str]:
    if month is not None:
        if first is not None or last is not None:
            raise QuestionError("give `month`, or `from` and `to`; not both")
        return [measures.month(economy, month)]
    known = measures.months(economy)
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
    return chosen
