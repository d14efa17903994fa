"""The lowest eigenvalue of a large symmetric matrix, no better than a question about it needs.

Davidson, J. Comput. Phys. 17, 87 (1975); several matrices share one space of trial vectors. The bound: within the
norm of its residual of a Ritz value there is an eigenvalue (Weinstein).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MAX_CYCLES = 60
# Ritz vectors followed at a time: a second one notices when it passes the first.
ROOTS = 2
# Trial vectors with a smaller rest after orthogonalization are in the space already.
DEPENDENT = 1e-4


class NotFinite(ArithmeticError):
    """A product with the matrix is infinite or not a number."""


@dataclass(frozen=True)
class Ritz:
    """The lowest Ritz pairs of one matrix: values (k,), vectors (k, n), norms of their residuals (k,)."""

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray


def lowest_ritz(
    products: Callable[[np.ndarray], np.ndarray],
    diagonal: np.ndarray,
    start: np.ndarray,
    decided: Callable[[int, Ritz], bool],
    expansions: int = 0,
) -> list[Ritz]:
    """The lowest Ritz pairs of each of several symmetric matrices, found together.

    products(vectors (k, n)) -> (matrices, k, n). diagonal (n,): of the matrices, about. start (k, n).
    decided(number of the matrix, its pairs): whether they suffice; asked after `expansions` of the space at the
    earliest. What is not decided after MAX_CYCLES is returned as it is. NotFinite where a product is.
    """
    space = _orthonormal(np.empty((0, diagonal.size)), start)
    images = _finite(products(space))
    for cycle in range(MAX_CYCLES):
        found, corrections = [], []
        for matrix, image in enumerate(images):
            small = image @ space.T
            values, coefficients = np.linalg.eigh((small + small.T) / 2)
            values, coefficients = values[:ROOTS], coefficients[:, :ROOTS].T
            vectors = coefficients @ space
            residuals = coefficients @ image - values[:, None] * vectors
            pairs = Ritz(values, vectors, np.linalg.norm(residuals, axis=1))
            found.append(pairs)
            if cycle < expansions or not decided(matrix, pairs):
                shifted = diagonal - values[:, None]
                shifted[np.abs(shifted) < 1e-2] = 1e-2
                corrections.append(residuals / shifted)
        if not corrections:
            return found
        new = _orthonormal(space, np.concatenate(corrections))
        if not len(new):
            return found
        images = np.concatenate([images, _finite(products(new))], axis=1)
        space = np.concatenate([space, new])
    return found


def _finite(images: np.ndarray) -> np.ndarray:
    if not np.isfinite(images).all():
        raise NotFinite("a product with the matrix is not finite")
    return images


def _orthonormal(space: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """What `vectors` add to the orthonormal rows of `space`, orthonormal."""
    rows: list[np.ndarray] = []
    for vector in vectors:
        norm = np.linalg.norm(vector)
        if norm < 1e-14:
            continue
        rest = vector / norm
        for _ in range(2):
            rest = rest - (space @ rest) @ space
            for row in rows:
                rest = rest - (row @ rest) * row
        size = np.linalg.norm(rest)
        if size > DEPENDENT:
            rest = rest / size
            # Once more, now that rounding is not magnified.
            rest = rest - (space @ rest) @ space
            rows.append(rest / np.linalg.norm(rest))
    return np.array(rows).reshape(-1, vectors.shape[1])
