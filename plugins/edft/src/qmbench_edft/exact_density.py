"""Densities of the exact states, on a radial grid and at any radius (bohr⁻³)."""

from __future__ import annotations

import numpy as np

from qmbench_edft.grid import RadialGrid
from qmbench_edft.perimetric import ExactState, laguerre


def density(exact: ExactState, r: np.ndarray) -> np.ndarray:
    """Electron density at the radii r (N,), averaged over the multiplet (hence spherical); integrates to two.

    At fixed r1 = r the other electron's position is integrated over u ∈ [0, ∞) by Gauss–Laguerre (exactly) and
    over v ∈ [0, 2r], w = 2r − v, by Gauss–Legendre.
    """
    from scipy.special import roots_laguerre

    cube = exact.coefficients
    size = cube.shape[0]
    a, c = exact.scales
    x, weight = roots_laguerre(size + 6)
    u = x / a
    left = laguerre(size, x)  # the factor e^(−x) of |F|² is the quadrature's
    t, step = np.polynomial.legendre.leggauss(2 * size + 40)
    in_u = np.tensordot(left, cube, axes=(0, 0))  # (u, j, k): F's first factor at u
    swapped = np.tensordot(left, cube, axes=(0, 1))  # (u, i, k): the exchanged function's
    result = np.empty(len(r))
    for index, radius in enumerate(r):
        v = radius * (1 + t)
        w = 2 * radius - v
        decay = np.exp(-0.5 * (a * v + c * w))
        vw = laguerre(size, a * v)[:, None, :] * laguerre(size, c * w)[None, :, :] * decay
        flat = vw.reshape(size * size, -1)
        f = in_u.reshape(len(u), -1) @ flat
        r2 = 0.5 * (u[:, None] + w)
        r12 = 0.5 * (u[:, None] + v)
        if exact.multiplet.l == 0:
            square = f * f
        else:
            g = exact.exchange_sign * (swapped.reshape(len(u), -1) @ flat)
            dot = 0.5 * (radius**2 + r2**2 - r12**2)
            square = (radius**2 * f * f + r2**2 * g * g + 2 * dot * f * g) / 3
        result[index] = (2 * np.pi / radius) * (weight / a) @ (square * r2 * r12) @ (step * radius)
    return result


def radial_weights(exact: ExactState, grid: RadialGrid) -> np.ndarray:
    """ρ_p = 4π r² n(r_p) ω_p on a grid; sums to two."""
    return density(exact, grid.r) * 4 * np.pi * grid.r**2 * grid.omega
