"""What is refused of an extended basis set, before anything is computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qmbench import InputError, Molecule, Unsupported
from qmbench_pyscf.mole import check_basis, removed_electrons


def check_extension(name: str, molecule: Molecule, options: Any, properties: frozenset[str]) -> None:
    """Unsupported or InputError where `molecule` can't be computed with the basis extension of `options`."""
    pool = options.extension_pool
    check_basis(pool, molecule)
    moving = sorted(properties & {"forces", "hessian"})
    if moving:
        raise Unsupported(
            f"{name}: no {' and '.join(moving)} with basis_extension, since each geometry chooses its own functions"
        )
    if removed_electrons(molecule, pool) != removed_electrons(molecule, options.basis):
        raise InputError(f"{name}: {options.basis} and extension_pool={pool} have not the same core potentials")
    whole = extended_system(molecule)
    if whole.n_electrons:
        options.specification().check(whole)


def extended_system(molecule: Molecule) -> Molecule:
    """Where the shells are found: in the molecule with its ghosts as real atoms, so that a fragment among ghosts gets
    the functions of the whole. Unsupported where such a molecule can't have the charge and spin of the fragment.
    """
    if not any(molecule.ghosts):
        return molecule
    try:
        return replace(molecule, ghosts=(), fragments=())
    except InputError:
        raise Unsupported(
            "basis_extension: the shells on ghosts are found with real atoms in their place, and these can't have the "
            f"charge {molecule.charge:+d} and multiplicity {molecule.multiplicity} of "
            f"{molecule.name or molecule.formula}: compute it without counterpoise"
        ) from None
