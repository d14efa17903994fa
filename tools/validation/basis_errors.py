"""Whether stated basis-set errors cover the true ones: intervals of small basis sets against larger extrapolations.

Computes Hartree–Fock, PBE and MP2 in the basis sets of one family, takes the largest extrapolation as the truth, and
prints for each set of entries which share of 95 % intervals (1.96 standard deviations) covers it:

- of a single basis, from what the other entries of the set say (each entry left out in its turn);
- of a smaller extrapolation, from the spread of schemes and the last step.

    python tools/validation/basis_errors.py [--sets diatomics rare_gas a24] [--store PATH] [--workers N]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

import qmbench
from qmbench.data.suite import Selection, Suite, SuiteLevel
from qmbench.judging.basis import expected_error

METHODS = ("hf", "pbe", "mp2")
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Case:
    """Entries, and the family in which they are computed. truth: the extrapolation that stands for the limit."""

    selection: Selection
    bsse: str | None
    singles: tuple[str, ...]
    smaller: tuple[str, ...]
    truth: str
    options: str = ""


FAST = "density_fitting=true&stability=false"
DIATOMICS = ("h2", "lih", "li2", "bh", "n2", "co", "hf", "f2", "oh", "bf")
DISTANCES = ("0.90", "1.00", "1.10", "1.40", "1.60")
CASES = {
    "diatomics": Case(
        Selection("diatomics", entries=DIATOMICS),
        None,
        ("cc-pvdz", "cc-pvtz"),
        ("cc-pv[dt]z", "cc-pv[tq]z"),
        "cc-pv[q5]z",
        "stability=false",
    ),
    "rare_gas": Case(
        Selection("rare_gas", entries=tuple(f"{pair}_{x}" for pair in ("he2", "hene", "ne2") for x in DISTANCES)),
        "cp",
        ("aug-cc-pvdz", "aug-cc-pvtz"),
        ("aug-cc-pv[dt]z", "aug-cc-pv[tq]z"),
        "aug-cc-pv[q5]z",
    ),
    "a24": Case(
        Selection("a24", "small"),
        "cp",
        ("aug-cc-pvdz", "aug-cc-pvtz"),
        ("aug-cc-pv[dt]z",),
        "aug-cc-pv[tq]z",
        FAST,
    ),
}


def level(method: str, basis: str, case: Case) -> str:
    """The level of theory as written."""
    # Valence sets converge to a limit of the valence correlation only.
    frozen = ["frozen_core=true"] if method == "mp2" else []
    query = "&".join(filter(None, [*frozen, case.options]))
    return f"{method}/{basis}" + (f"?{query}" if query else "")


def covered(error: np.ndarray, sigma: np.ndarray) -> tuple[int, int]:
    """How many of the errors lie in their interval, and how many there are."""
    known = np.isfinite(error) & np.isfinite(sigma)
    return int((np.abs(error[known]) <= NORMAL_95 * sigma[known]).sum()), int(known.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=sorted(CASES), default=sorted(CASES))
    parser.add_argument("--store", default="qmbench-data/basis-errors.sqlite")
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    totals: dict[str, list[int]] = {"single basis": [0, 0], "extrapolation": [0, 0]}
    print(f"{'set':10} {'method':6} {'basis':16} {'rms error':>12} {'covered':>10}")
    for name in asked.sets:
        case = CASES[name]
        bases = (*case.singles, *case.smaller, case.truth)
        levels = tuple(SuiteLevel(level(m, b, case), case.bsse) for m in METHODS for b in bases)
        run = qmbench.run(Suite(name, name, (case.selection,), levels), store=asked.store, workers=asked.workers)
        table = run.results.pivot_table(index="entry", columns="level_of_theory", values="value")
        sigmas = run.results.pivot_table(index="entry", columns="level_of_theory", values="basis_uncertainty")
        for method in METHODS:
            truth = table[str(qmbench.level(level(method, case.truth, case)))].to_numpy()
            for basis in (*case.singles, *case.smaller):
                spelled = str(qmbench.level(level(method, basis, case)))
                if spelled not in table:
                    continue
                error = table[spelled].to_numpy() - truth
                single = basis in case.singles
                if single:
                    others = [error[np.isfinite(error) & (np.arange(len(error)) != i)] for i in range(len(error))]
                    sigma = np.array([expected_error(o) if len(o) else np.nan for o in others])
                else:
                    sigma = sigmas[spelled].to_numpy()
                inside, n = covered(error, sigma)
                kind = totals["single basis" if single else "extrapolation"]
                kind[0], kind[1] = kind[0] + inside, kind[1] + n
                rms = float(np.sqrt(np.nanmean(error**2)))
                print(f"{name:10} {method:6} {basis:16} {rms:12.4f} {inside:5}/{n:<4} {run.results['unit'].iloc[0]}")
    for kind, (inside, n) in totals.items():
        if n:
            print(f"{kind}: {inside}/{n} = {inside / n:.1%} of the 95 % intervals cover the larger extrapolation")


if __name__ == "__main__":
    main()
