"""Self-consistent screening of atomic polarizabilities at imaginary frequencies, and its derivatives.

A. Tkatchenko, R. A. DiStasio Jr., R. Car, M. Scheffler, Phys. Rev. Lett. 108, 236402 (2012); range-separated:
A. Ambrosetti, A. M. Reilly, R. A. DiStasio Jr., A. Tkatchenko, J. Chem. Phys. 140, 18A508 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NoReturn

import numpy as np
from scipy.linalg import LinAlgError

from qmbench_mbd import lapack
from qmbench_mbd.dipole import Pairs, fill_upper, pairs
from qmbench_mbd.errors import PolarizationCatastrophe
from qmbench_mbd.parameters import Array, Oscillators
from qmbench_mbd.radial import fermi, gaussian_deficit

N_FREQUENCIES = 15


@dataclass(frozen=True)
class Gradient:
    """Derivatives of a dispersion energy: by `positions` (N, 3) at fixed ratios, and by the inputs α, C6, R (N,)."""

    positions: Array
    alpha: Array
    c6: Array
    radii: Array

    def with_ratios(self, oscillators: Oscillators, ratios: Array, ratio_gradient: Array) -> Array:
        """Total dE/dr (N, 3) when oscillators follow volume ratios v (N,) with `ratio_gradient` dv_A/dr (N, N, 3)."""
        return self.positions + np.einsum("a,aix->ix", self.by_ratios(oscillators, ratios), ratio_gradient)

    def by_ratios(self, oscillators: Oscillators, ratios: Array) -> Array:
        """dE/dv (N,) at fixed positions when oscillators follow volume ratios v (N,): α ∝ v, C6 ∝ v², R ∝ v^(1/3)."""
        return (
            self.alpha * oscillators.alpha + 2 * self.c6 * oscillators.c6 + self.radii * oscillators.radii / 3
        ) / ratios


def frequency_grid(n: int = N_FREQUENCIES, scale: float = 0.6) -> tuple[Array, Array]:
    """Imaginary frequencies (hartree) and weights for ∫₀^∞ du: zero (weight 0), then n Gauss–Legendre points mapped
    by u = scale (1+x)/(1−x). The same grid as libMBD's. The arrays are shared, so they are read-only.
    """
    u, weights = _frequency_grid(n, scale)
    return u, weights


@cache
def _frequency_grid(n: int, scale: float) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(n)
    u = scale * (1 + x) / (1 - x)
    grid = np.append(0.0, u), np.append(0.0, 2 * scale * w / (1 - x) ** 2)
    for array in grid:
        array.setflags(write=False)
    return grid


def dynamic_polarizability(alpha: Array, omega: Array, u: Array) -> Array:
    """α(iu) = α/(1+(u/ω)²), shape (len(u), N)."""
    return alpha / (1 + (u[:, None] / omega) ** 2)


def gaussian_widths(alpha: Array) -> Array:
    """Width of the Gaussian dipole that has polarizability α: (√(2/π) α/3)^(1/3) bohr."""
    return np.cbrt(np.sqrt(2 / np.pi) * alpha / 3)


@dataclass(frozen=True)
class Screening:
    """Screened oscillators, and what the gradient needs: frequencies and weights (n_u,), polarizabilities before and
    after, (n_u, N), and the matrices that were solved."""

    oscillators: Oscillators
    weights: Array
    alpha: Array
    screened: Array
    response: Response


# Beyond z = r/σ = 6, erfc(z) < 3e-17: the smeared dipoles are point dipoles to the last digit.
_POINTLIKE = 6.0
# Cholesky factors of all frequencies are kept for the gradient up to this size, and made again beyond it.
_KEEP_BYTES = 2**28


@lru_cache(maxsize=8)
def _indices(n: int) -> tuple[Array, Array, Array]:
    """i and j of the pairs i < j of n atoms, and 1 ⊗ e_c, (3n, 3)."""
    i, j = np.triu_indices(n, 1)
    return i, j, np.asfortranarray(np.kron(np.eye(3), np.ones((n, 1))))


class Response:
    """α⁻¹ + T at one imaginary frequency after another, for T of Gaussian dipoles, times 1 − f where `damping` says so.

    T of point dipoles is the same at every frequency, and is made once. Only the `m` pairs near enough for their
    Gaussians to matter are corrected; among the pairs i < j they come first, by distance. At small sizes making the
    matrices, not LAPACK, would be the time.
    """

    def __init__(self, p: Pairs, o: Oscillators, damping: tuple[float, float] | None, alpha: Array, keep: bool) -> None:
        n = len(o.alpha)
        self.p, self.o, self.damping, self.alpha = p, o, damping, alpha
        self.sigma = gaussian_widths(alpha)
        squared = self.sigma**2
        i, j, self.right = _indices(n)
        r = p.distance[i, j]
        near = np.flatnonzero(r < _POINTLIKE * np.sqrt(squared[0, i] + squared[0, j]))
        near = near[np.argsort(r[near])]
        far = np.ones(len(r), dtype=bool)
        far[near] = False
        order = np.concatenate([near, np.flatnonzero(far)])
        self.i, self.j, self.r, self.m = i[order], j[order], r[order], len(near)
        inverse = 1 / self.r
        self.inverse3 = inverse * inverse * inverse
        self.inverse5 = self.inverse3 * inverse * inverse
        self.kept = np.ones_like(self.r)
        if damping is not None:
            beta, steepness = damping
            self.kept -= fermi(self.r, beta * (o.radii[self.i] + o.radii[self.j]), steepness)[0]
        a, b = np.zeros((2, n, n))
        a[self.i, self.j] = a[self.j, self.i] = self.kept * self.inverse3
        b[self.i, self.j] = b[self.j, self.i] = -3 * self.kept * self.inverse5
        self.points = np.empty((3, n, 3, n))
        fill_upper(self.points, a, b, p.vector)
        self._gaussians(squared)
        keep = keep and len(alpha) * (3 * n) ** 2 * 8 <= _KEEP_BYTES
        self.buffers = np.empty((len(alpha) if keep else 1, 3 * n, 3 * n))
        self.factors: list[Array | None] = [None] * len(alpha)
        self.inverse_alpha = np.tile(1 / alpha, 3)

    def _gaussians(self, squared: Array) -> None:
        """What the Gaussians of the near pairs change, at all frequencies, and where their elements are."""
        n, m = len(self.o.alpha), self.m
        i, j, r = self.i[:m], self.j[:m], self.r[:m]
        self.width = np.sqrt(squared[:, i] + squared[:, j])
        self.z = np.ascontiguousarray(r / self.width)
        counts = self.z < _POINTLIKE
        last = m - np.argmax(counts[:, ::-1], 1) if m else np.zeros(len(counts), dtype=int)
        self.reach = np.where(counts.any(1), last, 0).tolist()
        # Less than points have in erf z − θ, and 2z²θ, where θ = 2z exp(−z²)/√π: see `gaussian_deficit`; (n_u, m).
        self.shape, self.extra = np.zeros(self.z.shape), np.zeros(self.z.shape)
        self.shape[counts], self.extra[counts] = gaussian_deficit(self.z[counts])
        self.near_a = self.kept[:m] * self.inverse3[:m] * self.shape
        self.near_b = self.kept[:m] * self.inverse5[:m] * (self.extra - 3 * self.shape)
        x, y, z = self.p.vector[:, i, j]
        self.products = np.stack([x * x, y * y, z * z, x * y, x * y, x * z, x * z, y * z, y * z], 1)
        rows = np.stack([i, n + i, 2 * n + i, i, j, i, j, n + i, n + j], 1)
        columns = np.stack([j, n + j, 2 * n + j, n + j, n + i, 2 * n + j, 2 * n + i, 2 * n + j, 2 * n + i], 1)
        self.places = rows * (3 * n) + columns
        self.near_points = self.points.reshape(-1)[self.places]

    def matrix(self, k: int, out: Array) -> Array:
        """The upper triangle of α⁻¹ + T at frequency number k, (3N, 3N), component-major, in `out`."""
        n, m = len(self.o.alpha), self.reach[k]
        np.copyto(out, self.points.reshape(3 * n, 3 * n))
        flat = out.reshape(-1)
        if m:
            change = self.near_b[k, :m, None] * self.products[:m]
            change[:, :3] += self.near_a[k, :m, None]
            change += self.near_points[:m]
            flat[self.places[:m]] = change
        flat[:: 3 * n + 1] += self.inverse_alpha[k]
        return out

    def factor(self, k: int) -> Array:
        """Cholesky factor at frequency number k. Raises PolarizationCatastrophe."""
        kept = self.factors[k]
        if kept is not None:
            return kept
        buffer = self.buffers[k if len(self.buffers) > 1 else 0]
        try:
            found = lapack.cholesky(self.matrix(k, buffer))
        except LinAlgError:
            u, _ = frequency_grid(len(self.alpha) - 1)
            upper = np.triu(self.matrix(k, buffer))
            refuse_negative_response(upper + np.triu(upper, 1).T, self.alpha[k], float(u[k]))
        if len(self.buffers) > 1:
            self.factors[k] = found
        return found

    def solve(self, k: int, right: Array) -> Array:
        """(α⁻¹ + T)⁻¹ (`right` ⊗ e_c), (3N, 3), for `right` (N,)."""
        return lapack.solve(self.factor(k), np.asfortranarray(np.tile(right, 3)[:, None] * self.right))


def screen(
    o: Oscillators, damping: tuple[float, float] | None, n_frequencies: int = N_FREQUENCIES, keep: bool = False
) -> Screening:
    """Self-consistent screening of atomic polarizabilities; `keep` the factors of all frequencies for a gradient.

    `damping` is (β, steepness) for the range-separated form (rsSCS) and None for the full one (SCS). The screened
    α_A(iu) = ⅓ Tr Σ_B [(α⁻¹ + T)⁻¹]_AB is contracted to atoms. Tkatchenko et al. (2012), eq 6; Ambrosetti et al.
    (2014), eqs 12 and 13. Raises PolarizationCatastrophe if the response is not positive.
    """
    n = len(o.alpha)
    u, weights = frequency_grid(n_frequencies)
    alpha = dynamic_polarizability(o.alpha, o.omega, u)
    screened = np.empty_like(alpha)
    response = Response(pairs(o.positions), o, damping, alpha, keep)
    for k in range(len(u)):
        y = lapack.solve(response.factor(k), response.right.copy(order="F"))
        screened[k] = (y[:n, 0] + y[n : 2 * n, 1] + y[2 * n :, 2]) / 3
    return Screening(screened_oscillators(o, weights, screened), weights, alpha, screened, response)


def screened_oscillators(o: Oscillators, weights: Array, screened: Array) -> Oscillators:
    """Oscillators from screened α(iu) (n_u, N): C6 by Casimir–Polder, radii by the cube root of the static change.

    Raises PolarizationCatastrophe naming the atoms whose screened polarizability is not positive.
    """
    bad = np.flatnonzero((screened <= 0).any(0))
    if len(bad):
        names = ", ".join(str(i + 1) for i in bad[:10])
        raise PolarizationCatastrophe(
            f"polarization catastrophe: screened polarizability not positive on atoms {names}"
        )
    c6 = 3 / np.pi * weights @ screened**2
    return Oscillators(o.positions, screened[0], c6, o.radii * np.cbrt(screened[0] / o.alpha))


def refuse_negative_response(matrix: Array, alpha: Array, u: float) -> NoReturn:
    """Raise PolarizationCatastrophe for α⁻¹ + T (3N, 3N), component-major, that is not positive at the imaginary
    frequency u, naming the negative modes of 1 + √α T √α and their main atoms."""
    root = np.sqrt(np.tile(alpha, 3))
    values, modes = np.linalg.eigh(root[:, None] * matrix * root[None, :])
    named = "; ".join(
        f"mode {k + 1} ({values[k]:.3e}, atoms {_main_atoms(modes[:, k], len(alpha))})"
        for k in range(max(1, min(5, int(np.sum(values <= 0)))))
    )
    raise PolarizationCatastrophe(
        f"polarization catastrophe: at imaginary frequency {u:.4g} hartree the screened response 1 + αT has a negative "
        f"mode, so these atoms are too close for their polarizabilities: {named}"
    )


def _main_atoms(mode: Array, n_atoms: int) -> str:
    weight = (np.abs(mode.reshape(3, n_atoms)) ** 2).sum(0)
    return " ".join(str(i + 1) for i in np.argsort(weight)[::-1][:3] if weight[i] > 0.05)


def refuse_imaginary(eigenvalues: Array, vectors: Array | None, n_atoms: int) -> None:
    """Raise PolarizationCatastrophe if a squared frequency is not positive, naming the modes and their main atoms."""
    bad = np.flatnonzero(eigenvalues <= 0)
    if not len(bad):
        return
    named = []
    for k in bad[:5]:
        text = f"mode {k + 1} (ω² = {eigenvalues[k]:.3e} hartree²"
        if vectors is not None:
            text += f", atoms {_main_atoms(vectors[:, k], n_atoms)}"
        named.append(text + ")")
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    raise PolarizationCatastrophe(f"polarization catastrophe: {len(bad)} imaginary: {'; '.join(named)}{more}")


def through_screening(o: Oscillators, s: Screening, outer: Gradient) -> Gradient:
    """Chain rule from screened oscillators back to the unscreened ones and the positions."""
    n, q = len(o.alpha), s.response
    by_screened = 6 / np.pi * s.weights[:, None] * s.screened * outer.c6
    by_radius_static = outer.radii * s.oscillators.radii / 3
    by_screened[0] += outer.alpha + by_radius_static / s.screened[0]
    by_alpha_static = -by_radius_static / o.alpha
    by_radii = outer.radii * s.oscillators.radii / o.radii

    m, i, j = q.m, q.i, q.j
    vector = q.p.vector[:, i, j]
    own = _upper_index(n, i[:m], j[:m])
    inverse = 1 / q.r
    kept_r, kept_s = np.zeros_like(q.r), np.zeros_like(q.r)
    if q.damping is not None:
        beta, steepness = q.damping
        _, f_r, f_s = fermi(q.r, beta * (o.radii[i] + o.radii[j]), steepness, True)
        kept_r, kept_s = -f_r, -f_s
    pull, by_kept = np.zeros((3, len(q.r))), np.zeros(len(q.r))
    by_dynamic = np.empty_like(s.alpha)
    near, inv = vector[:, :m], inverse[:m]
    inv3, inv5, kept = q.inverse3[:m], q.inverse5[:m], q.kept[:m]
    total = np.zeros((3 * n, 3 * n))
    for k in range(len(s.alpha)):
        y = q.solve(k, np.ones(n))
        x = q.solve(k, by_screened[k])
        weights = x @ y.T
        weights *= -1 / 3
        by_dynamic[k] = -weights.reshape(-1)[:: 3 * n + 1].reshape(3, n).sum(0) / s.alpha[k] ** 2
        total += weights
        if not m:
            continue
        # How the Gaussians differ from points, of the near pairs only.
        by_a, by_b, along = _contract(weights, own, near)
        shape, extra, z, width = q.shape[k], q.extra[k], q.z[k], q.width[k]
        a, b = inv3 * shape, inv5 * (extra - 3 * shape)
        by_kept[:m] += by_a * a + by_b * b
        by_z = kept * extra * (by_a * inv3 / z - 2 * by_b * inv5 * z)
        by_r = by_z / width + by_a * a * (kept_r[:m] - 3 * kept * inv) + by_b * b * (kept_r[:m] - 5 * kept * inv)
        pull[:, :m] += by_r * inv * near + kept * b * along
        by_squared = -by_z * z / width**2
        by_sigma = np.bincount(i[:m], by_squared, n) + np.bincount(j[:m], by_squared, n)
        by_dynamic[k] += by_sigma * q.sigma[k] ** 2 / (3 * s.alpha[k])
    # Points times 1 − f, the same at every frequency.
    by_a, by_b, along = _contract(total, _upper_index(n, i, j), vector)
    a, b = q.inverse3, -3 * q.inverse5
    by_kept_point = by_a * a + by_b * b
    by_kept += by_kept_point
    by_r = by_kept_point * kept_r - 3 * q.kept * inverse * by_a * a - 5 * q.kept * inverse * by_b * b
    pull += by_r * inverse * vector + q.kept * b * along
    positions = outer.positions.copy()
    for c in range(3):
        positions[:, c] += np.bincount(i, pull[c], n) - np.bincount(j, pull[c], n)
    if q.damping is not None:
        by_length = by_kept * kept_s
        by_radii = by_radii + q.damping[0] * (np.bincount(i, by_length, n) + np.bincount(j, by_length, n))
    # α(iu) = α ω²/(ω²+u²), ω = (4/3) C6/α²
    fraction = s.alpha / o.alpha
    by_log_omega = (by_dynamic * s.alpha * 2 * (1 - fraction)).sum(0)
    by_alpha = by_alpha_static + (by_dynamic * fraction).sum(0) - 2 * by_log_omega / o.alpha
    return Gradient(positions, by_alpha, by_log_omega / o.c6, by_radii)


def _upper_index(n: int, i: Array, j: Array) -> Array:
    """Places of the elements [c i, d j] and [d j, c i] of a flat (3N)² matrix, (9, pairs) each: (2, 9, pairs)."""
    c, d = np.repeat(np.arange(3), 3)[:, None], np.tile(np.arange(3), 3)[:, None]
    row, column = c * n + i, d * n + j
    return np.stack([row * (3 * n) + column, column * (3 * n) + row])


def _contract(weights: Array, index: Array, vector: Array) -> tuple[Array, Array, Array]:
    """As `dipole.contract` for pairs i < j, both orders added: dE/dA, dE/dB (pairs,), (U + Uᵀ) R (3, pairs)."""
    flat = weights.reshape(-1)
    w = np.take(flat, index[0])
    w += np.take(flat, index[1])
    along = np.empty_like(vector)
    for c in range(3):
        along[c] = sum((w[3 * c + d] + w[3 * d + c]) * vector[d] for d in range(3))
    by_b = 0.5 * (along[0] * vector[0] + along[1] * vector[1] + along[2] * vector[2])
    return w[0] + w[4] + w[8], by_b, along
