"""The mean field that an embedding starts from: dense matrices, or Bloch sums over the cells of a lattice.

Both kinds answer the same questions: the density matrix or the Hamiltonian applied to a few columns, the gap,
and how the density matrix responds. One spin each; density matrices count electrons of one spin, so that their
eigenvalues lie between 0 and 1. Levels that are degenerate at the Fermi energy share their electrons equally,
which keeps every symmetry of the lattice at the price of a density matrix that is not idempotent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEGENERATE_LEVELS = 1e-6  # levels closer than this to the Fermi level share their electrons: what a mean field resolves

Potentials = list[list[np.ndarray]]  # fragment-diagonal additions to the low level, [spin][fragment] (n_f, n_f)


def aufbau(energies: np.ndarray, electrons: float) -> tuple[np.ndarray, float, float]:
    """Occupations (same shape as ``energies``), highest occupied and lowest unoccupied level.

    Levels closer than `DEGENERATE_LEVELS` to the Fermi level are occupied equally; the gap is then zero.
    """
    flat = np.sort(energies.ravel())
    n = flat.size
    if not -1e-12 <= electrons <= n + 1e-12:
        raise ValueError(f"{electrons} electrons of one spin do not fit into {n} orbitals")
    whole = round(electrons) if abs(electrons - round(electrons)) < 1e-10 else int(np.floor(electrons))
    fractional = electrons - whole > 1e-10
    homo = flat[whole - 1] if whole > 0 else -np.inf
    lumo = flat[whole] if whole < n else np.inf
    if not fractional and lumo - homo > DEGENERATE_LEVELS:
        return np.where(energies <= 0.5 * (homo + lumo), 1.0, 0.0), homo, lumo
    fermi = lumo if fractional else 0.5 * (homo + lumo)
    below = energies < fermi - DEGENERATE_LEVELS
    at = np.abs(energies - fermi) <= DEGENERATE_LEVELS
    occupations = below.astype(float)
    occupations[at] = (electrons - below.sum()) / at.sum()
    return occupations, fermi, fermi


def occupation_response(energies: np.ndarray, occupations: np.ndarray) -> np.ndarray:
    """(f_i − f_j)/(ε_i − ε_j) over the last axis, zero between equally occupied levels."""
    de = energies[..., :, None] - energies[..., None, :]
    df = occupations[..., :, None] - occupations[..., None, :]
    different = np.abs(df) > 1e-12
    return np.where(different, df / np.where(different, np.where(np.abs(de) > 1e-14, de, -1e-14), 1.0), 0.0)


@dataclass(frozen=True)
class DenseMeanField:
    """One spin of a mean field given as a matrix."""

    fock: np.ndarray
    energies: np.ndarray
    orbitals: np.ndarray
    occupations: np.ndarray
    gap: float

    @property
    def n_sites(self) -> int:
        return len(self.fock)

    def apply_density(self, columns: np.ndarray) -> np.ndarray:
        """The density matrix times ``columns`` (N, k)."""
        return (self.orbitals * self.occupations) @ (self.orbitals.conj().T @ columns)

    def density_matrix(self) -> np.ndarray:
        return (self.orbitals * self.occupations) @ self.orbitals.conj().T

    def site_density(self) -> np.ndarray:
        return (np.abs(self.orbitals) ** 2) @ self.occupations

    def occupied(self) -> np.ndarray:
        return self.orbitals[:, self.occupations > 0.5]

    def response(self, residual: np.ndarray) -> np.ndarray:
        """The gradient of Σ_pq residual_qp γ_pq with respect to the matrix ``fock``."""
        c = self.orbitals
        return c @ (occupation_response(self.energies, self.occupations) * (c.conj().T @ residual @ c)) @ c.conj().T


def dense_mean_field(fock: np.ndarray, electrons: float) -> DenseMeanField:
    """Diagonalize ``fock`` (N, N) and fill ``electrons`` electrons of one spin."""
    energies, orbitals = np.linalg.eigh(fock)
    occupations, homo, lumo = aufbau(energies, electrons)
    return DenseMeanField(fock, energies, orbitals, occupations, float(lumo - homo))


@dataclass(frozen=True)
class Cells:
    """A lattice as a repetition of one cluster.

    ``sites`` (n_cells, n_sites of the cluster) gives the sites of every cell in the same order; the first cell is
    the fragment. ``wave`` (n_k, n_cells) holds exp(iK·R) of the Bloch sums.
    """

    sites: np.ndarray
    wave: np.ndarray

    def to_k(self, columns: np.ndarray) -> np.ndarray:
        """Columns over sites (N, k) → (n_k, n_c, k)."""
        return np.tensordot(self.wave.conj(), columns[self.sites], axes=(1, 0)) / np.sqrt(len(self.wave))

    def to_sites(self, waves: np.ndarray) -> np.ndarray:
        """The inverse of ``to_k``."""
        columns = np.tensordot(self.wave.T, waves, axes=(1, 0)) / np.sqrt(len(self.wave))
        out = np.empty((self.sites.size, waves.shape[-1]), dtype=complex)
        out[self.sites] = columns
        return out


@dataclass(frozen=True)
class BlochMeanField:
    """One spin of a translationally invariant mean field; nothing of size N × N is formed."""

    cells: Cells
    fock_k: np.ndarray
    energies: np.ndarray
    orbitals: np.ndarray
    occupations: np.ndarray
    gap: float
    real: bool

    @property
    def n_sites(self) -> int:
        return self.cells.sites.size

    def _kind(self, columns: np.ndarray) -> np.ndarray:
        return columns.real if self.real else columns

    def density_k(self) -> np.ndarray:
        return (self.orbitals * self.occupations[:, None, :]) @ self.orbitals.conj().transpose(0, 2, 1)

    def apply_density(self, columns: np.ndarray) -> np.ndarray:
        return self._kind(self.cells.to_sites(self.density_k() @ self.cells.to_k(columns)))

    def density_matrix(self) -> np.ndarray:
        return self.apply_density(np.eye(self.cells.sites.size))

    def site_density(self) -> np.ndarray:
        cluster = np.einsum("kaa->a", self.density_k()).real / len(self.fock_k)
        out = np.empty(self.cells.sites.size)
        out[self.cells.sites] = cluster[None, :]
        return out

    def occupied(self) -> np.ndarray:
        k, level = np.nonzero(self.occupations > 0.5)
        waves = np.zeros((*self.orbitals.shape[:2], len(k)), dtype=complex)
        waves[k, :, np.arange(len(k))] = self.orbitals[k, :, level]
        return self.cells.to_sites(waves)

    def response_k(self, residual_k: np.ndarray) -> np.ndarray:
        c = self.orbitals
        ch = c.conj().transpose(0, 2, 1)
        return c @ (occupation_response(self.energies, self.occupations) * (ch @ residual_k @ c)) @ ch


def bloch_mean_field(cells: Cells, fock_k: np.ndarray, electrons: float, real: bool) -> BlochMeanField:
    """Diagonalize ``fock_k`` (n_k, n_c, n_c) and fill ``electrons`` electrons of one spin into all of it."""
    energies, orbitals = np.linalg.eigh(fock_k)
    occupations, homo, lumo = aufbau(energies, electrons)
    return BlochMeanField(cells, fock_k, energies, orbitals, occupations, float(lumo - homo), real)


MeanField = BlochMeanField | DenseMeanField


def idempotency_error(mean_field: MeanField) -> float:
    """Tr γ(1 − γ) of one spin, electrons: 0 for a determinant, up to a quarter for every orbital of a partly filled
    shell."""
    return float(np.sum(mean_field.occupations * (1.0 - mean_field.occupations)))


def idempotent(mean_field: MeanField) -> bool:
    """Whether every level of the mean field is full or empty."""
    occupations = mean_field.occupations
    return bool(np.all(np.minimum(occupations, 1.0 - occupations) < 1e-10))
