"""Checks of energies and forces: unit and sign, lengths in bohr, forces as the derivative of the energy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from qmbench.domain.errors import QmbenchError
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.systems import Crystal, Molecule, System
from qmbench.testing import samples
from qmbench.testing.subject import NotApplicable, Subject, numbers

Nuclei = Molecule | Crystal
# Correlation, a small basis, binding and a functional's error stay within; a unit or a factor of two does not.
ENERGY_RANGE = 0.25
BOHR_IN_ANGSTROM = 0.529177
STEP = 0.02  # of the difference formula, bohr
FORCE_SLACK = 0.02  # of the force itself: grids and response that programs leave out
FORCE_FLOOR = 1e-7  # hartree/bohr, per coordinate: convergence of the energy


def energy_magnitude(subject: Subject) -> None:
    """The total energy of a neutral system is near that of its atoms, so that it is in hartree, and of all electrons.

    Neutral atoms after Schwinger, Phys. Rev. A 24, 2353 (1981): −0.7687 Z^(7/3) + Z²/2 − 0.2699 Z^(5/3) hartree.
    """
    _needs_absolute_energy(subject)
    tried = False
    for level, system in subject.examples():
        if not isinstance(system, Nuclei) or not _judged(subject, level, system):
            continue
        tried = True
        energy = _energy(subject, level, system)
        z = system.atomic_numbers.astype(float)
        expected = float(np.sum(-0.768745 * z ** (7 / 3) + 0.5 * z**2 - 0.269900 * z ** (5 / 3)))
        if abs(energy / expected - 1.0) > ENERGY_RANGE:
            raise subject.fail(
                f"the energy of {system.name} is {energy:.6g}, where its atoms have about {expected:.4g} hartree;"
                f" look at its unit and sign (or state `energy_zero = 'arbitrary'`){_hint(energy / expected)}"
            )
    if not tried:
        raise NotApplicable(f"{subject.method.name} computes the energy of no neutral system in its ground state")


def _hint(ratio: float) -> str:
    for unit, size in (("eV", 27.2114), ("kcal/mol", 627.509), ("kJ/mol", 2625.5), ("rydberg", 2.0), ("meV", 27211.4)):
        if abs(ratio / size - 1.0) < ENERGY_RANGE:
            return f"; it looks like {unit}"
    return ""


def _judged(subject: Subject, level: LevelOfTheory, system: Nuclei) -> bool:
    if "energy" not in subject.supported(level, system):
        return False
    lowest = system.multiplicity <= (4 if system.n_parts == 1 else 1 + system.n_electrons % 2)
    return lowest and not system.charge and level.make().removed_electrons(system) == 0


def _needs_absolute_energy(subject: Subject) -> None:
    if "energy" not in subject.method.properties:
        raise NotApplicable(f"{subject.method.name} gives no energy")
    if subject.method.energy_zero == "arbitrary":
        raise NotApplicable(f"the energies of {subject.method.name} have a zero of their own")


def _energy(subject: Subject, level: LevelOfTheory, system: System, prop: str = "energy") -> float:
    return float(numbers(subject.compute(level, system, frozenset({prop})).properties[prop])[0])


def lengths_in_bohr(subject: Subject) -> None:
    """A bond's energy is lowest near its length, not at 0.53 or 1.89 times it: bohr is not taken for ångström."""
    _needs_absolute_energy(subject)
    subject.example()
    for level in subject.levels:
        for molecule in samples.bonded(subject.systems):
            if not isinstance(molecule, subject.method.systems):
                continue
            scaled = [_scaled(molecule, scale) for scale in (1.0, BOHR_IN_ANGSTROM, 1.0 / BOHR_IN_ANGSTROM)]
            try:
                here, short, long = (_energy(subject, level, each) for each in scaled)
            except QmbenchError:
                continue
            if max(abs(short - here), abs(long - here)) <= subject.tolerance("energy"):
                raise subject.fail(f"the energy of {molecule.name} does not depend on its bond lengths")
            if min(short, long) < here:
                times = BOHR_IN_ANGSTROM if short < long else 1.0 / BOHR_IN_ANGSTROM
                raise subject.fail(
                    f"the energy of {molecule.name} is lower at {times:.2f} times its bond lengths than at them, as if"
                    " bohr were taken for ångström; coordinates are in bohr"
                )
            return
    raise NotApplicable(f"{subject.method.name} computes no bound molecule that the kit knows")


def _scaled(molecule: Molecule, scale: float) -> Nuclei:
    return _placed(molecule, molecule.coordinates * scale, f"{molecule.name}, {scale:.2f} times as long")


def _placed(system: Nuclei, positions: np.ndarray, name: str = "") -> Nuclei:
    rows = tuple((float(x), float(y), float(z)) for x, y, z in positions)
    return replace(system, positions=rows, name=name or system.name)


def forces_match_energy(subject: Subject) -> None:
    """Forces are minus the derivative of the energy, by finite differences: sign, unit, order of atoms and of axes."""
    if "forces" not in subject.method.properties:
        raise NotApplicable(f"{subject.method.name} gives no forces")
    subject.example()
    told = [_agree(subject, level, system, prop) for level, system, prop in _with_forces(subject)]
    if not any(told):
        raise NotApplicable(f"{subject.method.name} has no example with energy and forces that are not zero")


def _with_forces(subject: Subject) -> Iterator[tuple[LevelOfTheory, Nuclei, str]]:
    """One example of each kind, and a molecule with a ghost, each with the property that its forces belong to."""
    seen: set[str] = set()
    for level, system in subject.examples():
        if not isinstance(system, Molecule | Crystal) or system.n_parts < 2 or level.is_stochastic():
            continue
        variants = [(system.kind, system)]
        if isinstance(system, Molecule) and not any(system.ghosts):
            variants.append(("ghosts", samples.ghosted(system)))
        for kind, variant in variants:
            supported = subject.supported(level, variant)
            energies = [p for p in supported if p == "energy"] or [p for p in supported if _is_energy(subject, p)]
            if kind not in seen and "forces" in supported and len(energies) == 1:
                seen.add(kind)
                yield level, variant, energies[0]


def _is_energy(subject: Subject, prop: str) -> bool:
    info = subject.plugins.properties[prop]
    return info.shape == () and info.unit == "hartree"


def _agree(subject: Subject, level: LevelOfTheory, system: Nuclei, prop: str) -> bool:
    """Compare along one direction that moves every real nucleus; False when the forces are too small to tell."""
    real = [i for i, number in enumerate(system.atomic_numbers) if number]
    waves = np.sin(1.0 + 1.7 * np.arange(6 * len(real)) ** 1.1).reshape(2, len(real), 3)
    direction, aside = np.zeros_like(system.coordinates), np.zeros_like(system.coordinates)
    direction[real], aside[real] = waves[0], 0.08 * waves[1]
    try:  # aside, because at a minimum every sign is right
        placed = _placed(system, system.coordinates + aside)
        quantity = subject.compute(level, placed, frozenset({"forces"})).properties["forces"]
    except QmbenchError:
        placed = system
        quantity = subject.compute(level, system, frozenset({"forces"})).properties["forces"]
    forces = np.asarray(quantity.value, dtype=float)
    if forces.shape != (len(real), 3):
        raise subject.fail(f"the forces on {system.name} have shape {forces.shape}; it has {len(real)} real nuclei")
    x = placed.coordinates
    e = [_energy(subject, level, _placed(system, x + n * STEP * direction), prop) for n in (-2, -1, 1, 2)]
    slope = (8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * STEP)
    given = -float(np.sum(forces * direction[real]))
    floor = subject.method.tolerances.get("forces", FORCE_FLOOR) * float(np.abs(direction).sum())
    size = max(abs(slope), abs(given))
    if abs(given - slope) > FORCE_SLACK * size + floor:
        raise subject.fail(
            f"forces on {system.name} are not minus the derivative of its {prop}: along one direction they give"
            f" {given:.6g}, finite differences {slope:.6g} hartree/bohr{_force_hint(given, slope)}"
        )
    return size > 5 * floor


def _force_hint(given: float, slope: float) -> str:
    ratio = given / slope if slope else 0.0
    for what, size in (
        ("the sign is wrong", -1.0),
        ("it looks like hartree/angstrom", 1 / BOHR_IN_ANGSTROM),
        ("it looks like eV/angstrom", 27.2114 / BOHR_IN_ANGSTROM),
        ("it looks like eV/bohr", 27.2114),
    ):
        if abs(ratio / size - 1.0) < 0.1:
            return f"; {what}"
    return ""
