"""The statistics against examples worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from caudal.service.indicators.model.uncertainty import (
    Quantity,
    envelope,
    herfindahl,
    misplacement_variance,
    normal_interval,
    normal_quantile,
    positive_interval,
    probability_larger,
    ratio_bounds,
    rogan_gladen,
    rogan_gladen_weights,
    sensitivity_variance,
    share_interval,
    share_intervals,
    share_variance,
    weighted_share,
)


def test_normal_quantile_is_that_of_the_tables():
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert normal_quantile(0.90) == pytest.approx(1.644854, abs=1e-6)


def test_normal_interval_is_symmetrical_until_it_is_cut():
    assert normal_interval(Quantity(0.5, 0.01), 0.95) == pytest.approx((0.3040036, 0.6959964))
    assert normal_interval(Quantity(0.05, 0.01), 0.95, 0.0, 1.0) == pytest.approx((0.0, 0.2459964))


def test_share_variance_weighs_the_part_and_the_rest():
    # S = 40/100; V_in = 4, V_out = 9: (0.6²·4 + 0.4²·9) / 100² = (1.44 + 1.44) / 10 000
    variance = share_variance(np.array([40.0]), np.array([4.0]), 100.0, 13.0)
    assert variance == pytest.approx([2.88e-4])


def test_share_of_everything_is_certain():
    assert share_variance(np.array([7.0]), np.array([5.0]), 7.0, 5.0) == pytest.approx([0.0])


def test_weighted_share_with_zeros_and_ones_is_a_share():
    share = weighted_share(np.array([1.0, 0.0]), np.array([40.0, 60.0]), np.array([4.0, 9.0]))
    assert (share.value, share.variance) == pytest.approx((0.4, 2.88e-4))


def test_weighted_share_with_signs_is_an_asymmetry():
    # (30 − 70)/100 = −0.4; (1.4²·4 + 0.6²·9)/100² = (7.84 + 3.24)/10 000, four times the share's 2.77e-4
    asymmetry = weighted_share(np.array([1.0, -1.0]), np.array([30.0, 70.0]), np.array([4.0, 9.0]))
    assert (asymmetry.value, asymmetry.variance) == pytest.approx((-0.4, 1.108e-3))


def test_rogan_gladen_corrects_and_stays_a_share():
    # (0.20 − 0.05) / (0.90 + 0.95 − 1) = 0.15/0.85
    assert rogan_gladen(0.20, 0.90, 0.95) == pytest.approx(0.15 / 0.85)
    assert rogan_gladen(0.01, 0.90, 0.95) == 0.0
    assert rogan_gladen(0.99, 0.90, 0.95) == 1.0
    assert rogan_gladen(0.37, 1.0, 1.0) == pytest.approx(0.37)


def test_rogan_gladen_undoes_the_misclassification_it_models():
    true, se, sp = 0.3, 0.773, 0.998
    observed = true * se + (1 - true) * (1 - sp)
    assert rogan_gladen(observed, se, sp) == pytest.approx(true)


def test_rogan_gladen_weights_are_the_same_correction():
    inside, outside = rogan_gladen_weights(0.90, 0.95)
    assert 0.2 * inside + 0.8 * outside == pytest.approx(rogan_gladen(0.2, 0.90, 0.95))


def test_sensitivity_variance_is_the_derivative_times_the_binomial_variance():
    # (0.17/0.85)² · 0.9·0.1/100 = 0.04 · 0.0009
    assert sensitivity_variance(0.17, 0.90, 0.95, 100) == pytest.approx(3.6e-5)


def test_herfindahl_of_known_amounts():
    # 0.5² + 0.3² + 0.2² = 0.38
    index = herfindahl(np.array([50.0, 30.0, 20.0]), np.zeros(3))
    assert (index.value, index.variance) == pytest.approx((0.38, 0.0))


def test_herfindahl_takes_out_what_sampling_put_in():
    # var(s): (0.25·25 + 0.25·13, 0.49·9 + 0.09·29, 0.64·4 + 0.04·34)/10⁴ = (9.50, 7.02, 3.92)e-4, sum 20.44e-4
    # variance: 4·(0.12²·25 + 0.08²·9 + 0.18²·4)/10⁴ = 4·0.5472/10⁴
    index = herfindahl(np.array([50.0, 30.0, 20.0]), np.array([25.0, 9.0, 4.0]))
    assert (index.value, index.variance) == pytest.approx((0.38 - 0.002044, 2.1888e-4))


def test_herfindahl_of_equal_units_is_the_textbook_correction():
    # 8, 1 and 1 of n = 10 units, var(s) = s(1−s)/(n−1), which V = b·n/(n−1) gives: (n·H − 1)/(n − 1)
    amounts = np.array([8.0, 1.0, 1.0])
    index = herfindahl(amounts, amounts * 10 / 9)
    assert index.value == pytest.approx((10 * 0.66 - 1) / 9)


def test_herfindahl_never_falls_below_equal_shares():
    amounts = np.array([5.0, 5.0])
    assert herfindahl(amounts, amounts * 100).value == pytest.approx(0.5)


def test_atoms_add_to_the_total_and_not_to_the_index():
    # 50/200, 30/200, 20/200 and 100 atoms: 0.0625 + 0.0225 + 0.01
    index = herfindahl(np.array([50.0, 30.0, 20.0]), np.zeros(3), atoms=100.0)
    assert index.value == pytest.approx(0.095)


def test_atoms_of_uncertain_size_make_the_index_uncertain():
    # One owner of 100 and 100 atoms, H = 0.25: dH/dU = −2H/T, so 4·0.25²·16/200² = 1e-4
    index = herfindahl(np.array([100.0]), np.zeros(1), atoms=100.0, atoms_variance=16.0)
    assert index.variance == pytest.approx(1e-4)


def test_positive_interval_is_normal_for_small_deviations_and_positive_for_large():
    narrow = positive_interval(Quantity(0.4, 1e-8), 0.95)
    assert narrow == pytest.approx(normal_interval(Quantity(0.4, 1e-8), 0.95), abs=1e-7)
    low, high = positive_interval(Quantity(0.4, 1e9), 0.95, greatest=1.0)
    assert 0 < low < 0.4 < high == 1.0
    assert math.isfinite(1 / low)


def test_probability_larger_is_one_half_for_equals():
    assert probability_larger(Quantity(0.0, 4.0)) == pytest.approx(0.5)
    assert probability_larger(Quantity(1.959964, 1.0)) == pytest.approx(0.975, abs=1e-6)
    assert probability_larger(Quantity(5.0, 0.0)) == 1.0
    assert probability_larger(Quantity(0.0, 0.0)) == 0.5


def test_ratio_bounds_divide_by_either_end():
    assert ratio_bounds((9.0, 11.0), 100.0, 0.1) == pytest.approx((9 / 110, 11 / 90))


def test_envelope_holds_every_interval():
    assert envelope([(0.2, 0.4), (0.3, 0.9), (0.1, 0.2)]) == (0.1, 0.9)


def units(share, number):
    """The share of so many units."""
    return Quantity(share, share * (1 - share) / number)


@pytest.mark.parametrize(
    ("held", "of", "limits"),
    [
        # Exact limits of a binomial proportion, as in any table of them (Clopper & Pearson 1934).
        (7, 20, (0.1539, 0.5922)),
        (1, 10, (0.0025, 0.4450)),
        (5, 10, (0.1871, 0.8129)),
        (2, 4, (0.0676, 0.9324)),
    ],
)
def test_share_interval_is_the_one_of_the_tables(held, of, limits):
    assert share_interval(units(held / of, of), 0.95) == pytest.approx(limits, abs=5e-5)


def test_share_interval_holds_the_binomial_tails():
    """7 of 20 and more happen in 2.5 % at the lower limit, 7 and fewer at the upper: the definition, summed."""
    low, high = share_interval(units(0.35, 20), 0.95)
    terms = [math.comb(20, k) for k in range(21)]
    assert sum(terms[k] * low**k * (1 - low) ** (20 - k) for k in range(7, 21)) == pytest.approx(0.025)
    assert sum(terms[k] * high**k * (1 - high) ** (20 - k) for k in range(8)) == pytest.approx(0.025)


def test_share_interval_of_what_is_certain_is_its_value():
    for value in (0.0, 0.3, 1.0):
        assert share_interval(Quantity(value, 0.0), 0.95) == (value, value)


def test_share_intervals_are_each_that_of_its_share():
    shares, variances = np.array([0.0, 0.2, 0.7, 1.0, 0.5]), np.array([0.0, 0.01, 1e-12, 0.01, 9.0])
    lows, highs = share_intervals(shares, variances, 0.9)
    for found, share, variance in zip(zip(lows, highs, strict=True), shares, variances, strict=True):
        assert found == pytest.approx(share_interval(Quantity(float(share), float(variance)), 0.9))
    assert np.isfinite(lows).all() and np.isfinite(highs).all()


numbers = st.floats(-2, 6).map(lambda exponent: 10**exponent)
inner = st.floats(0.001, 0.999)
quick = settings(max_examples=100)


@quick
@given(share=inner, number=numbers)
def test_share_interval_is_that_of_beta_and_the_same_from_either_side(share, number):
    low, high = share_interval(units(share, number), 0.95)
    held = share * number
    expected = beta.ppf(0.025, held, number - held + 1), beta.ppf(0.975, held + 1, number - held)
    assert (low, high) == pytest.approx(expected, abs=1e-6)
    assert 0 <= low <= share <= high <= 1
    other = share_interval(units(1 - share, number), 0.95)
    assert (1 - other[1], 1 - other[0]) == pytest.approx((low, high), abs=1e-9)


@quick
@given(share=inner, more=inner, number=numbers, fewer=st.floats(0.01, 1))
def test_share_interval_grows_with_the_share_and_shrinks_with_the_units(share, more, number, fewer):
    less, larger = sorted((share, more))
    below, above = (share_interval(units(each, number), 0.95) for each in (less, larger))
    assert below[0] <= above[0] + 1e-9 and below[1] <= above[1] + 1e-9
    narrow, wide = (
        share_interval(units(share, number), 0.95),
        share_interval(units(share, number * fewer), 0.95),
    )
    assert wide[0] <= narrow[0] + 1e-9 and narrow[1] <= wide[1] + 1e-9


@pytest.mark.parametrize("share", [1e-7, 1e-4, 0.3, 0.999])
def test_share_interval_does_not_jump_where_units_are_too_many_to_count(share):
    few, many = (share_interval(units(share, 1e7 * factor), 0.95) for factor in (1 - 1e-6, 1 + 1e-6))
    assert few == pytest.approx(many, abs=1e-6)
    assert normal_interval(units(share, 1e7), 0.95, 0.0, 1.0) == pytest.approx(few, abs=1e-6)


def test_misplacement_variance_of_equal_networks():
    # 100 networks of 6 found of 1,000 bytes, Se 0.8, Sp 0.95: 0.2·100·36/750², over (1 − z·√(0.2/(0.8·100)))²
    variance = misplacement_variance(np.full(100, 6.0), 1000.0, 0.8, 0.95, 0.95)
    assert variance == pytest.approx(0.2 * 3600 / 750**2 / (1 - 1.959964 * 0.05) ** 2, rel=1e-6)
    # Split among twice as many, it is about half; networks of no bytes are none.
    split = misplacement_variance(np.append(np.full(200, 3.0), np.zeros(9)), 1000.0, 0.8, 0.95, 0.95)
    assert split == pytest.approx(variance / 2, rel=0.1)


def test_misplacement_variance_of_one_network_is_wide_and_finite():
    # √(0.2/0.8) = 0.5, and 1 − z·0.5 is next to nothing: 25 times what it is without
    assert misplacement_variance(np.array([600.0]), 1000.0, 0.8, 1.0, 0.95) == pytest.approx(
        25 * 0.2 * 0.6**2 / 0.8**2
    )
    assert misplacement_variance(np.zeros(3), 1000.0, 0.8, 1.0, 0.95) == 0.0
    assert misplacement_variance(np.array([600.0]), 1000.0, 1.0, 1.0, 0.95) == 0.0


def misplace(networks, sensitivity, repeats=4000):
    """Yield what is found of these networks, each found whole or not at all."""
    random = np.random.default_rng(20260911)
    for _ in range(repeats):
        yield networks * (random.random(len(networks)) < sensitivity)


def test_misplacement_variance_is_the_spread_of_corrected_shares():
    """Of 2,000 networks, so that the limit it is taken at is near the value."""
    networks, total, se = np.linspace(1, 9, 2000), 40_000.0, 0.8
    found = list(misplace(networks, se, 600))
    corrected = [each.sum() / total / se for each in found]
    variances = [misplacement_variance(each, total, se, 1.0, 0.95) for each in found]
    assert np.mean(corrected) == pytest.approx(networks.sum() / total, rel=0.005)
    assert np.mean(variances) == pytest.approx(np.var(corrected), rel=0.2)


def test_misplaced_networks_of_many_sizes_are_covered():
    """40 networks, a few of which are large: the interval holds the truth as often as it claims."""
    networks = np.random.default_rng(7).lognormal(0, 1, 40)
    total, se = 2 * float(networks.sum()), 0.8
    held = plain = 0
    for found in misplace(networks, se):
        corrected = float(found.sum()) / total / se
        off = abs(corrected - 0.5)
        held += off <= 1.959964 * math.sqrt(misplacement_variance(found, total, se, 1.0, 0.95))
        plain += off <= 1.959964 * math.sqrt((1 - se) * float((found**2).sum())) / (total * se)
    assert held / 4000 >= 0.95
    # Without the limit the largest, when missed, would be forgotten.
    assert plain / 4000 < 0.945
