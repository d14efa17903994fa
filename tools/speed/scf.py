"""A mean field by qmbench, stability included, against the same one by PySCF: `python tools/speed/scf.py [--runs N]`.

The same basis, functional, final grid, fitting set and tolerance, without qmbench's look at the orbital Hessian on
PySCF's side. Processor time, medians over interleaved runs in one process; prints a table in Markdown, with the
difference of the energies.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from qmbench import Molecule, Resources

CASES = [
    ("s22", "water_dimer", "pbe", "def2-tzvp", True),
    ("s22", "water_dimer", "pbe", "def2-svp", False),
    ("s22", "water_dimer", "b3lyp", "def2-svp", False),
    ("s22", "water_dimer", "hf", "def2-tzvp", False),
    ("polarizabilities", "so2", "pbe", "def2-svp", False),
    ("polarizabilities", "ch4", "b3lyp", "def2-tzvp", False),
    ("diatomics", "co", "pbe", "def2-tzvp", False),
]


def by_qmbench(molecule: Molecule, functional: str, basis: str, fitted: bool) -> tuple[float, float, object]:
    """Seconds, energy in hartree, and the mean field."""
    from qmbench_pyscf import ScfSpecification, converged_scf

    spec = ScfSpecification(basis, None if functional == "hf" else functional, density_fitting=fitted)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        mf = converged_scf(molecule, spec, resources=Resources(cores=1, artifacts=Path(folder)))
        return time.process_time() - start, float(mf.e_tot), mf


def by_pyscf(molecule: Molecule, like: object, functional: str, basis: str, fitted: bool) -> tuple[float, float]:
    """The same by hand."""
    from pyscf import dft, gto, scf

    start = time.process_time()
    mole = gto.M(atom=list(zip(molecule.symbols, molecule.positions, strict=True)), unit="B", basis=basis, verbose=0)
    mf = scf.RHF(mole) if functional == "hf" else dft.RKS(mole, xc=functional)
    if functional != "hf":
        mf.grids.level = like.grids.level
    if fitted:
        mf = mf.density_fit(auxbasis=like.with_df.auxbasis["O"])
    mf.conv_tol, mf.conv_tol_grad = like.conv_tol, like.conv_tol_grad
    mf.kernel()
    return time.process_time() - start, float(mf.e_tot)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    from qmbench.data.benchmark import find_benchmark

    # What is loaded on first use is nobody's cost.
    warm = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 1)
    for functional in ("hf", "pbe"):
        by_pyscf(warm, by_qmbench(warm, functional, "sto-3g", False)[2], functional, "sto-3g", False)
    print("| molecule | level | qmbench, s | PySCF, s | ratio | energies differ by, hartree |")
    print("|---|---|---|---|---|---|")
    for benchmark, name, functional, basis, fitted in CASES:
        molecule = find_benchmark(benchmark).system(name)
        ours, theirs, difference = [], [], 0.0
        for _ in range(given.runs):
            seconds, energy, mf = by_qmbench(molecule, functional, basis, fitted)
            ours.append(seconds)
            seconds, plain = by_pyscf(molecule, mf, functional, basis, fitted)
            theirs.append(seconds)
            difference = max(difference, abs(energy - plain))
        a, b = statistics.median(ours), statistics.median(theirs)
        level = f"{functional}/{basis}{', density fitting' if fitted else ''}"
        print(f"| {name} | {level} | {a:.2f} | {b:.2f} | {a / b:.2f} | {difference:.0e} |", flush=True)


if __name__ == "__main__":
    main()
