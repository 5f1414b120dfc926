"""C5 by what a deployment counted and by the services of a month."""

import math

import numpy as np
import polars as pl
import pytest

from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.groups.centralisation import emd

Z = 1.959964


def answers(month, context):
    return {a.dimension: a for a in CATALOGUE["C5"].compute(month, context)}


@pytest.fixture(scope="module")
def month(cell, cells):
    return cells([cell(100, "XA", "operator", "shop")])


def test_the_distance_from_one_provider_each():
    # All with one: 1 − 1/C; each with its own: 1/C − 1/C.
    assert emd(np.array([10.0])).value == pytest.approx(0.9)
    assert emd(np.ones(10)).value == pytest.approx(0.0)
    # 5, 3, 2 of 10: 0.38 − 0.1; variance 4/10·(0.16 − 0.38²)
    assert emd(np.array([5.0, 3.0, 2.0])).value == pytest.approx(0.28)
    assert emd(np.array([5.0, 3.0, 2.0])).variance == pytest.approx(0.4 * (0.160 - 0.1444))


def test_domains_that_a_deployment_counted(month, context, table):
    counted = table(
        "country unit provider count",
        ("XA", "domains", "A", 50),
        ("XA", "domains", "B", 30),
        ("XA", "domains", "C", 20),
        ("XA", "domains", "unknown", 25),
        ("XA", "prefixes", "A", 5),
        ("BR", "domains", "D", 900),
    )
    found = answers(month, context(facts={"provider_counts": counted}))
    domains = found["domains"]
    assert domains.value == pytest.approx(0.38 - 0.01)
    # 25 of 125 without a provider: each its own, (3800 + 25)/125² − 1/125; all with A, (75² + 30² + 20²)/125² − 1/125
    deviation = math.sqrt(4 / 100 * (0.160 - 0.1444))
    merged = (75**2 + 30**2 + 20**2) / 125**2 - 1 / 125
    shares = np.array([75, 30, 20]) / 125
    error = math.sqrt(4 / 125 * (float((shares**3).sum()) - float((shares**2).sum()) ** 2))
    assert domains.low == pytest.approx(3825 / 125**2 - 1 / 125 - Z * deviation, abs=1e-6)
    assert domains.high == pytest.approx(merged + Z * error, abs=1e-6)
    assert domains.details["unattributed"] == pytest.approx(0.2)
    assert found["prefixes"].reason == "needs at least 30 prefixes of known providers, has 5"


def test_services_count_once_with_whoever_carries_most_of_them(cell, cells, context, companies):
    """32 services: 16 on the cloud's network, 12 on the national access network, 4 where nobody is known."""
    rows = []
    for number in range(32):
        asn = 16509 if number < 16 else 64501 if number < 28 else 64999
        tag = {"platform": f"s{number}", "control": "US"}
        rows.append(cell(100, "US", "operator", remote_asn=asn) | tag)
        rows.append(cell(1, "US", "operator", remote_asn=64500) | tag)
    with_names = answers(cells(rows), context(facts=companies))
    # Only 28 of known owners: too few.
    assert with_names[None].reason.endswith("28 were seen")
    rows += [
        cell(100, "US", "operator", remote_asn=16509) | {"platform": f"t{n}", "control": "US"}
        for n in range(4)
    ]
    found = answers(cells(rows), context(facts=companies))["services"]
    # 20 with Amazon, 12 with Red Nacional, 4 unknown: (400 + 144)/32² − 1/32
    assert found.value == pytest.approx(544 / 1024 - 1 / 32)
    assert found.details["units"] == 32
    assert found.details["unattributed"] == pytest.approx(4 / 36)


def test_without_counts_it_says_what_it_needs(month, context):
    (answer,) = CATALOGUE["C5"].compute(month, context())
    assert answer.reason.startswith("needs rows in provider_counts.csv (domains or prefixes by provider")


def test_merging_two_providers_never_lowers_the_index(month, context, table):
    apart = table("country unit provider count", *(("XA", "domains", f"p{n}", 7 + n) for n in range(9)))
    together = apart.with_columns(pl.col("provider").replace({"p1": "p2"}))
    first, second = (
        answers(month, context(facts={"provider_counts": each}))["domains"].value
        for each in (apart, together)
    )
    assert first < second
