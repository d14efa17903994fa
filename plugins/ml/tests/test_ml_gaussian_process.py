"""The Gaussian process against scikit-learn's, its derivative, and a round trip through a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qmbench_ml.gaussian_process import GaussianProcess


def _unit(seed: int, n: int) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(n, 4))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.fixture
def process() -> GaussianProcess:
    inputs = _unit(0, 15)
    return GaussianProcess.fit(inputs, np.sin(inputs[:, 0]), variance=0.7, power=2, noise=1e-3)


def test_agrees_with_scikit_learn(process: GaussianProcess) -> None:
    gaussian_process = pytest.importorskip("sklearn.gaussian_process")
    kernels = gaussian_process.kernels
    kernel = 0.7 * kernels.DotProduct(0.0, "fixed") ** 2
    other = gaussian_process.GaussianProcessRegressor(kernel, alpha=1e-3, optimizer=None)
    other.fit(process.inputs, np.sin(process.inputs[:, 0]))
    mean, covariance = other.predict(_unit(1, 6), return_cov=True)
    np.testing.assert_allclose(process.mean(_unit(1, 6)), mean, atol=1e-10)
    np.testing.assert_allclose(process.covariance(_unit(1, 6)), covariance, atol=1e-10)


def test_derivative_agrees_with_finite_differences(process: GaussianProcess) -> None:
    point, step = _unit(2, 1), 1e-5 * np.eye(4)
    numeric = (process.mean(point + step) - process.mean(point - step)) / 2e-5
    np.testing.assert_allclose(process.mean_derivative(point)[0], numeric, atol=1e-8)


def test_saved_and_loaded_it_predicts_the_same(process: GaussianProcess, tmp_path: Path) -> None:
    process.save(tmp_path / "model.npz")
    loaded = GaussianProcess.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.mean(_unit(3, 5)), process.mean(_unit(3, 5)))
    np.testing.assert_array_equal(loaded.covariance(_unit(3, 5)), process.covariance(_unit(3, 5)))
