"""What the adapter costs, and S66: `python tools/speed/xtb.py`. Prints figures, limits, verdicts.

One thread. The overhead is the difference between a task and the same calculation by the library called by hand: within
a process, and through all that a run has (planning apart: look-up, hashing, a warm supervised child, one transaction
per task). S66 is run as a user does, with two tasks side by side.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from typing import Any  # noqa: E402

from qmbench import LocalEngine, Molecule, Resources, Suite, Task, parse_level, run, run_task  # noqa: E402

OVERHEAD_MS, S66_SECONDS = 20.0, 30.0


def waters(n: int) -> list[Molecule]:
    """n water molecules, each a little longer than the one before, so that none is computed twice."""
    return [
        Molecule(("O", "H", "H"), ((0.0, 0.0, 0.0), (0.0, 1.4 + 1e-4 * i, 1.1), (0.0, -1.4, 1.1)), 0, 1, name=f"w{i}")
        for i in range(n)
    ]


def by_hand(molecule: Molecule) -> float:
    from tblite.interface import Calculator

    calculator = Calculator("GFN2-xTB", molecule.atomic_numbers, molecule.coordinates)
    calculator.set("verbosity", 0)
    return float(calculator.singlepoint().get("energy"))


def milliseconds(call: Callable[[Any], object], each: list[Any]) -> float:
    """Median over `each`, after one call that warms up."""
    call(each[0])
    found = []
    for one in each:
        start = time.perf_counter()
        call(one)
        found.append(1e3 * (time.perf_counter() - start))
    return median(found)


def verdict(figure: float, limit: float) -> str:
    return "met" if figure < limit else "MISSED"


def main() -> None:
    level = parse_level("gfn2-xtb")
    method, molecules = level.make(), waters(200)
    hand = milliseconds(by_hand, molecules)
    inside = milliseconds(lambda m: method.run(m, ("energy",), Resources()), molecules)
    here = milliseconds(lambda m: run_task(Task(m, level, ("energy",)), Resources()), molecules)
    print(f"water, library by hand                     {hand:8.2f} ms")
    print(f"water, method.run                          {inside:8.2f} ms, {inside - hand:6.2f} more")
    print(f"water, a task in this process              {here:8.2f} ms, {here - hand:6.2f} more")
    with tempfile.TemporaryDirectory() as folder:
        through = warm_child(Path(folder), molecules)
        more = through - hand
        print(f"water, a task in a warm child, recorded    {through:8.2f} ms, {more:6.2f} more", end="")
        print(f" (asked: < {OVERHEAD_MS:g})  {verdict(more, OVERHEAD_MS)}")
        start = time.perf_counter()
        suite = Suite.of("s66", "gfn2-xtb")
        done = run(suite, store=Path(folder) / "s66.sqlite", workers=2, cores=1, progress=False)
        seconds = time.perf_counter() - start
    table = done.statistics
    row = table[table["level_of_theory"] == "gfn2-xtb"].iloc[0]
    print(f"S66, gfn2-xtb, two tasks side by side      {seconds:8.1f} s (asked: < {S66_SECONDS:g})", end="")
    print(f"  {verdict(seconds, S66_SECONDS)}")
    error, complexes = row["mean_absolute_error"], row["n_scored"]
    print(f"S66, gfn2-xtb: mean absolute error {error:.3f} kcal/mol of {complexes} complexes")


def warm_child(folder: Path, molecules: list[Molecule]) -> float:
    """Milliseconds per task, mean: one child, warmed with the first molecule."""
    from qmbench.running.loop import run_tasks
    from qmbench.running.store import Store

    tasks = [Task(molecule, parse_level("gfn2-xtb"), ("energy",)) for molecule in molecules]
    with Store(folder / "store.sqlite") as store, LocalEngine(1, Resources(scratch=folder)) as engine:
        run_tasks(tasks[:1], store, engine)
        start = time.perf_counter()
        assert run_tasks(tasks[1:], store, engine).computed == len(tasks) - 1
        return 1e3 * (time.perf_counter() - start) / (len(tasks) - 1)


if __name__ == "__main__":
    main()
