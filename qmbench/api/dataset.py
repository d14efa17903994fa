"""Training sets: molecules with what one level of theory gives for them, as extended XYZ that ASE and others read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qmbench.data.benchmark import benchmark_folders, find_benchmark
from qmbench.data.target import find_target
from qmbench.domain.composite import Level
from qmbench.domain.errors import InputError, QmbenchError, StoreError
from qmbench.domain.method import LevelOfTheory
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
        """One extended XYZ file with all frames; StoreError where it can't be written."""
        from ase.io import write

        try:
            write(str(path), list(self.frames), format="extxyz")
        except OSError as error:
            raise StoreError(f"can't write {path}: {error.strerror or error}") from None


def systems_of(named: Sequence[str]) -> dict[str, System]:
    """name -> system, of benchmarks (all their systems), and of single systems and files, each once.

    InputError for a name that is none of these, or an entry of a benchmark.
    """
    found: dict[str, System] = {}
    for text in named:
        if text in benchmark_folders() or (Path(text) / "benchmark.toml").is_file():
            benchmark = find_benchmark(text)
            found |= {f"{benchmark.id}:{name}": benchmark.system(name) for name in benchmark.system_ids}
            continue
        target = find_target(text)
        if target.system is None:
            raise InputError(f"'{text}' is an entry; a data set is of systems: BENCHMARK, BENCHMARK:SYSTEM or a file")
        found[target.name] = target.system
    return found


def dataset(level: Level, systems: dict[str, System], properties: Iterable[str], session: Session) -> Dataset:
    """What `level` gives for molecules; what the store lacks is computed. properties: of UNITS.

    A molecule that the level refuses or fails on is left out with the reason, and so is what is no molecule.
    """
    wanted = tuple(dict.fromkeys(properties))
    if not isinstance(level, LevelOfTheory):
        raise InputError(f"'{level}' is made of levels; a data set is of one that is a single calculation")
    for name in wanted:
        if name not in UNITS:
            raise InputError(f"a data set has {' and '.join(UNITS)}, not '{name}'")
    tasks: dict[str, Task] = {}
    left_out: list[tuple[str, str]] = []
    for name, system in systems.items():
        try:
            if not isinstance(system, Molecule) or any(system.ghosts):
                raise InputError(f"a {system.kind} with ghosts" if isinstance(system, Molecule) else system.kind)
            level.make().check(system, frozenset(wanted))
            tasks[name] = Task(system, level, wanted)
        except QmbenchError as error:
            left_out.append((name, str(error)))
    with session.opened() as store:
        records = session.compute(list(tasks.values()), store).records if tasks else {}
    frames = []
    for name, task in tasks.items():
        made = {prop: records.get(key) for prop, key in task.keys.items()}
        bad = next((r for r in made.values() if r is None or r.status != "ok"), None)
        quantities = {prop: r.quantity for prop, r in made.items() if r is not None and r.quantity is not None}
        if len(quantities) < len(wanted):
            left_out.append((name, bad.failure.message if bad is not None and bad.failure else "was not computed"))
            continue
        keys = " ".join(key[:KEY_DIGITS] for key in task.keys.values())
        frames.append(_frame(name, task, quantities, keys))
    return Dataset(tuple(frames), tuple(left_out))


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
