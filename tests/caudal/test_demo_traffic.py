"""The traffic model: repeatable, rhythmic, honest about what sampling loses."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from caudal.demo.traffic.cells import make_cells, rhythm
from caudal.demo.traffic.endpoints import Endpoint
from caudal.demo.traffic.sampling import RATE
from caudal.demo.traffic.traffic import Flows, TrafficModel, months_before

TODAY = date(2026, 11, 21)

CELL = ("direction", "remote_asn", "remote_country", "location_rung", "ip_version", "transport")


@pytest.fixture(scope="module")
def quarter(demo_endpoints: list[Endpoint]) -> TrafficModel:
    return TrafficModel(demo_endpoints, months_before(TODAY))


@pytest.fixture(scope="module")
def quarter_truth(quarter: TrafficModel) -> pl.DataFrame:
    truth = quarter.truth()
    for _ in quarter.flows(truth):
        pass
    return truth.frame()


def first_days(model: TrafficModel, count: int) -> list[Flows]:
    return [flows for flows, _ in zip(model.flows(), range(count), strict=False)]


def test_months_before_crosses_the_year() -> None:
    assert months_before(date(2026, 2, 28)) == (date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1))
    assert months_before(date(2024, 3, 1), 1) == (date(2024, 2, 1),)


def test_whole_months_are_covered(quarter: TrafficModel) -> None:
    days = quarter.days()
    assert (days[0], days[-1], len(days)) == (date(2026, 8, 1), date(2026, 10, 31), 31 + 30 + 31)


def test_the_same_seed_gives_the_same_flows_and_another_does_not(demo_endpoints: list[Endpoint]) -> None:
    months = (date(2026, 8, 1),)
    one, two = (first_days(TrafficModel(demo_endpoints, months, seed=3), 1)[0] for _ in range(2))
    other = first_days(TrafficModel(demo_endpoints, months, seed=4), 1)[0]
    for name in ("end_ms", "source_low", "bytes", "packets"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.bytes[:1000], other.bytes[:1000])


def test_flows_end_in_order_within_their_hour(small_model: TrafficModel) -> None:
    midnight = 1_000 * 86_400 * (small_model.months[0] - date(1970, 1, 1)).days
    for day, flows in enumerate(first_days(small_model, 3)):
        assert (np.diff(flows.end_ms) >= 0).all()
        assert (flows.start_ms <= flows.end_ms).all()
        assert (flows.start_ms // 3_600_000 == flows.end_ms // 3_600_000).all()
        assert set((flows.end_ms - midnight) // 86_400_000) == {day}
        assert (flows.start_ms == flows.end_ms)[flows.packets == 1].all()
        per_packet = flows.bytes / flows.packets
        assert per_packet.min() >= 60
        assert per_packet.max() <= 1480


def test_rhythm_rises_in_the_evening_and_averages_one_over_a_week() -> None:
    week = np.stack([rhythm(weekday, -4) for weekday in range(7)])
    assert week.mean(axis=(0, 1)) == pytest.approx([1, 1])
    evening, office = week[0, :, 0], week[0, :, 1]
    assert (evening.argmax() - 4) % 24 in range(19, 23)
    assert (office.argmax() - 4) % 24 in range(9, 17)
    assert week[6, :, 1].sum() < week[2, :, 1].sum() / 1.5


def test_the_demo_makes_its_rate_of_records(
    demo_endpoints: list[Endpoint], quarter_truth: pl.DataFrame
) -> None:
    assert make_cells(demo_endpoints, 2_500).records_per_hour.sum() == pytest.approx(2_500)
    assert quarter_truth["records"].sum() / (92 * 24) == pytest.approx(2_500, rel=0.02)


def test_most_bytes_are_in_cells_of_five_hosts_an_hour(demo_endpoints: list[Endpoint]) -> None:
    model = TrafficModel(demo_endpoints, (date(2026, 8, 1),))
    flows = first_days(model, 1)[0]
    cells = (
        pl.DataFrame(
            {
                "hour": flows.end_ms // 3_600_000,
                "cell": flows.cell,
                "host": flows.subscriber,
                "bytes": flows.bytes,
            }
        )
        .group_by("hour", "cell")
        .agg(pl.col("host").n_unique(), pl.col("bytes").sum())
    )
    enough = pl.col("host") >= 5
    assert cells.select(enough.mean()).item() > 0.6
    assert cells.filter(enough)["bytes"].sum() > 0.9 * cells["bytes"].sum()


def test_estimates_are_as_far_from_the_truth_as_their_variance_says(small_model: TrafficModel) -> None:
    truth = small_model.truth()
    variance = np.zeros(len(truth.frame()))
    for flows in small_model.flows(truth):
        each = RATE * (RATE - 1) * flows.bytes.astype(float) ** 2 / flows.packets
        variance += np.bincount(flows.cell, each, len(variance))
    cells = truth.frame().with_columns(variance=pl.Series(variance))
    assert cells["sampled_packets"].sum() * RATE == pytest.approx(cells["true_packets"].sum(), rel=0.01)
    grouped = cells.group_by("destination", "direction").agg(
        pl.col("true_bytes", "sampled_bytes", "variance").sum()
    )
    error = (grouped["sampled_bytes"] * RATE - grouped["true_bytes"]) / grouped["variance"].sqrt()
    # About 126 standardised errors: their mean square is 1 ± 0.13, so these bounds are wide and still tell
    # a wrong rate, a forgotten class of flows, or doubled records.
    assert abs(error.mean()) < 0.35
    assert 0.6 < (error**2).mean() < 1.6
    assert (error.abs() > 1.96).mean() < 0.12


def test_three_months_show_a_trend(quarter_truth: pl.DataFrame) -> None:
    shares = (
        quarter_truth.group_by("month")
        .agg(
            domestic=pl.col("true_bytes").filter(pl.col("location_rung") == "operator").sum()
            / pl.col("true_bytes").sum(),
            bytedance=pl.col("true_bytes").filter(pl.col("platform") == "bytedance").sum()
            / pl.col("true_bytes").sum(),
            bytes=pl.col("true_bytes").sum(),
        )
        .sort("month")
    )
    for name in ("domestic", "bytedance"):
        assert shares[name].is_sorted(), shares
        assert shares[name][-1] > 1.02 * shares[name][0]
    per_day = shares["bytes"] / pl.Series([31, 30, 31])
    assert per_day[-1] > per_day[0]


def test_video_comes_in_and_uploads_go_out(quarter_truth: pl.DataFrame) -> None:
    directions = quarter_truth.group_by("destination", "direction").agg(pl.col("true_bytes").sum())
    wide = directions.pivot("direction", index="destination", values="true_bytes")
    outward = dict(wide.select("destination", pl.col("out") / (pl.col("in") + pl.col("out"))).iter_rows())
    assert outward["netflix"] < 0.1 < outward["meta"] < 0.4 < outward["dropbox"]
    assert outward["rnp"] > 0.6


def test_truth_accounts_for_every_sampled_record(small_model: TrafficModel) -> None:
    truth = small_model.truth()
    days = list(small_model.flows(truth))
    frame = truth.frame()
    assert frame["records"].sum() == sum(len(flows) for flows in days)
    assert frame["sampled_bytes"].sum() == sum(int(flows.bytes.sum()) for flows in days)
    assert frame["sampled_packets"].sum() == sum(int(flows.packets.sum()) for flows in days)
    assert frame.select(CELL).n_unique() == len(frame)
    assert (frame["true_bytes"] >= frame["sampled_bytes"]).all()
