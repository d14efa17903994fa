"""Errors of series whose exact errors are known."""

from __future__ import annotations

import numpy as np
import pytest
from vmc_streams import autoregressive

from qmbench_vmc import statistics


def _exact_tau(phi):
    return 0.5 * (1 + phi) / (1 - phi)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("steps", "chains"), [(4000, 1), (1000, 8), (300, 200)])
def test_error_of_ar1(phi, steps, chains):
    """Mean over repetitions of the estimated error, and the spread of the standardized means."""
    rng = np.random.default_rng(7)
    exact = np.sqrt(2 * _exact_tau(phi) / (steps * chains))
    found = [statistics.mean_error(autoregressive(phi, steps, chains, rng)) for _ in range(150)]
    assert np.mean([f.error for f in found]) == pytest.approx(exact, rel=0.07)
    assert np.mean([f.tau for f in found]) == pytest.approx(_exact_tau(phi), rel=0.06)
    assert np.std([f.value / f.error for f in found]) == pytest.approx(1, abs=0.17)
    assert all(f.bounded for f in found)


@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_reblocking_agrees_with_the_exact_error(phi):
    rng = np.random.default_rng(8)
    exact = np.sqrt(2 * _exact_tau(phi) / (2048 * 8))
    errors, lengths = zip(
        *(statistics.reblocked_error(autoregressive(phi, 2048, 8, rng)) for _ in range(100)), strict=True
    )
    assert np.mean(errors) == pytest.approx(exact, rel=0.08)
    assert min(lengths) > 1


def test_anticorrelation_never_shrinks_an_error():
    series = autoregressive(-0.5, 2000, 4, np.random.default_rng(1))
    found = statistics.mean_error(series)
    assert found.error >= np.std(series) / np.sqrt(series.size) * 0.999


def test_constant_series_has_no_error():
    found = statistics.mean_error(np.full((50, 10), -0.5))
    assert (found.value, found.error, found.tau) == (-0.5, 0.0, 0.5)
    assert statistics.reblocked_error(np.full((50, 10), -0.5))[0] == 0
    assert statistics.equilibration(np.full((50, 10), -0.5)) == 0
    agreement = statistics.chain_agreement(np.full((50, 10), -0.5))
    assert agreement.p_value == 1
    assert agreement.r_hat == 1


def test_memory_as_long_as_the_chain_shows():
    """A chain that is still on its first excursion: the error must not look like that of independent samples."""
    found = statistics.mean_error(np.linspace(0, 1, 200))
    assert found.tau > 10
    assert found.effective < 10


def test_equilibration_of_a_decaying_start():
    rng = np.random.default_rng(3)
    series = autoregressive(0.5, 1000, 50, rng) + 5 * np.exp(-np.arange(1000) / 30)[:, None]
    start = statistics.equilibration(series)
    assert 90 < start < 400
    left = 5 * np.exp(-np.arange(start, 1000) / 30).mean()
    assert left < statistics.mean_error(series[start:]).error


def test_stationary_series_loses_little():
    starts = [
        statistics.equilibration(autoregressive(0.5, 1000, 20, np.random.default_rng(seed))) for seed in range(30)
    ]
    assert np.median(starts) < 100


def test_agreeing_chains_give_uniform_p_values():
    rng = np.random.default_rng(5)
    found = [statistics.chain_agreement(autoregressive(0.6, 400, 40, rng)) for _ in range(200)]
    p = np.array([f.p_value for f in found])
    assert 0.02 < np.mean(p < 0.1) < 0.2
    assert max(f.worst for f in found) < 5
    assert max(f.r_hat for f in found) < 1.05


def test_a_chain_stuck_elsewhere_is_found():
    rng = np.random.default_rng(6)
    series = autoregressive(0.6, 400, 4, rng)
    series[:, 2] += 1
    found = statistics.chain_agreement(series)
    assert found.p_value < 1e-6
    assert found.r_hat > 1.06
    assert found.worst_chain == 2


def test_one_stuck_walker_among_a_thousand_is_found():
    series = autoregressive(0.6, 200, 1000, np.random.default_rng(6))
    series[:, 123] = 2.5
    found = statistics.chain_agreement(series)
    assert found.worst > 7
    assert found.worst_chain == 123


def test_heavy_tails_are_no_disagreement():
    """Local energies have the tails of 1/x² near nodes: one sample may dominate a chain's mean."""
    series = np.random.default_rng(6).standard_t(3, size=(200, 500))
    assert statistics.chain_agreement(series).worst < 5


def test_trend():
    rng = np.random.default_rng(9)
    flat = [statistics.trend(autoregressive(0.5, 600, 10, rng)) for _ in range(100)]
    assert np.std(flat) == pytest.approx(1, abs=0.2)
    drifting = autoregressive(0.5, 600, 10, rng) + np.linspace(0.5, 0, 600)[:, None]
    assert statistics.trend(drifting) > 4.5


def test_weighted_mean_of_a_correlated_ratio():
    """Weights that know the energies: the naive error of E alone is wrong, the ratio's is right."""
    rng = np.random.default_rng(10)
    values, errors = [], []
    for _ in range(400):
        x = autoregressive(0.5, 300, 8, rng)
        weights, energies = np.exp(0.3 * x), 1 + x
        value, series = statistics.weighted_series(energies, weights)
        values.append(value)
        errors.append(statistics.mean_error(series).error)
    # <(1 + x) exp(0.3 x)> / <exp(0.3 x)> = 1.3 for a standard normal x.
    assert np.mean(values) == pytest.approx(1.3, abs=0.01)
    assert np.std(values) == pytest.approx(np.mean(errors), rel=0.12)


def test_linearized_ratio_has_its_error():
    rng = np.random.default_rng(11)
    values, errors = [], []
    for _ in range(300):
        a = autoregressive(0.5, 400, 8, rng)
        b = 2 + 0.5 * a + autoregressive(0.2, 400, 8, rng)
        value, series = statistics.linearized(lambda x, y: (3 + x) / y, [a, b])
        values.append(value)
        errors.append(statistics.mean_error(series).error)
    assert np.std(values) == pytest.approx(np.mean(errors), rel=0.12)


def test_weight_efficiency():
    assert statistics.weight_efficiency(None) == 1
    assert statistics.weight_efficiency(np.array([1.0, 1, 0, 0])) == pytest.approx(0.5)


def test_non_finite_samples_are_refused():
    with pytest.raises(ValueError, match="1 of 4 samples are not finite"):
        statistics.mean_error(np.array([1.0, 2.0, np.nan, 1.0]))
