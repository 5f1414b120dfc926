"""GET /v1/ledger: what became of every record."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from caudal.contract.batch import LEDGER, LEDGER_COUNTS
from caudal.service.access.access import actor_of
from caudal.service.answers.answers import EconomyCode, LedgerList, LedgerRow, MonthText
from caudal.service.errors import QuestionError
from caudal.service.months.measures import Measures
from caudal.service.problem import documented
from caudal.service.queries import ledger
from caudal.service.requests.choices import Span, TimeParameter, span
from caudal.service.requests.dependencies import KEY, TheMeasures, TheSight, TheStore
from caudal.service.roles.roles import OF_OPERATORS
from caudal.service.vocabulary.period import Month

_MEANING = {column.name: column.meaning for column in LEDGER if column.kind == "sum"}


_TOLD = "by month, and without operator and exporter, as the rules of confidentiality have it"


router = APIRouter(tags=["ledger"])


@router.get(
    "/v1/ledger",
    summary="What became of every record",
    responses=documented(401, 403, 404, 422, 503),
    dependencies=[KEY],
)
def get_ledger(
    request: Request,
    store: TheStore,
    measures: TheMeasures,
    sight: TheSight,
    economy: EconomyCode,
    month: MonthText | None = None,
    start: Annotated[TimeParameter, Query(alias="from")] = None,
    end: Annotated[TimeParameter, Query(alias="to")] = None,
    by: Literal["day", "month"] = "month",
) -> LedgerList:
    """Return the ledger by exporter and day or month; without a time that of the newest month.

    Of a metered economy, others than its operators, auditors and administrators are told the sums of published
    months; the key of an operator, or of its collector, is told of that operator.
    """
    measures.months(economy)
    whole = sight.quality(request, economy)
    running = whole or sight.running(request, economy)
    time = span(measures, economy, month, start, end, running=running)
    if any(moment.hour or moment.minute or moment.second for moment in (time.start, time.end)):
        raise QuestionError("the ledger is kept by day: give `from` and `to` as days or months")
    if time.end <= time.start:
        raise QuestionError("the time asked for is empty: `to` must come after `from`")
    if not whole:
        return _told(measures, economy, time, by, running=running)
    actor = actor_of(request)
    operators = actor.operators if actor.role in OF_OPERATORS else None
    answer = ledger(store, economy, time.start, time.end, by, operators=operators)
    return LedgerList(
        economy=economy,
        start=time.start,
        end=time.end,
        by=by,
        synthetic=measures.is_synthetic(economy),
        balanced=answer.balanced,
        meaning=_MEANING,
        total=answer.total,
        rows=[
            LedgerRow(
                time=row["time"],
                operator=row["operator"],
                collector=row["collector"],
                exporter=row["exporter"],
                counts={name: row[name] for name in LEDGER_COUNTS},
                balanced=row["balanced"],
            )
            for row in answer.rows.iter_rows(named=True)
        ],
        more=answer.more,
    )


def _told(
    measures: Measures, economy: str, time: Span, by: Literal["day", "month"], *, running: bool
) -> LedgerList:
    """Return the sums of the ledger of each month in a time, as they are told to everybody."""
    if by == "day" or any(moment.day != 1 for moment in (time.start, time.end)):
        raise QuestionError(f"the ledger of {economy} is told {_TOLD}: give `month`, or whole months")
    months = [
        each
        for each in measures.months(economy, running=running)
        if time.start <= Month.parse(each).start < time.end
    ]
    answers = {each: measures.ledger(economy, each) for each in months}
    return LedgerList(
        economy=economy,
        start=time.start,
        end=time.end,
        by=by,
        synthetic=measures.is_synthetic(economy),
        balanced=all(answer.balanced for answer in answers.values()),
        meaning=_MEANING,
        total={name: sum(answer.total[name] for answer in answers.values()) for name in LEDGER_COUNTS},
        rows=[
            LedgerRow(
                time=Month.parse(each).start,
                operator=None,
                collector=None,
                exporter=None,
                counts={name: answer.total[name] for name in LEDGER_COUNTS},
                balanced=answer.balanced,
            )
            for each, answer in answers.items()
        ],
        more=False,
    )
