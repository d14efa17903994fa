"""Consensus with between-method variance: against published worked examples, a kept library, and known limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from qmbench.judging.consensus import (
    cochran_q,
    consensus,
    degrees_of_equivalence,
    dersimonian_laird,
    mandel_paule,
)


def bcg_trials():
    """Log risk ratios of the 13 trials of BCG vaccine and their standard errors.

    Colditz et al., J. Am. Med. Assoc. 271, 698 (1994): cases and non-cases, vaccinated and not. The worked example
    of Viechtbauer, J. Stat. Softw. 36(3) (2010): Q = 152.233 with 12 degrees of freedom; tau2 = 0.3088 (DerSimonian
    and Laird, mean -0.7141 with standard error 0.1787), 0.3181 (Paule and Mandel).
    """
    counts = np.array(
        [
            [4, 119, 11, 128],
            [6, 300, 29, 274],
            [3, 228, 11, 209],
            [62, 13536, 248, 12619],
            [33, 5036, 47, 5761],
            [180, 1361, 372, 1079],
            [8, 2537, 10, 619],
            [505, 87886, 499, 87892],
            [29, 7470, 45, 7232],
            [17, 1699, 65, 1600],
            [186, 50448, 141, 27197],
            [5, 2493, 3, 2338],
            [27, 16886, 29, 17825],
        ],
        dtype=float,
    )
    a, b, c, d = counts.T
    value = np.log(a / (a + b)) - np.log(c / (c + d))
    variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return value[None, :], np.sqrt(variance)[None, :]


def test_published_worked_example():
    value, u = bcg_trials()
    assert cochran_q(value, u**2)[0] == pytest.approx(152.233, abs=5e-4)
    assert dersimonian_laird(value, u)[0] == pytest.approx(0.3088, abs=5e-5)
    assert mandel_paule(value, u)[0] == pytest.approx(0.3181, abs=5e-5)
    tau2 = dersimonian_laird(value, u)
    weights = 1 / (u**2 + tau2[:, None])
    assert (weights * value).sum() / weights.sum() == pytest.approx(-0.7141, abs=5e-5)
    assert weights.sum() ** -0.5 == pytest.approx(0.1787, abs=5e-5)
    assert consensus(value, u).birge_ratio[0] == pytest.approx(np.sqrt(152.233 / 12), abs=1e-4)


def test_agrees_with_statsmodels():
    rng = np.random.default_rng(4)
    value, u = rng.normal(0, 1, 9), rng.uniform(0.1, 0.8, 9)
    iterated = combine_effects(value, u**2, method_re="iterated")
    moments = combine_effects(value, u**2, method_re="dl")
    got = consensus(value[None], u[None])
    assert got.tau[0] ** 2 == pytest.approx(iterated.tau2, rel=1e-4)
    assert got.value[0] == pytest.approx(iterated.mean_effect_re, rel=1e-5)
    assert got.uncertainty[0] == pytest.approx(iterated.sd_eff_w_re, rel=1e-4)
    assert dersimonian_laird(value[None], u[None])[0] == pytest.approx(moments.tau2, rel=1e-10)


def test_consistent_values_have_no_between_method_variance():
    got = consensus(np.array([[1.0, 1.1, 0.9]]), np.full((1, 3), 0.5))
    assert got.tau[0] == 0.0
    assert got.value[0] == pytest.approx(1.0)
    assert got.uncertainty[0] == pytest.approx(0.5 / np.sqrt(3))


def test_equal_uncertainties_give_the_variance_of_the_values():
    values = np.array([[1.0, 2.0, 4.0, 9.0]])
    tau2 = mandel_paule(values, np.full((1, 4), 0.1))
    assert tau2[0] == pytest.approx(values.var(ddof=1) - 0.01)


def test_missing_values_are_as_if_the_method_did_not_exist():
    values = np.array([[1.0, np.nan, 3.0, 8.0]])
    u = np.array([[0.1, np.nan, 0.4, 0.2]])
    whole, part = consensus(values, u), consensus(values[:, [0, 2, 3]], u[:, [0, 2, 3]])
    for name in ("n", "value", "uncertainty", "tau", "q", "birge_ratio", "median", "median_uncertainty"):
        assert getattr(whole, name)[0] == pytest.approx(getattr(part, name)[0])


def test_degree_of_equivalence_is_against_the_others_alone():
    values, u = np.array([[0.0, 0.0, 0.0, 5.0]]), np.full((1, 4), 0.1)
    d, du = degrees_of_equivalence(values, u, np.zeros(1))
    assert d[0] == pytest.approx([-5 / 3, -5 / 3, -5 / 3, 5.0])
    assert du[0] == pytest.approx([0.1 * np.sqrt(4 / 3)] * 4)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 10)), min_size=2, max_size=8),
    st.floats(-1000, 1000),
    st.sampled_from([1e-3, 4.184, 627.5]),
)
def test_shift_and_unit_carry_through(pairs, shift, factor):
    value, u = (np.array([x])[:, :] for x in map(list, zip(*pairs, strict=True)))
    one, other = consensus(value, u), consensus(factor * (value + shift), factor * u)
    assert other.value[0] == pytest.approx(factor * (one.value[0] + shift), rel=1e-6, abs=1e-5 * factor)
    assert other.tau[0] == pytest.approx(factor * one.tau[0], rel=1e-4, abs=1e-4 * factor)
