"""How Hirshfeld volume ratios change when atoms move: the response of the density, and the free atoms moving along.

Dispersion after a self-consistent field is not variational in the density, so forces with the derivative of the
ratios need the density's first-order response (coupled-perturbed Kohn–Sham), which PySCF solves for its Hessians.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qmbench import NotConverged, Unsupported
from qmbench_mbd.atoms_in_molecules import FreeAtomDensities, real_atoms
from qmbench_mbd.oscillators import Array


def ratio_gradient(mf: Any, free: FreeAtomDensities, grids: Any) -> Array:
    """dv_A/dr_B (N, N, 3) in 1/bohr of the real atoms' volume ratios, for a converged restricted PySCF SCF.

    The integrals are differentiated at fixed grid points, so the grid has to be converged (level 4 gives 1e-4
    of the largest element). Unsupported for unrestricted densities.
    """
    from pyscf.dft import numint

    if np.ndim(mf.mo_occ) != 1:
        raise Unsupported("derivatives of Hirshfeld ratios are done for restricted densities only")
    mol = mf.mol
    real = real_atoms(mol)
    n, slices, centres = len(real), mol.aoslice_by_atom(), mol.atom_coords()
    density = mf.make_rdm1()
    responses = _density_responses(mf, real)
    volumes, out = np.zeros(n), np.zeros((n, n, 3))
    ni = numint.NumInt()
    for ao, _, weights, coords in ni.block_loop(mol, grids, mol.nao, deriv=1):
        value, slope = ao[0], ao[1:4]
        contracted = value @ density
        rho = np.einsum("gi,gi->g", contracted, value)
        own, own_slope = np.empty((n, len(coords))), np.empty((n, 3, len(coords)))
        for k, i in enumerate(real):
            block = slice(slices[i][2], slices[i][3])
            phi = value[:, block] @ free.matrices[k]
            own[k] = np.einsum("gi,gi->g", phi, value[:, block])
            own_slope[k] = 2 * np.einsum("gi,xgi->xg", phi, slope[:, :, block])
        total = np.maximum(own.sum(0), 1e-30)
        share = own / total
        away = coords[None] - centres[real][:, None]
        distance = np.linalg.norm(away, axis=2)
        cubed = distance**3
        for a in range(n):
            volumes[a] += np.dot(weights * cubed[a], own[a])
            weighted = weights * cubed[a] * share[a]
            # the centre of r³ moves with atom A
            out[a, a] -= 3 * np.einsum("g,g,g,gx->x", weights * share[a], distance[a], rho, away[a])
            for b, i in enumerate(real):
                block = slice(slices[i][2], slices[i][3])
                # its functions carry density along, and the rest responds
                out[a, b] -= 2 * np.einsum("g,gi,xgi->x", weighted, contracted[:, block], slope[:, :, block])
                moved = np.einsum("gi,gj,g->ij", value, value, weighted, optimize=True)
                out[a, b] += np.einsum("xij,ij->x", responses[b], moved)
                # and so do the weights: ρ_B moves rigidly
                change = ((a == b) - share[a]) / total * weights * cubed[a] * rho
                out[a, b] -= own_slope[b] @ change
    return out / volumes[:, None, None]


def _density_responses(mf: Any, atoms: list[int]) -> list[Array]:
    """First-order density matrices (3, n, n) by displacement of each atom, in basis functions that move along."""
    hessian = mf.Hessian()
    occupied = mf.mo_coeff[:, mf.mo_occ > 0]
    first = hessian.make_h1(mf.mo_coeff, mf.mo_occ, None, atoms)
    coefficients, _ = hessian.solve_mo1(mf.mo_energy, mf.mo_coeff, mf.mo_occ, first, None, atoms)
    out = []
    for i in atoms:
        if coefficients[i] is None or not np.isfinite(coefficients[i]).all():
            raise NotConverged("the coupled-perturbed Kohn–Sham equations did not converge")
        half = 2 * np.einsum("xpi,qi->xpq", coefficients[i], occupied)
        out.append(half + half.transpose(0, 2, 1))
    return out
