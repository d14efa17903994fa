"""A Kohn–Sham solution on a fine grid from the one on a coarse grid, in three or four evaluations on the fine one.

The coarse orbital Hessian is that of the fine grid to a part in a thousand, so that each Newton step with it takes
about three digits off the orbital gradient. Bacskay, Chem. Phys. 61, 385 (1981), with an approximate Hessian.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qmbench_pyscf.integrals import share_integrals

COARSE_LEVEL = 0
# The coarse solution need not be better than the difference between the grids: energy (hartree), gradient.
COARSE_ENERGY, COARSE_GRADIENT = 1e-6, 1e-3
MAX_STEPS = 8
# A longer step, or a gradient that shrinks by less than this, is a sign of something else than the grid's error.
LONGEST, SHRINKING = 0.3, 0.3
# Relative accuracy of the linear equations, and iterations on them.
SOLVED, MAX_ITERATIONS = 1e-3, 40


def coarse_solution(mf: Any, density: np.ndarray) -> Any:
    """A restricted Kohn–Sham `mf` on a coarse grid and without VV10, converged from `density`; None if it isn't."""
    from pyscf import dft

    share_integrals(mf)
    coarse = mf.copy()
    coarse.grids = dft.gen_grid.Grids(mf.mol)
    coarse.grids.level, coarse.nlc = COARSE_LEVEL, False
    coarse.conv_tol, coarse.conv_tol_grad, coarse.conv_check = COARSE_ENERGY, COARSE_GRADIENT, False
    try:
        coarse.kernel(density)
    except np.linalg.LinAlgError:
        return None
    return coarse if coarse.converged else None


def refine(mf: Any, coarse: Any) -> bool:
    """Converge the restricted Kohn–Sham `mf` from the solution `coarse`; whether that succeeded.

    To `mf`'s own thresholds, with canonical orbitals. Where it fails, `mf` isn't converged and has the last orbitals.
    """
    from qmbench_pyscf.coarse_hessian import CoarseHessian

    if CoarseHessian.bytes(coarse) > 0.5e6 * mf.max_memory or coarse.mo_occ.all():
        return False
    hessian = CoarseHessian(coarse)
    core, orbitals, occupied = mf.get_hcore(), coarse.mo_coeff, coarse.mo_occ > 0
    density = potential = energy = 0
    norm = np.inf
    for _ in range(MAX_STEPS):
        last_density, last_energy, last_norm = density, energy, norm
        density = mf.make_rdm1(orbitals, coarse.mo_occ)
        potential = mf.get_veff(mf.mol, density, last_density, potential)
        fock = mf.get_fock(core, vhf=potential, dm=density)
        energy = mf.energy_tot(density, core, potential)
        gradient = orbitals[:, ~occupied].T @ fock @ orbitals[:, occupied]
        norm = 2 * float(np.linalg.norm(gradient))
        mf.mo_coeff, mf.mo_occ = orbitals, coarse.mo_occ
        if norm < mf.conv_tol_grad and abs(energy - last_energy) < mf.conv_tol:
            return _finish(mf, fock, energy)
        if norm > SHRINKING * last_norm and norm > mf.conv_tol_grad:
            return False
        step = _solve(hessian, -gradient.ravel())
        if np.linalg.norm(step) > LONGEST or step @ gradient.ravel() > 0:
            return False
        orbitals = _turned(orbitals, occupied, step.reshape(gradient.shape))
    return False


def _solve(hessian: Any, right: np.ndarray) -> np.ndarray:
    """H x = right, H the Hessian of rotations that keep spin, by preconditioned conjugate gradients."""
    from scipy.sparse.linalg import LinearOperator, cg

    n = right.size
    product = LinearOperator((n, n), lambda x: hessian.products(x.reshape(1, n))[0, 0])
    inverse = LinearOperator((n, n), lambda x: x.ravel() / np.maximum(hessian.differences, 0.1))
    return np.asarray(cg(product, right, rtol=SOLVED, maxiter=MAX_ITERATIONS, M=inverse)[0])


def _turned(orbitals: np.ndarray, occupied: np.ndarray, step: np.ndarray) -> np.ndarray:
    from scipy.linalg import expm

    generator = np.zeros((occupied.size, occupied.size))
    generator[np.ix_(~occupied, occupied)] = step
    return orbitals @ expm(generator - generator.T)


def _finish(mf: Any, fock: np.ndarray, energy: float) -> bool:
    """Canonical orbitals of a converged `mf`; False where an empty one lies below an occupied one."""
    orbitals, energies = mf.mo_coeff.copy(), np.empty(mf.mo_occ.size)
    for part in (mf.mo_occ > 0, mf.mo_occ == 0):
        energies[part], within = np.linalg.eigh(orbitals[:, part].T @ fock @ orbitals[:, part])
        orbitals[:, part] = orbitals[:, part] @ within
    if energies[mf.mo_occ > 0].max() > energies[mf.mo_occ == 0].min():
        return False
    order = np.argsort(energies, kind="stable")
    mf.mo_coeff, mf.mo_energy, mf.mo_occ = orbitals[:, order], energies[order], mf.mo_occ[order]
    mf.e_tot, mf.converged = float(energy), True
    return True
