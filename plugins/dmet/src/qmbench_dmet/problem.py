"""What an embedding is made of: the system that it cuts, and the choices that decide its number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .impurity import Impurity
from .lowlevel import MeanField, Potentials


class Problem(Protocol):
    """A system cut into fragments: a lattice, or a molecule in localized orbitals.

    ``n_electrons`` counts both spins. ``constant`` is the energy that no fragment has a share in. ``fragments[k]``
    (n_f,) holds the sites of fragment k among the N sites. ``initial_potentials`` are those of the first low level.
    """

    @property
    def n_electrons(self) -> float: ...

    @property
    def constant(self) -> float: ...

    @property
    def fragments(self) -> list[np.ndarray]: ...

    @property
    def initial_potentials(self) -> Potentials: ...

    def low_level(self, potentials: Potentials) -> list[MeanField]:
        """The mean field of every spin in these potentials; one when both spins share it."""

    def impurity(
        self,
        fragment: int,
        mean_fields: list[MeanField],
        orbitals: list[np.ndarray],
        potentials: Potentials,
        interacting: bool,
    ) -> Impurity:
        """The impurity of one fragment in its embedding orbitals (N, m), one set per mean field."""

    def one_body(self, fragment: int) -> list[np.ndarray]:
        """Matrices (N, N) that tell fragments apart, beside the low level's own."""


@dataclass(frozen=True)
class Settings:
    """Every choice that changes the number; names and meanings are those of the method's options."""

    bath: str = "auto"
    interaction: str = "interacting"
    solver: str = "fci"
    mu_fit: str = "multistate"
    self_consistent: bool = False
    fit: str = "fragment"
    max_iterations: int = 100
    tolerance: float = 1e-7
