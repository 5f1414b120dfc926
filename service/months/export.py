"""Bulk export as JSON Lines, for those who check the numbers: all published values, and their inputs.

The first line is a notice: terms, sources, what the rest is. The last says how many lines lie between, so that
a download that broke off is seen to have.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import polars as pl

import caudal
from caudal.reference import Reference, attributions
from caudal.service.attribution.interpretation import facts_once
from caudal.service.confidentiality.confidentiality import Objection
from caudal.service.confidentiality.publicaggregates import aggregates
from caudal.service.evaluation.evaluation import FLAG_TEXTS, MonthInputs
from caudal.service.indicators import CATALOGUE
from caudal.service.perturbation.perturbation import perturbed
from caudal.service.queries import month_facts
from caudal.service.queries.vintages import Vintage, reason_of, vintage_values, withheld_of
from caudal.service.settings.settings import Licence
from caudal.service.store.store import Store
from caudal.service.vocabulary.reason import from_stored, to_stored

MEDIA_TYPE = "application/x-ndjson"
_ROWS_A_PIECE = 5_000


def export_values(store: Store, chosen: list[Vintage], licence: Licence, now: datetime) -> Iterator[bytes]:
    """Yield every value of vintages, with all that belongs to it, and their national totals."""
    yield _notice(
        "values",
        "One line is a value of an indicator, or a national total, in a published vintage. Where a value is "
        "null, reason says why.",
        chosen,
        licence,
        now,
        flags=dict(FLAG_TEXTS),
        indicators={
            name: {"title": dict(each.definition.title), "formula": each.definition.formula}
            for name, each in CATALOGUE.items()
        },
    )
    lines = 0
    for vintage in chosen:
        known = {
            "vintage": vintage.vintage,
            "economy": vintage.economy,
            "month": vintage.month,
            "computed_at": vintage.computed_at.isoformat(),
            "reference_version": vintage.reference_version,
            "software": vintage.software,
            "synthetic": vintage.synthetic,
        }
        piece = []
        for row in vintage_values(store, vintage).iter_rows(named=True):
            details = dict(zip(row.pop("names"), row.pop("numbers"), strict=True))
            why = reason_of(row)
            told = {"reason": why, "reasons": to_stored(why)}
            piece.append(_line({"type": "value", **known, **row, **told, "details": details}))
        for total in json.loads(vintage.inputs)["totals"]:
            told = {"reason": from_stored(total["reason"]), "reasons": total["reason"]}
            piece.append(_line({"type": "total", **known, **total, **told}))
        lines += len(piece)
        yield b"".join(piece)
    yield _end(lines)


def export_aggregates(
    store: Store,
    chosen: list[Vintage],
    licence: Licence,
    now: datetime,
    reference_of: Callable[[Vintage], Reference],
) -> Iterator[bytes]:
    """Yield the monthly aggregates that vintages were computed from, without operators, as far as they may be shown."""
    yield _notice(
        "aggregates",
        "One line is the sum of a published month's traffic over all operators in one cell, before anything was "
        "attributed; what two operators of the economy exchanged counts once, half at each. Of vintages whose facts are null, the traffic of each operator was multiplied by a secret factor "
        "near 1, and sums have three digits: no operator can compute what another carries. Rows of remote_asn 0 with "
        "several cells are the rest of a direction, added up for confidentiality (also cells of few flow records, and what "
        "networks of the economy exchange), and "
        "have no sums where even these are confidential; where the whole month is, only shares are given.",
        chosen,
        licence,
        now,
    )
    lines = 0
    for vintage in chosen:
        inputs = MonthInputs.from_json(vintage.inputs)
        facts = perturbed(month_facts(store, vintage.economy, vintage.month, vintage.facts), inputs.factors)
        # The totals of earlier vintages count both sides; the sums of their cells must as well.
        if inputs.counted_once:
            facts = facts_once(facts, reference_of(vintage).at(vintage.month), inputs.own)
        shown = aggregates(
            facts,
            inputs.rule,
            protected=not vintage.synthetic,
            whole=_objection(vintage),
            moved=bool(inputs.factors),
        )
        known = {"type": "aggregate", "economy": vintage.economy, "month": vintage.month}
        withheld = f"{shown.objection.why} ({shown.objection.rule})" if shown.objection else None
        rows = shown.rows.with_columns(
            *(pl.lit(value).alias(name) for name, value in known.items()),
            pl.lit(vintage.vintage).alias("vintage"),
            pl.lit(vintage.synthetic).alias("synthetic"),
            pl.lit(withheld, pl.String).alias("withheld"),
        ).select(*known, "vintage", "synthetic", *shown.rows.columns, "withheld")
        lines += rows.height
        for piece in rows.iter_slices(_ROWS_A_PIECE):
            yield piece.write_ndjson().encode()
    yield _end(lines)


def _objection(vintage: Vintage) -> Objection | None:
    """Return the objection that forbade the totals of a vintage."""
    withheld = json.loads(vintage.inputs)["withheld"]
    found = (withheld_of(each) for each in withheld if each["what"] == "bytes")
    return next((Objection(each.rule, each.why) for each in found), None)


def _notice(
    content: str, meaning: str, chosen: list[Vintage], licence: Licence, now: datetime, **more: Any
) -> bytes:
    synthetic = any(vintage.synthetic for vintage in chosen)
    return _line(
        {
            "type": "notice",
            "content": content,
            "meaning": meaning,
            "licence": {"name": licence.name, "url": licence.url, "holder": licence.holder},
            "attributions": attributions(),
            "synthetic": synthetic,
            "generated_at": now.isoformat(),
            "software": f"caudal {caudal.__version__}",
            "vintages": [
                {
                    "vintage": each.vintage,
                    "reference_version": each.reference_version,
                    "facts": None if MonthInputs.from_json(each.inputs).factors else each.facts,
                    "reason": each.reason,
                }
                for each in chosen
            ],
            **more,
        }
    )


def _end(lines: int) -> bytes:
    return _line({"type": "end", "lines": lines})


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode() + b"\n"
