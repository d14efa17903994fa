"""The process of one element: exact for the free atom, and the same as conditioning an ordinary process on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qmbench_ml.hirshfeld.regression import RatioProcess, fitted_weights, log_likelihood, noise_variances, select


def _points(seed: int, n: int) -> np.ndarray:
    points = np.abs(np.random.default_rng(seed).normal(size=(n, 5)))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


POINTS = _points(0, 20)
TARGETS = -0.3 * np.sin(3 * POINTS[:, 0])


@pytest.fixture
def process() -> RatioProcess:
    start = RatioProcess(_points(1, 1)[0], POINTS, np.zeros(20), 0.4, 2, 0.05)
    return replace(start, weights=fitted_weights(start, POINTS, TARGETS))


def test_the_free_atom_is_known(process: RatioProcess) -> None:
    free = process.free_atom[None]
    assert process.mean(free)[0] == pytest.approx(0.0, abs=1e-12)
    assert process.covariance(free)[0, 0] == pytest.approx(0.0, abs=1e-14)


def test_it_is_an_ordinary_process_that_has_seen_the_free_atom(process: RatioProcess) -> None:
    inputs = np.vstack([process.free_atom, POINTS])

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return process.variance * (a @ b.T) ** process.power

    noise = np.concatenate([[0.0], noise_variances(process, POINTS)])
    matrix, new = kernel(inputs, inputs) + np.diag(noise), _points(2, 7)
    across = kernel(new, inputs)
    mean = across @ np.linalg.solve(matrix, np.concatenate([[0.0], TARGETS]))
    covariance = kernel(new, new) - across @ np.linalg.solve(matrix, across.T)
    covariance += np.diag(process.noise**2 * process.unlikeness(new))
    np.testing.assert_allclose(process.mean(new), mean, atol=1e-8)
    np.testing.assert_allclose(process.covariance(new), covariance, atol=1e-10)
    whole = np.linalg.slogdet(matrix)[1] - np.log(process.variance)
    fit = np.concatenate([[0.0], TARGETS]) @ np.linalg.solve(matrix, np.concatenate([[0.0], TARGETS]))
    likelihood = -0.5 * (fit + whole + 20 * np.log(2 * np.pi))
    assert log_likelihood(process, POINTS, TARGETS) == pytest.approx(likelihood, rel=1e-10)


def test_derivative_agrees_with_finite_differences(process: RatioProcess) -> None:
    point, step = _points(3, 1), 1e-5 * np.eye(5)
    numeric = (process.mean(point + step) - process.mean(point - step)) / 2e-5
    np.testing.assert_allclose(process.mean_derivative(point)[0], numeric, atol=1e-8)


def test_each_selected_point_is_the_least_certain(process: RatioProcess) -> None:
    chosen = select(replace(process, noise=1e-6), POINTS, 4)
    prior = process.kernel(POINTS, POINTS)
    for k, pick in enumerate(chosen):
        seen = chosen[:k]
        left = np.diagonal(prior - prior[:, seen] @ np.linalg.pinv(prior[np.ix_(seen, seen)]) @ prior[seen])
        assert left[pick] == pytest.approx(left.max(), rel=1e-8)
    # A quadratic kernel of five numbers has fifteen functions, one of them fixed by the free atom.
    assert len(select(replace(process, noise=1e-4), POINTS, 20)) == 14


def test_saved_and_loaded_it_predicts_the_same(tmp_path: Path) -> None:
    from qmbench_ml.hirshfeld.model import HirshfeldModel, shipped

    model = shipped()
    model.save(tmp_path / "model.npz")
    loaded = HirshfeldModel.load(tmp_path / "model.npz")
    water = np.array([8, 1, 1]), np.array([[0.1, 0.2, 0.0], [1.7, 0.4, -0.3], [-0.6, 1.5, 0.5]])
    np.testing.assert_array_equal(loaded.predict(*water).ratios, model.predict(*water).ratios)
    np.testing.assert_array_equal(loaded.predict(*water).covariance, model.predict(*water).covariance)
    assert loaded.sources == model.sources
