"""Atoms of the Atomic Simulation Environment as systems. The one module that knows ASE, and only when it is in use.

Larsen et al., J. Phys. Condens. Matter 29, 273002 (2017).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

from qmbench.domain.errors import InputError
from qmbench.domain.systems import Crystal, Molecule
from qmbench.domain.systems.xyz import parse_fragments
from qmbench.domain.units import BOHR_IN_ANGSTROM

if TYPE_CHECKING:
    from ase import Atoms


def is_atoms(what: Any) -> TypeGuard[Atoms]:
    """Whether it is `ase.Atoms`; does not import ASE, since nobody has atoms without it."""
    ase = sys.modules.get("ase")
    return ase is not None and isinstance(what, ase.Atoms)


def from_ase(
    atoms: Atoms, charge: int | None = None, multiplicity: int | None = None, name: str = ""
) -> Molecule | Crystal:
    """ASE's atoms (ångström) as a molecule, or as a crystal where they are periodic in three directions.

    charge and multiplicity 2S+1 are those given, or else `atoms.info["charge"]` and `["multiplicity"]`, which reading
    an extended XYZ file of qmbench fills in; they are never guessed. Fragments of a molecule are
    `atoms.info["fragments"]`, written as in such a file. InputError when one is missing, when periodicity is in one or
    two directions, and as for any molecule or crystal. Constraints, momenta, masses, initial charges and magnetic
    moments of ASE say nothing about what is computed.
    """
    if not is_atoms(atoms):
        raise InputError(f"from_ase takes ase.Atoms, not {type(atoms).__name__}")
    label = name or str(atoms.info.get("name") or atoms.get_chemical_formula())
    charge = _whole(atoms, "charge", charge, label)
    multiplicity = _whole(atoms, "multiplicity", multiplicity, label)
    symbols = tuple(atoms.get_chemical_symbols())
    positions = _bohr(atoms.get_positions())
    fragments = parse_fragments(str(atoms.info.get("fragments") or ""), label, len(symbols))
    if not any(atoms.pbc):
        return Molecule(symbols, positions, charge, multiplicity, fragments, name=label)
    if not all(atoms.pbc):
        raise InputError(
            f"{label}: only crystals, periodic in three directions (pbc=True), are done, no slabs or wires;"
            " a molecule has pbc=False"
        )
    if fragments:
        raise InputError(f"{label}: a crystal has no fragments")
    return Crystal(symbols, positions, _bohr(atoms.cell.array), charge, multiplicity, name=label)


def _whole(atoms: Atoms, key: str, given: int | None, label: str) -> int:
    value = atoms.info.get(key) if given is None else given
    if value is None:
        spin = "'spin' is 2S to some programs and 2S+1 to others; " if "spin" in atoms.info else ""
        hint = spin if key == "multiplicity" else ""
        raise InputError(f"{label}: {hint}the {key} is missing; give {key}=, or set atoms.info['{key}']")
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{label}: {key} must be a whole number, not {value!r}")
    return int(value)


def _bohr(rows: Any) -> tuple[tuple[float, float, float], ...]:
    return tuple((x / BOHR_IN_ANGSTROM, y / BOHR_IN_ANGSTROM, z / BOHR_IN_ANGSTROM) for x, y, z in rows.tolist())
