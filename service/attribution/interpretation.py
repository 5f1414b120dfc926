"""Joins interpretation to facts: whose network, which platform, who controls it, as of a day and a version.

It says of a month what the views `flow_attributed_*` say of the reference in force, but of any version, and
with the facts that held in that month.
"""

import polars as pl

from caudal.reference import Reference
from caudal.service.attribution.exchange import OwnNetworks, counted_once
from caudal.service.indicators.model.cells import CARRIERS

CELL_KEYS = (
    "operator",
    "direction",
    "remote_asn",
    "remote_country",
    "location_rung",
    "folded",
    "sampling_from",
    "border",
    "exchange",
    "counted",
    "doubtful",
    "platform",
    "platform_name",
    "category",
    "tier",
    "stage",
    "network_kind",
    "control",
    "interpretation_status",
)
_SUMS = ("bytes", "packets", "flows", "bytes_variance")
# The other keys follow from network and platform.
_TOLD_APART = CELL_KEYS[: CELL_KEYS.index("platform") + 1]
_NO_TEXTS = ("remote_asn", "folded", "stage", "exchange", "counted", "doubtful")


def interpret(facts: pl.DataFrame, reference: Reference, own: OwnNetworks) -> pl.DataFrame:
    """Return facts as cells: CELL_KEYS, then the sums, in the order of the facts.

    `facts` is what `month_facts` answers; `reference` is taken as of its day. A service tag names the platform,
    else the network does; control is the platform's, else that of an access or transit network. Text is ''
    and a stage 0 where nothing is known. What `own` networks of the economy exchange is in the country, and its sums are
    those that count (see `exchange.py`).
    """
    platforms = reference.platforms.select(
        pl.col("platform_id").alias("platform"),
        pl.col("name").alias("platform_name"),
        "category",
        "tier",
        pl.col("ladder_stage").alias("stage"),
        pl.col("control_country").alias("platform_control"),
        pl.col("status").alias("platform_status"),
    )
    texts = [name for name in CELL_KEYS if name not in _NO_TEXTS]
    joined = (
        counted_once(_named(facts, reference), own, reference)
        .join(platforms, on="platform", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("platform_control").fill_null("") != "")
            .then("platform_control")
            .when(pl.col("network_kind").is_in(CARRIERS))
            .then("network_control")
            .alias("control"),
            pl.coalesce("platform_status", "network_status").alias("interpretation_status"),
        )
        .with_columns(
            *(pl.col(name).cast(pl.String).fill_null("") for name in texts),
            pl.col("stage").cast(pl.UInt8).fill_null(0),
        )
    )
    # Facts come in the order of their keys, so that sums are taken in one order and come out the same.
    return (
        joined.group_by(_TOLD_APART, maintain_order=True)
        .agg(
            pl.col(name).sum() if name in _SUMS else pl.col(name).first()
            for name in (*CELL_KEYS, *_SUMS)
            if name not in _TOLD_APART
        )
        .select(*CELL_KEYS, *_SUMS)
    )


def facts_once(facts: pl.DataFrame, reference: Reference, own: OwnNetworks) -> pl.DataFrame:
    """Return facts, row by row, with their sums as they count, and `exchange`: whether networks of the economy exchanged them."""
    counted = counted_once(_named(facts, reference), own, reference)
    return facts.with_columns(counted[name] for name in ("bytes", "packets", "bytes_variance", "exchange"))


def _named(facts: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Return facts in their order with what is known of the network, and the platform: that of the tag, else of the network."""
    networks = reference.networks.select(
        pl.col("asn").cast(pl.UInt32).alias("remote_asn"),
        pl.col("platform_id").alias("network_platform"),
        pl.col("kind").alias("network_kind"),
        pl.col("control_country").alias("network_control"),
        pl.col("status").alias("network_status"),
    )
    return (
        facts.with_columns(pl.col("remote_asn").cast(pl.UInt32), pl.col("service").cast(pl.String))
        .join(networks, on="remote_asn", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("service") != "")
            .then("service")
            .otherwise(pl.col("network_platform").fill_null(""))
            .alias("platform")
        )
    )
