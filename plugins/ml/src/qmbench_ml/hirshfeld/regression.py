"""Gaussian process of one element's (volume ratio − 1), which is 0 without error for the free atom.

A process with kernel k that is known to be 0 at x₀ has the kernel k(x,y) − k(x,x₀) k(x₀,y) / k(x₀,x₀): Rasmussen and
Williams, Gaussian Processes for Machine Learning (2006), chapter 2. With x₀ the descriptor of the atom alone and the
kernel variance · (x·y)^power of vectors of length 1, the prior variance is variance · (1 − (x·x₀)^(2 power)): an atom
that is nearly free is nearly certain. The noise follows the same law.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Prior variance over that of an unknown atom below which training treats an environment as no nearer to a free atom:
# else noise of quadrature would count as information.
_NEARLY_FREE = 1e-3


@dataclass(frozen=True)
class RatioProcess:
    """Prediction from selected environments (n_selected, n_features) with weights (n_selected,).

    free_atom (n_features,): descriptor of the atom alone. variance, power: of the kernel. noise: standard deviation of
    what the descriptor can't tell apart, for an environment far from that of the free atom.
    """

    free_atom: np.ndarray
    environments: np.ndarray
    weights: np.ndarray
    variance: float
    power: int
    noise: float

    def kernel(self, points: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Prior covariance (n, m) of points (n, n_features) with others (m, n_features)."""
        first, second = points @ self.free_atom, others @ self.free_atom
        return self.variance * ((points @ others.T) ** self.power - np.outer(first**self.power, second**self.power))

    def unlikeness(self, points: np.ndarray) -> np.ndarray:
        """Prior variance over `variance`, (n,): 0 for the free atom, near 1 for an atom unlike it."""
        return np.maximum(1 - (points @ self.free_atom) ** (2 * self.power), 0.0)

    def mean(self, points: np.ndarray) -> np.ndarray:
        """Predicted ratio − 1, (n,)."""
        return self.kernel(points, self.environments) @ self.weights

    def mean_derivative(self, points: np.ndarray) -> np.ndarray:
        """Derivative (n, n_features) of each prediction by its own point."""
        p, scale = self.power, self.variance * self.power
        slopes = scale * (points @ self.environments.T) ** (p - 1) * self.weights
        toward = scale * (points @ self.free_atom) ** (p - 1)
        share = self.weights @ (self.environments @ self.free_atom) ** p
        return slopes @ self.environments - np.outer(toward * share, self.free_atom)

    def covariance(self, points: np.ndarray) -> np.ndarray:
        """Covariance (n, n) of the ratios at points, noise included, given exact knowledge of no more than the
        selected environments: the others of the training set only sharpen the mean."""
        from scipy.linalg import solve_triangular

        half = solve_triangular(self._factor, self.kernel(self.environments, points), lower=True)
        found = self.kernel(points, points) - half.T @ half
        diagonal = np.maximum(np.diagonal(found), 0.0) + self.noise**2 * self.unlikeness(points)
        np.fill_diagonal(found, diagonal)
        return found

    @cached_property
    def _factor(self) -> np.ndarray:
        matrix = self.kernel(self.environments, self.environments)
        return np.linalg.cholesky(matrix + np.diag(noise_variances(self, self.environments)))


def noise_variances(process: RatioProcess, points: np.ndarray) -> np.ndarray:
    """Variance of a training target's error at points, (n,)."""
    return process.noise**2 * np.maximum(process.unlikeness(points), _NEARLY_FREE)


def select(process: RatioProcess, points: np.ndarray, count: int) -> np.ndarray:
    """Indices of up to `count` points (n, n_features), each the one least certain given those before it.

    Pivoted Cholesky factorization of the prior covariance; it ends when the noise exceeds what is left.
    """
    left = process.variance * process.unlikeness(points)
    columns = np.zeros((len(points), 0))
    chosen: list[int] = []
    while len(chosen) < min(count, len(points)):
        pivot = int(np.argmax(left))
        if left[pivot] <= 1e-2 * process.noise**2:
            break
        column = process.kernel(points, points[pivot : pivot + 1])[:, 0] - columns @ columns[pivot]
        column /= np.sqrt(left[pivot])
        columns = np.column_stack([columns, column])
        left = np.maximum(left - column**2, 0.0)
        left[pivot] = 0.0
        chosen.append(pivot)
    return np.array(chosen, dtype=int)


def fitted_weights(process: RatioProcess, points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights of the selected environments from all points (n, n_features) and targets (n,).

    The subset of regressors, Rasmussen and Williams (2006), section 8.3.1, solved as a least-squares problem.
    """
    from scipy.linalg import lstsq

    noise = np.sqrt(noise_variances(process, points))
    own = process.kernel(process.environments, process.environments)
    values, vectors = np.linalg.eigh(own)
    root = np.sqrt(np.maximum(values, 1e-12 * values[-1]))[:, None] * vectors.T
    rows = np.vstack([process.kernel(points, process.environments) / noise[:, None], root])
    return lstsq(rows, np.concatenate([targets / noise, np.zeros(len(own))]))[0]


def log_likelihood(process: RatioProcess, points: np.ndarray, targets: np.ndarray) -> float:
    """Log marginal likelihood of targets (n,) at points (n, n_features), Rasmussen and Williams (2006), eq 2.30."""
    from scipy.linalg import solve_triangular

    matrix = process.kernel(points, points) + np.diag(noise_variances(process, points))
    factor = np.linalg.cholesky(matrix)
    half = solve_triangular(factor, targets, lower=True)
    return float(-0.5 * half @ half - np.log(np.diagonal(factor)).sum() - 0.5 * len(targets) * np.log(2 * np.pi))
