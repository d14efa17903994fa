"""Response of coupled oscillators: molecular polarizability at imaginary and real frequency, C6, the RPA energy."""

from __future__ import annotations

import numpy as np

from qmbench import InputError
from qmbench_mbd.dipole import assemble, by_atom, pairs
from qmbench_mbd.errors import PolarizationCatastrophe
from qmbench_mbd.models import potential_matrix
from qmbench_mbd.parameters import MBD_STEEPNESS, Array, Oscillators
from qmbench_mbd.radial import exponential, long_range
from qmbench_mbd.screening import frequency_grid, refuse_imaginary


def spectrum(
    o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi"
) -> tuple[Array, Array]:
    """Mode frequencies Ω (3N,) in hartree and the modes' squared transition dipoles (3N, 3, 3) in atomic units.

    The polarizability tensor is Σ_k d_k d_kᵀ/(Ω_k² − ω²). Raises PolarizationCatastrophe.
    """
    n = len(o.alpha)
    squared, modes = np.linalg.eigh(potential_matrix(o, beta, steepness, coupling))
    refuse_imaginary(squared, modes, n)
    strength = o.omega * np.sqrt(o.alpha)
    dipoles = np.einsum("cik,i->kc", modes.reshape(3, n, 3 * n), strength)
    return np.sqrt(squared), dipoles[:, :, None] * dipoles[:, None, :]


def polarizability(frequencies: Array, strengths: Array, u: Array) -> Array:
    """Polarizability tensors at imaginary frequencies iu (hartree), (len(u), 3, 3) in bohr³; `spectrum` gives the
    first two arguments."""
    denominator = frequencies**2 + np.asarray(u, dtype=float)[:, None] ** 2
    return np.einsum("uk,kcd->ucd", 1 / denominator, strengths)


def real_polarizability(frequencies: Array, strengths: Array, omega: Array) -> Array:
    """Polarizability tensors at real frequencies (hartree), (len(omega), 3, 3) in bohr³.

    Raises InputError on a frequency within 1e-6 hartree of a mode, where the undamped response diverges.
    """
    omega = np.asarray(omega, dtype=float)
    gap = np.abs(frequencies[None, :] - np.abs(omega)[:, None]).min(1)
    if (gap < 1e-6).any():
        raise InputError(f"the response diverges at a mode: frequency {omega[int(np.argmin(gap))]:.6f} hartree")
    return np.einsum("uk,kcd->ucd", 1 / (frequencies**2 - omega[:, None] ** 2), strengths)


def casimir_polder(alpha: Array, weights: Array) -> float:
    """C6 = (3/π) ∫ ᾱ(iu)² du (hartree bohr⁶) of like molecules from isotropic averages `alpha` on a grid."""
    return float(3 / np.pi * weights @ alpha**2)


def molecular_c6(frequencies: Array, strengths: Array, n: int = 30) -> float:
    """Isotropic C6 of two like molecules, hartree bohr⁶, from their modes."""
    u, weights = frequency_grid(n)
    tensors = polarizability(frequencies, strengths, u)
    return casimir_polder(np.trace(tensors, axis1=1, axis2=2) / 3, weights)


def rpa_energy(
    o: Oscillators,
    beta: float,
    steepness: float = MBD_STEEPNESS,
    coupling: str = "fermi",
    orders: int = 0,
    n_frequencies: int = 30,
) -> tuple[float, Array]:
    """Adiabatic-connection (RPA) energy (1/2π) ∫ Tr ln(1 + α(iu) T) du in hartree, and its expansion in T.

    Entry m−2 of the second return is the term of order m (2 ≤ m ≤ `orders`). Equal to `coupled_energy`:
    A. Tkatchenko, A. Ambrosetti, R. A. DiStasio Jr., J. Chem. Phys. 138, 074106 (2013).
    """
    p = pairs(o.positions)
    radial = {"fermi": long_range, "exponential": exponential}[coupling]
    t = by_atom(assemble(p, radial(p.distance, beta * (o.radii[:, None] + o.radii[None, :]), steepness)))
    u, weights = frequency_grid(n_frequencies)
    energy, terms = 0.0, np.zeros(max(orders - 1, 0))
    for uk, wk in zip(u[1:], weights[1:], strict=True):
        root = np.sqrt(np.repeat(o.alpha / (1 + (uk / o.omega) ** 2), 3))
        x = np.linalg.eigvalsh(root[:, None] * t * root[None, :])
        if x[0] <= -1:
            raise PolarizationCatastrophe(
                f"polarization catastrophe: 1 + αT has a mode {1 + x[0]:.3e} at imaginary frequency {uk:.4g} hartree"
            )
        energy += wk / (2 * np.pi) * np.sum(np.log1p(x))
        for m in range(2, orders + 1):
            terms[m - 2] -= wk / (2 * np.pi) * np.sum((-x) ** m) / m
    return float(energy), terms
