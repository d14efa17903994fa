"""The equations of self-consistent screening, (α⁻¹ + T) Y = 1 ⊗ e_c, at one imaginary frequency after another.

T couples Gaussian dipoles whose widths follow α(iu), times g = 1 − f where the screening is range-separated. Distant
Gaussians are points to the last digit, so that g T_point is made once, and at every frequency the elements of near
pairs alone are replaced by g T_Gauss(iu): all of T made afresh would take a small molecule longer than LAPACK's part.
Matrices are component-major, and of their upper triangles only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError

from qmbench_mbd.dipole import Pairs, fill_upper, pairs
from qmbench_mbd.errors import refuse_negative_response
from qmbench_mbd.lapack import cholesky, solve
from qmbench_mbd.oscillators import Array, Oscillators
from qmbench_mbd.radial import bare, fermi, gaussian, gaussian_widths

# Beyond z = r/σ = 6, erfc(z) < 3e-17: the smeared dipoles are point dipoles to the last digit.
_POINTLIKE = 6.0
# Cholesky factors of all frequencies are kept for the gradient up to this size, and made again beyond it.
_KEEP_BYTES = 2**28


class RangeSeparation(NamedTuple):
    """Screening keeps g = 1 − f of the coupling, f Fermi damping of `steepness` at the length β (Rᵢ + Rⱼ)."""

    beta: float
    steepness: float


def short_range_part(
    o: Oscillators, distance: Array, separation: RangeSeparation | None, derivatives: bool = False
) -> tuple[Array, Array, Array]:
    """g = 1 − f at distances (N, N), ∂g/∂r and ∂g/∂S if asked; without a separation 1, 0 and 0."""
    if separation is None:
        return np.ones_like(distance), np.zeros_like(distance), np.zeros_like(distance)
    f, f_r, f_s = fermi(distance, o.damping_lengths(separation.beta), separation.steepness, derivatives)
    return 1 - f, -f_r, -f_s


@dataclass(frozen=True)
class NearPairs:
    """The m pairs i < j in whose coupling Gaussians matter, nearest first: vectors rᵢ − rⱼ (3, m), distances (m,),
    g (m,) and the combined Gaussian widths (n_u, m). At frequency k they are the first `count[k]`."""

    i: Array
    j: Array
    vector: Array
    distance: Array
    g: Array
    width: Array
    count: list[int]


def near_pairs(p: Pairs, g: Array, sigma: Array) -> NearPairs:
    """Those of all pairs within 6 combined widths σ = √(σᵢ²+σⱼ²); `sigma` (n_u, N) falls with the frequency."""
    squared = sigma**2
    i, j = _upper_triangle(len(p.distance))
    z = p.distance[i, j] / np.sqrt(squared[0, i] + squared[0, j])
    near = np.flatnonzero(z < _POINTLIKE)
    near = near[np.argsort(z[near])]
    i, j = i[near], j[near]
    distance, width = p.distance[i, j], np.sqrt(squared[:, i] + squared[:, j])
    last = np.arange(1, len(i) + 1) * (distance < _POINTLIKE * width)
    return NearPairs(i, j, p.vector[:, i, j], distance, g[i, j], width, last.max(1, initial=0).tolist())


class ScreeningEquations:
    """α⁻¹ + T of oscillators `o` at the imaginary frequencies `u`, made, factorized and solved by frequency number."""

    def __init__(self, o: Oscillators, u: Array, separation: RangeSeparation | None, keep_factors: bool) -> None:
        n = len(o.alpha)
        self.u, self.separation = u, separation
        self.alpha = o.polarizability(u)
        self.sigma = gaussian_widths(self.alpha)
        self.pairs = pairs(o.positions)
        g, _, _ = short_range_part(o, self.pairs.distance, separation)
        self.near = near_pairs(self.pairs, g, self.sigma)
        # What `matrix` puts together: g T_point, g T_Gauss of the near pairs and where it goes, α⁻¹.
        self._points = _point_dipoles(self.pairs, g)
        t = gaussian(self.near.distance, self.near.width)
        self._near_a, self._near_b = self.near.g * t.a, self.near.g * t.b
        self._products, self._places = _elements(self.near, n)
        self._diagonal = np.tile(1 / self.alpha, 3)
        self._factors: dict[int, Array] = {}
        self._keep = keep_factors and len(u) * (3 * n) ** 2 * 8 <= _KEEP_BYTES
        self._buffer = np.empty((3 * n, 3 * n))

    def matrix(self, k: int, out: Array) -> Array:
        """The upper triangle of α⁻¹ + T at frequency number k, (3N, 3N), in `out`."""
        np.copyto(out, self._points)
        flat = out.reshape(-1)
        if m := self.near.count[k]:
            elements = self._near_b[k, :m, None] * self._products[:m]
            elements[:, :3] += self._near_a[k, :m, None]
            flat[self._places[:m]] = elements
        flat[:: len(out) + 1] += self._diagonal[k]
        return out

    def factor(self, k: int) -> Array:
        """Cholesky factor at frequency number k. Raises PolarizationCatastrophe."""
        if k in self._factors:
            return self._factors[k]
        buffer = np.empty_like(self._buffer) if self._keep else self._buffer
        try:
            found = cholesky(self.matrix(k, buffer))
        except LinAlgError:
            upper = np.triu(self.matrix(k, buffer))
            refuse_negative_response(upper + np.triu(upper, 1).T, self.alpha[k], float(self.u[k]))
        if self._keep:
            self._factors[k] = found
        return found

    def dipoles(self, k: int, field: Array | None = None) -> Array:
        """Y = (α⁻¹ + T)⁻¹ (`field` ⊗ e_c), (3N, 3): what a field along each axis c, of the given strength at every
        atom (N,), else of strength one, induces at frequency number k. Raises PolarizationCatastrophe."""
        axes = _axes(self.alpha.shape[1])
        return solve(self.factor(k), axes.copy(order="F") if field is None else np.tile(field, 3)[:, None] * axes)


def _point_dipoles(p: Pairs, g: Array) -> Array:
    """g T_point, (3N, 3N), blocks c ≤ d."""
    n = len(p.distance)
    t = bare(p.distance)
    g = g * p.mask
    out = np.empty((3, n, 3, n))
    fill_upper(out, g * t.a, g * t.b, p.vector)
    return out.reshape(3 * n, 3 * n)


def _elements(near: NearPairs, n: int) -> tuple[Array, Array]:
    """R_c R_d of the nine elements of each pair in the upper triangle, xx, yy and zz first, and their places in the
    flat matrix, (m, 9) each. Off the diagonal blocks that is both (c i, d j) and (c j, d i)."""
    vector, i, j = near.vector, near.i, near.j
    products = [vector[c] * vector[c] for c in range(3)]
    places = [(c * n + i) * 3 * n + c * n + j for c in range(3)]
    for c, d in combinations(range(3), 2):
        products += 2 * [vector[c] * vector[d]]
        places += [(c * n + i) * 3 * n + d * n + j, (c * n + j) * 3 * n + d * n + i]
    return np.stack(products, 1), np.stack(places, 1)


@lru_cache(maxsize=8)
def _upper_triangle(n: int) -> tuple[Array, Array]:
    i, j = np.triu_indices(n, 1)
    return i, j


@lru_cache(maxsize=8)
def _axes(n: int) -> Array:
    """1 ⊗ e_c, (3N, 3), in Fortran order."""
    return np.asfortranarray(np.kron(np.eye(3), np.ones((n, 1))))
