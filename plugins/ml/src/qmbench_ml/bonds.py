"""Bonds told by distance: the covalent radii, and the graph that they make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qmbench import ATOMIC_NUMBERS, units


def covalent_radii(symbols: Sequence[str]) -> np.ndarray:
    """(N,) covalent radii in bohr, those of ASE (Cordero et al., Dalton Trans. 2832 (2008))."""
    from ase.data import covalent_radii

    return np.array([covalent_radii[ATOMIC_NUMBERS[s]] for s in symbols]) / units.BOHR_IN_ANGSTROM


def bond_graph(radii: np.ndarray, positions: np.ndarray, reach: float) -> np.ndarray:
    """(N, N) whether two atoms at `positions` (N, 3), bohr, are nearer than `reach` sums of their radii (N,), bohr."""
    apart = np.linalg.norm(positions[:, None] - positions, axis=-1)
    return (apart < reach * (radii[:, None] + radii)) & ~np.eye(len(radii), dtype=bool)


def components(bonds: np.ndarray) -> list[list[int]]:
    """The atoms of each connected part of a bond graph."""
    left, found = set(range(len(bonds))), []
    while left:
        part, front = set(), {min(left)}
        while front:
            part |= front
            front = {int(j) for i in front for j in np.flatnonzero(bonds[i])} - part
        left -= part
        found.append(sorted(part))
    return found
