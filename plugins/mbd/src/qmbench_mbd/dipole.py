"""Geometry of pairs, and assembly of the 3N × 3N dipole matrices of finite systems.

Matrices are ordered component by component (all x, then all y, then all z), so that each of the nine blocks is one
contiguous N × N array operation; `by_atom` restores the customary order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmbench import InputError
from qmbench_mbd.oscillators import Array
from qmbench_mbd.radial import Radial


@dataclass(frozen=True)
class Pairs:
    """All ordered pairs: `vector` (3, N, N) = rᵢ − rⱼ, `distance` (N, N), bohr; over a lattice with a
    further axis for images, (3, L, N, N) and (L, N, N).

    Where a pair is to be left out (an atom with itself) `distance` is 1 and `mask` is 0.
    """

    vector: Array
    distance: Array
    mask: Array


def pairs(positions: Array) -> Pairs:
    """Pairs of a finite system; InputError for two atoms at one place."""
    x = np.ascontiguousarray(positions.T)
    vector = x[:, :, None] - x[:, None, :]
    squared = vector[0] ** 2
    squared += vector[1] ** 2
    squared += vector[2] ** 2
    mask = np.ones(squared.shape)
    np.fill_diagonal(mask, 0.0)
    np.fill_diagonal(squared, 1.0)
    if squared.size and squared.min() <= 0:
        i, j = np.unravel_index(int(np.argmin(squared)), squared.shape)
        raise InputError(f"atoms {i + 1} and {j + 1} sit at the same place")
    return Pairs(vector, np.sqrt(squared), mask)


def fill_upper(out: Array, a: Array, b: Array, vector: Array) -> None:
    """Write the blocks c ≤ d of A δ_cd + B R_c R_d into `out` (3, N, 3, N). Each block is symmetric, so that this is
    all that a factorization of the upper triangle reads."""
    for c in range(3):
        b_rc = b * vector[c]
        for d in range(c, 3):
            np.multiply(b_rc, vector[d], out=out[c, :, d, :])
        out[c, :, c, :] += a


def contract(p: Pairs, t: Radial, weights: Array) -> tuple[Array, Array, Array]:
    """Chain rule through T. `weights` (3, 3, …, N, N) is dE/dT over ordered pairs, Cartesian axes first; `t` carries
    derivatives by r. Pairs may have leading axes (…), such as one over images of a cell.

    Returns dE/dR (3, …, N, N) by pair vector, and the contractions dE/dA, dE/dB (each (…, N, N)) with which a caller
    goes on to any other argument of the radial functions.
    """
    by_a = (weights[0, 0] + weights[1, 1] + weights[2, 2]) * p.mask
    along = np.zeros_like(p.vector)
    for c in range(3):
        for d in range(3):
            along[c] += (weights[c, d] + weights[d, c]) * p.vector[d]
    by_b = 0.5 * np.einsum("c...,c...->...", along, p.vector) * p.mask
    gradient = (by_a * t.a_r + by_b * t.b_r) / p.distance * p.vector + (t.b * p.mask) * along
    return gradient, by_a, by_b


def per_atom(pair_gradient: Array) -> Array:
    """Sum dE/dRᵢⱼ (3, N, N) to dE/drᵢ (N, 3); Rᵢⱼ = rᵢ − rⱼ."""
    return (pair_gradient.sum(2) - pair_gradient.sum(1)).T


def by_atom(matrix: Array) -> Array:
    """Reorder a component-major (3N, 3N) matrix atom by atom (x₁, y₁, z₁, x₂ …)."""
    n = len(matrix) // 3
    return matrix.reshape(3, n, 3, n).transpose(1, 0, 3, 2).reshape(3 * n, 3 * n)
