"""Packet sampling 1:1000 simulated: the intervals must hold the truth as often as they claim."""

import numpy as np
import pytest

from caudal.service.indicators.model.uncertainty import (
    herfindahl,
    normal_interval,
    share_interval,
    weighted_share,
)

RATE = 1000
REPEATS = 2000
PROVIDERS = 6


def simulate(flows):
    """Return the true bytes by provider, and what sampling made of bytes and variance, REPEATS times over."""
    random = np.random.default_rng(20260901)
    packets = np.ceil((random.pareto(1.3, flows) + 1) * 1500).clip(max=2e6)
    size = random.uniform(80, 1400, flows)
    provider = random.choice(PROVIDERS, flows, p=[0.35, 0.25, 0.15, 0.1, 0.1, 0.05])
    seen = random.binomial(packets.astype(np.int64), 1 / RATE, (REPEATS, flows))
    sampled_bytes = seen * size
    # The estimate of a record and its variance, which for b bytes in p packets of one size is N(N−1)b²/p.
    squares = np.divide(sampled_bytes**2, seen, out=np.zeros_like(sampled_bytes), where=seen > 0)
    by_provider = np.eye(PROVIDERS)[provider]
    return (
        (packets * size) @ by_provider,
        RATE * sampled_bytes @ by_provider,
        RATE * (RATE - 1) * squares @ by_provider,
    )


@pytest.fixture(scope="module")
def sampled():
    return simulate(1500)


def test_bytes_are_unbiased_and_their_variance_is_right(sampled):
    truth, estimate, variance = sampled
    assert estimate.mean(axis=0) == pytest.approx(truth, rel=0.01)
    assert variance.mean(axis=0) == pytest.approx(estimate.var(axis=0), rel=0.15)


@pytest.mark.parametrize("provider", range(PROVIDERS))
def test_interval_of_a_share_covers_the_truth_95_times_in_100(sampled, provider):
    truth, estimate, variance = sampled
    weights = np.eye(PROVIDERS)[provider]
    share = truth[provider] / truth.sum()
    held = 0
    for amounts, variances in zip(estimate, variance, strict=True):
        low, high = share_interval(weighted_share(weights, amounts, variances), 0.95)
        held += low <= share <= high
    assert 0.92 <= held / REPEATS <= 0.98


def test_corrected_index_is_unbiased_where_the_plain_one_is_not():
    truth, estimate, variance = simulate(60)
    index = ((truth / truth.sum()) ** 2).sum()
    plain = ((estimate / estimate.sum(axis=1, keepdims=True)) ** 2).sum(axis=1)
    corrected = np.array([herfindahl(b, v).value for b, v in zip(estimate, variance, strict=True)])
    error = plain.std() / np.sqrt(REPEATS)
    assert abs(corrected.mean() - index) < 3 * error
    assert plain.mean() - index > 3 * error


def test_interval_of_the_index_covers_the_truth(sampled):
    truth, estimate, variance = sampled
    index = ((truth / truth.sum()) ** 2).sum()
    held = 0
    for amounts, variances in zip(estimate, variance, strict=True):
        low, high = normal_interval(herfindahl(amounts, variances), 0.95)
        held += low <= index <= high
    assert 0.92 <= held / REPEATS <= 0.98
