"""Checks of the symmetries of space: shifting, turning and renumbering the atoms of a molecule or a crystal."""

from __future__ import annotations

import numpy as np

from qmbench.domain.errors import InputError, QmbenchError, Unsupported
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.properties import Property
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems import Crystal, Molecule
from qmbench.testing import samples
from qmbench.testing.samples import Nuclei
from qmbench.testing.subject import Subject, distance


def translation(subject: Subject) -> None:
    """Shifting the system changes nothing but the dipole of an ion, by charge times shift."""
    for level, system in _examples(subject):
        cation = samples.ionized(system)
        for before in (system, cation) if cation else (system,):
            _compare(subject, level, before, samples.moved(before, shift=samples.SHIFT), shift=samples.SHIFT)


def rotation(subject: Subject) -> None:
    """Turning the system turns its vectors and tensors (dipole, forces, polarizability, stress) and nothing else."""
    turn = samples.rotation_matrix()
    for level, system in _examples(subject):
        _compare(subject, level, system, samples.moved(system, rotation=turn), turn=turn)


def permutation(subject: Subject) -> None:
    """Renumbering the atoms changes nothing but the order of properties that belong to atoms."""
    for level, system in _examples(subject):
        other, order = samples.reordered(system)
        _compare(subject, level, system, other, order=order)


def crystal_images(subject: Subject) -> None:
    """An atom of a crystal may be named by any of its periodic images: nothing changes."""
    level, crystal = subject.example(Crystal)
    _compare(subject, level, crystal, samples.other_images(crystal))


def crystal_cell_used(subject: Subject) -> None:
    """A crystal with one longer lattice vector gives other numbers: no cell is ignored."""
    level, crystal = subject.example(Crystal)
    for axis in range(3):
        common = subject.alike(level, crystal, samples.stretched(crystal, axis))
        if common is not None:
            raise subject.fail(
                f"{crystal.name}: a cell that is longer along vector {axis + 1} gives the same {', '.join(common)}"
            )


def _examples(subject: Subject) -> list[tuple[LevelOfTheory, Nuclei]]:
    """One example of each kind that has nuclei, with two atoms or more where there is one."""
    found: list[tuple[LevelOfTheory, Nuclei]] = []
    for kind in (Molecule, Crystal):
        if issubclass(kind, subject.method.systems):
            pairs = [pair for pair in subject.examples() if isinstance(pair[1], kind)]
            larger = [pair for pair in pairs if pair[1].n_parts > 1]
            level, system = (larger or pairs or [subject.example(kind)])[0]
            assert isinstance(system, Molecule | Crystal)
            found.append((level, system))
    return found


def _compare(
    subject: Subject,
    level: LevelOfTheory,
    before: Nuclei,
    after: Nuclei,
    shift: np.ndarray | None = None,
    turn: np.ndarray | None = None,
    order: list[int] | None = None,
) -> None:
    changes = {"shifted": shift, "turned": turn, "renumbered": order}
    what = next((word for word, given in changes.items() if given is not None), "given by other images of its atoms")
    try:
        first = subject.compute(level, before)
    except QmbenchError as error:
        if before.charge and isinstance(error, Unsupported | InputError):
            return  # the kit's ion, which it need not do
        raise subject.fail(f"{before.name}: {type(error).__name__}: {error}") from None
    try:
        second = subject.compute(level, after)
    except QmbenchError as error:
        raise subject.fail(f"computes {before.name}, but fails when it is {what}: {error}") from None
    for prop, quantity in sorted(first.properties.items()):
        info = subject.plugins.properties[prop]
        if prop not in second.properties:
            raise subject.fail(f"{prop} is missing when {before.name} is {what}")
        if info.shape == "any" or (shift is not None and info.origin == "dependent"):
            continue
        expected = _transformed(info, quantity, before.charge, shift, turn, order)
        now = second.properties[prop]
        if order is not None and info.axes == ("*",):  # entries that may be parts of the system, which only it can tell
            expected, now = _in_order(expected), _in_order(now)
        off = distance(expected, now)
        if off > subject.tolerance(prop):
            raise subject.fail(
                f"{prop} of {before.name} is off by {off:.3g} {info.unit} when the {before.kind} is {what}"
                f" (allowed: {subject.tolerance(prop):.3g})"
            )


def _in_order(quantity: Quantity) -> Quantity:
    return Quantity(np.sort(np.asarray(quantity.value, dtype=float)), quantity.unit)


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
    if info.origin == "charge" and shift is not None:
        value = np.asarray(value) + charge * shift
    for position, axis in enumerate(info.axes):
        if axis == 3 and turn is not None:
            value = np.moveaxis(np.tensordot(turn, np.asarray(value), axes=(1, position)), 0, position)
        if axis == "atoms" and order is not None:
            value = np.take(np.asarray(value), order, axis=position)
    return Quantity(value, quantity.unit, quantity.uncertainty, quantity.uncertainty_kind)
