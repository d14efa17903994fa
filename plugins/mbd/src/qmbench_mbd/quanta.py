"""Many-body dispersion in second quantization: correlations between atoms rather than energies alone.

With aᵢ the quanta of the uncoupled oscillators and b_k those of the coupled modes, the Bogoliubov transformation
b = X a + Y a† diagonalizes H = Σ ωᵢ(aᵢ†aᵢ+½) + ½ Σ Bᵢⱼ (aᵢ+aᵢ†)(aⱼ+aⱼ†), Bᵢⱼ = (V − ω²)ᵢⱼ / (2√(ωᵢωⱼ)).
M. Gori, P. Kurian, A. Tkatchenko, Nat. Commun. 14, 8218 (2023).
Oscillator index i runs over atoms and Cartesian components, atom by atom. Energies in hartree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmbench_mbd.dipole import by_atom
from qmbench_mbd.errors import refuse_imaginary
from qmbench_mbd.models import potential_matrix
from qmbench_mbd.oscillators import Array, Oscillators
from qmbench_mbd.parameters import MBD_STEEPNESS


@dataclass(frozen=True)
class Bogoliubov:
    """Coupled modes of n oscillators: uncoupled `omega` (n,), coupled `frequencies` (n,), `x`, `y` (mode, oscillator),
    `coupling` Bᵢⱼ (n, n), all in hartree; `size` oscillators belong to each atom (3 for dipoles in space)."""

    omega: Array
    frequencies: Array
    x: Array
    y: Array
    coupling: Array
    size: int = 3

    @property
    def energy(self) -> float:
        """−Σ_k Ω_k Σᵢ Y_kᵢ², the dispersion energy without cancellation of large zero-point energies."""
        return float(-np.sum(self.frequencies[:, None] * self.y**2))


def from_potential(potential: Array, omega: Array, size: int = 3) -> Bogoliubov:
    """Diagonalize H = ½π² + ½ ξᵀVξ, V = `potential` (n, n) with ωᵢ² on its diagonal.

    Raises PolarizationCatastrophe if V is not positive.
    """
    squared, modes = np.linalg.eigh(potential)
    n_atoms = len(omega) // size
    refuse_imaginary(squared, None, n_atoms)
    frequencies = np.sqrt(squared)
    ratio = np.sqrt(frequencies[:, None] / omega[None, :])
    x = 0.5 * modes.T * (ratio + 1 / ratio)
    y = 0.5 * modes.T * (ratio - 1 / ratio)
    coupling = (potential - np.diag(omega**2)) / (2 * np.sqrt(omega[:, None] * omega[None, :]))
    return Bogoliubov(omega, frequencies, x, y, coupling, size)


def bogoliubov(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi") -> Bogoliubov:
    """The transformation for oscillators coupled as in `models.coupled_energy`."""
    return from_potential(by_atom(potential_matrix(o, beta, steepness, coupling)), np.repeat(o.omega, 3))


def pair_amplitudes(b: Bogoliubov) -> Array:
    """t = −X⁻¹Y (n, n), symmetric: the ground state is exp(½ Σ tᵢⱼ aᵢ†aⱼ†)|0⟩ up to its norm."""
    return -np.linalg.solve(b.x, b.y)


def anomalous_correlation(b: Bogoliubov) -> Array:
    """⟨aᵢaⱼ⟩ = −XᵀY (n, n)."""
    return -b.x.T @ b.y


def virtual_quanta(b: Bogoliubov) -> Array:
    """Mean number of virtual quanta on each atom, (N,)."""
    return np.sum(b.y**2, 0).reshape(-1, b.size).sum(1)


def pair_energies(b: Bogoliubov) -> Array:
    """Energy by atom pairs (N, N), symmetric, its full sum is the dispersion energy: E = ½ Σᵢⱼ Bᵢⱼ tᵢⱼ.

    Projection of H|ground⟩ on the uncoupled vacuum, exact and not a perturbation series. Diagonal entries vanish
    for finite systems, where an atom does not couple to itself.
    """
    return _over_atoms(0.5 * b.coupling * pair_amplitudes(b), b.size)


def mode_energies(b: Bogoliubov) -> Array:
    """Energy by modes and atoms (mode, N): −Ω_k Σ_c Y²; its full sum is the dispersion energy."""
    by_oscillator = -b.frequencies[:, None] * b.y**2
    return by_oscillator.reshape(len(b.frequencies), -1, b.size).sum(2)


def mode_weights(b: Bogoliubov) -> Array:
    """Share of each atom in each mode (mode, N), Σ_c (X² − Y²); rows sum to 1."""
    return (b.x**2 - b.y**2).reshape(len(b.frequencies), -1, b.size).sum(2)


def participation(b: Bogoliubov) -> Array:
    """Number of atoms that share a mode, 1/Σ_A w_A², per mode: 1 for a localized mode, N for a uniform one."""
    return 1 / np.sum(mode_weights(b) ** 2, 1)


def pair_correlations(b: Bogoliubov) -> Array:
    """Strength of the correlation between atoms (N, N): Frobenius norm of the 3 × 3 blocks of ⟨aᵢaⱼ⟩."""
    return np.sqrt(_over_atoms(anomalous_correlation(b) ** 2, b.size))


def entanglement_entropy(b: Bogoliubov, atoms: list[int] | Array) -> float:
    """Von Neumann entropy, in nats, of the given atoms (indices from 0) with the rest of a pure ground state.

    From the symplectic eigenvalues ν of the reduced Gaussian state, S = Σ (ν+½)ln(ν+½) − (ν−½)ln(ν−½).
    A. Serafini, F. Illuminati, S. De Siena, J. Phys. B 37, L21 (2004).
    """
    index = (np.asarray(atoms, dtype=int)[:, None] * b.size + np.arange(b.size)).ravel()
    plus = (b.x + b.y)[:, index] / np.sqrt(2)
    minus = (b.x - b.y)[:, index] / np.sqrt(2)
    # coordinates a+a†, momenta (a−a†)/i of the uncoupled oscillators: ⟨qq⟩ = ½(X−Y)ᵀ(X−Y), ⟨pp⟩ = ½(X+Y)ᵀ(X+Y)
    position, momentum = minus.T @ minus, plus.T @ plus
    values, vectors = np.linalg.eigh(position)
    root = vectors * np.sqrt(values) @ vectors.T
    nu2 = np.linalg.eigvalsh(root @ momentum @ root)
    excess = np.maximum(np.sqrt(np.maximum(nu2, 0.25)) - 0.5, 0.0)
    return float(np.sum((excess + 1) * np.log1p(excess)) - np.sum(excess * np.log(np.where(excess > 0, excess, 1.0))))


def _over_atoms(matrix: Array, size: int) -> Array:
    n = len(matrix) // size
    return matrix.reshape(n, size, n, size).sum((1, 3))
