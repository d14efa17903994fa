"""Centres that the symmetry of a molecule exchanges, where its closed-shell density has that symmetry, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qmbench_pyscf.mean_field_object import nuclear_attraction

# Bohr: distances that differ by less are the same.
SAME_DISTANCE = 1e-6
# Hartree/e, electrons: densities at centres that are exchanged. Quadrature grids turn by less with the molecule.
SAME = 1e-5


def exchanged_centres(mf: Any) -> list[tuple[int, np.ndarray]]:
    """For each centre: the first one that an operation of the symmetry group brings to it, and the operation (n,).

    An operation brings centre i to the place of centre operation[i]. mf: a converged mean field; of open shells, and
    where something is added to the Hamiltonian, no centres are exchanged. The density is held to have the symmetry by
    its potential at the centres and its bond orders between them (Mayer, Chem. Phys. Lett. 97, 270 (1983)).
    """
    mole = mf.mol
    if np.ndim(mf.mo_occ) > 1 or getattr(mf, "qmbench_perturbed", True):
        return [(centre, np.arange(mole.natm)) for centre in range(mole.natm)]
    distances, alike = _frame(mole)
    change = _changes(mf)

    found: list[tuple[int, np.ndarray]] = []
    for centre in range(mole.natm):
        firsts = [first for first, (own, _) in enumerate(found) if first == own and alike[first, centre]]
        operations = ((first, operation_between(distances, alike, first, centre)) for first in firsts)
        fitting = ((first, operation) for first, operation in operations if operation is not None)
        found.append(next((pair for pair in fitting if change(pair[1]) < SAME), (centre, np.arange(mole.natm))))
    return found


def is_symmetric(mf: Any) -> bool:
    """Whether a closed-shell density has the symmetry of the nuclei; of a lattice, which has none, always.

    Held to be so where atoms and linear molecules may be turned about themselves, and where potentials and bond orders
    of centres that an operation exchanges are the same, all within TURNED: what a grid leaves is far below it.
    """
    from qmbench_pyscf.stability import TURNED, FullHessian, turns_in_space

    mole = mf.mol
    if mole.natm == 0:
        return True
    if len(turns_in_space(mf, FullHessian(mf))):
        return False
    distances, alike = _frame(mole)
    change = _changes(mf)
    for one, other in np.argwhere(alike & ~np.eye(mole.natm, dtype=bool)):
        operation = operation_between(distances, alike, int(one), int(other))
        if operation is not None and change(operation) > TURNED:
            return False
    return True


def _changes(mf: Any) -> Callable[[np.ndarray], float]:
    """operation -> the most by which it changes potentials at the centres and bond orders between them."""
    density = mf.make_rdm1()
    potentials = np.einsum("aij,ji->a", nuclear_attraction(mf.mol), density)
    bonds = bond_orders(mf.mol, density, mf.get_ovlp())

    def change(operation: np.ndarray) -> float:
        turned = bonds[np.ix_(operation, operation)]
        return float(max(np.abs(turned - bonds).max(), np.abs(potentials[operation] - potentials).max()))

    return change


def _frame(mole: Any) -> tuple[np.ndarray, np.ndarray]:
    """Distances of the centres (n, n) in bohr, and which may be exchanged: those of one charge and one basis."""
    kinds = [(int(mole.atom_charge(n)), str(mole._basis[mole.atom_symbol(n)])) for n in range(mole.natm)]
    x = mole.atom_coords()
    distances = np.linalg.norm(x[:, None] - x[None], axis=-1)
    return distances, np.array([[one == other for other in kinds] for one in kinds])


def operation_between(distances: np.ndarray, alike: np.ndarray, start: int, end: int) -> np.ndarray | None:
    """A permutation (n,) of points that keeps all distances (n, n) and brings `start` to `end`; None without.

    alike: (n, n), which points may be exchanged. What keeps all distances is a rotation, a reflection, or both.
    """
    n = len(distances)
    order = [start, *(point for point in range(n) if point != start)]
    begun: list[tuple[int, ...]] = [(end,)]
    while begun:
        images = begun.pop()
        if len(images) == n:
            operation = np.empty(n, int)
            operation[order] = images
            return operation
        point, placed = order[len(images)], order[: len(images)]
        off = np.abs(distances[:, images] - distances[point, placed]).max(axis=1)
        fits = alike[point] & (off < SAME_DISTANCE)
        fits[list(images)] = False
        begun += [(*images, int(image)) for image in np.flatnonzero(fits)[::-1]]
    return None


def bond_orders(mole: Any, density: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """(centres, centres) Σ (DS)_pq (DS)_qp over the functions p of one centre and q of another, closed shells."""
    product = density @ overlap
    members = np.zeros((mole.natm, len(density)))
    for row, (_, _, first, last) in zip(members, mole.aoslice_by_atom(), strict=True):
        row[first:last] = 1.0
    return np.asarray(members @ (product * product.T) @ members.T)
