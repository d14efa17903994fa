"""The only conversion factors in qmbench (CODATA 2018; Tiesinga et al., Rev. Mod. Phys. 93, 025010 (2021)).

Inside, energies are in hartree and lengths in bohr. Conversion happens at the edge: files, tables, the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from qmbench.domain.errors import InputError, did_you_mean

BOHR_IN_ANGSTROM = 0.529177210903
HARTREE_IN_EV = 27.211386245988
HARTREE_IN_KCAL_MOL = 627.5094740631
HARTREE_IN_KJ_MOL = 2625.4996394799
HARTREE_IN_CM1 = 219474.63136320
E_BOHR_IN_DEBYE = 2.541746473
HARTREE_BOHR3_IN_GPA = 29421.0156965221
ATOMIC_TIME_IN_S = 2.4188843265857e-17
ATOMIC_MASS_IN_ELECTRON_MASSES = 1822.888486209

# unit -> (dimension, how many of the dimension's atomic unit one of it is)
UNITS: dict[str, tuple[str, float]] = {
    "": ("number", 1.0),
    "hartree": ("energy", 1.0),
    "millihartree": ("energy", 1e-3),
    "microhartree": ("energy", 1e-6),
    "eV": ("energy", 1.0 / HARTREE_IN_EV),
    "meV": ("energy", 1e-3 / HARTREE_IN_EV),
    "kcal/mol": ("energy", 1.0 / HARTREE_IN_KCAL_MOL),
    "kJ/mol": ("energy", 1.0 / HARTREE_IN_KJ_MOL),
    "cm-1": ("energy", 1.0 / HARTREE_IN_CM1),
    "t": ("lattice energy", 1.0),
    "bohr": ("length", 1.0),
    "angstrom": ("length", 1.0 / BOHR_IN_ANGSTROM),
    "bohr3": ("volume", 1.0),
    "angstrom3": ("volume", 1.0 / BOHR_IN_ANGSTROM**3),
    "e bohr": ("dipole", 1.0),
    "debye": ("dipole", 1.0 / E_BOHR_IN_DEBYE),
    "hartree bohr6": ("c6", 1.0),
    "hartree/bohr": ("force", 1.0),
    "eV/angstrom": ("force", BOHR_IN_ANGSTROM / HARTREE_IN_EV),
    "hartree/bohr2": ("force constant", 1.0),
    "hartree/bohr3": ("pressure", 1.0),
    "hartree/e": ("electrostatic potential", 1.0),
    "hartree/e2": ("second derivative by charge", 1.0),
    "GPa": ("pressure", 1.0 / HARTREE_BOHR3_IN_GPA),
    "electrons": ("electrons", 1.0),
    "s": ("time", 1.0),
    "hbar/hartree": ("time", ATOMIC_TIME_IN_S),
    "fs": ("time", 1e-15),
    "ps": ("time", 1e-12),
    "hartree/(e bohr)": ("field", 1.0),
    "V/angstrom": ("field", BOHR_IN_ANGSTROM / HARTREE_IN_EV),
}


def check_units(new: Mapping[str, tuple[str, float]]) -> None:
    """InputError when `new` (unit -> (dimension, size)) gives a unit of the table another meaning, or none."""
    for unit, (what, size) in new.items():
        if UNITS.get(unit, (what, size)) != (what, size):
            raise InputError(f"unit '{unit}' is already {UNITS[unit][1]:g} of dimension '{UNITS[unit][0]}'")
        if not unit or unit != unit.strip() or not what or not size > 0:
            raise InputError(f"'{unit}' is no unit; write name: (dimension, size greater than 0)")


def add_units(new: Mapping[str, tuple[str, float]]) -> None:
    """Put the units that a kind of system brings into the table, the only one there is."""
    check_units(new)
    UNITS.update(new)


def dimension(unit: str) -> str:
    """The dimension of `unit`; InputError with the nearest right names when the unit is unknown."""
    if unit not in UNITS:
        raise InputError(f"unknown unit '{unit}'{did_you_mean(unit, UNITS)}")
    return UNITS[unit][0]


def factor(source: str, target: str) -> float:
    """The number that turns a value in `source` into one in `target`; InputError when the dimensions differ."""
    if dimension(source) != dimension(target):
        raise InputError(f"can't convert '{source}' ({dimension(source)}) to '{target}' ({dimension(target)})")
    return UNITS[source][1] / UNITS[target][1]


def suffix(unit: str) -> str:
    """`unit` as it is written in a column's name: `kcal/mol` -> `kcal_mol`."""
    return re.sub(r"\W", "", unit.replace("/", "_").replace(" ", "_"))
