"""Kohn–Sham orbitals of an ensemble in a given potential, bound or not, and their response to a change of it.

Every shell nl is one radial function; a level is found by its n in the spectrum of its l. Vectors are DVR
coefficients (see `grid`), energies in hartree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qmbench import Unsupported
from qmbench_edft.ensemble import Ensemble
from qmbench_edft.grid import RadialGrid
from qmbench_edft.multiplets import shell_name

LEAKED = 1e-7  # electrons an orbital may have in the outer fifth of the box


@dataclass(frozen=True, eq=False)
class Spectrum:
    """All levels of angular momentum `l` in one potential: energies (N,), vectors (N, N), one a column.

    Each vector's sign makes the orbital positive next to the nucleus.
    """

    l: int
    energies: np.ndarray
    vectors: np.ndarray

    def level(self, n: int) -> tuple[float, np.ndarray]:
        """Energy and vector (N,) of nl."""
        return float(self.energies[n - self.l - 1]), self.vectors[:, n - self.l - 1]

    def other_levels(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """ε_nl − ε_al (N−1,) and the vectors (N, N−1) of every level a ≠ n."""
        level = n - self.l - 1
        other = np.arange(len(self.energies)) != level
        return self.energies[level] - self.energies[other], self.vectors[:, other]


def spectrum(grid: RadialGrid, l: int, potential: np.ndarray) -> Spectrum:
    """The levels of angular momentum l in the local `potential` (N,)."""
    energies, vectors = np.linalg.eigh(grid.hamiltonian(l, potential))
    return Spectrum(l, energies, vectors * np.where(vectors[0] < 0, -1.0, 1.0))


@dataclass(frozen=True, eq=False)
class KohnShamSystem:
    """The non-interacting electrons of an ensemble in one potential (N,); `spectra` by l.

    Energies and orbitals are in the order of ensemble.shells.
    """

    grid: RadialGrid
    ensemble: Ensemble
    potential: np.ndarray
    spectra: Mapping[int, Spectrum]
    energies: np.ndarray
    orbitals: tuple[np.ndarray, ...]

    @property
    def occupations(self) -> np.ndarray:
        """Electrons f per shell."""
        return self.ensemble.occupations

    @cached_property
    def rho(self) -> np.ndarray:
        """Radial weights Σ f c² (N,); they sum to two."""
        return sum(f * c * c for f, c in zip(self.occupations, self.orbitals, strict=True))

    @property
    def highest(self) -> int:
        """Number of the shell of highest energy."""
        return int(np.argmax(self.energies))

    def unbound(self) -> list[str]:
        """Names of the shells that are not bound, or that this box can't tell from unbound ones."""
        levels = zip(self.ensemble.shells, self.energies, self.orbitals, strict=True)
        return [shell_name(*shell) for shell, energy, c in levels if not is_bound(self.grid, energy, c)]

    def response(self, positive: bool = False) -> np.ndarray:
        """χ_pq = dρ_p/dv_q = 2 Σ_i f_i Σ_{a≠i} c_i c_a (c_i c_a)ᵀ / (ε_i − ε_a), (N, N).

        positive: with |ε_i − ε_a| in place of ε_i − ε_a, which makes every term positive.
        """
        chi = np.zeros((self.grid.size, self.grid.size))
        for (n, l), f, c in zip(self.ensemble.shells, self.occupations, self.orbitals, strict=True):
            differences, others = self.spectra[l].other_levels(n)
            products = others * c[:, None]
            chi += 2 * f * (products / (np.abs(differences) if positive else differences)) @ products.T
        return chi


def kohn_sham_system(grid: RadialGrid, ensemble: Ensemble, potential: np.ndarray) -> KohnShamSystem:
    """The ensemble's shells in the local `potential` (N,)."""
    spectra = {l: spectrum(grid, l, potential) for l in {l for _, l in ensemble.shells}}
    levels = [spectra[l].level(n) for n, l in ensemble.shells]
    return KohnShamSystem(
        grid=grid,
        ensemble=ensemble,
        potential=potential,
        spectra=spectra,
        energies=np.array([energy for energy, _ in levels]),
        orbitals=tuple(c for _, c in levels),
    )


def is_bound(grid: RadialGrid, energy: float, orbital: np.ndarray) -> bool:
    """Whether a level is below zero and its orbital stays away from the wall of the box."""
    leaked = np.sum(orbital[grid.r > 0.8 * grid.r_max] ** 2)
    return bool(energy < 0 and leaked <= LEAKED)


def bound_level(
    grid: RadialGrid, shell: tuple[int, int], potential: np.ndarray, described: str
) -> tuple[float, np.ndarray]:
    """Energy and vector (N,) of one shell (n, l); Unsupported, with the potential `described`, if it is unbound."""
    n, l = shell
    energy, orbital = spectrum(grid, l, potential).level(n)
    if not is_bound(grid, energy, orbital):
        raise Unsupported(not_bound([shell_name(n, l)], described))
    return energy, orbital


def not_bound(names: list[str], described: str) -> str:
    """What the user is told of levels that the potential `described` does not bind."""
    return f"{', '.join(names)} is not bound in the {described}: a level of the box, not of the atom"


def potential_basis(system: KohnShamSystem, rho: np.ndarray, cutoff: float) -> np.ndarray:
    """(N, K) changes of the potential, to each of which the orbitals respond with unit strength.

    Each is the Coulomb potential of a neutral charge cloud no wider than the density `rho` (N,), hence smooth and
    without effect on the −1/r tail. They are the modes of the response in that space, every shell's response taken
    with a positive sign, down to `cutoff` times the strongest.
    """
    grid = system.grid
    root = np.sqrt(rho)
    neutral = np.eye(grid.size) - np.outer(root, root) / float(root @ root)
    clouds = grid.kernels[0] @ (root[:, None] * neutral)
    strengths, modes = np.linalg.eigh(clouds.T @ system.response(positive=True) @ clouds)
    strong = strengths > cutoff * strengths[-1]
    return clouds @ (modes[:, strong] / np.sqrt(strengths[strong]))
