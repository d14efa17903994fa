"""Second derivatives of the energy by the nuclei: PySCF's coupled-perturbed equations where they were compared with
differences of forces, and such differences elsewhere.

Pople, Krishnan, Schlegel and Binkley, Int. J. Quantum Chem. Symp. 13, 225 (1979). Those of functionals leave out how
the quadrature grid moves with the nuclei.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qmbench import Molecule
from qmbench_pyscf.forces import displaced, forces_of
from qmbench_pyscf.point import Point

HESSIAN = frozenset({"hessian"})
# Bohr. The error of central differences is that of the third derivative of the forces times its square over 6.
STEP = 0.005
# hartree/bohr²: what a shift of all nuclei may change of the forces, which is what equations that did not converge, and
# of a functional the grid that does not move along, leave of zero. On water 1e-8, and 1e-4 on the default grid.
LARGEST_SUM, LARGEST_SUM_ON_GRID = 1e-5, 2e-3


def hessian_of(molecule: Molecule, ground: Point, point: Callable[[Molecule], Point]) -> tuple[np.ndarray, str]:
    """(real nuclei, 3, real nuclei, 3) in hartree/bohr², and how it was found. point(molecule): a displaced one's.

    With ghosts, whose functions stay where they are, the derivatives by the real nuclei.
    """
    if len(molecule.symbols) < 2:
        return np.zeros((len(molecule.real), 3, len(molecule.real), 3)), "one centre"
    if ground.hessian is not None:
        try:
            real = list(molecule.real)
            return np.asarray(ground.hessian(), dtype=float)[np.ix_(real, range(3), real, range(3))], "analytic Hessian"
        except NotImplementedError:
            pass  # fitted integrals, say
    return numerical_hessian(molecule, point), f"central differences of forces, {STEP:g} bohr"


def numerical_hessian(molecule: Molecule, point: Callable[[Molecule], Point]) -> np.ndarray:
    """(real nuclei, 3, real nuclei, 3) in hartree/bohr², symmetrized, from the forces at 6 geometries per nucleus."""
    n = len(molecule.real)
    found = np.zeros((n, 3, n, 3))

    def forces(there: Molecule) -> np.ndarray:
        return forces_of(there, point(there), lambda m: point(m).energy)[0]

    for row, index in enumerate(molecule.real):
        for axis in range(3):
            ends = [forces(displaced(molecule, int(index), axis, step)) for step in (STEP, -STEP)]
            found[row, axis] = -(ends[0] - ends[1]) / (2 * STEP)
    return (found + found.transpose(2, 3, 0, 1)) / 2


def mean_field_hessian_of_nuclei(mf: Any) -> np.ndarray:
    """(centres, 3, centres, 3) in hartree/bohr² of a converged mean field.

    NotImplementedError where it has no analytic one, or none that was compared: fitted integrals, VV10, functionals
    that are not libxc's, core potentials, orbitals in a part of the space of the basis, no electron of one spin; and
    where a shift of all nuclei changes the forces by more than LARGEST_SUM.
    """
    from pyscf.dft.numint import NumInt

    n_functions, n_orbitals = mf.mo_coeff.shape[-2:]
    is_functional = bool(getattr(mf, "xc", None))
    if (
        getattr(mf, "with_df", None) is not None
        or (is_functional and (mf.do_nlc() or type(mf._numint) is not NumInt))
        or mf.mol.has_ecp()
        or n_functions != n_orbitals
        or min(mf.mol.nelec) == 0
    ):
        raise NotImplementedError
    solver = mf.Hessian()
    solver.verbose = 0
    found = np.asarray(solver.kernel(), dtype=float).transpose(0, 2, 1, 3)
    left = np.abs(found.sum(axis=2)).max()
    if not left <= (LARGEST_SUM_ON_GRID if is_functional else LARGEST_SUM):
        raise NotImplementedError
    return (found + found.transpose(2, 3, 0, 1)) / 2


def repulsion_hessian(molecule: Molecule) -> np.ndarray:
    """(real nuclei, 3, real nuclei, 3) in hartree/bohr² of bare nuclei: ∂²/∂r∂r of Z Z'/|r − r'|."""
    real = list(molecule.real)
    z, x = molecule.atomic_numbers[real].astype(float), molecule.coordinates[real]
    n = len(z)
    found = np.zeros((n, 3, n, 3))
    for i in range(n):
        for j in range(n):
            if i != j:
                d = x[i] - x[j]
                r = np.linalg.norm(d)
                block = z[i] * z[j] * (3 * np.outer(d, d) / r**5 - np.eye(3) / r**3)
                found[i, :, j, :] = -block
                found[i, :, i, :] += block
    return found
