"""The ways traffic takes, as a deployment supplies them: traceroutes, AS paths, or the adjacent AS of its exports.

A file of paths is CSV with a header; one row is one path to one far end:

- `remote_asn`: the network of the far end; `remote_country`: its country, empty for any;
- `countries`: the countries in which the hops between the home network and the far end stand, separated by
  spaces, ZZ for a hop that nobody could place, `-` where there is none; empty where the path was not located;
- `as_path`: the networks between the two, as AS numbers separated by spaces, `-` where they meet directly;
  empty where not known. A file from flow export (IPFIX bgpNextAdjacentAsNumber, or the AS of bgpNextHop) has
  `adjacent_asn` instead, one number, 0 where not known;
- `share`: what the path carries among the paths to this far end, in any unit; `bytes` is as good; 1 where absent.
"""

from pathlib import Path

import polars as pl

from caudal.service.indicators.model.errors import SuppliedError

PATHS: dict[str, type[pl.DataType]] = {
    "remote_asn": pl.Int64,
    "remote_country": pl.String,
    "countries": pl.String,
    "as_path": pl.String,
    "share": pl.Float64,
}
DIRECT = "-"
_COUNTRY_LIST = r"^(-|[A-Z]{2}( [A-Z]{2})*)?$"
_PATH = r"^(-|[0-9]{1,10}( [0-9]{1,10})*)?$"


def read_paths(path: Path) -> pl.DataFrame:
    """Return the paths of a CSV file with the columns of PATHS; raise SuppliedError naming what is wrong."""
    try:
        text = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SuppliedError(
            f"{path}: cannot be read as paths: {(str(error).splitlines() or ['unreadable'])[0]}"
        ) from error
    return paths(text, str(path))


def paths(frame: pl.DataFrame, where: str = "the paths") -> pl.DataFrame:
    """Return `frame` with the columns of PATHS; raise SuppliedError naming the column that is wrong."""
    if "remote_asn" not in frame.columns or not {"countries", "as_path", "adjacent_asn"} & set(frame.columns):
        raise SuppliedError(
            f"{where}: needs remote_asn, and countries, as_path or adjacent_asn; has {', '.join(frame.columns)}"
        )
    path = _text(frame, "as_path")
    if "as_path" not in frame.columns:
        adjacent = _text(frame, "adjacent_asn")
        path = pl.when(adjacent == "0").then(pl.lit("")).otherwise(adjacent)
    share = _text(frame, "share" if "share" in frame.columns else "bytes")
    typed = frame.select(
        _text(frame, "remote_asn").cast(pl.Int64, strict=False).alias("remote_asn"),
        _text(frame, "remote_country").alias("remote_country"),
        _text(frame, "countries").alias("countries"),
        path.alias("as_path"),
        pl.when(share == "").then(1.0).otherwise(share.cast(pl.Float64, strict=False)).alias("share"),
    )
    faults = {
        "remote_asn": pl.col("remote_asn").is_null() | ~pl.col("remote_asn").is_between(1, 2**32 - 1),
        "remote_country": ~pl.col("remote_country").str.contains(r"^([A-Z]{2})?$"),
        "countries": ~pl.col("countries").str.contains(_COUNTRY_LIST),
        "as_path or adjacent_asn": ~pl.col("as_path").str.contains(_PATH),
        "share or bytes": ~(pl.col("share").is_finite() & (pl.col("share") >= 0)).fill_null(value=False),
    }
    for column, fault in faults.items():
        rows = typed.with_row_index("row", offset=2).filter(fault)["row"].to_list()
        if rows:
            raise SuppliedError(f"{where}: line {rows[0]}: {column} cannot be read; see {__name__}")
    return typed.filter(pl.col("share") > 0)


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    if name not in frame.columns:
        return pl.lit("")
    return pl.col(name).cast(pl.String).fill_null("").str.strip_chars()
