"""Checks of the symmetries of space: shifting, turning and renumbering the atoms of a molecule."""

from __future__ import annotations

import numpy as np

from qmbench.errors import QmbenchError
from qmbench.properties import Property
from qmbench.quantity import Quantity
from qmbench.system import Molecule
from qmbench.testing import samples
from qmbench.testing.subject import Subject, distance


def translation(subject: Subject) -> None:
    """Shifting the molecule changes nothing but the dipole of an ion, by charge times shift."""
    level, molecule = _molecule(subject)
    cation = samples.ionized(molecule)
    for system in (molecule, cation) if cation else (molecule,):
        _compare(subject, level, system, samples.moved(system, shift=samples.SHIFT), shift=samples.SHIFT)


def rotation(subject: Subject) -> None:
    """Turning the molecule turns its dipole and polarizability with it and leaves the numbers alone."""
    level, molecule = _molecule(subject)
    turn = samples.rotation_matrix()
    _compare(subject, level, molecule, samples.moved(molecule, rotation=turn), turn=turn)


def permutation(subject: Subject) -> None:
    """Renumbering the atoms changes nothing but the order of properties that belong to atoms."""
    level, molecule = _molecule(subject)
    other, order = samples.reordered(molecule)
    _compare(subject, level, molecule, other, order=order)


def _molecule(subject: Subject) -> tuple:
    """An example with two atoms or more where there is one."""
    level, molecule = subject.example(Molecule)
    for pair in subject.examples():
        if isinstance(pair[1], Molecule) and pair[1].n_parts > 1:
            return pair
    return level, molecule


def _compare(
    subject: Subject,
    level: object,
    before: Molecule,
    after: Molecule,
    shift: np.ndarray | None = None,
    turn: np.ndarray | None = None,
    order: list[int] | None = None,
) -> None:
    what = "shifted" if shift is not None else "turned" if turn is not None else "renumbered"
    try:
        first = subject.compute(level, before)  # type: ignore[arg-type]
    except QmbenchError:
        return
    try:
        second = subject.compute(level, after)  # type: ignore[arg-type]
    except QmbenchError as error:
        raise subject.fail(f"computes {before.name}, but fails when it is {what}: {error}") from None
    for prop, quantity in sorted(first.properties.items()):
        info = subject.plugins.properties[prop]
        if prop not in second.properties:
            raise subject.fail(f"{prop} is missing when {before.name} is {what}")
        if info.shape == "any":
            continue
        expected = _transformed(info, quantity, before.charge, shift, turn, order)
        off = distance(expected, second.properties[prop])
        if off > subject.tolerance(prop):
            raise subject.fail(
                f"{prop} of {before.name} is off by {off:.3g} {info.unit} when the molecule is {what}"
                f" (allowed: {subject.tolerance(prop):.3g})"
            )


def _transformed(
    info: Property,
    quantity: Quantity,
    charge: int,
    shift: np.ndarray | None,
    turn: np.ndarray | None,
    order: list[int] | None,
) -> Quantity:
    """What the property must be after the change, if `quantity` was right before it."""
    value = quantity.value
    if info.name == "dipole" and shift is not None:
        value = np.asarray(value) + charge * shift
    if info.shape == (3,) and turn is not None:
        value = turn @ np.asarray(value)
    if info.shape == (3, 3) and turn is not None:
        value = turn @ np.asarray(value) @ turn.T
    if info.shape == "atoms" and order is not None:
        value = np.asarray(value)[order]
    return Quantity(value, quantity.unit, quantity.uncertainty, quantity.uncertainty_kind)
