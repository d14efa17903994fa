"""Length and noise of a force kernel by the marginal likelihood of the labels.

Of n labels y with the covariance s (K + σ²), the prior variance s that makes them most likely is yᵀ (K + σ²)⁻¹ y / n.
With it, and with the eigenvalues λ and eigenvectors u of K, minus twice the logarithm of the likelihood is, up to a
constant,

    n log Σ (u·y)²/(λ + σ²) + Σ log(λ + σ²).

Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), section 5.4.
"""

from __future__ import annotations

import numpy as np

from qmbench_ml.gdml.kernel import Array, Kernel, Points

UNKNOWNS = 900  # of the subset of the labels that decides
# In median distances of the training geometries. Longer ones are hardly better, and more confident than right.
LENGTHS = 1.5 ** np.arange(-1, 6)
NOISES = 10.0 ** np.arange(-13, -4)  # in mean variances of a force


def most_likely(
    points: Points, forces: Array, pair_group: Array, length: float | None = None, noise: float | None = None
) -> tuple[float, float]:
    """Length (1/bohr) and noise σ² that make `forces` (points.size,) most likely; those that are given stay.

    pair_group (G, D): the permutations of the kernel. Tried are LENGTHS and NOISES, on geometries spread evenly over
    `points`.
    """
    some, y = _evenly_spread(points, forces)
    found = []
    for trial in _lengths(some) if length is None else (length,):
        eigenvalues, eigenvectors = np.linalg.eigh(Kernel(float(trial), pair_group).matrix(some, some))
        squares = (eigenvectors.T @ y) ** 2
        for variance in NOISES * eigenvalues.mean() if noise is None else (noise,):
            # Rounding makes small eigenvalues negative.
            cost = _cost(squares, np.maximum(eigenvalues, 0) + variance)
            found.append((cost, float(trial), float(variance)))
    _, best_length, best_noise = min(found)
    return best_length, best_noise


def _cost(squares: Array, variances: Array) -> float:
    """Minus twice the log likelihood, from (u·y)² and λ + σ²."""
    return float(len(squares) * np.log((squares / variances).sum()) + np.log(variances).sum())


def _lengths(points: Points) -> Array:
    """LENGTHS in 1/bohr."""
    apart = np.linalg.norm(points.x[:, None] - points.x, axis=-1)[np.triu_indices(len(points), 1)]
    return LENGTHS * np.median(apart)


def _evenly_spread(points: Points, forces: Array) -> tuple[Points, Array]:
    """At most UNKNOWNS unknowns, two geometries at least, with their forces."""
    width = points.size // len(points)
    count = min(len(points), max(2, UNKNOWNS // width))
    chosen = np.linspace(0, len(points) - 1, count).astype(int)
    return points[chosen], forces.reshape(len(points), width)[chosen].ravel()
