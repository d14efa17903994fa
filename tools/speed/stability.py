"""What being sure that an SCF is a minimum costs, and that the cheap way there gives the verdicts of the full one.

    python tools/speed/stability.py [--cases NAME…] [--json FILE]

For every solution that a first guess leads to (so that saddle points are among them): the lowest eigenvalues of the
orbital Hessians on the SCF's own grid, diagonalized by PySCF's Davidson until converged, against the verdicts of
`qmbench_pyscf.stability`. Ratios of processor time, measured in one run: stability to that one SCF. Exits with 1 where
a verdict differs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Resources

ALLOWED = 0.25
ANGSTROM = 1 / 0.529177210903


def diatomic(a: str, b: str, angstrom: float, multiplicity: int = 1, charge: int = 0) -> Molecule:
    """Two atoms along z."""
    return Molecule((a, b), ((0, 0, 0), (0, 0, angstrom * ANGSTROM)), charge, multiplicity, name=f"{a}{b} {angstrom} Å")


def atom(symbol: str, multiplicity: int, charge: int = 0) -> Molecule:
    """One atom or ion."""
    return Molecule((symbol,), ((0, 0, 0),), charge, multiplicity, name=f"{symbol}{charge:+d} {multiplicity}")


OZONE = Molecule(
    ("O", "O", "O"),
    tuple(tuple(ANGSTROM * x for x in p) for p in ((0, 0, 0), (0, 1.0885, 0.6697), (0, -1.0885, 0.6697))),
    0,
    1,
    name="ozone",
)
UNSTABLE = [
    *(diatomic("H", "H", r) for r in (0.74, 1.2, 1.5, 2.5)),
    *(diatomic("F", "F", r) for r in (1.412, 1.8)),
    *(diatomic("C", "C", r) for r in (1.243, 1.8)),
    *(diatomic("B", "N", r) for r in (1.281, 1.8, 2.4)),
    *(diatomic("N", "N", r) for r in (1.098, 1.6, 2.2)),
    *(diatomic("Li", "H", r) for r in (1.6, 3.5)),
    diatomic("O", "O", 1.208, 3),
    diatomic("O", "O", 1.208, 1),
    diatomic("Cr", "Cr", 1.68),
    OZONE,
    *(atom(s, m) for s, m in (("O", 1), ("C", 1), ("B", 2), ("C", 3), ("O", 3), ("F", 2), ("Be", 1), ("Si", 3))),
    atom("O", 2, 1),
    atom("H", 2),
]
LEVELS = [(None, "sto-3g"), (None, "6-31g"), (None, "def2-svp"), ("pbe", "def2-svp"), ("b3lyp", "6-31g")]
# Shipped systems and levels that take about ten minutes with the full Hessians.
SHIPPED = {
    "atoms": ["he", "li", "n", "o", "ne", "na", "al", "p", "cl", "ar"],
    "diatomics": ["lih", "bh", "co", "oh", "f2", "hf", "cn", "no", "so", "nacl"],
    "polarizabilities": ["h2o", "ch4", "co2", "c2h4", "so2"],
    "s22": ["water_dimer", "methane_dimer"],
}
SHIPPED_LEVELS = [(None, "def2-svp"), ("pbe", "def2-svp"), ("b3lyp", "def2-svp"), ("r2scan", "def2-svp")]


def cases() -> Iterator[tuple[str, Molecule, str | None, str, bool]]:
    """(group, molecule, functional, basis, density fitting)."""
    from qmbench.data.benchmark import find_benchmark

    for molecule in UNSTABLE:
        for xc, basis in LEVELS:
            if not (molecule.symbols[0] == "Cr" and (xc or basis != "sto-3g")):
                yield "unstable", molecule, xc, basis, False
    for benchmark, names in SHIPPED.items():
        found = find_benchmark(benchmark)
        for name in names:
            if name in found.system_ids:
                for xc, basis in SHIPPED_LEVELS:
                    yield benchmark, found.system(name), xc, basis, False
    for fitted in (False, True):
        yield "s22", find_benchmark("s22").system("water_dimer"), "pbe", "def2-tzvp", fitted


def full_eigenvalues(mf: Any) -> list[float]:
    """Lowest eigenvalues of the Hessian(s) as the SCF evaluates them, converged; the second of a restricted `mf` is
    for letting ↑ and ↓ differ.
    """
    from pyscf.soscf import newton_ah

    if np.ndim(mf.mo_occ) == 2:
        _, product, diagonal = newton_ah.gen_g_hop_uhf(mf, mf.mo_coeff, mf.mo_occ)
        return [lowest(product, diagonal)]
    occupied, empty = mf.mo_coeff[:, mf.mo_occ > 0], mf.mo_coeff[:, mf.mo_occ == 0]
    fock = mf.get_fock(dm=mf.make_rdm1())
    foo, fvv = occupied.T @ fock @ occupied, empty.T @ fock @ empty
    diagonal = (fvv.diagonal()[:, None] - foo.diagonal()).ravel()
    values = []
    for singlet in (None, False):
        respond = mf.gen_response(singlet=singlet, hermi=1, with_nlc=False)

        def product(x: np.ndarray, respond: Callable = respond) -> np.ndarray:
            x = x.reshape(empty.shape[1], occupied.shape[1])
            density = empty @ (2 * x) @ occupied.T
            return (fvv @ x - x @ foo + empty.T @ respond(density + density.T) @ occupied).ravel()

        values.append(lowest(product, diagonal))
    return values


def lowest(product: Callable[[np.ndarray], np.ndarray], diagonal: np.ndarray) -> float:
    """The lowest eigenvalue, to 1e-6; the start vectors hold no symmetry."""
    from pyscf import lib

    n = diagonal.size
    if n <= 40:
        matrix = np.array([product(row) for row in np.eye(n)]).reshape(n, n)
        return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[0]) if n else 0.0
    start = [np.eye(1, n, int(k)).ravel() for k in np.argsort(diagonal)[:3]]
    start.append(np.random.default_rng(1).uniform(-1, 1, n) / np.maximum(np.abs(diagonal), 0.1))

    def precondition(x: np.ndarray, value: float, *_: Any) -> np.ndarray:
        shifted = diagonal - value
        shifted[np.abs(shifted) < 1e-3] = 1e-3
        return x / shifted

    found = lib.davidson1(
        lambda xs: [product(np.asarray(x)) for x in xs],
        start,
        precondition,
        tol=1e-6,
        nroots=1,
        max_cycle=60,
        verbose=0,
    )
    return float(found[1][0])


def measure(molecule: Molecule, xc: str | None, basis: str, fitted: bool, resources: Resources) -> dict[str, Any]:
    """One row of the table."""
    from qmbench_pyscf.convergence import converge
    from qmbench_pyscf.functionals import functional
    from qmbench_pyscf.mean_field_object import mean_field
    from qmbench_pyscf.specification import ScfSpecification
    from qmbench_pyscf.stability import threshold, verdicts

    found = functional(xc) if xc else None
    spec = ScfSpecification(basis, found.xc if found else None, density_fitting=fitted)
    t0 = time.process_time()
    mf = mean_field(molecule, spec, resources)
    converge(mf, mf.get_init_guess(mf.mol, "minao"), molecule.name)
    t1 = time.process_time()
    new = verdicts(mf)
    t2 = time.process_time()
    old = full_eigenvalues(mf)
    t3 = time.process_time()
    return {
        "basis_functions": int(mf.mol.nao),
        "old": old,
        "old_stable": [value >= threshold(mf) for value in old],
        "new": [verdict.eigenvalue for verdict in new],
        "new_stable": [verdict.stable for verdict in new],
        "how": [verdict.how for verdict in new],
        "scf_s": t1 - t0,
        "new_s": t2 - t1,
        "old_s": t3 - t2,
    }


def agree(row: dict[str, Any]) -> bool:
    """Whether the verdicts are the same; where spin-kept rotations are unstable, the rest isn't asked."""
    return all(a == b for a, b in zip(row["old_stable"], row["new_stable"], strict=False))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="*", default=[], help="parts of names; without, all")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    from qmbench_pyscf import pyscf_session

    rows = []
    print(
        f"{'system':34} {'level':18} {'n':>4} {'full':>20} {'cheap':>20} {'verdict':10} "
        f"{'SCF s':>7} {'full':>6} {'cheap':>6}"
    )
    resources = Resources(cores=1)
    with pyscf_session(resources):
        for group, molecule, xc, basis, fitted in cases():
            name = f"{group}: {molecule.name}"
            level = f"{xc or 'hf'}/{basis}{' fitted' if fitted else ''}"
            if given.cases and not any(part in f"{name} {level}" for part in given.cases):
                continue
            try:
                row = measure(molecule, xc, basis, fitted, resources)
            except NotConverged:
                print(f"{name:34} {level:18} not converged")
                continue
            rows.append({"system": name, "level": level, **row})
            shown = ["/".join(f"{value:+.4f}" for value in row[key]) for key in ("old", "new")]
            sign = "/".join("stable" if s else "saddle" for s in row["new_stable"]) + ("" if agree(row) else " WRONG")
            doubt = "*" if "full Hessian" in row["how"] else ""
            print(
                f"{name:34} {level:18} {row['basis_functions']:4} {shown[0]:>20} {shown[1]:>20} {sign + doubt:10} "
                f"{row['scf_s']:7.2f} {row['old_s'] / row['scf_s']:6.2f} {row['new_s'] / row['scf_s']:6.2f}",
                flush=True,
            )
    wrong = [row for row in rows if not agree(row)]
    for text, chosen in (("all", rows), ("SCF of 0.5 s and more", [r for r in rows if r["scf_s"] > 0.5])):
        for key in ("old_s", "new_s") if chosen else ():
            ratios = [row[key] / row["scf_s"] for row in chosen]
            total = sum(row[key] for row in chosen) / sum(row["scf_s"] for row in chosen)
            above = sum(ratio > ALLOWED for ratio in ratios)
            print(
                f"{text}, {'full' if key == 'old_s' else 'cheap'}: {len(ratios)} solutions, median ratio "
                f"{statistics.median(ratios):.2f}, of sums {total:.2f}, above {ALLOWED}: {above}"
            )
    errors = [
        abs(a - b)
        for row in rows
        for a, b, how in zip(row["old"], row["new"], row["how"], strict=False)
        if "full" not in how
    ]
    print(f"eigenvalues differ by at most {max(errors, default=0.0):.4f} hartree")
    print(f"{len(wrong)} of {len(rows)} verdicts differ")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
