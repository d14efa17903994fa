"""Integrals of the Pauli–Fierz Hamiltonian in the length gauge and the dipole approximation.

With μ = μ_nuclei + Σ_i (−r_i) each mode adds ω b†b − √(ω/2) (λ·μ)(b + b†) + (λ·μ)²/2 to the electrons' H: Haugland et
al., Phys. Rev. X 10, 041043 (2020), eq. 5; DePrince, J. Chem. Phys. 154, 094112 (2021), eq. 1. In (λ·μ)² the square of
each electron's own dipole is a one-electron operator, whose integrals λ·(r rᵀ)·λ are taken exactly, not as the square
of the matrix of λ·r in the basis; pairs of electrons give a two-electron operator, a product of dipole integrals.

All positions are counted from the centre of nuclear charge. A constant in μ, which is what another origin means for an
ion, is a displacement of the field and changes no energy in a complete photon basis; a fixed centre makes every cut-off
basis independent of the origin too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench_light.molecules.mode import Mode


@dataclass(frozen=True)
class CavityIntegrals:
    """For modes α and atomic orbitals p, q, all in atomic units.

    dipole: (modes, n, n), −λ_α·r about `centre`. quadrupole: (modes, n, n), λ_α·(r rᵀ)·λ_α. nuclear: (modes,), λ_α·
    Σ Z (R − centre). position: (3, n, n), r about `centre`. nuclear_dipole: (3,) about the origin; charge: total.
    """

    frequencies: np.ndarray
    dipole: np.ndarray
    quadrupole: np.ndarray
    nuclear: np.ndarray
    position: np.ndarray
    centre: np.ndarray
    nuclear_dipole: np.ndarray

    def molecular_dipole(self, density: np.ndarray, electrons: int) -> np.ndarray:
        """(3,) dipole moment about the origin, e bohr, of a density (n, n) that holds `electrons`."""
        about_centre = np.einsum("xpq,qp->x", self.position, density)
        return np.asarray(self.nuclear_dipole - about_centre - electrons * self.centre)


def cavity_integrals(mole: Any, modes: Sequence[Mode]) -> CavityIntegrals:
    """The integrals of `mole` (a `pyscf.gto.Mole`) for `modes`."""
    charges, places = mole.atom_charges().astype(float), mole.atom_coords()
    centre = charges @ places / charges.sum()
    coupling = np.array([mode.coupling for mode in modes])
    with mole.with_common_origin(centre):
        r = mole.intor_symmetric("int1e_r", comp=3)
        rr = mole.intor_symmetric("int1e_rr", comp=9).reshape(3, 3, *r.shape[1:])
    return CavityIntegrals(
        frequencies=np.array([mode.frequency for mode in modes]),
        dipole=-np.einsum("ax,xpq->apq", coupling, r),
        quadrupole=np.einsum("ax,xypq,ay->apq", coupling, rr, coupling, optimize=True),
        nuclear=coupling @ (charges @ (places - centre)),
        position=r,
        centre=centre,
        nuclear_dipole=charges @ places,
    )
