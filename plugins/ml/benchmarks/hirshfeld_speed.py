"""How fast dispersion on learned ratios is, beside dispersion on a PBE density.

    python plugins/ml/benchmarks/hirshfeld_speed.py          loading, the benzene dimer of S22, 1,000 atoms
    python plugins/ml/benchmarks/hirshfeld_speed.py --pbe    also PBE+MBD/def2-TZVP on the benzene dimer (minutes)

Prints CPU seconds. Set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS before: times depend on them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from qmbench import Molecule, Resources, parse_level
from qmbench.data.benchmark import find_benchmark

REFERENCE = "pbe+mbd/def2-tzvp?density_fitting=true"


def clocked(function: Callable[[], Any], repeat: int = 1) -> float:
    """Least CPU time of `repeat` calls."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def energy(level: str, molecule: Molecule) -> Any:
    method = parse_level(level).make()
    return method.compute(molecule, frozenset({"dispersion_energy"}), Resources()).properties["dispersion_energy"]


def alkanes(count: int) -> Molecule:
    """`count` ethane molecules, eight atoms each, on a grid of 9 bohr."""
    from ase.build import molecule

    from qmbench.domain.units import BOHR_IN_ANGSTROM

    ethane = molecule("C2H6")
    side = int(np.ceil(count ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)[:count] * 9.0
    positions = (ethane.positions / BOHR_IN_ANGSTROM + grid[:, None]).reshape(-1, 3)
    return Molecule(tuple(ethane.get_chemical_symbols()) * count, tuple(map(tuple, positions.tolist())), 0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of dispersion on learned ratios.")
    parser.add_argument("--pbe", action="store_true", help="also the level with a density, on the benzene dimer")
    given = parser.parse_args()

    import featomic  # noqa: F401  (not part of loading the model)

    from qmbench_ml.hirshfeld.model import shipped

    print(f"loading the shipped model: {clocked(shipped):.2f} s")
    dimer = find_benchmark("s22").system("benzene_dimer_parallel_displaced")
    assert isinstance(dimer, Molecule)
    energy("ml-hirshfeld+mbd", dimer)
    learned = clocked(lambda: energy("ml-hirshfeld+mbd", dimer), 5)
    print(f"benzene dimer: {learned:.3f} s")
    if given.pbe:
        whole = clocked(lambda: energy(REFERENCE, dimer))
        print(f"benzene dimer, {REFERENCE}: {whole:.0f} s, {whole / learned:.0f} times as long")
    large = alkanes(125)
    print(f"1,000 atoms, ratios alone: {clocked(lambda: ratios(large)):.1f} s")
    for level in ("ml-hirshfeld+mbd?solver=stochastic", "ml-hirshfeld+mbd"):
        found: list[Any] = []
        seconds = clocked(lambda level=level, found=found: found.append(energy(level, large)))
        print(f"1,000 atoms, {level}: {seconds:.1f} s, {found[0].value:.5f} ± {found[0].uncertainty:.5f} hartree")


def ratios(molecule: Molecule) -> None:
    parse_level("ml-hirshfeld").make().compute(molecule, frozenset({"hirshfeld_ratios"}), Resources())


if __name__ == "__main__":
    main()
