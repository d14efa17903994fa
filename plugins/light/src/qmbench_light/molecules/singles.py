"""QED-CIS: the QED-HF determinant and its singlet single excitations, times photon numbers, diagonalized.

McTague and Foley, J. Chem. Phys. 156, 154103 (2022). In coherent states of the QED-HF dipole the reference does not mix
with singles of the same photon number (Brillouin); it mixes with singles of one photon more or less by the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import ResourceError
from qmbench_light.molecules.hamiltonian import CavityIntegrals
from qmbench_light.molecules.meanfield import self_energies, spin_densities
from qmbench_light.molecules.polaritons import Light, PhotonSpace, field_light

LARGEST = 6_000


@dataclass(frozen=True)
class Singles:
    """Energies (hartree) of the states, ascending; of the ground state the dipole (3,), e bohr; the light."""

    energies: np.ndarray
    dipole: np.ndarray
    light: Light
    configurations: int


def qed_singles(mf: Any, cavity: CavityIntegrals, photons: int, n_states: int) -> Singles:
    """QED-CIS on a converged restricted QED-HF `mf`, with 0 … `photons` photons in each mode."""
    from scipy.linalg import eigh

    occupied, virtual = mf.mo_coeff[:, mf.mo_occ > 0], mf.mo_coeff[:, mf.mo_occ == 0]
    n_o, n_v = occupied.shape[1], virtual.shape[1]
    space = PhotonSpace(photons, cavity.frequencies)
    n = 1 + n_o * n_v
    if n * space.size > LARGEST:
        raise ResourceError(f"QED-CIS of {n * space.size} configurations; more than {LARGEST} are not diagonalized")
    electronic = _electrons(mf, cavity, occupied, virtual)
    dipoles = [_one_electron(d, occupied, virtual) for d in cavity.dipole]
    matrix = np.kron(np.eye(space.size), electronic) + np.kron(np.diag(space.energies), np.eye(n))
    for omega, field, dipole in zip(cavity.frequencies, space.fields, dipoles, strict=True):
        matrix -= np.sqrt(omega / 2) * np.kron(field, dipole)
    energies, vectors = eigh(matrix, subset_by_index=[0, min(n_states, len(matrix)) - 1])
    states = [v.reshape(space.size, n) for v in vectors.T]
    squares = np.array(
        [2 * np.sum(states[0] * (states[0] @ m)) for m in _self_energy_matrices(mf, cavity, occupied, virtual)]
    )
    light = field_light(space, states, [states[0] @ d for d in dipoles], squares)
    reference = cavity.molecular_dipole(mf.make_rdm1(), mf.mol.nelectron)
    change = [-np.sum(states[0] * (states[0] @ _one_electron(r, occupied, virtual))) for r in cavity.position]
    return Singles(energies + mf.e_tot, reference + np.array(change), light, len(matrix))


def _one_electron(operator: np.ndarray, occupied: np.ndarray, virtual: np.ndarray) -> np.ndarray:
    """(1 + ov, 1 + ov): a spin-free one-electron operator less its expectation in the determinant."""
    n_o, n_v = occupied.shape[1], virtual.shape[1]
    mixed = occupied.T @ operator @ virtual
    inner = np.kron(np.eye(n_o), virtual.T @ operator @ virtual) - np.kron(
        occupied.T @ operator @ occupied, np.eye(n_v)
    )
    out = np.zeros((1 + n_o * n_v,) * 2)
    out[0, 1:] = out[1:, 0] = np.sqrt(2) * mixed.ravel()
    out[1:, 1:] = inner
    return out


def _pairs(dipole: np.ndarray, occupied: np.ndarray, virtual: np.ndarray) -> np.ndarray:
    """(ov, ov): 2 d_ia d_jb − d_ij d_ab, the two-electron part of (λ·μ)²/2 between singlet singles."""
    mixed = (occupied.T @ dipole @ virtual).ravel()
    return np.asarray(
        2 * np.outer(mixed, mixed) - np.kron(occupied.T @ dipole @ occupied, virtual.T @ dipole @ virtual)
    )


def _electrons(mf: Any, cavity: CavityIntegrals, occupied: np.ndarray, virtual: np.ndarray) -> np.ndarray:
    """(1 + ov, 1 + ov) electrons and dipole self-energy, less the QED-HF energy; hartree."""
    from pyscf import ao2mo

    n_o, n_v = occupied.shape[1], virtual.shape[1]
    size = n_o * n_v
    fock = mf.get_fock(dm=mf.make_rdm1())
    direct = ao2mo.kernel(mf.mol, (occupied, virtual, occupied, virtual), compact=False).reshape(size, size)
    crossed = ao2mo.kernel(mf.mol, (occupied, occupied, virtual, virtual), compact=False)
    crossed = crossed.reshape(n_o, n_o, n_v, n_v).transpose(0, 2, 1, 3).reshape(size, size)
    out = _one_electron(fock, occupied, virtual)
    out[1:, 1:] += 2 * direct - crossed + sum(_pairs(d, occupied, virtual) for d in cavity.dipole)
    return out


def _self_energy_matrices(
    mf: Any, cavity: CavityIntegrals, occupied: np.ndarray, virtual: np.ndarray
) -> list[np.ndarray]:
    """Of each mode, (1 + ov, 1 + ov) ½(λ·(μ − ⟨μ⟩))²; hartree."""
    density, found = np.asarray(mf.make_rdm1()), []
    reference = self_energies(cavity, spin_densities(mf))
    for d, q, energy in zip(cavity.dipole, cavity.quadrupole, reference, strict=True):
        out = _one_electron(0.5 * (q - d @ density @ d), occupied, virtual)
        out[1:, 1:] += _pairs(d, occupied, virtual)
        found.append(out + energy * np.eye(len(out)))
    return found
