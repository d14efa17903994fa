"""ωB97M(2) on the orbitals of ωB97M-V: the power series of that family, whose terms libxc does not all have.

Mardirossian and Head-Gordon, J. Chem. Phys. 148, 241736 (2018), table II. The form is that of ωB97M-V,
J. Chem. Phys. 144, 214110 (2016): attenuated exchange, and the correlation of Perdew and Wang divided
by spins as in Stoll, Pavlidou and Preuß, Theor. Chim. Acta 49, 143 (1978), each times Σ c_ij w^i u^j.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

Term = tuple[float, int, int]

OMEGA = 0.3
GAMMA_X, GAMMA_SAME, GAMMA_OPPOSITE = 0.004, 0.2, 0.006
# Densities below this (electrons per bohr³ and spin) add nothing.
THRESHOLD = 1e-13
# (6π²)^(2/3) · 3/10: the kinetic energy density of the uniform gas of one spin, over n^(5/3).
UNIFORM_TAU = 0.3 * (6 * np.pi**2) ** (2 / 3)
# Beyond this argument the attenuation is a difference of large numbers, and its series is as exact as doubles are.
SERIES_FROM = 2.7


@dataclass(frozen=True)
class Series:
    """Coefficients c_ij with the powers i of w and j of u: exchange, and correlation of same and opposite spin."""

    exchange: Sequence[Term]
    same: Sequence[Term]
    opposite: Sequence[Term]


WB97M_2 = Series(
    exchange=((0.37806, 0, 0), (0.13642, 0, 1), (0.28193, 2, 0), (-0.21886, 3, 0), (0.70767, 4, 1)),
    same=((0.54846, 0, 0), (-1.17724, 1, 0), (-3.67267, 2, 0)),
    opposite=((0.46152, 0, 0), (-1.94794, 0, 1), (3.24910, 0, 2), (2.30490, 2, 0), (-2.26280, 2, 2)),
)
# Fraction of exact exchange at short range (all of it at long range), of VV10, and of second-order correlation.
SHORT_RANGE_EXCHANGE, VV10_FRACTION, PT2_FRACTION = 0.62194, 0.65904, 0.34096
# b and C of its VV10, which is damped more than that of ωB97M-V (6.0, 0.01). With 6.0 the water dimer of S66 would be
# bound by 5.21 kcal/mol instead of the published 4.99.
VV10 = (10.0, 0.01)


def energy_on_orbitals(mf: Any) -> float:
    """The energy of ωB97M(2) without its second-order part in hartree, with the density of a converged ωB97M-V `mf`.

    Restricted or unrestricted, fitted or not, in a field or not: one-electron and Coulomb terms are those of `mf`.
    """
    density = mf.make_rdm1()
    spins = np.array([density / 2, density / 2]) if density.ndim == 2 else np.asarray(density)
    coulomb, exchange = mf.get_jk(mf.mol, spins)
    long_range = mf.get_k(mf.mol, spins, omega=OMEGA)
    fraction = SHORT_RANGE_EXCHANGE
    exact = fraction * exchange + (1 - fraction) * long_range
    total = spins.sum(0)
    energy = np.einsum("ij,ji", total, mf.get_hcore()) + np.einsum("ij,ji", total, coulomb.sum(0)) / 2
    energy -= np.einsum("sij,sji", spins, exact) / 2
    integrator = mf._numint
    nonlocal_part = copy(integrator)
    nonlocal_part.nlc_coeff = lambda _: ((VV10, VV10_FRACTION),)
    _, vv10, _ = nonlocal_part.nr_nlc_vxc(mf.mol, mf.nlcgrids, mf.xc, total)
    local = sum(
        float(weights @ energy_density(rho, WB97M_2)) for weights, rho in _on_grid(integrator, mf.mol, mf.grids, spins)
    )
    return float(energy) + local + float(vv10) + float(mf.energy_nuc())


def _on_grid(integrator: Any, mole: Any, grids: Any, spins: np.ndarray) -> Any:
    """(weights, rho) block by block; rho (2, 5, points): n, its gradient, and τ = ½ Σ|∇φ|², per spin."""
    if grids.coords is None:
        grids.build()
    makers = [integrator._gen_rho_evaluator(mole, density, hermi=1, with_lapl=False)[0] for density in spins]
    for ao, mask, weights, _ in integrator.block_loop(mole, grids, mole.nao, deriv=1):
        yield weights, np.array([make(0, ao, mask, "MGGA") for make in makers])


def energy_density(rho: np.ndarray, series: Series) -> np.ndarray:
    """(points,) semi-local energy per volume, hartree/bohr³, of rho (2, 5, points): n, gradient, τ = ½ Σ|∇φ|²."""
    from pyscf.dft import libxc

    there = rho[:, 0] > THRESHOLD
    n = np.where(there, rho[:, 0], 1.0)
    tau = np.maximum(rho[:, 4], THRESHOLD)
    s2 = np.einsum("sxp,sxp->sp", rho[:, 1:4], rho[:, 1:4]) / n ** (8 / 3)
    ratio = UNIFORM_TAU * n ** (5 / 3) / tau
    w = (ratio - 1) / (ratio + 1)
    total = np.zeros(rho.shape[-1])
    for spin in (0, 1):
        uniform = -1.5 * (3 / (4 * np.pi)) ** (1 / 3) * n[spin] ** (4 / 3)
        attenuated = uniform * attenuation(OMEGA / (6 * np.pi**2 * n[spin]) ** (1 / 3))
        exchange = attenuated * _sum(series.exchange, w[spin], _u(GAMMA_X, s2[spin]))
        total += np.where(there[spin], exchange, 0.0)
    density = np.where(there, rho[:, 0], 0.0)

    def correlation(up: np.ndarray, down: np.ndarray) -> np.ndarray:
        return libxc.eval_xc("LDA_C_PW_MOD", (up, down), spin=1, deriv=0)[0] * (up + down)

    zero = np.zeros_like(total)
    alone = np.array([correlation(density[0], zero), correlation(zero, density[1])])
    for spin in (0, 1):
        factor = _sum(series.same, w[spin], _u(GAMMA_SAME, s2[spin]))
        total += np.where(there[spin], alone[spin] * factor, 0.0)
    mean = ratio.mean(0)
    factor = _sum(series.opposite, (mean - 1) / (mean + 1), _u(GAMMA_OPPOSITE, s2.mean(0)))
    both = correlation(density[0], density[1]) - alone.sum(0)
    return total + np.where(there.all(0), both * factor, 0.0)


def _u(gamma: float, s2: np.ndarray) -> np.ndarray:
    return gamma * s2 / (1 + gamma * s2)


def _sum(terms: Sequence[Term], w: np.ndarray, u: np.ndarray) -> np.ndarray:
    total = np.zeros_like(w)
    for coefficient, i, j in terms:
        total += coefficient * w**i * u**j
    return total


def attenuation(a: np.ndarray) -> np.ndarray:
    """What is left of the exchange of the uniform gas at short range; a = ω/k_F.

    F(a) = 1 - (2a/3) [2√π erf(1/a) - 3a + a³ + (2a - a³) exp(-1/a²)]; for large a its series in 1/a².
    """
    from math import factorial

    from scipy.special import erf

    near = np.minimum(a, SERIES_FROM)
    exact = 1 - 2 * near / 3 * (
        2 * np.sqrt(np.pi) * erf(1 / near) - 3 * near + near**3 + (2 * near - near**3) * np.exp(-1 / near**2)
    )
    x = np.minimum(1 / a**2, 1 / SERIES_FROM**2)
    series = sum(2 * (-1) ** (k + 1) * x**k / (factorial(k) * (2 * k + 1) * (k + 1) * (k + 2)) for k in range(1, 12))
    return np.where(a < SERIES_FROM, exact, series)
