"""What makes a system possible: rules of spin, fragments, positions and lattices.

Every complaint says which field is wrong, so that whoever reads a file can name the line.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from qmbench.domain.systems import Crystal, LatticeModel, Molecule

BOUNDARIES = ("periodic", "antiperiodic", "open")

# Two centres nearer than this (bohr) are one spot written twice, not a molecule.
COINCIDENT = 0.1

# Lattice planes nearer than this (bohr) leave no room for an atom between them.
THIN_CELL = 1.0


class FieldError(InputError):
    """A field of a system is wrong. field: its name; index: of the atom, from 0, where one is to blame."""

    def __init__(self, message: str, field: str = "", index: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.index = index


def whole(value: Any, field: str, what: str) -> int:
    """`value` as an int; FieldError for 1.5, 1.0, True and the like: an integer is written as one."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise FieldError(f"{what}: {field} must be a whole number, not {value!r}", field)
    return operator.index(value)


def number(value: Any, field: str, what: str) -> float:
    """`value` as a float; FieldError for text and truth values. Negative zero becomes zero, which it equals."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise FieldError(f"{what}: {field} must be a number, not {value!r}", field)
    return float(value) + 0.0


def sequence(value: Any, field: str, what: str) -> Iterable[Any]:
    """`value` if it is a list of things; FieldError for a number or a text."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise FieldError(f"{what}: {field} must be a list, not {value!r}", field)
    return value


def numbers(value: Any, field: str, what: str) -> tuple[float, ...]:
    """`value` as a tuple of floats."""
    return tuple(number(x, field, what) for x in sequence(value, field, what))


def check_spin(n_electrons: int, multiplicity: int, charge: int | None, what: str) -> None:
    if multiplicity < 1:
        raise FieldError(f"{what}: multiplicity is 2S+1 and at least 1, not {multiplicity}", "multiplicity")
    if n_electrons < 0 and charge is None:
        raise FieldError(f"{what}: there can't be {n_electrons} electrons", "electrons")
    if n_electrons < 0:
        raise FieldError(f"{what}: charge {charge} leaves {n_electrons} electrons", "charge")
    if (n_electrons - multiplicity + 1) % 2 or multiplicity - 1 > n_electrons:
        highest = n_electrons + 1
        right = [m for m in range(1 + n_electrons % 2, highest + 1, 2)][:3]
        allowed = ", ".join(map(str, right)) + (", …" if right and right[-1] < highest else "")
        raise FieldError(
            f"{what}: multiplicity {multiplicity} is impossible with {n_electrons} electrons; possible: {allowed}",
            "multiplicity",
        )


def check_molecule(m: Molecule) -> None:
    what = m.name or "molecule"
    n = len(m.symbols)
    if n == 0:
        raise FieldError(f"{what}: no atoms", "symbols")
    if len(m.positions) != n or len(m.ghosts) != n or any(len(p) != 3 for p in m.positions):
        raise FieldError(f"{what}: {n} symbols need {n} positions of three numbers and {n} ghost flags", "positions")
    check_nuclei(m, what)
    check_spin(m.n_electrons, m.multiplicity, m.charge, what)
    check_fragments(m, what)


def check_crystal(c: Crystal) -> None:
    what = c.name or "crystal"
    n = len(c.symbols)
    if n == 0:
        raise FieldError(f"{what}: no atoms", "symbols")
    if len(c.positions) != n or any(len(p) != 3 for p in c.positions):
        raise FieldError(f"{what}: {n} symbols need {n} positions of three numbers", "positions")
    if len(c.cell) != 3 or any(len(v) != 3 for v in c.cell) or not np.all(np.isfinite(c.lattice_vectors)):
        raise FieldError(f"{what}: the cell is three lattice vectors of three finite numbers", "cell")
    if thickness(c.lattice_vectors) < THIN_CELL:
        raise FieldError(f"{what}: the cell has no room: its faces are less than {THIN_CELL} bohr apart", "cell")
    check_nuclei(c, what)
    check_spin(c.n_electrons, c.multiplicity, c.charge, what)


def check_nuclei(m: Molecule | Crystal, what: str) -> None:
    for index, symbol in enumerate(m.symbols):
        if symbol not in ATOMIC_NUMBERS:
            hint = did_you_mean(symbol, ATOMIC_NUMBERS)
            raise FieldError(f"{what}: unknown element '{symbol}'{hint}", "symbols", index)
    if not np.all(np.isfinite(m.coordinates)):
        bad = int(np.argwhere(~np.isfinite(m.coordinates))[0][0])
        raise FieldError(f"{what}: the position of atom {bad + 1} is not a finite number", "positions", bad)
    pair = close_pair(m, COINCIDENT)
    if pair is not None:
        i, j, _ = pair
        spot = f"atoms {i + 1} and {j + 1} are on one spot (nearer than {COINCIDENT} bohr)"
        raise FieldError(f"{what}: {spot}", "positions", j)


def thickness(lattice: np.ndarray) -> float:
    """Smallest distance between opposite faces of the cell with vectors in the rows of `lattice`; 0 if it is flat."""
    volume = abs(float(np.linalg.det(lattice)))
    areas = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    return volume / float(areas.max()) if areas.max() > 0 else 0.0


def close_pair(m: Molecule | Crystal, within: float) -> tuple[int, int, float] | None:
    """The nearest two of the atoms that are nearer than `within` bohr, from 0, and their distance; None if none are.

    In a crystal, across the faces of the cell as well.
    """
    if len(m.symbols) < 2:
        return None
    from scipy.spatial import cKDTree

    x = m.coordinates
    lattice = getattr(m, "lattice_vectors", None)
    if lattice is None:
        pairs = cKDTree(x).query_pairs(within, output_type="ndarray")
        vectors = x[pairs[:, 0]] - x[pairs[:, 1]]
    else:
        fractional = x @ np.linalg.inv(lattice)
        wrapped = fractional % 1.0 % 1.0  # the second for -1e-17, which the first makes 1.0
        pairs = cKDTree(wrapped, boxsize=1.0).query_pairs(within / thickness(lattice) * 3**0.5, output_type="ndarray")
        vectors = fractional[pairs[:, 0]] - fractional[pairs[:, 1]]
        vectors = (vectors - np.round(vectors)) @ lattice
    distances = np.linalg.norm(vectors, axis=1)
    if not len(distances) or distances.min() > within:
        return None
    nearest = int(np.argmin(distances))
    i, j = sorted(map(int, pairs[nearest]))
    return i, j, float(distances[nearest])


def check_fragments(m: Molecule, what: str) -> None:
    if not m.fragments:
        return
    atoms = sorted(i for f in m.fragments for i in f.atoms)
    if atoms != list(range(len(m.symbols))):
        raise FieldError(
            f"{what}: the fragments must hold each of the {len(m.symbols)} atoms exactly once", "fragments"
        )
    total = sum(f.charge for f in m.fragments)
    if total != m.charge:
        raise FieldError(f"{what}: the fragments' charges add up to {total}, the system's is {m.charge}", "fragments")
    for number, f in enumerate(m.fragments, start=1):
        electrons = int(sum(m.atomic_numbers[list(f.atoms)])) - f.charge
        check_spin(electrons, f.multiplicity, f.charge, f"{what}, fragment {number}")


def check_lattice(m: LatticeModel) -> None:
    what = m.name or "lattice"
    if not m.lattice or min(m.lattice) < 1:
        raise FieldError(f"{what}: lattice must be one or more positive lengths, such as [10] or [4, 4]", "lattice")
    if len(m.boundary) != len(m.lattice):
        wrong = f"one boundary condition per direction ({len(m.lattice)}), not {len(m.boundary)}"
        raise FieldError(f"{what}: {wrong}", "boundary")
    for boundary in m.boundary:
        if boundary not in BOUNDARIES:
            raise FieldError(f"{what}: unknown boundary '{boundary}'{did_you_mean(boundary, BOUNDARIES)}", "boundary")
    if m.onsite and len(m.onsite) != m.n_sites:
        raise FieldError(f"{what}: onsite needs one energy per site ({m.n_sites}), not {len(m.onsite)}", "onsite")
    if m.twist and len(m.twist) != len(m.lattice):
        raise FieldError(f"{what}: twist needs one phase per direction ({len(m.lattice)}), not {len(m.twist)}", "twist")
    if any(angle and kind == "open" for angle, kind in zip(m.twist, m.boundary, strict=False)):
        raise FieldError(f"{what}: an open direction has no bond to twist; its twist must be 0", "twist")
    for field, values in (("t", (m.t,)), ("u", (m.u,)), ("onsite", m.onsite), ("twist", m.twist)):
        if not all(map(math.isfinite, values)):
            raise FieldError(f"{what}: {field} must be finite", field)
    if m.electrons > 2 * m.n_sites:
        raise FieldError(f"{what}: {m.electrons} electrons do not fit on {m.n_sites} sites", "electrons")
    check_spin(m.electrons, m.multiplicity, None, what)
    holes = 2 * m.n_sites - m.electrons
    if m.multiplicity - 1 > holes:
        raise FieldError(f"{what}: multiplicity {m.multiplicity} needs more empty sites than there are", "multiplicity")
