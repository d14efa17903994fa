"""Densities to start from that were found in a small basis set, where an SCF costs next to nothing.

Which solution is the lowest is asked there among many guesses, and in the basis set itself only of those that may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from qmbench import Molecule, Resources
from qmbench_pyscf.convergence import distinct, quick_solutions
from qmbench_pyscf.mean_field_object import coarsened, mean_field
from qmbench_pyscf.specification import ScfSpecification

DEFAULT, SMALL = "minao", "def2-svp"
# It has core potentials from the next element on.
HEAVIEST = 36
# Of so many times fewer functions an SCF costs a tenth.
FEWER = 2
# Solutions of the small basis set within this (hartree) of its lowest may be the lowest of the large one.
DOUBT = 0.03


def in_small_basis(molecule: Molecule, spec: ScfSpecification, mf: Any) -> ScfSpecification | None:
    """`spec` in the small basis set; None where that saves nothing, or has other electrons or functions added, for
    all but pairs of atoms, and for anions, whose last electron has no place there (the lowest solution of NH- in
    aug-cc-pVTZ is none of def2-SVP). mf: the mean field of `spec`, not converged.

    Larger radicals may have solutions that only a guess in the basis set itself leads to (AlO2 in def2-TZVP, by 4
    millihartree); of all pairs in the shipped benchmarks there was none.
    """
    if mf.mol.cart or spec.potential or spec.functions or spec.extension or spec.is_perturbed:
        return None
    if len(molecule.real) != 2 or molecule.charge < 0 or max(molecule.atomic_numbers) > HEAVIEST:
        return None
    small = replace(spec, basis=SMALL, cartesian=None, grid=None if spec.xc is None else min(spec.grid_level, 2))
    return small if FEWER * mean_field(molecule, small, Resources()).mol.nao <= mf.mol.nao else None


def open_shell_starts(molecule: Molecule, small: ScfSpecification, mf: Any) -> Iterator[tuple[str, np.ndarray]]:
    """(guess, density (2, n, n)) for the unrestricted `mf` of two atoms: PySCF's default guess, and the solutions
    of the `small` specification that may be the lowest, each once.

    The default guess need not lead to the same solution in both basis sets: there, too, it is followed from here.
    """
    from qmbench_pyscf.guesses import guesses

    density = np.asarray(mf.get_init_guess(mf.mol, DEFAULT))
    yield DEFAULT, density if density.ndim == 3 else np.array([density / 2, density / 2])

    def make() -> Any:
        return coarsened(mean_field(molecule, small, Resources()))

    for name, found in distinct(quick_solutions(make, guesses(make(), molecule)), DOUBT):
        yield f"{name}, in {SMALL}", projected(found, mf)


def projected(small: Any, mf: Any) -> np.ndarray:
    """The density of the converged `small` in the functions of `mf`."""
    from pyscf.scf import addons

    return np.asarray(addons.project_dm_nr2nr(small.mol, small.make_rdm1(), mf.mol))
