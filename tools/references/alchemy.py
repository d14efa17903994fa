"""The reference values of benchmark `alchemy` that are computed: the level of the start on the targets themselves.

    python tools/references/alchemy.py benchmarks/alchemy

prints the energy of each target in hartree, all electrons, in the basis functions of the start's elements, with a
tighter threshold than the levels' own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from qmbench import LevelOfTheory, Molecule, Resources, parse_level, read_system
from qmbench_pyscf import properties_with_charges
from qmbench_response.alchemy import Alchemy, AlchemyOptions, repulsion

TARGETS = (
    ("carbon_monoxide", "N2", "hf/def2-tzvp?energy_tolerance=1e-12"),
    ("boron_fluoride", "N2", "hf/def2-tzvp?energy_tolerance=1e-12"),
    ("carbon_monoxide", "N2", "ccsd/def2-tzvp"),
    ("boron_fluoride", "N2", "ccsd/def2-tzvp"),
    ("azaborine_12", "C6H6", "hf/def2-svp?energy_tolerance=1e-12"),
    ("azaborine_13", "C6H6", "hf/def2-svp?energy_tolerance=1e-12"),
    ("azaborine_14", "C6H6", "hf/def2-svp?energy_tolerance=1e-12"),
)


def energy(target: Molecule, start: str, level: str, resources: Resources) -> float:
    """Total energy of `target` in hartree, in the functions of `start`."""
    parsed = parse_level(level)
    assert isinstance(parsed, LevelOfTheory)
    from_ = Alchemy(AlchemyOptions(start=start, level=level))._start(target)
    change = tuple(map(float, target.atomic_numbers - from_.atomic_numbers))
    found, _, _ = properties_with_charges(parsed.make(), from_, [change], frozenset({"energy"}), resources)
    return float(found["energy"][0]) + repulsion(target) - repulsion(from_)


def main(folder: Path) -> None:
    """Print one line for each target."""
    with tempfile.TemporaryDirectory() as scratch:
        resources = Resources(cores=1, artifacts=Path(scratch) / "artifacts", scratch=Path(scratch) / "scratch")
        for name, start, level in TARGETS:
            target = read_system(folder / "systems" / f"{name}.xyz")
            assert isinstance(target, Molecule)
            print(f"{name:18} {start:5} {level:38} {energy(target, start, level, resources):16.9f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
