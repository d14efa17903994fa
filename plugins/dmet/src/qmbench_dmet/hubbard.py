"""The Hubbard model as an embedding problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .impurity import Impurity
from .lattice import Lattice, hartree_fock, hubbard_impurity, low_level
from .lowlevel import MeanField, Potentials


@dataclass(frozen=True)
class HubbardProblem:
    """A cut lattice with the potentials that the embedding starts from."""

    lattice: Lattice
    initial_potentials: Potentials
    constant: float = 0.0

    @property
    def n_electrons(self) -> float:
        return self.lattice.n_electrons

    @property
    def fragments(self) -> list[np.ndarray]:
        return [self.lattice.sites[i] for i in self.lattice.unique]

    def low_level(self, potentials: Potentials) -> list[MeanField]:
        return low_level(self.lattice, potentials)

    def impurity(
        self,
        fragment: int,
        mean_fields: list[MeanField],
        orbitals: list[np.ndarray],
        potentials: Potentials,
        interacting: bool,
    ) -> Impurity:
        number = self.lattice.unique[fragment]
        return hubbard_impurity(self.lattice, number, mean_fields, orbitals, potentials, interacting)

    def one_body(self, fragment: int) -> list[np.ndarray]:
        """Matrices (N, N) that tell fragments apart, beside the low level's own."""
        return [self.lattice.h, np.diag(self.lattice.u)]


def hubbard_problem(lattice: Lattice) -> HubbardProblem:
    """Start from the lattice's Hartree–Fock state; ArithmeticError if that does not converge."""
    potentials = hartree_fock(lattice)
    if np.iscomplexobj(lattice.h):
        potentials = [[p.astype(complex) for p in spin] for spin in potentials]
    return HubbardProblem(lattice, potentials)
