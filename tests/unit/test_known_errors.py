"""What is known of levels: coverage, that nothing is learned from the entry itself, shrinkage; and surprises,
planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qmbench.judging.known_errors import NORMAL_95, known_errors, location_scale
from qmbench.judging.surprise import shift_probability, surprises


def test_location_and_scale_are_the_maximum_likelihood_of_scipy():
    x = stats.t.rvs(4, 3.0, 2.0, size=(400, 1), random_state=1)
    _, location, scale = stats.t.fit(x[:, 0], f0=4.0)
    found = location_scale(x, steps=100)
    assert found.location[0] == pytest.approx(location, abs=1e-3)
    assert np.sqrt(found.scale2[0] * 399 / 400) == pytest.approx(scale, rel=1e-3)  # n − 1 in the place of n


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_location_and_scale_solve_their_equations_whatever_is_missing(offset):
    x = offset + stats.t.rvs(3, 0.0, 2.0, size=(60, 20), random_state=2)
    x[np.random.default_rng(3).random(x.shape) < 0.3] = np.nan
    found = location_scale(x, steps=200)
    w = 5.0 / (4.0 + (x - found.location) ** 2 / found.scale2)
    n = np.isfinite(x).sum(axis=0)
    np.testing.assert_array_equal(found.n, n)
    away = np.nansum(w * (x - found.location), axis=0) / np.nansum(w, axis=0)
    np.testing.assert_allclose(away / np.sqrt(found.scale2), 0.0, atol=1e-6)
    np.testing.assert_allclose(np.nansum(w * (x - found.location) ** 2, axis=0) / (n - 1), found.scale2, rtol=1e-6)
    # A column does not depend on those beside it, nor on what is missing there.
    alone = location_scale(x[np.isfinite(x[:, 7]), 7][:, None], steps=200)
    assert alone.location[0] == pytest.approx(found.location[7], rel=1e-13, abs=1e-12)
    assert alone.scale2[0] == pytest.approx(found.scale2[7], rel=1e-9)


def test_values_that_are_alike_have_a_scale_of_nothing():
    x = np.array([[0.1, 0.1, np.nan], [0.1, 0.1, 2.0], [0.1, np.nan, np.nan]])
    found = location_scale(x)
    np.testing.assert_array_equal(found.location, [0.1, 0.1, 2.0])
    np.testing.assert_array_equal(found.scale2, [0.0, 0.0, np.nan])


@pytest.mark.parametrize("n", [5, 10, 40])
@pytest.mark.parametrize("tails", ["normal", "t5"])
def test_intervals_cover_a_new_entry(n, tails):
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n + 1, 600)) if tails == "normal" else rng.standard_t(5, (n + 1, 600))
    error = x.copy()
    error[-1] = np.nan
    known = known_errors(error, [0] * (n + 1))
    covered = np.abs((x[-1] - known.bias[-1]) / known.scatter[-1]) <= NORMAL_95
    # 95 % of 600, three standard errors to either side; small samples err to the safe side.
    assert 0.923 <= covered.mean() <= (0.99 if n < 10 else 0.985)


def test_nothing_is_learned_from_the_entry_itself_nor_from_its_molecule():
    rng = np.random.default_rng(2)
    error = rng.standard_normal((12, 3))
    molecules = [i // 2 for i in range(12)]
    one = known_errors(error, [0] * 12, molecules)
    changed = error.copy()
    changed[:2] += 1e3  # both entries of one molecule
    other = known_errors(changed, [0] * 12, molecules)
    np.testing.assert_array_equal(other.bias[:2], one.bias[:2])
    assert not np.allclose(other.bias[2:], one.bias[2:])


def test_small_classes_learn_from_the_level_s_other_classes_as_far_as_those_are_alike():
    rng = np.random.default_rng(3)
    kinds = np.repeat(np.arange(6), [5, 20, 20, 20, 20, 20])
    alike = 2.0 + 0.1 * rng.standard_normal((105, 200))
    alone = known_errors(alike[:5], [0] * 5)
    shared = known_errors(alike, kinds.tolist())
    assert np.median(shared.scatter[0]) < 0.7 * np.median(alone.scatter[0])
    unlike = alike + 5.0 * rng.standard_normal((6, 200))[kinds]
    apart = known_errors(unlike, kinds.tolist())
    truth = (unlike - 0.1 * rng.standard_normal(unlike.shape))[40]
    assert np.median(np.abs(apart.bias[40] - truth)) < 0.2  # a class with twenty entries keeps its own bias


def test_parts_of_the_scatter():
    rng = np.random.default_rng(4)
    u = np.full((40, 100), 0.8)
    error = u * rng.standard_normal(u.shape) + 0.1 * rng.standard_normal(u.shape)
    known = known_errors(error, [0] * 40, statistical=u)
    assert known.statistical[0, 0] == 0.8
    # Most of the scatter is what the values state themselves: of the variance at least three quarters, as a rule.
    assert np.median(known.method[0]) < 0.45 < 0.8 < np.median(known.scatter[0])
    assert known.scatter[0, 0] == pytest.approx(np.hypot(known.method[0, 0], 0.8))
    larger = np.concatenate([u[:-1], np.full((1, 100), 3.0)])
    assert known_errors(error, [0] * 40, statistical=larger).scatter[-1, 0] > 3.0
    with_basis = known_errors(error, [0] * 40, basis=np.where(np.arange(40)[:, None] < 39, np.nan, 2.0) * np.ones(100))
    assert with_basis.basis[-1, 0] == 2.0
    assert with_basis.scatter[-1, 0] > 2.0


def test_where_too_little_is_there_nothing_is_said():
    error = np.array([[0.1], [0.2], [np.nan]])
    assert np.isnan(known_errors(error, [0] * 3).scatter).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([0.001, 627.5]))
def test_order_units_and_other_levels_change_nothing(seed, factor):
    rng = np.random.default_rng(seed)
    error, kinds = rng.standard_t(4, (24, 4)), rng.integers(0, 2, 24)
    error[rng.random(error.shape) < 0.2] = np.nan
    one = known_errors(error, kinds.tolist())
    rows, columns = rng.permutation(24), rng.permutation(4)
    more = np.column_stack([error[:, columns] * factor, rng.standard_normal(24)])[rows]
    other = known_errors(more, kinds[rows].tolist())
    np.testing.assert_allclose(other.bias[:, :4], one.bias[rows][:, columns] * factor, rtol=1e-6)
    np.testing.assert_allclose(other.scatter[:, :4], one.scatter[rows][:, columns] * factor, rtol=1e-6)


# --- surprises ---


def levels_that_err_alike(rng, n=60, m=8):
    """Errors with a common part, entries of different hardness."""
    common = rng.standard_normal((n, 1)) * np.exp(0.4 * rng.standard_normal((n, 1)))
    return common * rng.uniform(0.5, 1.5, m) + 0.3 * rng.standard_normal((n, m)) + rng.standard_normal(m)


def judged(error):
    known = known_errors(error, [0] * len(error))
    return known, surprises(error, known.bias, known.scatter, known.freedom)


def test_planted_surprises_are_found_and_shifts_within_the_scatter_are_no_news():
    rng = np.random.default_rng(7)
    found = shifted = false = small = 0
    for _ in range(5):
        error = levels_that_err_alike(rng)
        scatter = judged(error)[0].scatter
        where, sign = rng.random(error.shape) < 0.05, rng.choice([-1.0, 1.0], error.shape)
        called = judged(error + where * sign * 4.0 * scatter)[1].surprising
        found, shifted, false = found + (called & where).sum(), shifted + where.sum(), false + (called & ~where).sum()
        small += judged(error + where * sign * scatter)[1].surprising.sum()
    assert found >= 0.8 * shifted
    assert false <= 0.1 * (found + false)
    assert small <= 0.02 * shifted


def test_an_entry_that_is_hard_for_all_is_no_surprise():
    error = levels_that_err_alike(np.random.default_rng(8))
    error[5] = error.mean(axis=0) + 5.0 * error.std(axis=0)
    error[6, 2] = error[:, 2].mean() + 5.0 * error[:, 2].std()
    found = judged(error)[1].surprising
    assert not found[5].any()
    assert found[6, 2]


def test_few_levels_are_held_against_their_own_record():
    rng = np.random.default_rng(9)
    error = rng.standard_normal((30, 1))
    error[3] = 9.0
    found = judged(error)[1]
    assert not found.by_others
    assert np.flatnonzero(found.surprising[:, 0]).tolist() == [3]


def test_the_levels_together_say_how_far_the_reference_is_off():
    error = levels_that_err_alike(np.random.default_rng(10), n=80, m=10)
    off = 4.0 * np.median(error.std(axis=0))
    error[7] += off
    found = judged(error)[1]
    z = np.abs(found.common / found.common_uncertainty)
    assert np.argmax(z) == 7
    assert found.common[7] == pytest.approx(off, abs=3.0 * found.common_uncertainty[7])


def test_entries_without_a_reference_are_judged_by_each_other():
    rng = np.random.default_rng(11)
    error = levels_that_err_alike(rng)
    known = known_errors(np.where(np.arange(60)[:, None] == 9, np.nan, error), [0] * 60)
    shared = np.where(np.arange(60) == 9, np.inf, 0.0)
    wrong = error.copy()
    wrong[9, 4] += 8.0 * known.scatter[9, 4]
    found = [
        surprises(x, known.bias, known.scatter, known.freedom, reference_uncertainty=shared)
        for x in (wrong, wrong + np.where(np.arange(60)[:, None] == 9, 123.0, 0.0))
    ]
    # From what the errors are taken there does not matter.
    for one in found:
        residual = np.abs(one.actual - one.expected)[9]
        assert np.argmax(residual) == 4


def test_the_probability_of_a_shift_rises_with_the_deviation():
    p = [shift_probability(z) for z in (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 1e6)]
    assert p == sorted(p)
    assert p[0] < 0.01
    assert p[-2] > 0.99
    assert p[-1] == 1.0
