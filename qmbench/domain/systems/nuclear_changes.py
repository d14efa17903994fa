"""What a method is held to by the symmetries of space, for anything that has nuclei.

Shifting, turning and renumbering change nothing but vectors, tensors and orders; another charge or multiplicity is
another system.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from qmbench.domain.properties import Property
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems.base import Change, KindCheck

# An axis that is no symmetry axis of anything and an angle that is no fraction of a turn.
ROTATION_AXIS = np.array([0.36, 0.48, 0.80])
ROTATION_ANGLE = 0.9
SHIFT = np.array([0.7, -1.3, 2.1])


def rotation_matrix() -> np.ndarray:
    """(3, 3) proper rotation by ROTATION_ANGLE about ROTATION_AXIS (Rodrigues' formula)."""
    x, y, z = ROTATION_AXIS
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(ROTATION_ANGLE) * cross + (1 - math.cos(ROTATION_ANGLE)) * cross @ cross


def ionized(system: Any) -> Any | None:
    """One electron fewer, in the lowest multiplicity; None when there is no electron to take."""
    if system.n_electrons < 2:
        return None
    return system.in_state(system.charge + 1, 1 if system.n_electrons % 2 else 2, "cation")


def excited(system: Any) -> Any | None:
    """The next higher multiplicity; None when there are not electrons enough."""
    if system.n_electrons < system.multiplicity + 1:
        return None
    return system.in_state(system.charge, system.multiplicity + 2, "higher multiplicity")


def states(system: Any) -> Iterable[tuple[str, Any]]:
    """The system in another charge and in another multiplicity, where it has electrons enough."""
    others = (("charge", ionized(system)), ("multiplicity", excited(system)))
    return [(field, other) for field, other in others if other is not None]


def _charged(system: Any) -> Iterable[Change]:
    other = ionized(system)
    if other:
        yield Change(f"charge {other.charge} instead of {system.charge}", other)


def _excited(system: Any) -> Iterable[Change]:
    other = excited(system)
    if other:
        yield Change(f"multiplicity {other.multiplicity} instead of {system.multiplicity}", other)


def _shifted(system: Any) -> Iterable[Change]:
    cation = ionized(system)
    for before in (system, cation) if cation else (system,):

        def expected(prop: Property, quantity: Quantity, charge: int = before.charge) -> Quantity | None:
            if prop.origin == "dependent":
                return None
            if prop.origin == "free":
                return quantity
            return _with(quantity, np.asarray(quantity.value) + charge * SHIFT)

        yield Change("shifted", before.moved(shift=SHIFT), before, expected)


def _turned(system: Any) -> Iterable[Change]:
    turn = rotation_matrix()

    def expected(prop: Property, quantity: Quantity) -> Quantity:
        value: Any = quantity.value
        for position, axis in enumerate(prop.axes):
            if axis == 3:
                value = np.moveaxis(np.tensordot(turn, np.asarray(value), axes=(1, position)), 0, position)
        return _with(quantity, value)

    yield Change("turned", system.moved(rotation=turn), expected=expected)


def _renumbered(system: Any) -> Iterable[Change]:
    other, order = system.reordered()

    def expected(prop: Property, quantity: Quantity) -> Quantity | None:
        value: Any = quantity.value
        if "*" in prop.axes:  # of whatever it counts, only the method knows the order
            return None
        for position, axis in enumerate(prop.axes):
            if axis == "atoms":
                value = np.take(np.asarray(value), order, axis=position)
        return _with(quantity, value)

    yield Change("renumbered", other, expected=expected)


def _with(quantity: Quantity, value: Any) -> Quantity:
    return Quantity(value, quantity.unit, quantity.uncertainty, quantity.uncertainty_kind)


NUCLEAR_CHECKS: Mapping[str, KindCheck] = {
    "charge_used": KindCheck(
        "A cation differs from the neutral system, or is refused: no charge is ignored.", _charged, everywhere=True
    ),
    "multiplicity_used": KindCheck(
        "Another multiplicity gives another number, or is refused: no multiplicity is ignored.",
        _excited,
        everywhere=True,
    ),
    "translation": KindCheck(
        "Shifting the system changes nothing but the dipole of an ion, by charge times shift.", _shifted
    ),
    "rotation": KindCheck(
        "Turning the system turns its vectors and tensors (dipole, forces, polarizability, stress) and nothing else.",
        _turned,
    ),
    "permutation": KindCheck(
        "Renumbering the atoms changes nothing but the order of properties that belong to atoms.", _renumbered
    ),
}
