"""Atoms as quantum dipole oscillators, and the chain rules through what follows from α and C6.

In atomic units: energies and frequencies in hartree, polarizabilities in bohr³, C6 in hartree bohr⁶.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qmbench import InputError

Array = NDArray[Any]


@dataclass(frozen=True)
class Oscillators:
    """Atoms as dipole oscillators, in atomic units.

    `positions` (N, 3) bohr, `alpha` (N,) static polarizabilities in bohr³, `c6` (N,) in hartree bohr⁶, `radii` (N,)
    van der Waals radii in bohr.
    """

    positions: Array
    alpha: Array
    c6: Array
    radii: Array

    def __post_init__(self) -> None:
        for name in ("positions", "alpha", "c6", "radii"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=float))
        n = len(self.alpha)
        if self.positions.shape != (n, 3) or self.c6.shape != (n,) or self.radii.shape != (n,):
            raise InputError(f"positions must be ({n}, 3) and c6, radii ({n},), like alpha")
        if n and min(self.alpha.min(), self.c6.min(), self.radii.min()) <= 0:
            raise InputError("alpha, c6 and radii must be positive")

    @property
    def omega(self) -> Array:
        """Oscillator frequencies 4 C6 / (3 α²) in hartree, shape (N,)."""
        return 4 / 3 * self.c6 / self.alpha**2

    @property
    def strength(self) -> Array:
        """ω√α (N,), the charge of each oscillator at unit mass: two of them are coupled by its product and T."""
        return self.omega * np.sqrt(self.alpha)

    def damping_lengths(self, scale: float) -> Array:
        """S_ij = `scale` (Rᵢ + Rⱼ) in bohr, (N, N)."""
        return scale * (self.radii[:, None] + self.radii[None, :])

    def polarizability(self, u: Array) -> Array:
        """α(iu) = α/(1+(u/ω)²) in bohr³ at imaginary frequencies iu (hartree), shape (len(u), N)."""
        return self.alpha / (1 + (u[:, None] / self.omega) ** 2)

    def through_coupling(self, by_strength: Array, by_omega: Array) -> tuple[Array, Array]:
        """dE/dα and dE/dC6 (N,) from the derivatives by `strength`, (4/3) C6 α^(−3/2), and `omega`, (4/3) C6 α^(−2)."""
        by_alpha = -1.5 * by_strength * self.strength / self.alpha - 2 * by_omega * self.omega / self.alpha
        by_c6 = (by_strength * self.strength + by_omega * self.omega) / self.c6
        return by_alpha, by_c6

    def through_polarizability(self, u: Array, by_dynamic: Array) -> tuple[Array, Array]:
        """dE/dα and dE/dC6 (N,) from the derivatives by α(iu), (len(u), N)."""
        dynamic = self.polarizability(u)
        fraction = dynamic / self.alpha
        by_log_omega = (by_dynamic * dynamic * 2 * (1 - fraction)).sum(0)
        return (by_dynamic * fraction).sum(0) - 2 * by_log_omega / self.alpha, by_log_omega / self.c6


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


@cache
def frequency_grid(n: int = 15) -> tuple[Array, Array]:
    """Imaginary frequencies (hartree) and weights for ∫₀^∞ du: zero (weight 0), then n Gauss–Legendre points mapped
    by u = 0.6 (1+x)/(1−x). The same grid as libMBD's. The arrays are shared, so they are read-only.
    """
    x, w = np.polynomial.legendre.leggauss(n)
    u = np.append(0.0, 0.6 * (1 + x) / (1 - x))
    weights = np.append(0.0, 2 * 0.6 * w / (1 - x) ** 2)
    u.setflags(write=False)
    weights.setflags(write=False)
    return u, weights


def casimir_polder(alpha: Array, weights: Array) -> Array:
    """C6 = (3/π) ∫ α(iu)² du (hartree bohr⁶) of like partners, from `alpha` (n_u, …) on a grid with `weights`."""
    return 3 / np.pi * weights @ alpha**2
