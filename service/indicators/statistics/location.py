"""Shares of an area and their bounds, for traffic located wrongly and traffic not located at all."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import (
    Interval,
    Quantity,
    envelope,
    misplacement_variance,
    normal_interval,
    normal_quantile,
    rogan_gladen,
    rogan_gladen_weights,
    sensitivity_variance,
    share_interval,
    weighted_share,
)
from caudal.service.indicators.statistics.accuracy import ERRORS_POINT_TO, LEAST_SPECIFICITY, Accuracy
from caudal.service.vocabulary.reason import Reason, reason

FLOW = ("direction", "bytes", "bytes_variance")
LOCATION = (*FLOW, "remote_country", "location_rung")
ACCURACY = ("economy", "accuracy")


def no_region(context: Context) -> Reason:
    """Return why an indicator about a region is not defined where none is known."""
    return reason("no_region", country=context.economy.country)


def share_inside(
    month: MonthCells,
    inside: BoolArray,
    among: BoolArray,
    *,
    elsewhere: float,
    accuracy: Accuracy | None = None,
    specificity: float = LEAST_SPECIFICITY,
    inward: bool = False,
    level: float = 0.95,
) -> Quantity:
    """Return the share of all bytes that lie `inside` an area and `among` the given cells.

    Cells without a location count for `elsewhere` (0 none of them inside, 1 all). With an accuracy, the
    bytes located by an address database are corrected by Rogan-Gladen; those located exactly are not.
    `inward` says that wrong locations fall inside the area, and that the accuracy is that of finding the
    addresses outside.
    """
    located = month.located & among
    lookup = month.looked_up & among
    weights = np.where(located, inside, np.where(among, elsewhere, 0.0)).astype(np.float64)
    if accuracy is None or month.total(lookup) == 0:
        return weighted_share(weights, month.bytes, month.variance)
    se = accuracy.sensitivity
    found, missed = rogan_gladen_weights(se, specificity)
    weight_inside, weight_outside = (1 - missed, 1 - found) if inward else (found, missed)
    exact = np.where(lookup, 0.0, weights)
    weights = np.where(lookup, np.where(inside, weight_inside, weight_outside), weights)
    looked_up = month.total(lookup) / month.total()
    target = lookup & (~inside if inward else inside)
    true = rogan_gladen(month.total(target) / month.total(lookup), se, specificity)
    # The value is cut to what a share can be; the variance stays that of the uncut, linear correction.
    corrected = 1 - true if inward else true
    value = float((exact * month.bytes).sum()) / month.total() + corrected * looked_up
    variance = weighted_share(weights, month.bytes, month.variance).variance
    found_bytes = month.by_presence(target)
    variance += looked_up**2 * (
        sensitivity_variance(true, se, specificity, accuracy.trials)
        + misplacement_variance(found_bytes, month.total(lookup), se, specificity, level)
    )
    return Quantity(value, variance)


def misplaced(month: MonthCells, from_where: BoolArray, accuracy: Accuracy | None, level: float) -> float:
    """Return the greatest share of all bytes that lie where these cells do, but were placed elsewhere.

    For b bytes that a database placed rightly, b·(1−Se)/Se were not; these it placed where its errors point to, and there
    were no more than lie there now. Without an accuracy it is 0.
    """
    lookup = month.looked_up & from_where
    seen = month.total(lookup)
    if accuracy is None or seen == 0:
        return 0.0
    se = accuracy.sensitivity
    found_bytes = month.by_presence(lookup)
    variance = misplacement_variance(found_bytes, month.total(), se, 1.0, level)
    # d(b·(1−Se)/Se)/dSe = −b/Se², times the binomial variance of Se.
    variance += (seen / month.total() / se**2) ** 2 * se * (1 - se) / accuracy.trials
    variance += month.total_variance(lookup) * ((1 - se) / se / month.total()) ** 2
    most = seen / month.total() * (1 - se) / se + normal_quantile(level) * math.sqrt(variance)
    return min(most, month.share(month.looked_up & month.equals("remote_country", ERRORS_POINT_TO)))


class Scenario(NamedTuple):
    """A share that cannot be ruled out, and its interval."""

    value: float
    interval: Interval


def location_scenarios(
    month: MonthCells,
    inside: BoolArray,
    certain: BoolArray,
    possible: BoolArray,
    accuracy: Accuracy | None,
    level: float,
    *,
    inward: bool = False,
) -> Iterator[Scenario]:
    """Yield the shares inside that cannot be ruled out, least and greatest.

    What is unknown is all outside, or all inside: first as located, then corrected, with the specificity
    at either end of what was measured. `certain` and `possible` bound the cells the share is about.

    Errors point one way: what was found inside is there, but for 1 − Sp of what was looked up, however much was missed.
    So the share as located is a limit that no correction goes beyond; `inward` it is what was found outside that is there.
    """
    ways = ((certain, 0), (possible, 1))
    as_located = [share_inside(month, inside, among, elsewhere=elsewhere) for among, elsewhere in ways]
    for share in as_located:
        yield Scenario(share.value, share_interval(share, level))
    if accuracy is not None and month.total(month.looked_up):
        ends = (1.0, LEAST_SPECIFICITY) if inward else (LEAST_SPECIFICITY, 1.0)
        for (among, elsewhere), specificity, seen in zip(ways, ends, as_located, strict=True):
            share = share_inside(
                month,
                inside,
                among,
                elsewhere=elsewhere,
                accuracy=accuracy,
                specificity=specificity,
                inward=inward,
                level=level,
            )
            low, high = normal_interval(share, level, 0.0, 1.0)
            least, most = share_interval(seen, level)
            stray = (1 - LEAST_SPECIFICITY) * month.share(month.looked_up & among)
            if inward:
                high = max(share.value, min(high, most + stray))
            else:
                low = min(share.value, max(low, least - stray))
            yield Scenario(share.value, (low, high))


def control_interval(
    month: MonthCells,
    subsets: tuple[BoolArray, BoolArray, BoolArray],
    level: float,
    among: BoolArray | None = None,
) -> Interval:
    """Return the interval of the share that some jurisdictions have of the bytes `among` (of all without it).

    `subsets` are the cells that they command by every reading, by attribution, and by any (see
    `MonthCells.commanded`); bytes of unknown operators are added to the last.
    """
    within = np.ones(len(month), dtype=np.bool_) if among is None else among
    amounts, variances = month.bytes[within], month.variance[within]
    shares = (
        weighted_share(which[within].astype(np.float64), amounts, variances)
        for which in (*subsets, subsets[2] | ~month.controlled)
    )
    return envelope(share_interval(each, level) for each in shares)
