"""GET /v1/reference: what the facts are, each with its source, date, status, and whether a deployment says it."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from caudal.reference import FILES, Reference, UnknownFact
from caudal.reference.files.declaration import OVERLAY, FactFile
from caudal.reference.lookup import Statement, file_of, find, statements_of
from caudal.service.answers.answers import (
    FactColumn,
    FactFileAnswer,
    FactRow,
    FactsAnswer,
    MonthText,
    ReferenceAnswer,
    SubjectAnswer,
)
from caudal.service.errors import NotFound
from caudal.service.problem import documented
from caudal.service.requests.dependencies import TheReference

UNCHECKED = "memory"


router = APIRouter(tags=["reference"])


@router.get("/v1/reference", summary="What the facts are")
def get_reference(reference: TheReference) -> ReferenceAnswer:
    """Return the version of the reference in force, and its files with columns and numbers of rows."""
    return ReferenceAnswer(
        reference_version=reference.version,
        day=reference.day,
        synthetic=reference.synthetic,
        files=[_file(reference, file) for file in FILES],
    )


@router.get("/v1/reference/{file}", summary="A file of facts", responses=documented(404, 422))
def get_facts(
    reference: TheReference,
    file: Annotated[str, Path(max_length=40, description="its name without .csv", examples=["adequacy"])],
    month: MonthText | None = None,
    overlay: Annotated[
        bool | None, Query(description="only rows of the deployment's overlay, or only those shipped")
    ] = None,
) -> FactsAnswer:
    """Return the rows of a file that hold in a month, by default as of the newest facts."""
    asked = reference.at(month) if month else reference
    try:
        declared = file_of(file)
    except UnknownFact as error:
        raise NotFound("fact", str(error), list(error.available)) from error
    rows = [
        _row(each) for each in statements_of(asked, declared) if overlay is None or each.overlay == overlay
    ]
    return FactsAnswer(
        reference_version=asked.version,
        day=asked.day,
        file=declared.name,
        meaning=declared.meaning,
        supply=declared.cure or None,
        overlay_rows=sum(row.overlay for row in rows),
        rows=rows,
    )


@router.get(
    "/v1/reference/about/{subject}",
    summary="What the facts say of one thing",
    responses=documented(404, 422),
)
def get_subject(
    reference: TheReference,
    subject: Annotated[
        str,
        Path(
            max_length=40,
            description="an AS number, a platform, a country group, a country code, or a file",
            examples=["AS15169"],
        ),
    ],
    month: MonthText | None = None,
) -> SubjectAnswer:
    """Return every row that speaks of a platform, network, country or group, as of a month."""
    asked = reference.at(month) if month else reference
    try:
        found = find(asked, subject)
    except UnknownFact as error:
        raise NotFound("fact", str(error), list(error.available)) from error
    return SubjectAnswer(
        reference_version=asked.version,
        day=asked.day,
        subject=subject,
        rows=[_row(each) for each in found],
    )


def _file(reference: Reference, file: FactFile) -> FactFileAnswer:
    facts = reference.facts(file.name)
    return FactFileAnswer(
        file=file.name,
        meaning=file.meaning,
        key=list(file.key),
        columns=[
            FactColumn(
                name=column.name,
                kind=column.kind,
                meaning=column.meaning,
                required=column.required,
                values=list(column.values),
            )
            for column in file.columns
        ],
        rows=facts.height,
        overlay_rows=int(facts[OVERLAY].sum()),
        unchecked_rows=int(facts["status"].str.contains(UNCHECKED).sum()),
        supply=file.cure or None,
    )


def _row(statement: Statement) -> FactRow:
    validity = statement.validity
    return FactRow(
        file=statement.file.name,
        overlay=statement.overlay,
        holds_from=validity.since,
        holds_to=validity.until,
        cells={
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in statement.values.items()
        },
    )
