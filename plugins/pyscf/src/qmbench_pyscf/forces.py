"""Forces on the nuclei: PySCF's analytic gradients where it has them, central differences of the energy elsewhere.

Pulay, Mol. Phys. 17, 197 (1969). Gradients of functionals include the response of the quadrature grid, so that forces
are the derivative of the very energy that is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged
from qmbench_pyscf.point import Point

# Bohr. The error of central differences is that of the third derivative, a few hartree/bohr³, times its square over 6.
STEP = 0.002


def forces_of(molecule: Molecule, ground: Point, energy: Callable[[Molecule], float]) -> tuple[np.ndarray, str]:
    """(real nuclei, 3) in hartree/bohr, and how they were found. energy(molecule): hartree, of a displaced molecule.

    What a ghost's functions feel is no force on a nucleus and left out.
    """
    real = list(molecule.real)
    if ground.forces is not None:
        try:
            return np.asarray(ground.forces(), dtype=float)[real], "analytic gradient"
        except NotImplementedError:
            pass  # non-local correlation of unrestricted determinants, say
    return numerical_forces(molecule, energy), f"central differences of the energy, {STEP:g} bohr"


def numerical_forces(molecule: Molecule, energy: Callable[[Molecule], float]) -> np.ndarray:
    """(real nuclei, 3) in hartree/bohr from 6 energies for each real nucleus; of a centre alone they vanish."""
    found = np.zeros((len(molecule.real), 3))
    if len(molecule.symbols) < 2:
        return found
    for row, index in enumerate(molecule.real):
        for axis in range(3):
            ends = [energy(displaced(molecule, int(index), axis, step)) for step in (STEP, -STEP)]
            found[row, axis] = -(ends[0] - ends[1]) / (2 * STEP)
    return found


def displaced(molecule: Molecule, index: int, axis: int, step: float) -> Molecule:
    """`molecule` with its centre `index` shifted along one axis by `step` bohr."""
    positions = molecule.coordinates.copy()
    positions[index, axis] += step
    return replace(molecule, positions=tuple((float(x), float(y), float(z)) for x, y, z in positions))


def mean_field_forces(mf: Any) -> np.ndarray:
    """(centres, 3) in hartree/bohr of a converged mean field. NotImplementedError where PySCF has no gradient."""
    gradient = mf.nuc_grad_method()
    if getattr(mf, "xc", None):
        gradient.grid_response = True
    return _minus(gradient)


def correlated_forces(solver: Any) -> np.ndarray:
    """(centres, 3) in hartree/bohr of a converged MP2 or CCSD. NotImplementedError where PySCF has no gradient."""
    if getattr(solver, "with_df", None) is not None or type(solver).__name__.startswith("G"):
        raise NotImplementedError("PySCF has no gradients of fitted or spin-orbital correlation")
    found = _minus(solver.nuc_grad_method())
    if not getattr(solver, "converged_lambda", True):
        raise NotConverged("the equations for the Lagrange multipliers of the gradient did not converge")
    return found


def _minus(gradient: Any) -> np.ndarray:
    gradient.verbose = 0
    return -np.asarray(gradient.kernel())


def repulsion_forces(molecule: Molecule) -> np.ndarray:
    """(real nuclei, 3) in hartree/bohr of bare nuclei."""
    real = list(molecule.real)
    z, x = molecule.atomic_numbers[real].astype(float), molecule.coordinates[real]
    apart = x[:, None] - x[None]
    distance = np.linalg.norm(apart, axis=-1) + np.eye(len(z))
    weight = z[:, None] * z[None] / distance**3
    return np.einsum("ij,ijk->ik", weight - np.diag(np.diag(weight)), apart)
