"""Limits of intake: of one batch, of a collector by the hour and day, and of an operator by its links."""

from pydantic import BaseModel, ConfigDict, Field

# More than any operator of any country carries today: the largest have months of 15 exabytes, 46 Tbit/s on average.
MOST_GBIT_PER_SECOND = 100_000.0


class Admission(BaseModel):
    """The bounds that a batch must keep to be stored, and beyond which it waits for review instead of being counted.

    `capacity_gbit_per_second` is that of operators that declare none of their own: what all their links to their
    subscribers and to other networks together could carry, both directions added up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows_per_batch: int = Field(default=600_000, ge=1, le=4_000_000)
    months_per_batch: int = Field(default=4, ge=1, le=120)
    oldest_window_days: int = Field(default=400, ge=1, le=36_500)
    capacity_gbit_per_second: float = Field(default=MOST_GBIT_PER_SECOND, gt=0, le=10_000_000)


class Quotas(BaseModel):
    """The quotas of a collector, by hours and days of UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batches_per_hour: int = Field(default=6_000, ge=1)
    rows_per_hour: int = Field(default=20_000_000, ge=1)
    bytes_per_day: int = Field(default=20 << 30, ge=1)
