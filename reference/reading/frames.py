"""Facts as frames for the service. Nothing else needs polars, and a collector has none."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from caudal.reference.files.declaration import OVERLAY, Kind

if TYPE_CHECKING:
    from caudal.reference.reading.facts import Facts

_NETWORK_COLUMNS = (
    "asn",
    "platform_id",
    "name",
    "kind",
    "control_country",
    "valid_from",
    "valid_to",
    "source",
    "as_of",
    "status",
    "overlay",
)
_NUMBERS: Mapping[Kind, pl.DataType] = {
    "asn": pl.UInt32(),
    "integer": pl.Int64(),
    "count": pl.Int64(),
    "number": pl.Float64(),
    "amount": pl.Float64(),
    "percent": pl.Float64(),
    "share": pl.Float64(),
    "year": pl.Int32(),
    "date": pl.Date(),
    "stage": pl.UInt8(),
    "flag": pl.Boolean(),
}


def frame(facts: "Facts") -> pl.DataFrame:
    """Return facts as a frame, typed as declared, in the order of the file; `overlay` marks a deployment's own rows.

    Empty text is '', other empty cells are null.
    """
    schema: dict[str, pl.DataType] = {
        column.name: _NUMBERS.get(column.kind, pl.String()) for column in facts.file.columns
    }
    data: dict[str, list[Any]] = {name: [row.values[name] for row in facts.rows.values()] for name in schema}
    data[OVERLAY] = [row.overlay for row in facts.rows.values()]
    return pl.DataFrame(data, schema={**schema, OVERLAY: pl.Boolean()}, orient="col")


def networks(
    platforms: pl.DataFrame,
    platform_asns: pl.DataFrame,
    access: pl.DataFrame,
    transit: pl.DataFrame,
    others: pl.DataFrame,
) -> pl.DataFrame:
    """Return autonomous systems, one row each and in order of their number, from the frames that list them."""
    control = platforms.select("platform_id", "control_country")
    # A platform that does not hold on the day has no networks either.
    platform = platform_asns.join(control, on="platform_id", how="inner")
    nobody = pl.lit("").alias("platform_id")
    frames: Iterable[pl.DataFrame] = (
        platform.with_columns(kind=pl.lit("platform")),
        access.unique("asn", keep="first", maintain_order=True).with_columns(nobody, kind=pl.lit("access")),
        transit.with_columns(nobody, kind=pl.lit("transit")),
        others.with_columns(nobody),
    )
    named = [each.with_columns(name=pl.col("as_name")).select(_NETWORK_COLUMNS) for each in frames]
    return pl.concat(named).sort("asn")
