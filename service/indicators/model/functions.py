"""Functions of the far end of a cell for those who send it something, and whether it is video.

A platform has the function of its category (`categories.csv`); a network that is listed without a platform has that of
its kind. What is neither has none: '' in every frame here.
"""

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from caudal.reference.files.platformfiles import CATEGORIES, FUNCTIONS
from caudal.reference.reading.facts import load_facts
from caudal.service.indicators.model.context import Context

FILE = "categories"
COLUMNS = ("category", "function", "observes", "video")
# Carries what is for others, and is no platform: whoever sends something through it sends it to somebody else.
CONNECTS = "connects"
# Holds copies of what others publish.
CARRIES_FOR_OTHERS = "carries_for_others"
# Functions by kind of network, where no platform is known.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "access": CONNECTS,
        "transit": CONNECTS,
        "wholesale": CONNECTS,
        "satellite": CONNECTS,
        "ixp": CONNECTS,
        "academic": CONNECTS,
        "government": CONNECTS,
        "enterprise": CONNECTS,
        "hosting": "computes_and_stores",
    }
)

# Kinds whose networks belong to one and serve others: what is in them may be of any platform.
TENANTED = ("hosting", "address_lease")

__all__ = [
    "CARRIES_FOR_OTHERS",
    "CONNECTS",
    "FUNCTIONS",
    "KINDS",
    "TENANTED",
    "services",
    "shipped_categories",
]


def services(cells: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Return function (text), observes and video (flags) of each cell, in the order of the cells.

    `cells` has platform, category, network_kind and exchange: what networks of the country exchange with one that no list
    knows is with an operator's network, by its declaration, and that connects.
    """
    categories = context.fact(FILE)
    if not set(COLUMNS) <= set(categories.columns):
        categories = pl.DataFrame(
            schema={"category": pl.String, "function": pl.String, "observes": pl.Boolean, "video": pl.Boolean}
        )
    return (
        cells.select("platform", "category", "network_kind", "exchange")
        .join(categories.select(COLUMNS), on="category", how="left", maintain_order="left")
        .select(
            pl.when(pl.col("platform") != "")
            .then(pl.col("function"))
            .otherwise(
                pl.col("network_kind").replace_strict(dict(KINDS), default=None, return_dtype=pl.String)
            )
            .fill_null(pl.when(pl.col("exchange") > 0).then(pl.lit(CONNECTS)).otherwise(pl.lit("")))
            .alias("function"),
            *(
                (pl.col("platform") != "").and_(pl.col(name).fill_null(value=False)).alias(name)
                for name in ("observes", "video")
            ),
        )
    )


def shipped_categories(*functions: str, video: bool = False) -> tuple[str, ...]:
    """Return the categories of the package that have one of these functions, or are video, sorted.

    It is for what is written before any deployment is known, as dashboards are: an overlay may add others.
    """
    frame = load_facts(CATEGORIES).frame
    wanted = pl.col("function").is_in(functions)
    return tuple(
        frame.filter(wanted | pl.col("video") if video else wanted)["category"].unique().sort().to_list()
    )
