"""What density fitting costs in accuracy: each level with fitted integrals against the same one without.

Computes total energies of molecules, and the energy differences that benchmarks ask for, both ways, and prints for each
method the error per electron of the totals (microhartree: root mean square, largest) and that of the differences
(kcal/mol: root mean square, largest). Fitting sets are those that a run chooses by itself.

    python tools/validation/fitting_errors.py [--sets diatomics s22 …] [--methods hf mp2 …] [--store PATH] [--workers N]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

import qmbench
from qmbench.data.suite import Selection, Suite, SuiteLevel

METHODS = ("hf", "pbe", "b3lyp", "mp2", "ccsd(t)")
CORRELATED = ("mp2", "ccsd(t)")


@dataclass(frozen=True)
class Case:
    """Entries in one basis set. systems: of those entries, whose total energies are compared."""

    selection: Selection
    bsse: str | None
    basis: str
    systems: tuple[str, ...]
    frozen: bool = False


DIATOMICS = ("h2", "lih", "bh", "n2", "co", "hf", "f2", "oh")
DIMERS = ("water_dimer", "ammonia_dimer", "methane_dimer")
CASES = {
    "diatomics": Case(Selection("diatomics", entries=DIATOMICS), None, "cc-pcvtz", DIATOMICS),
    "rare_gas": Case(
        Selection("rare_gas", entries=("he2_1.00", "hene_1.00", "ne2_1.00")),
        "cp",
        "aug-cc-pvtz",
        ("he2_1.00", "hene_1.00", "ne2_1.00"),
        frozen=True,
    ),
    "s22": Case(Selection("s22", entries=DIMERS), "cp", "aug-cc-pvdz", DIMERS, frozen=True),
}


def levels(method: str, case: Case) -> tuple[str, str]:
    """Without and with fitting."""
    frozen = "frozen_core=true&" if case.frozen and method in CORRELATED else ""
    plain = f"{method}/{case.basis}?{frozen}stability=false"
    return plain, f"{plain}&density_fitting=true"


def total(level: str, system: str, store: str) -> tuple[float, int]:
    """Total energy in hartree, number of electrons of BENCHMARK:SYSTEM."""
    found = qmbench.compute(level, system, store=store)
    assert isinstance(found.system, qmbench.Molecule)
    return float(np.asarray(found.properties["energy"].value)), found.system.n_electrons


def rms_and_largest(error: np.ndarray) -> str:
    """Of one or more errors."""
    return f"{np.sqrt(np.mean(error**2)):10.4f} {np.abs(error).max():10.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=sorted(CASES), default=sorted(CASES))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--store", default="qmbench-data/fitting-errors.sqlite")
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    head = f"{'set':10} {'basis':12} {'method':8}"
    print(f"{head} {'rms':>10} {'largest':>10} uEh/electron {'rms':>10} {'largest':>10} kcal/mol", flush=True)
    for name in asked.sets:
        case = CASES[name]
        pairs = {method: levels(method, case) for method in asked.methods}
        wanted = tuple(SuiteLevel(text, case.bsse) for pair in pairs.values() for text in pair)
        run = qmbench.run(Suite(name, name, (case.selection,), wanted), store=asked.store, workers=asked.workers)
        table = run.results.pivot_table(index="entry", columns="level_of_theory", values="value")
        systems = [f"{case.selection.benchmark}:{system}" for system in case.systems]
        for method, pair in pairs.items():
            (unfitted, count), (with_fit, _) = (
                np.array([total(text, system, asked.store) for system in systems]).T for text in pair
            )
            plain, fitted = (table[str(qmbench.level(text))] for text in pair)
            per_electron = 1e6 * (with_fit - unfitted) / count
            difference = (fitted - plain).to_numpy()
            print(
                f"{name:10} {case.basis:12} {method:8} {rms_and_largest(per_electron)} {'':12} "
                f"{rms_and_largest(difference)}  {len(count)} molecules",
                flush=True,
            )


if __name__ == "__main__":
    main()
