"""QED-FCI: all determinants of a basis set times photon numbers, diagonalized.

H is the Pauli–Fierz Hamiltonian of `hamiltonian`, in photon numbers of each mode either as they are (number basis) or
displaced by the QED-HF dipole (coherent-state basis). Both end at the same energies; each is an upper bound at every
cut-off. Determinants of one spin projection are used, and states of a higher spin are lifted by a penalty on S².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qmbench import NotConverged, ResourceError, Resources
from qmbench_light.molecules.hamiltonian import CavityIntegrals
from qmbench_light.molecules.polaritons import Light, PhotonSpace, field_light

# Hartree for each unit of S²: triplets among singlets go up by twice this.
PENALTY = 1.0
# Vectors up to this length: the matrix is diagonalized whole. Beyond the largest no one waits.
WHOLE = 1600
LARGEST = 8_000_000
SPIN_TOLERANCE = 1e-4
# Photon numbers at which a cut-off is given up.
MOST_PHOTONS = 64


@dataclass(frozen=True)
class States:
    """Energies (hartree), ascending; vectors (photon states, ↑ strings, ↓ strings); ⟨S²⟩ of each."""

    energies: np.ndarray
    vectors: list[np.ndarray]
    s_squared: np.ndarray
    space: PhotonSpace

    @property
    def multiplicities(self) -> list[int]:
        """2S+1 of each state; of a mixture of two that are degenerate, the nearest."""
        return [round(math.sqrt(1 + 4 * max(s, 0.0))) for s in self.s_squared.tolist()]


class Electrons:
    """The electrons of a converged QED-HF in its orbitals, and the field's operators on them.

    displaced: whether λ·μ is counted from the QED-HF dipole (coherent-state basis) or from the centre of nuclear
    charge.
    penalty: hartree for each unit of S² beyond the molecule's; 0 leaves higher spins where they are.
    """

    def __init__(self, mf: Any, cavity: CavityIntegrals, displaced: bool, penalty: float = PENALTY) -> None:
        from pyscf import ao2mo
        from pyscf.fci import cistring

        self.mole, self.cavity, self.penalty = mf.mol, cavity, penalty
        self.orbitals = mf.mo_coeff if mf.mo_coeff.ndim == 2 else mf.mo_coeff[0]
        self.n, self.nelec = self.orbitals.shape[1], mf.mol.nelec
        self.strings = tuple(math.comb(self.n, k) for k in self.nelec)
        if math.prod(self.strings) > LARGEST:  # before there are integrals of so many orbitals
            raise ResourceError(f"QED-FCI of {math.prod(self.strings):,} determinants; {LARGEST:,} are the most")
        c = self.orbitals
        density = np.asarray(mf.make_rdm1())
        density = density if density.ndim == 2 else density.sum(axis=0)
        self.dipole = np.array([c.T @ d @ c for d in cavity.dipole])
        self.quadrupole = np.array([c.T @ q @ c for q in cavity.quadrupole])
        reference = cavity.nuclear + np.einsum("apq,qp->a", cavity.dipole, density)
        # λ·(μ − z) is the electrons' part and these numbers.
        self.constants = cavity.nuclear - reference if displaced else cavity.nuclear.copy()
        kinetic = mf.mol.intor_symmetric("int1e_kin") + mf.mol.intor_symmetric("int1e_nuc")
        if mf.mol.has_ecp():
            kinetic = kinetic + mf.mol.intor_symmetric("ECPscalar")
        one = c.T @ kinetic @ c + 0.5 * self.quadrupole.sum(axis=0)
        one = one + np.einsum("a,apq->pq", self.constants, self.dipole)
        pairs = np.einsum("apq,ars->pqrs", self.dipole, self.dipole)
        eri = ao2mo.restore(1, ao2mo.kernel(mf.mol, c), self.n) + pairs
        self.one, self.eri = one, eri
        self.constant = float(mf.mol.energy_nuc() + 0.5 * np.sum(self.constants**2))
        self.links = tuple(cistring.gen_linkstr_index_trilidx(range(self.n), k) for k in self.nelec)
        self.spin = 0.5 * (self.nelec[0] - self.nelec[1])

    @cached_property
    def absorbed(self) -> np.ndarray:
        from pyscf.fci import direct_spin1

        return np.asarray(direct_spin1.absorb_h1e(self.one, self.eri, self.n, self.nelec, 0.5))

    @cached_property
    def diagonal(self) -> np.ndarray:
        """(determinants,) hartree, without the constant."""
        from pyscf.fci import direct_spin1

        return np.asarray(direct_spin1.make_hdiag(self.one, self.eri, self.n, self.nelec)).ravel()

    def hamiltonian(self, vector: np.ndarray) -> np.ndarray:
        """The electrons' part on an array (↑ strings, ↓ strings), dipole self-energy and spin penalty included."""
        from pyscf.fci import direct_spin1

        out = direct_spin1.contract_2e(self.absorbed, vector, self.n, self.nelec, self.links)
        out = out + self.constant * vector
        return np.asarray(out + self.penalty * self._excess_spin(vector) if self.penalty else out)

    def _excess_spin(self, vector: np.ndarray) -> np.ndarray:
        """S² − S(S+1) with the spin of the multiplicity."""
        from pyscf.fci import spin_op

        squared = spin_op.contract_ss(vector, self.n, self.nelec)
        return np.asarray(squared).reshape(vector.shape) - self.spin * (self.spin + 1) * vector

    def s_squared(self, vectors: np.ndarray) -> float:
        """⟨S²⟩ of an array (photon states, ↑ strings, ↓ strings)."""
        return float(sum(np.sum(v * self._excess_spin(v)) for v in vectors) + self.spin * (self.spin + 1))

    def one_electron(self, operator: np.ndarray, vector: np.ndarray) -> np.ndarray:
        from pyscf.fci import direct_spin1

        return np.asarray(direct_spin1.contract_1e(operator, vector, self.n, self.nelec, self.links))

    def moved(self, mode: int, vector: np.ndarray) -> np.ndarray:
        """λ·(μ − z) of a mode on an array (↑ strings, ↓ strings)."""
        return self.one_electron(self.dipole[mode], vector) + self.constants[mode] * vector

    def density(self, vectors: np.ndarray) -> np.ndarray:
        """(n, n) one-electron density of an array (photon states, ↑ strings, ↓ strings), in the orbitals."""
        from pyscf.fci import direct_spin1

        return np.asarray(sum(direct_spin1.make_rdm1(v, self.n, self.nelec) for v in vectors))


def eigenstates(electrons: Electrons, photons: int, n_states: int, resources: Resources, tolerance: float) -> States:
    """The lowest `n_states` with 0 … `photons` photons in each mode. ResourceError, NotConverged."""
    space = PhotonSpace(photons, electrons.cavity.frequencies)
    shape = (space.size, *electrons.strings)
    length = math.prod(shape)
    limit = (resources.memory_gib or 4.0) * 2**30
    if length > LARGEST or 8.0 * length * 40 > limit:
        raise ResourceError(
            f"QED-FCI of {electrons.strings[0] * electrons.strings[1]:,} determinants times {space.size} photon states "
            f"is beyond {LARGEST:,} coefficients or the memory given"
        )
    n_states = min(n_states, length)

    def apply(flat: np.ndarray) -> np.ndarray:
        x = flat.reshape(shape)
        out = np.array([electrons.hamiltonian(v) for v in x]) + space.energies[:, None, None] * x
        for mode, (omega, field) in enumerate(zip(space.frequencies, space.fields, strict=True)):
            moved = np.array([electrons.moved(mode, v) for v in x])
            out -= math.sqrt(omega / 2) * np.einsum("pq,qab->pab", field, moved)
        return np.asarray(out).ravel()

    if length <= WHOLE:
        energies, whole = _whole(electrons, space, shape, n_states)
        vectors = list(whole)
    else:
        diagonal = (electrons.constant + electrons.diagonal[None, :] + space.energies[:, None]).ravel()
        energies, vectors = _davidson(apply, diagonal, n_states, tolerance)
    arrays = [np.asarray(v).reshape(shape) for v in vectors]
    spins = np.array([electrons.s_squared(v) for v in arrays])
    if electrons.penalty and np.abs(spins - electrons.spin * (electrons.spin + 1)).max() > SPIN_TOLERANCE:
        raise NotConverged(f"a state of another spin is among the lowest {n_states}: ⟨S²⟩ = {spins.max():.4f}")
    return States(np.asarray(energies), arrays, spins, space)


def _whole(
    electrons: Electrons, space: PhotonSpace, shape: tuple[int, ...], n_states: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same by one diagonalization of the whole matrix."""
    from scipy.linalg import eigh

    unit = np.eye(math.prod(shape[1:])).reshape(-1, *shape[1:])
    count = len(unit)
    h = np.array([electrons.hamiltonian(v).ravel() for v in unit])
    matrix = np.kron(np.eye(space.size), h) + np.kron(np.diag(space.energies), np.eye(count))
    for mode, (omega, field) in enumerate(zip(space.frequencies, space.fields, strict=True)):
        moved = np.array([electrons.moved(mode, v).ravel() for v in unit])
        matrix -= math.sqrt(omega / 2) * np.kron(field, moved)
    energies, vectors = eigh(matrix, subset_by_index=[0, n_states - 1])
    return energies, vectors.T


def _davidson(apply: Any, diagonal: np.ndarray, n_states: int, tolerance: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """The same by Davidson's method, from the lowest configurations with noise, so that no symmetry is kept out."""
    from pyscf import lib

    roots = n_states + (2 if n_states > 1 else 0)
    noise = np.random.default_rng(7)
    guesses = []
    for index in np.argsort(diagonal, kind="stable")[: roots + 2]:
        guess = 1e-2 * noise.standard_normal(len(diagonal)) / math.sqrt(len(diagonal))
        guess[index] += 1.0
        guesses.append(guess)
    converged, energies, vectors = lib.davidson1(
        lambda xs: [apply(x) for x in xs],
        guesses,
        lib.make_diag_precond(diagonal, 1e-3),
        tol=0.01 * tolerance,
        tol_residual=math.sqrt(tolerance) * 0.1,
        nroots=roots,
        max_cycle=200,
        max_space=12 + 4 * roots,
        lindep=1e-14,
        verbose=0,
    )
    if not all(converged[:n_states]):
        raise NotConverged(f"QED-FCI: Davidson's method did not converge {n_states} states to {tolerance:g} hartree")
    return np.asarray(energies)[:n_states], list(vectors)[:n_states]


def certified(
    electrons: Electrons, n_states: int, resources: Resources, tolerance: float, cutoff_tolerance: float
) -> tuple[States, float]:
    """The lowest states at the first cut-off whose doubling moved none of them by `cutoff_tolerance` (hartree), and by
    how much it did. NotConverged where none is found."""
    photons, before = 2, None
    while photons <= MOST_PHOTONS:
        now = eigenstates(electrons, photons, n_states, resources, tolerance)
        if before is not None:
            change = float(np.abs(now.energies - before.energies).max())
            if change < cutoff_tolerance:
                return now, change
        photons, before = 2 * photons, now
    raise NotConverged(
        f"QED-FCI: {MOST_PHOTONS} photons in each mode do not fix the energies to {cutoff_tolerance:g} hartree"
    )


def light_of(electrons: Electrons, states: States) -> Light:
    """Photon numbers and absorption of the states."""
    size = states.space.size
    ground = states.vectors[0]
    density = electrons.density(ground)
    moved, squares = [], []
    for mode, (d, q) in enumerate(zip(electrons.dipole, electrons.quadrupole, strict=True)):
        applied = np.array([electrons.moved(mode, v) for v in ground])
        # In the basis, the square of an electron's own dipole is q, not d².
        squares.append(float(np.sum(applied**2) + np.sum(density * (q - d @ d))))
        moved.append(applied.reshape(size, -1))
    flat = [v.reshape(size, -1) for v in states.vectors]
    return field_light(states.space, flat, moved, np.array(squares))


def dipole_of(electrons: Electrons, states: States) -> np.ndarray:
    """(3,) dipole moment of the ground state about the origin, e bohr."""
    c = electrons.orbitals
    density = c @ electrons.density(states.vectors[0]) @ c.T
    return electrons.cavity.molecular_dipole(density, electrons.mole.nelectron)
