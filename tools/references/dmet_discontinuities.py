"""Exact energies of the lattices of benchmarks/dmet_discontinuities, written to its references.csv.

The lowest state of each lattice at the smallest |M_S|, by the Lanczos iterations of hubbard.py, next to the lowest one
with one spin flipped up: the ground state has the multiplicity that systems.toml states if the second lies above.

Run: python tools/references/dmet_discontinuities.py [NAME …]   (names: print only)
"""

import csv
import sys
import tomllib
from math import prod

import numpy as np
from hubbard import REPOSITORY, configurations, hopping, lanczos, one_spin_matrix

FOLDER = REPOSITORY / "benchmarks/dmet_discontinuities"
COLUMNS = "entry,set,value,unit,uncertainty,uncertainty_kind,level_of_theory,source_doi,source_place,status,note".split(
    ","
)


def lowest(table, up, down, seed=1):
    """Lowest energy (units of t) with `up` and `down` electrons."""
    sites = prod(table["lattice"])
    h = hopping(table["lattice"], table["boundary"], table["t"], table.get("onsite"))
    patterns = [configurations(sites, n) for n in (up, down)]
    kinetic = [one_spin_matrix(h, p) for p in patterns]
    occupied = [np.array([[p >> s & 1 for s in range(sites)] for p in one], dtype=float) for one in patterns]
    double = table["u"] * (occupied[0] @ occupied[1].T)

    def apply(psi):
        return kinetic[0] @ psi + (kinetic[1] @ psi.T).T + double * psi

    start = np.random.default_rng(seed).normal(size=double.shape)
    return lanczos(apply, start)[0]


def main(names):
    tables = tomllib.loads((FOLDER / "systems.toml").read_text(encoding="utf-8"))
    rows = []
    for name in names or tables:
        table = tables[name]
        sites, electrons = prod(table["lattice"]), table["electrons"]
        up, down = (electrons + 1) // 2, electrons // 2
        if table["multiplicity"] != 1 + electrons % 2:
            raise ValueError(f"{name}: only the lowest multiplicity is computed here")
        energy = lowest(table, up, down)
        higher = lowest(table, up + 1, down - 1) if down else np.inf
        print(f"{name},{energy:.12f},{energy / sites:.12f},spin gap {higher - energy:.6f}", flush=True)
        if higher - energy < 1e-8:
            raise ValueError(f"{name}: the ground state has a higher multiplicity")
        rows.append([name, "FCI", f"{energy / sites:.10f}", "t", "1e-10", "estimate", "exact diagonalization", "",
                     "tools/references/dmet_discontinuities.py", "current",
                     "uncertainty: convergence of the Lanczos iterations"])  # fmt: skip
        rows.append([f"{name}_number", "FCI", "0", "electrons", "", "", "by definition", "",
                     "analytic: an embedding keeps the electrons of the system", "current", ""])  # fmt: skip
    if not names:
        with open(FOLDER / "references.csv", "w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
