"""Response of the density of a molecule, projected on its atoms: distributed polarizabilities with flow of charge.

Each atom has a weight w_a(r) with Σ_a w_a = 1, Becke's fuzzy cells (J. Chem. Phys. 88, 2547 (1988)) with PySCF's radii,
and four operators: the electrons in it, and their dipole about its nucleus, ∫ w_a(r) (1, r − R_a) n(r) dr. The matrix
α^{ab}_{tu} = −∂⟨Q^a_t⟩/∂v^b_u is that of Stone, Mol. Phys. 56, 1065 (1985): flow of charge, and polarizabilities. What
quadrature leaves of Σ_a Q_a = N and of the dipole is shared out evenly, so that both sum rules hold to rounding: Σ_a
α^{ab}_{0u} = 0, and Σ_ab of all with their positions is the polarizability of the molecule. Bohr and hartree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import Molecule, Resources
from qmbench_pyscf.dynamic import Kernel, response_to

# Quadrature of the cells: PySCF's level of the grid, without pruning.
GRID = 4
# Finite perturbations of full CI, hartree and hartree/bohr; by Richardson's rule with twice of it.
STEP = 0.002


@dataclass(frozen=True)
class AtomicResponse:
    """matrix (atoms, 4, atoms, 4): electrons in an atom and their dipole about its nucleus, by potentials that are
    constant and uniform in it. positions (atoms, 3). error: like matrix, or None. settings: for the record.
    """

    matrix: np.ndarray
    positions: np.ndarray
    error: np.ndarray | None
    settings: dict[str, Any]

    @property
    def polarizability(self) -> np.ndarray:
        """(3, 3) of the molecule: of a uniform field, in which atoms feel potentials and fields."""
        field = self._uniform
        return np.einsum("atx,atbu,buy->xy", field, self.matrix, field)

    @property
    def polarizability_error(self) -> np.ndarray | None:
        """(3, 3) its uncertainty, those of the matrix added up with their sizes; None where there is none."""
        if self.error is None:
            return None
        field = np.abs(self._uniform)
        return np.asarray(np.einsum("atx,atbu,buy->xy", field, self.error, field))

    @property
    def _uniform(self) -> np.ndarray:
        """(atoms, 4, 3) potential and field on each atom in a uniform field along x, y and z."""
        field = np.zeros((len(self.positions), 4, 3))
        field[:, 0], field[:, 1:] = self.positions, np.eye(3)
        return field


def atomic_response(
    method: Any, molecule: Molecule, resources: Resources, *, frequency: float = 0.0, kernel: Kernel = "full"
) -> AtomicResponse:
    """Of a mean field at an imaginary `frequency` (hartree), or of full CI at 0. NotConverged.

    method: `hf`, a functional or `fci` of this plugin. kernel: what responds to the change of the density: everything;
    hartree, its Coulomb potential alone (RPA); or none (χ₀ of the orbitals).
    """
    from qmbench_pyscf.mole import pyscf_session
    from qmbench_pyscf.specification import UNPERTURBED

    with pyscf_session(resources):
        point = method.point(molecule, UNPERTURBED, resources)
        settings = dict(point.settings) | {"cells": f"Becke, grid {GRID}"}
        shape = (molecule.n_parts, 4, molecule.n_parts, 4)
        if method.name == "fci":
            problem, _ = point.state
            operators = atom_operators(problem.mole)
            found, error = _full_ci(method, molecule, problem, operators, resources)
            settings["response"] = f"density of full CI in finite potentials, {STEP:g} and {2 * STEP:g} hartree"
            return AtomicResponse(found.reshape(shape), molecule.coordinates, error.reshape(shape), settings)
        mf = point.state
        found = response_to(mf, atom_operators(mf.mol), frequency, kernel)
        settings["response"] = {"full": "coupled", "hartree": "Hartree kernel (RPA)", "none": "uncoupled (χ₀)"}[kernel]
        return AtomicResponse(found.reshape(shape), molecule.coordinates, None, settings)


def atom_operators(mole: Any) -> np.ndarray:
    """(4 × atoms, n, n) in the AO basis: for each atom its electrons, then x, y and z of them from its nucleus."""
    from pyscf.dft import gen_grid, numint

    grids = gen_grid.Grids(mole)
    grids.level, grids.prune = GRID, None
    cells = grids.gen_atomic_grids(mole, level=GRID, prune=None)
    at = mole.atom_coords()
    n, nao = len(at), mole.nao
    found = np.zeros((n, 4, nao, nao))
    points, weights = gen_grid.gen_partition(
        mole, cells, radii_adjust=grids.radii_adjust, atomic_radii=grids.atomic_radii, concat=False
    )
    for a in range(n):
        for first in range(0, len(points[a]), 8000):
            some = slice(first, first + 8000)
            orbitals = numint.eval_ao(mole, points[a][some])
            moments = np.hstack([np.ones((len(orbitals), 1)), points[a][some] - at[a]])
            for t in range(4):
                found[a, t] += orbitals.T @ (orbitals * (weights[a][some] * moments[:, t])[:, None])
    found = (found + np.swapaxes(found, -1, -2)) / 2
    found[:, 0] += (mole.intor("int1e_ovlp") - found[:, 0].sum(axis=0)) / n
    with mole.with_common_origin((0.0, 0.0, 0.0)):
        dipole = mole.intor("int1e_r")
    made = found[:, 1:].sum(axis=0) + np.einsum("ax,apq->xpq", at, found[:, 0])
    found[:, 1:] += (dipole - made) / n
    return found.reshape(4 * n, nao, nao)


def _full_ci(
    method: Any, molecule: Molecule, problem: Any, operators: np.ndarray, resources: Resources
) -> tuple[np.ndarray, np.ndarray]:
    """Response matrix and its uncertainty, from densities in the potentials ±STEP and ±2 STEP times each operator."""
    from dataclasses import replace

    from qmbench_pyscf.fullci import ci_density, lowest_states

    inside = np.einsum("pi,kpq,qj->kij", problem.orbitals, operators, problem.orbitals, optimize=True)

    def moments(k: int, strength: float) -> np.ndarray:
        changed = replace(problem, h=problem.h + strength * inside[k])
        roots = lowest_states(changed, molecule.multiplicity, 1, resources, method.options, tight=True)
        return np.einsum("kpq,qp->k", operators, ci_density(changed, roots))

    def matrix(h: float) -> np.ndarray:
        rows = [-(moments(k, h) - moments(k, -h)) / (2 * h) for k in range(len(operators))]
        return (np.array(rows) + np.array(rows).T) / 2

    coarse, fine = matrix(2 * STEP), matrix(STEP)
    found = (4 * fine - coarse) / 3
    return found, np.abs(found - fine)
