"""How long things take, one thread: `python plugins/edft/benchmarks/speed.py`. Prints figure, limit, verdict.

Seconds of CPU on one thread, which other work on the machine does not lengthen; the best of three, after one run that
fills caches.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

from qmbench import Molecule, NotConverged, Resources, Unsupported, parse_level  # noqa: E402
from qmbench_edft.ensemble import bi_ensemble, ground_ensemble  # noqa: E402
from qmbench_edft.functionals import Functional  # noqa: E402
from qmbench_edft.multiplets import multiplet  # noqa: E402
from qmbench_edft.perimetric import solve_state  # noqa: E402
from qmbench_edft.scf import solve  # noqa: E402


def best(run: Callable[[], object], times: int = 3) -> float:
    run()
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
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
    origin = ((0.0, 0.0, 0.0),)
    systems = [Molecule((symbol,), origin, charge, 1, name=symbol) for charge, symbol in enumerate(("He", "Li", "Be"))]
    start, tasks = time.process_time(), 0
    for text in levels():
        level = parse_level(text)
        for system in systems:
            tasks += 1
            begun = time.process_time()
            try:
                level.make().compute(system, frozenset({"excitation_energies"}), Resources())
                note = ""
            except (Unsupported, NotConverged) as reason:
                note = f"{type(reason).__name__}: {reason}"
            if "-v" in sys.argv:
                print(f"  {time.process_time() - begun:6.2f} s  {text}  {system.name}  {note}", flush=True)
    return time.process_time() - start, tasks


def main() -> None:
    triplet = bi_ensemble(multiplet("2 3S"), 0.5)
    figures = [
        ("LDA ground state", best(lambda: solve(Functional("lda", "pw92"), ground_ensemble(), 2.0)), 0.05),
        ("LDA ensemble point, 1 1S + 2 3S", best(lambda: solve(Functional("lda", "pw92"), triplet, 2.0)), 0.05),
        ("OEP point, SEHX, 1 1S + 2 3S", best(lambda: solve(Functional("sehx"), triplet, 2.0)), 0.3),
        (
            "OEP point, ghosts in, 1 1S + 2 3S, weight 1",
            best(lambda: solve(Functional("eexx"), bi_ensemble(multiplet("2 3S"), 1.0), 2.0)),
            0.3,
        ),
        ("exact 1 1S, degree 14 (3e-9 hartree)", best(lambda: solve_state(2.0, multiplet("1 1S"), 14)), 5.0),
        ("exact 2 1S, degree 18 (3e-8 hartree)", best(lambda: solve_state(2.0, multiplet("2 1S"), 18)), 5.0),
        ("exact 2 1P, degree 14 (3e-9 hartree)", best(lambda: solve_state(2.0, multiplet("2 1P"), 14)), 5.0),
    ]
    for what, seconds, limit in figures:
        verdict = "ok" if seconds < limit else "SLOW"
        print(f"{what:52s} {1000 * seconds:9.1f} ms  (limit {1000 * limit:7.0f} ms)  {verdict}")
    seconds, tasks = everything()
    what = f"whole benchmark, {tasks} tasks"
    print(f"{what:52s} {seconds:9.1f} s   (limit 120 s, which are 60 s of two cores)")


if __name__ == "__main__":
    main()
