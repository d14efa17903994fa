"""Derivatives through self-consistent screening: from those by the screened oscillators to those by the bare ones."""

from __future__ import annotations

import numpy as np

from qmbench_mbd.dipole import contract, per_atom
from qmbench_mbd.oscillators import Array, Gradient, Oscillators, frequency_grid
from qmbench_mbd.radial import Radial, bare, gaussian_change
from qmbench_mbd.screening import Screening
from qmbench_mbd.screening_equations import NearPairs, ScreeningEquations, short_range_part


def through_screening(s: Screening, outer: Gradient) -> Gradient:
    """Derivatives by the bare oscillators and the positions; `outer` has those by the screened oscillators.

    With M = α⁻¹ + T and weights w = dE/dα̃, dE = ⅓ Σ_c (w⊗e_c)ᵀ dM⁻¹ (1⊗e_c), so that dE/dM = −⅓ X Yᵀ where
    M X = w ⊗ e_c and M Y = 1 ⊗ e_c. T is g T_point, whose part of dE/dM is summed over the frequencies first, and
    g [T_Gauss − T_point] of near pairs.
    """
    o, q = s.bare, s.equations
    n = len(o.alpha)
    by_screened, by_alpha, by_radii = through_screened_oscillators(o, s.oscillators, s.screened, outer)
    near = _NearGradient(q)
    by_dynamic, by_points = np.empty_like(q.alpha), np.zeros((3 * n, 3 * n))
    for k in range(len(q.u)):
        by_matrix = -1 / 3 * q.dipoles(k, by_screened[k]) @ q.dipoles(k).T
        by_dynamic[k] = -by_matrix.diagonal().reshape(3, n).sum(0) / q.alpha[k] ** 2
        by_dynamic[k] += near.add(k, by_matrix) * q.sigma[k] ** 2 / (3 * q.alpha[k])  # σ³ ∝ α
        by_points += by_matrix

    g, g_r, g_s = short_range_part(o, q.pairs.distance, q.separation, True)
    positions, by_g = _points_gradient(q, by_points, g, g_r)
    near_positions, near_by_g = near.gradient(g_r)
    by_g[near.pairs.i, near.pairs.j] += near_by_g
    if q.separation is not None:
        by_length = by_g * g_s
        by_radii += q.separation.beta * (by_length + by_length.T).sum(1)
    dynamic_alpha, by_c6 = o.through_polarizability(q.u, by_dynamic)
    return Gradient(outer.positions + positions + near_positions, by_alpha + dynamic_alpha, by_c6, by_radii)


def through_screened_oscillators(
    before: Oscillators, after: Oscillators, screened: Array, outer: Gradient
) -> tuple[Array, Array, Array]:
    """Chain rule through `screening.screened_oscillators`: dE/dα̃(iu) (n_u, N), and dE/dα, dE/dR (N,) of the
    oscillators before screening, at fixed α̃."""
    _, weights = frequency_grid()
    by_screened = 6 / np.pi * weights[:, None] * screened * outer.c6
    by_log_ratio = outer.radii * after.radii / 3  # R̃ = R (α̃/α)^(1/3)
    by_screened[0] += outer.alpha + by_log_ratio / screened[0]
    return by_screened, -by_log_ratio / before.alpha, outer.radii * after.radii / before.radii


def _points_gradient(q: ScreeningEquations, by_matrix: Array, g: Array, g_r: Array) -> tuple[Array, Array]:
    """Through g T_point: dE/dr (N, 3), and dE/dg (N, N) by ordered pairs."""
    n = len(g)
    t = bare(q.pairs.distance, True)
    damped = Radial(g * t.a, g * t.b, g_r * t.a + g * t.a_r, g_r * t.b + g * t.b_r)
    gradient, by_a, by_b = contract(q.pairs, damped, by_matrix.reshape(3, n, 3, n).transpose(0, 2, 1, 3))
    return per_atom(gradient), by_a * t.a + by_b * t.b


class _NearGradient:
    """Through g [T_Gauss − T_point] of the near pairs, summed over the frequencies."""

    def __init__(self, q: ScreeningEquations) -> None:
        self.pairs, self.n = q.near, q.alpha.shape[1]
        self.t = gaussian_change(q.near.distance, q.near.width, True)
        self.by_distance, self.by_g = np.zeros((2, len(q.near.i)))
        self.by_vector = np.zeros_like(q.near.vector)

    def add(self, k: int, by_matrix: Array) -> Array:
        """Add frequency number k; returns (dE/dσ)/σ by every atom's own Gaussian, (N,)."""
        p, t, m = self.pairs, self.t, self.pairs.count[k]
        by_a, by_b, along = _contract_near(by_matrix, p, m)
        self.by_g[:m] += by_a * t.a[k, :m] + by_b * t.b[k, :m]
        self.by_distance[:m] += p.g[:m] * (by_a * t.a_r[k, :m] + by_b * t.b_r[k, :m])
        self.by_vector[:, :m] += p.g[:m] * t.b[k, :m] * along
        by_width = p.g[:m] * (by_a * t.a_p[k, :m] + by_b * t.b_p[k, :m]) / p.width[k, :m]
        return np.bincount(p.i[:m], by_width, self.n) + np.bincount(p.j[:m], by_width, self.n)

    def gradient(self, g_r: Array) -> tuple[Array, Array]:
        """dE/dr (N, 3), and dE/dg of the near pairs (m,)."""
        p = self.pairs
        by_distance = self.by_distance + self.by_g * g_r[p.i, p.j]
        pull = by_distance / p.distance * p.vector + self.by_vector
        return np.stack([np.bincount(p.i, c, self.n) - np.bincount(p.j, c, self.n) for c in pull], 1), self.by_g


def _contract_near(by_matrix: Array, p: NearPairs, m: int) -> tuple[Array, Array, Array]:
    """As `dipole.contract` for the first m near pairs, both orders added: dE/dA, dE/dB (m,), (U + Uᵀ) R (3, m)."""
    n = len(by_matrix) // 3
    blocks, i, j = by_matrix.reshape(3, n, 3, n), p.i[:m], p.j[:m]
    u = blocks[:, i, :, j] + blocks[:, j, :, i]
    along = np.einsum("mcd,dm->cm", u + u.transpose(0, 2, 1), p.vector[:, :m])
    return np.einsum("mcc->m", u), 0.5 * np.einsum("cm,cm->m", along, p.vector[:, :m]), along
