"""How long things take, one thread: `python plugins/edft/benchmarks/speed.py`. Prints figure, limit, verdict.

Each time is the best of three, after one run that fills caches.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import sys
import time
from collections.abc import Callable

from qmbench import NotConverged, Resources, Unsupported, parse_level, read_system
from qmbench_edft.ensemble import bi_ensemble, ground_ensemble
from qmbench_edft.functionals import Functional
from qmbench_edft.perimetric import solve_state
from qmbench_edft.scf import solve
from qmbench_edft.states import state


def best(run: Callable[[], object], times: int = 3) -> float:
    run()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def levels() -> list[str]:
    """Every functional with every extraction it has, one level each."""
    found = []
    for functional in ("lda", "qlda", "eexx", "gic", "sehx", "elda"):
        for extraction in ("gap", "slope", "lim"):
            for ensemble in ("bi", "gok1", "gok2"):
                if functional != "elda" or ensemble == "bi":
                    found.append(f"edft?functional={functional}&extraction={extraction}&ensemble={ensemble}")
        if functional != "elda":
            found += [f"edft?functional={functional}&extraction=ladder&ensemble={e}" for e in ("gok1", "gok2")]
        if functional != "qlda":
            found.append(f"edft?functional={functional}&extraction=delta_scf")
        found += [f"edft?functional={functional}&extraction=dec&ground_state={g}" for g in ("exx", "exact")]
    return found


def everything() -> tuple[float, int]:
    """Seconds and tasks for all levels on helium, Li+ and Be2+."""
    systems = [read_system(f"helium_excitations:{name}") for name in ("he", "li+", "be2+")]
    start, tasks = time.perf_counter(), 0
    for text in levels():
        level = parse_level(text)
        for system in systems:
            tasks += 1
            begun = time.perf_counter()
            try:
                level.make().compute(system, frozenset({"excitation_energies"}), Resources())
                note = ""
            except (Unsupported, NotConverged) as reason:
                note = f"{type(reason).__name__}: {reason}"
            if "-v" in sys.argv:
                print(f"  {time.perf_counter() - begun:6.2f} s  {text}  {system.name}  {note}", flush=True)
    return time.perf_counter() - start, tasks


def main() -> None:
    triplet = bi_ensemble(state("2 3S"), 0.5)
    figures = [
        ("LDA ground state", best(lambda: solve(Functional("lda", "pw92"), ground_ensemble(), 2.0)), 0.05),
        ("LDA ensemble point, 1 1S + 2 3S", best(lambda: solve(Functional("lda", "pw92"), triplet, 2.0)), 0.05),
        ("OEP point, SEHX, 1 1S + 2 3S", best(lambda: solve(Functional("sehx"), triplet, 2.0)), 0.3),
        ("OEP point, ghosts in, 1 1S + 2 3S, weight 1",
         best(lambda: solve(Functional("eexx"), bi_ensemble(state("2 3S"), 1.0), 2.0)), 0.3),
        ("exact 1 1S, degree 14 (3e-9 hartree)", best(lambda: solve_state(2.0, state("1 1S"), 14)), 5.0),
        ("exact 2 1S, degree 18 (3e-8 hartree)", best(lambda: solve_state(2.0, state("2 1S"), 18)), 5.0),
        ("exact 2 1P, degree 14 (3e-9 hartree)", best(lambda: solve_state(2.0, state("2 1P"), 14)), 5.0),
    ]
    for what, seconds, limit in figures:
        print(f"{what:52s} {1000 * seconds:9.1f} ms  (limit {1000 * limit:7.0f} ms)  {'ok' if seconds < limit else 'SLOW'}")
    seconds, tasks = everything()
    print(f"{'whole benchmark, ' + str(tasks) + ' tasks, one core':52s} {seconds:9.1f} s   (limit 60 s on two cores)")


if __name__ == "__main__":
    main()
