"""The embedded problem of one fragment, its low-lying states, and the fragment's share of the energy.

An impurity has ``n_fragment`` fragment orbitals (the first ones) and bath orbitals. A chemical potential μ acts on
the fragment only: H(μ) = H − μ N_F. Embedded electron numbers that are not integers (a low level with a fractionally
filled shell) are kept by mixing the two neighbouring integers with the weights that give the right mean; rounding
them instead would be wrong even without interaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import determinants
from .errors import SolverError

DENSE_LIMIT = 1300  # determinants; up to here one dense diagonalization is cheaper than Davidson's several roots
DEGENERATE_STATES = 1e-9  # many-electron states whose energies differ by less than this are one level


@dataclass(frozen=True)
class Impurity:
    """One fragment and its bath.

    ``h`` (2, m, m) and ``eri`` (3, m, m, m, m; αα, αβ, ββ; chemists' order) define the Hamiltonian;
    ``h_energy`` (2, m, m) is the one-body part of the fragment's share of the energy, which counts half of the
    interaction with the core. ``sectors`` holds (weight, n_α, n_β). ``copies`` is the number of fragments that are
    equivalent to this one.
    """

    h: np.ndarray
    eri: np.ndarray
    h_energy: np.ndarray
    n_fragment: int
    sectors: tuple[tuple[float, int, int], ...]
    copies: int = 1
    restricted: bool = True
    guess: np.ndarray | None = None  # the low level's density matrices (2, m, m), where iterations start

    @property
    def norb(self) -> int:
        return self.h.shape[-1]

    def reachable(self) -> tuple[float, float]:
        """The smallest and largest number of electrons that the fragment can hold."""
        n_bath = self.norb - self.n_fragment
        low = sum(w * (max(0, na - n_bath) + max(0, nb - n_bath)) for w, na, nb in self.sectors)
        high = sum(w * (min(self.n_fragment, na) + min(self.n_fragment, nb)) for w, na, nb in self.sectors)
        return low, high


def electron_sectors(electrons: tuple[float, ...], norb: int, tolerance: float = 1e-6) -> tuple:
    """Integer sectors (weight, n_α, n_β) whose mean is the embedded electron number.

    One number: restricted, total electrons, lowest |S_z|. Two numbers: α and β separately.
    """

    def split(number: float) -> list[tuple[float, int]]:
        nearest = round(number)
        if abs(number - nearest) < tolerance:
            return [(1.0, nearest)]
        low = int(np.floor(number))
        return [(low + 1 - number, low), (number - low, low + 1)]

    if len(electrons) == 1:
        sectors = [(w, (n + 1) // 2, n // 2) for w, n in split(electrons[0])]
    else:
        sectors = [(wa * wb, na, nb) for wa, na in split(electrons[0]) for wb, nb in split(electrons[1])]
    for _, na, nb in sectors:
        if max(na, nb) > norb or min(na, nb) < 0:
            raise SolverError(f"{na}+{nb} electrons do not fit into {norb} embedding orbitals")
    return tuple(sectors)


@dataclass(frozen=True)
class States:
    """Orthonormal low states of one sector at one μ, each with a definite S² and fragment electron number.

    ``energies`` are ⟨H − μ N_F⟩, ``numbers`` ⟨N_F⟩, ``multiplicities`` the number of spin partners that the
    sector's S_z stands for, ``vectors`` whatever the solver needs to make density matrices of them.
    """

    energies: np.ndarray
    numbers: np.ndarray
    multiplicities: np.ndarray
    spin_square: np.ndarray
    vectors: np.ndarray

    def within(self, window: float) -> States:
        """The states no more than ``window`` above the lowest one."""
        keep = self.energies <= self.energies.min() + window
        return States(
            self.energies[keep],
            self.numbers[keep],
            self.multiplicities[keep],
            self.spin_square[keep],
            self.vectors[:, keep],
        )


class FciSector:
    """Full CI of one impurity at fixed electron numbers, as a function of μ.

    ``number_diagonal`` (D,) is N_F, which is diagonal in the determinants.
    """

    max_roots = DENSE_LIMIT

    def __init__(self, impurity: Impurity, nelec: tuple[int, int]):
        self.impurity, self.nelec = impurity, nelec
        self.size = determinants.dimension(impurity.norb, nelec)
        self.number_diagonal = determinants.occupation_diagonal(impurity.norb, nelec, range(impurity.n_fragment))

    @cached_property
    def matrix(self) -> np.ndarray:
        return determinants.hamiltonian(self.impurity.h, self.impurity.eri, self.nelec)

    @cached_property
    def spin_matrix(self) -> np.ndarray:
        return determinants.spin_square_matrix(self.impurity.norb, self.nelec)

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """H (without μ) times ``vectors`` (D, k)."""
        return self.matrix @ vectors

    def spin_apply(self, vectors: np.ndarray) -> np.ndarray:
        return self.spin_matrix @ vectors

    def lowest(self, mu: float, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The ``count`` lowest eigenvalues and eigenvectors of H − μ N_F."""
        import scipy.linalg

        shifted = self.matrix.copy()
        shifted[np.diag_indices(self.size)] -= mu * self.number_diagonal
        if self.size <= 40 or count > self.size // 3:
            energies, vectors = np.linalg.eigh(shifted)
            return energies[:count], vectors[:, :count]
        return scipy.linalg.eigh(shifted, subset_by_index=[0, count - 1], overwrite_a=True, check_finite=False)

    def states(self, mu: float, window: float) -> States:
        """All states within ``window`` of the lowest, and at least one more root where there is one.

        Raises `SolverError` if more than ``max_roots`` roots lie within the window.
        """
        count = min(4 if self.size < 20_000 else 2, self.size)
        while True:
            energies, vectors = self.lowest(mu, count)
            if count == self.size or energies[-1] > energies[0] + window:
                break
            if count >= self.max_roots:
                raise SolverError(f"more than {self.max_roots} impurity states within {window:g} of the ground state")
            count = min(2 * count, self.size)
        return self.resolve(energies, vectors, mu)

    def resolve(self, energies: np.ndarray, vectors: np.ndarray, mu: float) -> States:
        """Turn every group of degenerate roots so that S² and P N_F P are diagonal in it."""
        out = []
        start = 0
        while start < len(energies):
            stop = start + 1
            while stop < len(energies) and energies[stop] - energies[start] < DEGENERATE_STATES:
                stop += 1
            group = vectors[:, start:stop]
            if stop - start > 1:
                if self.impurity.restricted:
                    spin, rotation = np.linalg.eigh(group.conj().T @ self.spin_apply(group))
                    group = group @ rotation
                    spin = np.round(spin, 3)
                else:
                    spin = np.zeros(stop - start)
                pieces = []
                for value in np.unique(spin):
                    part = group[:, spin == value]
                    number = part.conj().T @ (self.number_diagonal[:, None] * part)
                    pieces.append(part @ np.linalg.eigh(number)[1])
                group = np.column_stack(pieces)
            out.append(group)
            start = stop
        rotated = np.column_stack(out)
        numbers = np.einsum("ij,i,ij->j", rotated.conj(), self.number_diagonal, rotated).real
        overlaps = vectors.conj().T @ rotated
        means = np.einsum("ij,i,ij->j", overlaps.conj(), energies, overlaps).real
        spins, partners = np.full(len(numbers), np.nan), np.ones(len(numbers))
        if self.impurity.restricted:  # S² = S(S+1) stands for 2S+1 states, of which this sector shows one
            spins = np.einsum("ij,ij->j", rotated.conj(), self.spin_apply(rotated)).real
            partners = np.rint(np.sqrt(4.0 * np.maximum(spins, 0.0) + 1.0))
        order = np.argsort(means, kind="stable")
        return States(means[order], numbers[order], partners[order], spins[order], rotated[:, order])

    def density_matrices(self, vectors: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return determinants.density_matrices(vectors, weights, self.impurity.norb, self.nelec)


def fragment_energy(impurity: Impurity, dm1: np.ndarray, dm2: np.ndarray) -> float:
    """The fragment's share of the energy: every operator counted by the fraction of its indices on the fragment.

    Knizia and Chan, JCTC 9, 1428 (2013), eq. 28, in the form that is symmetric between fragment and bath.
    """
    f = slice(0, impurity.n_fragment)
    one = sum(np.einsum("pq,pq->", impurity.h_energy[s, f], dm1[s, f]) for s in (0, 1))
    aa, ab, bb = (np.einsum("pqrs,pqrs->", impurity.eri[k, f], dm2[k, f]) for k in (0, 1, 2))
    ba = np.einsum("pqrs,pqrs->", impurity.eri[1][:, :, f], dm2[1][:, :, f])
    return float(np.real(one + 0.5 * (aa + bb + ab + ba)))


def double_occupancy(impurity: Impurity, dm2: np.ndarray) -> np.ndarray:
    """⟨n_↑ n_↓⟩ of every fragment orbital, shape (n_fragment,)."""
    return np.array([dm2[1][i, i, i, i].real for i in range(impurity.n_fragment)])
