"""Training sets: molecules with what one level of theory gives for them, as ASE and others read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qmbench.api.gathered import gather
from qmbench.data.atoms import is_database, write_database
from qmbench.domain.composite import Level
from qmbench.domain.errors import InputError, StoreError
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import KEY_DIGITS, Task
from qmbench.domain.systems import Molecule, System
from qmbench.domain.units import BOHR_IN_ANGSTROM
from qmbench.running.session import Session

if TYPE_CHECKING:
    from ase import Atoms

UNITS = {"energy": "eV", "forces": "eV/angstrom"}
"""What a data set holds, in the units that ASE and training programs expect."""


@dataclass(frozen=True)
class Dataset:
    """frames: molecules that have all that was asked for. left_out: (name of a system, why), of the others."""

    frames: tuple[Atoms, ...]
    left_out: tuple[tuple[str, str], ...]

    def write(self, path: Path) -> None:
        """One file with all frames: extended XYZ, or a database of ASE (`.db`). StoreError where that can't be."""
        from ase.io import write

        if is_database(str(path)):
            write_database(self.frames, path)
            return

        try:
            write(str(path), list(self.frames), format="extxyz")
        except OSError as error:
            raise StoreError(f"can't write {path}: {error.strerror or error}") from None


def dataset(level: Level, systems: dict[str, System], properties: Iterable[str], session: Session) -> Dataset:
    """What `level` gives for molecules; what the store lacks is computed. properties: of UNITS.

    A molecule that the level refuses or fails on is left out with the reason, and so is what is no molecule.
    """
    wanted = tuple(dict.fromkeys(properties))
    for name in wanted:
        if name not in UNITS:
            raise InputError(f"a data set has {' and '.join(UNITS)}, not '{name}'")
    able = {name: s for name, s in systems.items() if isinstance(s, Molecule) and not any(s.ghosts)}
    kinds = {name: f"a {s.kind} with ghosts" if isinstance(s, Molecule) else s.kind for name, s in systems.items()}
    made, left_out = gather(level, able, wanted, session)
    frames = []
    for name, task, records in made:
        quantities = {prop: r.quantity for prop, r in records.items() if r.quantity is not None}
        keys = " ".join(record.key[:KEY_DIGITS] for record in records.values())
        frames.append(_frame(name, task, quantities, keys))
    others = [(name, kind) for name, kind in kinds.items() if name not in able]
    return Dataset(tuple(frames), (*others, *left_out))


def _frame(name: str, task: Task, quantities: dict[str, Quantity], keys: str) -> Atoms:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    molecule = task.system
    assert isinstance(molecule, Molecule)
    info = {"name": name, "charge": molecule.charge, "multiplicity": molecule.multiplicity}
    info |= {"level_of_theory": str(task.level), "records": keys}
    info |= {f"{prop}_unit": UNITS[prop] for prop in quantities}
    atoms = Atoms(molecule.symbols, positions=molecule.coordinates * BOHR_IN_ANGSTROM, info=info)
    values = {prop: np.asarray(quantity.to(UNITS[prop]).value) for prop, quantity in quantities.items()}
    if "energy" in values:
        values["energy"] = float(values["energy"])  # type: ignore[assignment]
    atoms.calc = SinglePointCalculator(atoms, **values)
    return atoms
