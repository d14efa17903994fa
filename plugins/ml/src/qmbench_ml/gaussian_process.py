"""Gaussian-process regression with a polynomial kernel on normalised descriptors, numpy and scipy only.

Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process with kernel variance * (x.y)**power and prior mean 0.

    inputs (n_train, n_features) of length 1; weights (n_train,); factor (n_train, n_train), the lower Cholesky
    factor of the kernel matrix plus noise.
    """

    inputs: np.ndarray
    weights: np.ndarray
    factor: np.ndarray
    variance: float
    power: int

    @classmethod
    def fit(
        cls, inputs: np.ndarray, targets: np.ndarray, *, variance: float, power: int, noise: float
    ) -> GaussianProcess:
        """Fit to targets (n_train,); noise is the variance of one target's error."""
        from scipy.linalg import cho_solve, cholesky

        matrix = variance * (inputs @ inputs.T) ** power
        factor = cholesky(matrix + noise * np.eye(len(inputs)), lower=True)
        return cls(inputs, cho_solve((factor, True), targets), factor, variance, power)

    def kernel(self, points: np.ndarray, others: np.ndarray) -> np.ndarray:
        return self.variance * (points @ others.T) ** self.power

    def mean(self, points: np.ndarray) -> np.ndarray:
        """Predictions (n,) at points (n, n_features)."""
        return self.kernel(points, self.inputs) @ self.weights

    def covariance(self, points: np.ndarray) -> np.ndarray:
        """Covariance (n, n) of the predicted function, without the noise."""
        from scipy.linalg import solve_triangular

        half = solve_triangular(self.factor, self.kernel(self.inputs, points), lower=True)
        return self.kernel(points, points) - half.T @ half

    def mean_derivative(self, points: np.ndarray) -> np.ndarray:
        """Derivative (n, n_features) of each prediction by its own point."""
        slopes = self.variance * self.power * (points @ self.inputs.T) ** (self.power - 1)
        return (slopes * self.weights) @ self.inputs

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> GaussianProcess:
        with np.load(path, allow_pickle=False) as data:
            arrays = [data[name] for name in ("inputs", "weights", "factor")]
            return cls(*arrays, variance=float(data["variance"]), power=int(data["power"]))
