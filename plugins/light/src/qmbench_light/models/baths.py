"""Correlation functions of baths as sums of exponentials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qmbench_light.models.open_system import Bath, OpenSystem


@dataclass(frozen=True)
class Coupling:
    """What acts on the system at the earlier time (S; S† at the later one), and C(t) = Σ c_k exp(−ν_k t), t ≥ 0."""

    operator: np.ndarray
    weights: np.ndarray
    rates: np.ndarray


@lru_cache(maxsize=64)
def pade(terms: int) -> tuple[np.ndarray, np.ndarray]:
    """ξ_j and κ_j of coth(x/2) ≈ 2/x + Σ 4 κ_j x/(x² + ξ_j²): the [N−1/N] Padé approximant of Bose's function.

    Hu, Luo, Jiang, Xu, Yan, J. Chem. Phys. 134, 244106 (2011), eqs. 12 to 15.
    """
    if terms == 0:
        return np.zeros(0), np.zeros(0)

    def positive(size: int, first: int) -> np.ndarray:
        b = 2.0 * np.arange(first, first + size) + 1
        found = np.linalg.eigvalsh(np.diag(1 / np.sqrt(b[:-1] * b[1:]), 1), UPLO="U") if size > 1 else np.zeros(size)
        return np.sort(2 / found[found > 1e-12])

    xi, zeta = positive(2 * terms, 1), positive(2 * terms - 1, 2)
    kappa = np.empty(terms)
    for j in range(terms):
        # Ratios one by one: the products alone overflow.
        others = np.delete(xi, j)
        kappa[j] = 0.5 * terms * (2 * terms + 3) * np.prod((zeta**2 - xi[j] ** 2) / (others**2 - xi[j] ** 2))
    return xi, kappa


def exponentials(bath: Bath, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """c_k and ν_k of a bath. terms: of the Padé expansion of its temperature; a Lorentzian bath is one exponential."""
    if bath.density == "lorentzian":
        return np.array([bath.rate * bath.width / 2 + 0j]), np.array([bath.width + 1j * bath.centre])
    lam, gamma, t = bath.reorganization, bath.cutoff, bath.temperature
    xi, kappa = pade(terms)
    nu = xi * t
    # Where a pole of the temperature falls on that of the density, both weights diverge and their sum does not.
    nu = np.where(np.abs(nu - gamma) < 1e-6 * gamma, nu * (1 + 2e-6), nu)
    first = lam * gamma * (2 * t / gamma - np.sum(4 * kappa * t * gamma / (nu**2 - gamma**2)) - 1j)
    rest = 4 * kappa * lam * gamma * t * nu / (nu**2 - gamma**2)
    return np.array([first, *rest.astype(complex)]), np.array([gamma, *nu], dtype=complex)


def couplings(system: OpenSystem, terms: int) -> list[Coupling]:
    """One for each bath of the system."""
    return [Coupling(system.operator(bath), *exponentials(bath, terms)) for bath in system.baths]
