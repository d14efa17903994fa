"""The numbers of docs/explanation/helium-ensembles.md, and helium's weight curves.

python plugins/edft/scripts/ensemble_tables.py PAGE          rewrite the tables between the page's markers
python plugins/edft/scripts/ensemble_tables.py --check PAGE  say which tables differ, exit 1 if any does
python plugins/edft/scripts/ensemble_tables.py --curves FILE.csv   E(w), gaps and derivatives over the weight
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from qmbench import NotConverged, Unsupported
from qmbench_edft import extraction as ex
from qmbench_edft.ensemble import bi_ensemble, ground_ensemble
from qmbench_edft.functionals import Functional
from qmbench_edft.grid import default_grid
from qmbench_edft.inversion import exact_ensemble, exact_ground_state, xc_weight_derivative
from qmbench_edft.multiplets import GROUND, Multiplet, multiplet
from qmbench_edft.perimetric import ExactState, solve_state
from qmbench_edft.scf import solve

Z = 2.0
STATES = [multiplet(name) for name in ("2 3S", "2 1S", "2 3P", "2 1P")]
FUNCTIONALS = {
    "lda": ("pw92", "LDA (PW92)"),
    "qlda": ("own", "quasi-LDA"),
    "eexx": ("none", "Hartree + exact exchange, ghosts in"),
    "gic": ("none", "ghost-corrected (GIC)"),
    "sehx": ("none", "symmetry eigenstates (SEHX)"),
    "elda": ("own", "weight-dependent LDA"),
}


def approximation(name: str, **choices) -> ex.Approximation:
    return ex.Approximation(name, FUNCTIONALS[name][0], **choices)


def exact_excitations(found: dict[Multiplet, ExactState]) -> dict[Multiplet, float]:
    return {s: found[s].energy - found[GROUND].energy for s in STATES}


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def attempt(compute, exact: float) -> str:
    try:
        return f"{1000 * (compute() - exact):+.1f}"
    except Unsupported:
        return "unbound"
    except NotConverged:
        return "not converged"


def rungs(exact: dict[Multiplet, float], weight: float) -> str:
    """Errors in mhartree of gap plus derivative in bi-ensembles."""
    rows = []
    for name, (_, title) in FUNCTIONALS.items():
        a = approximation(name, weight=weight)
        rows.append([title, *(attempt(lambda a=a, s=s: ex.gap(a, Z, s)[0].value, exact[s]) for s in STATES)])
    return table(["functional", *map(str, STATES)], rows)


def extractions(exact: dict[Multiplet, float]) -> str:
    """Errors in mhartree of every extraction."""
    grid = default_grid(Z, 3)
    potentials = {
        "exact": exact_ground_state(Z, grid=grid).potential,
        "EXX": solve(Functional("sehx"), ground_ensemble(), Z, grid=grid).potential,
    }
    rows = []
    for name in ("lda", "gic", "sehx"):
        title = FUNCTIONALS[name][1]
        for label, make in {
            "LIM, weight 1": lambda s, name=name: ex.lim(approximation(name, weight=1.0), Z, s).value,
            "ladder, GOK I, weight 0.5": lambda s, name=name: (
                ex.ladder(approximation(name, ensemble="gok1"), Z, s)[s].value
            ),
            "ladder, GOK II, weight 0.5": lambda s, name=name: (
                ex.ladder(approximation(name, ensemble="gok2"), Z, s)[s].value
            ),
            "ΔSCF": lambda s, name=name: ex.delta_scf(approximation(name), Z, s).value,
        }.items():
            rows.append([f"{title}: {label}", *(attempt(lambda m=make, s=s: m(s), exact[s]) for s in STATES)])
    for what, v in potentials.items():
        for name, title in (("lda", "bare gap"), ("gic", "DEC, GIC"), ("sehx", "DEC, SEHX")):
            f = Functional(name)
            rows.append(
                [
                    f"{title} on the {what} potential",
                    *(attempt(lambda f=f, v=v, s=s, w=what: ex.dec(f, s, v, grid, w).value, exact[s]) for s in STATES),
                ]
            )
    return table(["extraction", *map(str, STATES)], rows)


def exact_theory(found: dict[Multiplet, ExactState]) -> str:
    """The exact bi-ensemble of 1 1S and 2 3S over the weight."""
    target = STATES[0]
    rows = []
    for weight in (0.2, 0.4, 0.6, 0.8):
        derivative, e = xc_weight_derivative(Z, found, target, weight)
        gap = float(e.orbital_energies[1] - e.orbital_energies[0])
        rows.append(
            [
                f"{weight:.1f}",
                f"{weight / 4:.2f}",
                f"{gap:.5f}",
                f"{derivative:.5f}",
                f"{gap + derivative:.5f}",
                f"{e.energy:.6f}",
                f"{e.ts:.5f}",
                f"{e.xc_energy:.5f}",
            ]
        )
    return table(["weight", "w per state", "gap", "derivative", "sum", "E(w)", "T_s", "E_xc"], rows)


def components() -> str:
    g = exact_ground_state(Z)
    parts = {
        "T_s": g.ts,
        "U": g.hartree,
        "E_x": g.exchange_energy,
        "E_c": g.correlation_energy,
        "ε_1s": float(g.orbital_energies[0]),
    }
    rows = [[name, f"{value:.6f}"] for name, value in parts.items()]
    # the gaps' sixth digit depends on where the inverted potential is joined to its asymptote
    rows += [[f"gap 1s→{n}{'sp'[l]}", f"{g.ks_gap(n, l):.5f}"] for n in (2, 3) for l in (0, 1)]
    return table(["exact ground state", "hartree"], rows)


def tables() -> dict[str, str]:
    """Marker → table."""
    found = {s: solve_state(Z, s) for s in (GROUND, *STATES)}
    exact = exact_excitations(found)
    first = table(["", *map(str, STATES)], [["exact, hartree", *(f"{exact[s]:.6f}" for s in STATES)]])
    return {
        "exact": first,
        "components": components(),
        "exact-ensemble": exact_theory(found),
        "rungs-0.25": rungs(exact, 0.25),
        "rungs-1": rungs(exact, 1.0),
        "extractions": extractions(exact),
    }


def replace(page: str, name: str, text: str) -> str:
    start, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"the page has no markers {start} … {end}")
    return f"{before}{start}\n{text}\n{end}{after}"


def curves(path: Path) -> None:
    """One row per functional, state and weight; `exact`: the exact ensembles, derivative = excitation − gap."""
    found = {s: solve_state(Z, s) for s in (GROUND, *STATES)}
    weights = [0.02, 0.05, *(round(0.1 * k, 1) for k in range(1, 11))]
    with open(path, "w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(
            ["functional", "state", "weight", "w_per_state", "energy", "ks_gap", "xc_derivative", "excitation", "note"]
        )
        for target in STATES:
            for weight in weights:
                w = weight / (1 + target.degeneracy)
                e = exact_ensemble(bi_ensemble(target, weight), Z, found)
                gap = float(e.orbital_energies[1] - e.orbital_energies[0])
                omega = found[target].energy - found[GROUND].energy
                writer.writerow(["exact", target, weight, w, e.energy, gap, omega - gap, omega, ""])
                for name in FUNCTIONALS:
                    try:
                        x, s = ex.gap(approximation(name, weight=weight), Z, target)
                        writer.writerow([name, target, weight, w, s.energy, x.ks_gap, x.xc_derivative, x.value, ""])
                    except (Unsupported, NotConverged) as reason:
                        writer.writerow([name, target, weight, w, "", "", "", "", str(reason)])


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--curves"]:
        curves(Path(arguments[1]))
        return 0
    check = arguments[:1] == ["--check"]
    path = Path(arguments[-1])
    page = old = path.read_text()
    for name, text in tables().items():
        page = replace(page, name, text)
        if check and page != old:
            print(f"the table '{name}' of {path} is not what the code gives")
            return 1
    if not check:
        path.write_text(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
