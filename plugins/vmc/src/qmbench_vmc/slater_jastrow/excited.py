"""Excited states that symmetry keeps apart from the ground state: each is the lowest of its own symmetry.

Only those are variational by themselves. Of a molecule in a singlet that is the lowest triplet; of a two-electron
atom also the lowest P states, triplet and singlet. `2 1S` is not the lowest of its symmetry, and not given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qmbench import NotConverged, Resources
from qmbench_vmc.options import MonteCarloOptions
from qmbench_vmc.slater_jastrow.trial import Trial, make_trial


@dataclass(frozen=True)
class ExcitedState:
    """An excited state. label: T1, or 2 3S … for two-electron atoms; why: the symmetry that it is the lowest of."""

    label: str
    trial: Trial
    why: str


def states(ground: Trial, options: MonteCarloOptions, resources: Resources) -> Iterator[ExcitedState]:
    """The excited states that `ground` (a singlet) allows, one after the other."""
    molecule = ground.molecule
    triplet = replace(molecule, multiplicity=3, fragments=())
    atom = len(molecule.real) == 1 and molecule.n_electrons == 2
    first = make_trial(triplet, options, resources)
    yield ExcitedState("2 3S" if atom else "T1", first, "lowest triplet")
    if not atom:
        return
    orbitals = _s_and_p(first)
    if orbitals is None:
        return
    mf = _two_orbitals(first.mean_field.mol, orbitals)
    yield ExcitedState(
        "2 3P",
        make_trial(
            triplet, options, resources, mean_field=mf, determinants=[(1.0, [[0, 1], []])], label="1s2p triplet"
        ),
        "lowest triplet P",
    )
    mf = _two_orbitals(ground.mean_field.mol, orbitals)
    both = [(1.0, [[0], [1]]), (1.0, [[1], [0]])]
    yield ExcitedState(
        "2 1P",
        make_trial(molecule, options, resources, mean_field=mf, determinants=both, label="1s2p singlet"),
        "lowest singlet P",
    )


def _s_and_p(triplet: Trial) -> np.ndarray | None:
    """(functions, 2) 1s and 2p orbitals of the 1s2p triplet; None when the basis has no p functions on the atom."""
    from pyscf import scf

    mole = triplet.mean_field.mol
    labels = mole.ao_labels(fmt=None)
    along_z = np.array([shell[-1] == "p" and part == "z" for _, _, shell, part in labels])
    spherical = np.array([shell[-1] == "s" for _, _, shell, _ in labels])
    if not along_z.any() or mole.natm > 1:
        return None
    mf = scf.UHF(mole).set(verbose=0, conv_tol=1e-10, max_cycle=200)

    def occupations(energies: Any, coefficients: Any = None) -> np.ndarray:
        # The lowest s orbital and the lowest p_z orbital, whatever lies between them.
        up, occupied = coefficients[0], np.zeros_like(energies)
        s_like = np.sum(np.abs(up[spherical]), axis=0) > np.sum(np.abs(up[~spherical]), axis=0)
        z_like = np.sum(np.abs(up[along_z]), axis=0) > np.sum(np.abs(up[~along_z]), axis=0)
        for kind in (s_like, z_like):
            occupied[0][np.nonzero(kind)[0][np.argmin(energies[0][kind])]] = 1
        return occupied

    mf.get_occ = occupations
    size = mole.nao
    core = mf.get_hcore()
    overlap = mf.get_ovlp()
    # Blocks of one angular kind: no mixing of s, p_z and the rest, from the first guess on.
    blocks = np.zeros((size, size), dtype=bool)
    for kind in (spherical, along_z, ~spherical & ~along_z):
        blocks |= np.outer(kind, kind)
    energies, coefficients = mf.eig(np.array([core, core]) * blocks, overlap)
    density = mf.make_rdm1(coefficients, occupations(energies, coefficients))
    mf.kernel(density)
    if not mf.converged:
        raise NotConverged(f"{triplet.molecule.name or triplet.molecule.formula}: the SCF of 1s2p does not converge")
    return mf.mo_coeff[0][:, mf.mo_occ[0] > 0]


def _two_orbitals(mole: Any, orbitals: np.ndarray) -> Any:
    """A mean-field object that holds these orbitals for both spins; what it is worth is the determinants' business."""
    from pyscf import scf

    mf = scf.UHF(mole).set(verbose=0)
    occupations = np.zeros((2, 2))
    occupations[0, : mole.nelec[0]] = 1
    occupations[1, : mole.nelec[1]] = 1
    mf.mo_coeff, mf.mo_occ, mf.mo_energy = np.array([orbitals, orbitals]), occupations, np.zeros((2, 2))
    mf.e_tot, mf.converged = float("nan"), True
    return mf
