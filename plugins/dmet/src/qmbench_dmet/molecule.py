"""Molecules in orthonormal localized orbitals as an embedding problem.

The low level is the Fock matrix of a converged Hartree–Fock calculation, kept fixed, plus a correlation potential on
the fragments. Two-electron integrals are made for one fragment and its bath at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import InputError, Unsupported

from .impurity import Impurity, electron_sectors
from .lowlevel import DenseMeanField, MeanField, Potentials, dense_mean_field


@dataclass(frozen=True)
class MoleculeProblem:
    """A molecule cut into fragments of localized orbitals.

    ``orbitals`` (n_ao, N) are the localized orbitals, ``h`` (N, N) the bare one-electron Hamiltonian and ``fock``
    (n_spin, N, N) the Fock matrices in them; ``electrons`` counts one spin each, (N/2,) or (N_α, N_β).
    """

    mf: Any
    orbitals: np.ndarray
    h: np.ndarray
    fock: np.ndarray
    electrons: tuple[float, ...]
    fragments: list[np.ndarray]
    constant: float

    @property
    def n_electrons(self) -> float:
        return 2.0 * self.electrons[0] if len(self.electrons) == 1 else sum(self.electrons)

    @property
    def initial_potentials(self) -> Potentials:
        return [[np.zeros((len(f), len(f))) for f in self.fragments] for _ in self.electrons]

    def low_level(self, potentials: Potentials) -> list[MeanField]:
        out: list[MeanField] = []
        for fock, blocks, electrons in zip(self.fock, potentials, self.electrons, strict=True):
            full = fock.copy()
            for sites, block in zip(self.fragments, blocks, strict=True):
                full[np.ix_(sites, sites)] += block
            out.append(dense_mean_field(full, electrons))
        return out

    def impurity(
        self,
        fragment: int,
        mean_fields: list[MeanField],
        orbitals: list[np.ndarray],
        potentials: Potentials,
        interacting: bool,
    ) -> Impurity:
        n_f = len(self.fragments[fragment])
        gammas = [c.T @ f.apply_density(c) for c, f in zip(orbitals, mean_fields, strict=True)]
        eri = self._integrals(orbitals)
        if interacting:
            h, half = self._interacting(orbitals, gammas, mean_fields)
        else:
            h, half, eri = self._non_interacting(orbitals, gammas, mean_fields, eri, n_f)
        electrons = tuple(float(np.trace(g)) for g in gammas)
        restricted = len(gammas) == 1
        sectors = electron_sectors((2.0 * electrons[0],) if restricted else electrons, orbitals[0].shape[1])
        guess = np.array([gammas[0], gammas[-1]])
        return Impurity(h, eri, half, n_f, sectors, 1, restricted, guess)

    def one_body(self, fragment: int) -> list[np.ndarray]:
        """Matrices (N, N) that tell fragments apart, beside the low level's own."""
        return [self.h]

    def _integrals(self, orbitals: list[np.ndarray]) -> np.ndarray:
        from pyscf import ao2mo

        source = self.mf._eri if self.mf._eri is not None else self.mf.mol
        a, b = self.orbitals @ orbitals[0], self.orbitals @ orbitals[-1]
        m = a.shape[1]
        if len(orbitals) == 1:
            same = ao2mo.restore(1, ao2mo.kernel(source, a), m)
            return np.array([same, same, same])
        sets = ((a, a, a, a), (a, a, b, b), (b, b, b, b))
        return np.array([ao2mo.general(source, s, compact=False).reshape(m, m, m, m) for s in sets])

    def _potential(self, gammas: list[np.ndarray]) -> list[np.ndarray]:
        """Coulomb and exchange potential, per spin, of one-spin density matrices over localized orbitals."""
        ao = [self.orbitals @ g @ self.orbitals.T for g in gammas]
        j, k = self.mf.get_jk(self.mf.mol, np.array([ao[0], ao[-1]]), hermi=1)
        total = j[0] + j[1]
        return [self.orbitals.T @ (total - k[s]) @ self.orbitals for s in range(len(gammas))]

    def _interacting(
        self, orbitals: list[np.ndarray], gammas: list[np.ndarray], mean_fields: list[MeanField]
    ) -> tuple[np.ndarray, np.ndarray]:
        core = [f.density_matrix() - c @ g @ c.T for f, c, g in zip(mean_fields, orbitals, gammas, strict=True)]
        potentials = self._potential(core)
        h = [c.T @ (self.h + v) @ c for c, v in zip(orbitals, potentials, strict=True)]
        half = [c.T @ (self.h + 0.5 * v) @ c for c, v in zip(orbitals, potentials, strict=True)]
        return np.array([h[0], h[-1]]), np.array([half[0], half[-1]])

    def _non_interacting(
        self,
        orbitals: list[np.ndarray],
        gammas: list[np.ndarray],
        mean_fields: list[MeanField],
        eri: np.ndarray,
        n_f: int,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # the bath feels the low level; on the fragment its mean field gives way to the interaction itself
        f = slice(0, n_f)
        cut = np.zeros_like(eri)
        cut[:, f, f, f, f] = eri[:, f, f, f, f]
        full = [gammas[0], gammas[-1]]
        h, half = [], []
        for s in (0, 1):
            c, field = orbitals[min(s, len(orbitals) - 1)], mean_fields[min(s, len(mean_fields) - 1)]
            assert isinstance(field, DenseMeanField)  # as `low_level` makes them
            bare = c.T @ self.h @ c
            low = c.T @ field.fock @ c
            low[f, f] = (c.T @ self.fock[min(s, len(self.fock) - 1)] @ c)[f, f]  # no correlation potential here
            same, other = cut[2 * s], cut[1] if s == 0 else cut[1].transpose(2, 3, 0, 1)
            own = (
                np.einsum("pqrs,rs->pq", same, full[s])
                + np.einsum("pqrs,rs->pq", other, full[1 - s])
                - np.einsum("psrq,rs->pq", same, full[s])
            )
            h.append(low - own)
            half.append(bare + 0.5 * (low - own - bare))
        return np.array(h), np.array(half), cut


def localized_orbitals(mf: Any, localization: str) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal localized orbitals (n_ao, n_ao) that span the whole basis, and the atom that each sits on.

    ``meta_lowdin``: core, valence and Rydberg shells Löwdin-orthogonalized one after the other. ``iao``: intrinsic
    atomic orbitals (Knizia, JCTC 9, 4834 (2013)) for the occupied space, and the Rydberg atomic orbitals projected
    onto what is left.
    """
    from pyscf import lo

    mol = mf.mol
    atom_of_ao = np.array([label[0] for label in mol.ao_labels(fmt=None)])
    s = mol.intor_symmetric("int1e_ovlp")
    if localization == "meta_lowdin":
        return lo.orth_ao(mol, "meta_lowdin", s=s), atom_of_ao
    coefficients, occupations = mf.mo_coeff, mf.mo_occ
    if np.ndim(occupations) == 2:
        coefficients, occupations = coefficients[0], occupations[0]
    intrinsic = lo.vec_lowdin(lo.iao.iao(mol, coefficients[:, occupations > 0]), s)
    reference = lo.iao.reference_mol(mol)
    atom_of_iao = np.array([label[0] for label in reference.ao_labels(fmt=None)])
    meta = lo.orth_ao(mol, "meta_lowdin", s=s)
    rydberg = np.array(lo.nao._core_val_ryd_list(mol)[2], dtype=int)
    if len(rydberg) + intrinsic.shape[1] != mol.nao:
        raise InputError(
            f"localization=iao needs a basis that contains the minimal one; {len(rydberg)} Rydberg and "
            f"{intrinsic.shape[1]} intrinsic orbitals do not make {mol.nao}; use localization=meta_lowdin"
        )
    if len(rydberg) == 0:
        return intrinsic, atom_of_iao
    rest = meta[:, rydberg] - intrinsic @ (intrinsic.T @ s @ meta[:, rydberg])
    rest = lo.vec_lowdin(rest, s)
    orbitals = np.column_stack([intrinsic, rest])
    # the second pass makes the two sets orthogonal to machine precision
    return lo.vec_lowdin(orbitals, s), np.concatenate([atom_of_iao, atom_of_ao[rydberg]])


def atom_groups(
    symbols: Sequence[str], coordinates: np.ndarray, fragment: str, ghosts: Sequence[bool] = ()
) -> list[list[int]]:
    """The centres (from 0) of every fragment; a ghost goes with the real atom nearest to it.

    ``coordinates`` (n, 3) in any unit; ``ghosts`` says which centres are ghosts. See `real_groups` for ``fragment``.
    """
    real = [i for i in range(len(symbols)) if not (ghosts and ghosts[i])]
    groups = real_groups([symbols[i] for i in real], coordinates[real], fragment)
    found = [[real[i] for i in group] for group in groups]
    for i in set(range(len(symbols))) - set(real):
        nearest = min(real, key=lambda j: float(np.linalg.norm(coordinates[i] - coordinates[j])))
        next(group for group in found if nearest in group).append(i)
    return found


def real_groups(symbols: list[str], coordinates: np.ndarray, fragment: str) -> list[list[int]]:
    """The atoms (from 0) of every fragment.

    ``atom``: each its own; a number n: n atoms each, in input order; ``group``: every heavy atom with the hydrogens
    nearest to it; given: atom numbers from 1, commas within a fragment, colons between (``1,2:3-5``). Unsupported if
    the fragments do not tile the molecule, InputError if they are not written so.
    """
    n = len(symbols)
    if fragment == "atom":
        return [[i] for i in range(n)]
    if fragment == "group":
        heavy = [i for i in range(n) if symbols[i] != "H"]
        if not heavy:
            raise Unsupported("fragment=group needs a heavy atom; use fragment=atom or a number of atoms")
        groups = {i: [i] for i in heavy}
        for i in range(n):
            if symbols[i] == "H":
                nearest = min(heavy, key=lambda j: float(np.linalg.norm(coordinates[i] - coordinates[j])))
                groups[nearest].append(i)
        return [sorted(g) for g in groups.values()]
    if fragment.isdigit():
        size = int(fragment)
        if size < 1 or n % size:
            raise Unsupported(f"fragments of {size} atoms do not tile {n} atoms; use a divisor of {n}")
        return [list(range(k, k + size)) for k in range(0, n, size)]
    groups_given = []
    for part in fragment.split(":"):
        atoms: list[int] = []
        for piece in part.split(","):
            first, _, last = piece.partition("-")
            if not first.isdigit() or (last and not last.isdigit()):
                raise InputError(f"fragment '{fragment}': write atom, group, a number, or atoms such as 1,2:3-5")
            atoms.extend(range(int(first) - 1, int(last or first)))
        groups_given.append(atoms)
    if sorted(a for g in groups_given for a in g) != list(range(n)):
        raise InputError(f"fragments '{fragment}' must hold every one of the {n} atoms once")
    return groups_given


def molecule_problem(mf: Any, localization: str, groups: list[list[int]]) -> MoleculeProblem:
    """Cut a converged PySCF SCF object into fragments of whole atoms."""
    orbitals, atoms = localized_orbitals(mf, localization)
    fragments = [np.flatnonzero(np.isin(atoms, g)) for g in groups]
    if any(len(f) == 0 for f in fragments):
        raise InputError("a fragment without basis functions cannot be embedded")
    h = orbitals.T @ mf.get_hcore() @ orbitals
    dm = mf.make_rdm1()
    fock = mf.get_fock(dm=dm)
    na, nb = mf.mol.nelec
    if np.ndim(fock) == 2:
        fock, electrons = fock[None], (na + nb) / 2
        numbers: tuple[float, ...] = (electrons,)
    else:
        numbers = (float(na), float(nb))
    local = np.array([orbitals.T @ f @ orbitals for f in fock])
    return MoleculeProblem(mf, orbitals, h, local, numbers, fragments, float(mf.energy_nuc()))
