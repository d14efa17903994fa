"""Response of coupled oscillators: molecular polarizability at imaginary frequency, and C6."""

from __future__ import annotations

import numpy as np

from qmbench_mbd.errors import refuse_imaginary
from qmbench_mbd.models import potential_matrix
from qmbench_mbd.oscillators import Array, Oscillators, casimir_polder, frequency_grid
from qmbench_mbd.parameters import MBD_STEEPNESS


def spectrum(
    o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi"
) -> tuple[Array, Array]:
    """Mode frequencies Ω (3N,) in hartree and the modes' squared transition dipoles (3N, 3, 3) in atomic units.

    The polarizability tensor is Σ_k d_k d_kᵀ/(Ω_k² − ω²). Raises PolarizationCatastrophe.
    """
    n = len(o.alpha)
    squared, modes = np.linalg.eigh(potential_matrix(o, beta, steepness, coupling))
    refuse_imaginary(squared, modes, n)
    dipoles = np.einsum("cik,i->kc", modes.reshape(3, n, 3 * n), o.strength)
    return np.sqrt(squared), dipoles[:, :, None] * dipoles[:, None, :]


def polarizability(frequencies: Array, strengths: Array, u: Array) -> Array:
    """Polarizability tensors at imaginary frequencies iu (hartree), (len(u), 3, 3) in bohr³; `spectrum` gives the
    first two arguments."""
    denominator = frequencies**2 + np.asarray(u, dtype=float)[:, None] ** 2
    return np.einsum("uk,kcd->ucd", 1 / denominator, strengths)


def molecular_c6(frequencies: Array, strengths: Array, n: int = 30) -> float:
    """Isotropic C6 of two like molecules, hartree bohr⁶, from their modes."""
    u, weights = frequency_grid(n)
    tensors = polarizability(frequencies, strengths, u)
    return float(casimir_polder(np.trace(tensors, axis1=1, axis2=2) / 3, weights))
