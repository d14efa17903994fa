"""Prints which systems of every benchmark are in the training data, and rebuilds the list that is shipped.

python plugins/ml/training/leakage.py [--write]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from qmbench import ELEMENTS, Fragment, Molecule, TrainingOverlap
from qmbench.data.benchmark import benchmark_folders, load_benchmark
from qmbench_ml.training_set import FILE, TrainingSet

DATA = Path(__file__).parent / "data"
PARTS = ("monomers", "dimers", "contacts")


def systems_of(path: Path) -> list[Molecule]:
    """The systems in a file of make_data.py, dimers with their two fragments."""
    with np.load(path, allow_pickle=False) as data:
        starts, numbers, positions = data["starts"], data["numbers"], data["positions"]
        sizes = data["first_fragment"] if "first_fragment" in data else np.zeros(len(starts) - 1, int)
        names = data["names"].tolist()
    found = []
    for name, start, end, size in zip(names, starts[:-1], starts[1:], sizes.tolist(), strict=True):
        symbols = tuple(ELEMENTS[z - 1] for z in numbers[start:end])
        halves = (range(size), range(size, len(symbols))) if size else ()
        fragments = tuple(Fragment(tuple(half), 0, 1) for half in halves)
        found.append(Molecule(symbols, tuple(map(tuple, positions[start:end].tolist())), 0, 1, fragments, name=name))
    return found


def training_set() -> TrainingSet:
    """The training set of the data that is there."""
    return TrainingSet.of({part: systems_of(DATA / f"{part}.npz") for part in PARTS})


def overlaps(known: TrainingSet, benchmark: str) -> tuple[int, dict[str, TrainingOverlap]]:
    """How many molecules a benchmark has, and the overlap of those that have one."""
    loaded = load_benchmark(benchmark_folders()[benchmark])
    systems = {name: loaded.system(name) for name in loaded.system_ids}
    molecules = {name: system for name, system in systems.items() if isinstance(system, Molecule)}
    found = {name: known.overlap(molecule) for name, molecule in molecules.items()}
    return len(molecules), {name: hit for name, hit in found.items() if hit}


def main() -> None:
    known = training_set() if "--write" in sys.argv[1:] else TrainingSet.load()
    if "--write" in sys.argv[1:]:
        known.save()
        print(f"{FILE.name}: {len(known.names)} systems, {FILE.stat().st_size / 1024:.0f} KiB")
    for benchmark in benchmark_folders():
        total, found = overlaps(known, benchmark)
        print(f"{benchmark}: {len(found)} of {total} molecules overlap with the training data")
        for name, hit in found.items():
            print(f"    {name}: {hit.kind}: {hit.molecule} ({hit.distance:.3f} bohr)")


if __name__ == "__main__":
    main()
