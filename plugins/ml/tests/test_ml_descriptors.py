"""The descriptor: invariances, the derivative against finite differences, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench_ml.descriptors import soap

NUMBERS = np.array([8, 1, 1, 7, 6, 18])


@pytest.fixture
def positions() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(6, 3)) * 2.5


def test_vectors_ignore_translation_rotation_and_order(positions: np.ndarray) -> None:
    reference = soap(NUMBERS, positions).vectors
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    order = np.array([3, 1, 5, 0, 2, 4])
    moved = soap(NUMBERS[order], (positions @ rotation.T + [3.0, -2.0, 1.0])[order]).vectors
    np.testing.assert_allclose(moved, reference[order], atol=1e-10, rtol=0)
    np.testing.assert_allclose(np.linalg.norm(reference, axis=1), 1.0, atol=1e-12)


def test_derivative_agrees_with_finite_differences(positions: np.ndarray) -> None:
    environments = soap(NUMBERS, positions, gradients=True)
    weights = np.random.default_rng(2).normal(size=environments.vectors.shape)
    analytic = environments.pull_back(weights)
    numeric = np.zeros_like(positions)
    for place in np.ndindex(positions.shape):
        step = np.zeros_like(positions)
        step[place] = 1e-4
        change = soap(NUMBERS, positions + step).vectors - soap(NUMBERS, positions - step).vectors
        numeric[place] = np.sum(weights * change) / 2e-4
    np.testing.assert_allclose(analytic, numeric, atol=1e-5 * np.abs(numeric).max(), rtol=0)
    np.testing.assert_allclose(analytic.sum(axis=0), 0.0, atol=1e-10)


def test_an_unknown_element_is_refused() -> None:
    with pytest.raises(ValueError, match="26"):
        soap(np.array([26]), np.zeros((1, 3)))
