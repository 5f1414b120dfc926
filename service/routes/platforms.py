"""GET /v1/platforms, /v1/jurisdictions, /v1/economies: who is who, and what there is."""

import polars as pl
from fastapi import APIRouter, Request

from caudal.common.vocabulary import CROSSING
from caudal.reference import Reference
from caudal.service.answers.answers import (
    EconomyCode,
    EconomyList,
    EconomyMonths,
    Jurisdiction,
    JurisdictionList,
    MonthText,
    Platform,
    PlatformList,
)
from caudal.service.perturbation.perturbation import coarse
from caudal.service.problem import documented
from caudal.service.queries import economies_with_data
from caudal.service.requests.choices import VintageText
from caudal.service.requests.dependencies import KEY, TheMeasures, TheReference, TheSight, TheStore
from caudal.service.requests.sight import AMOUNTS_WITHHELD
from caudal.service.vocabulary.languages import ORIGINAL, TRANSLATED
from caudal.service.vocabulary.referencenames import category_names, economy_names
from caudal.service.workload.heavywork import heavy_work

router = APIRouter(tags=["reference"])


@router.get("/v1/platforms", summary="Platforms and who controls them")
def get_platforms(reference: TheReference) -> PlatformList:
    """Return the platforms of the reference in force, with source, date and status of each."""
    return PlatformList(reference_version=reference.version, platforms=_platforms(reference))


@router.get(
    "/v1/jurisdictions",
    summary="Controlling jurisdictions of a month",
    responses=documented(401, 403, 404, 422, 503),
    dependencies=[KEY],
)
def get_jurisdictions(
    request: Request,
    measures: TheMeasures,
    sight: TheSight,
    economy: EconomyCode,
    month: MonthText | None = None,
    vintage: VintageText | None = None,
) -> JurisdictionList:
    """Return who controls the far ends of an economy's traffic, by bytes; by default in the newest month.

    Of a month that is published, as it was published. Of a metered economy only shares are told.
    """
    withheld = not sight.exact(request, economy)
    chosen = measures.month(economy, month, running=sight.running(request, economy))
    sight.note(request, economy, [chosen])
    with heavy_work():
        basis = measures.basis(economy, chosen, vintage, exact=not withheld)
    names = dict(basis.reference.countries.select("country", "name_en").iter_rows())
    return JurisdictionList(
        economy=economy,
        month=chosen,
        synthetic=measures.is_synthetic(economy),
        reference_version=basis.reference.version,
        vintage=basis.vintage.vintage if basis.vintage is not None else None,
        withheld=AMOUNTS_WITHHELD if withheld else None,
        jurisdictions=[
            Jurisdiction(
                control=control,
                name=names.get(control),
                platforms=platforms,
                bytes=None if withheld else amount,
                share=coarse(share) if withheld and share is not None else share,
            )
            for control, platforms, amount, share in _jurisdictions(basis.cells).iter_rows()
        ],
    )


@router.get("/v1/economies", summary="Economies with data", responses=documented(503))
def get_economies(
    request: Request, store: TheStore, reference: TheReference, measures: TheMeasures, sight: TheSight
) -> EconomyList:
    """Return the economies with data, the months that who asks may see, and the operators that reported."""
    return EconomyList(
        economies=[
            EconomyMonths(
                economy=row["economy"],
                names=economy_names(reference, row["economy"]),
                months=measures.months(row["economy"], running=sight.running(request, row["economy"])),
                operators=row["operators"],
                synthetic=measures.is_synthetic(row["economy"]),
            )
            for row in economies_with_data(store).iter_rows(named=True)
        ]
    )


def _jurisdictions(cells: pl.DataFrame) -> pl.DataFrame:
    """Return control, platforms, bytes, share of interpreted cells, out and in; '' is unknown."""
    return (
        cells.filter(pl.col("direction").is_in(CROSSING))
        .group_by("control", maintain_order=True)
        .agg(
            pl.col("platform").filter(pl.col("platform") != "").n_unique().alias("platforms"),
            pl.col("bytes").sum(),
        )
        .sort("bytes", "control", descending=[True, False])
        .with_columns((pl.col("bytes") / pl.col("bytes").sum()).fill_nan(None).alias("share"))
    )


def _platforms(reference: Reference) -> list[Platform]:
    asns: dict[str, list[int]] = {}
    for asn, platform in reference.networks.select("asn", "platform_id").iter_rows():
        if platform:
            asns.setdefault(platform, []).append(asn)
    functions = dict(reference.facts("categories").select("category", "function").iter_rows())
    names = category_names(reference)
    return [
        Platform(
            platform=row["platform_id"],
            control=row["control_country"] or "",
            stage=row["ladder_stage"],
            asns=asns.get(row["platform_id"], []),
            category_names={
                language: names[language][row["category"]] for language in (ORIGINAL, *TRANSLATED)
            },
            function=functions[row["category"]],
            as_of=str(row["as_of"]),
            overlay=row["overlay"],
            **{
                name: row[name] or ""
                for name in ("name", "operator", "parent", "tier", "category", "source", "status", "note")
            },
        )
        for row in reference.platforms.iter_rows(named=True)
    ]
