"""A suite, run cold by qmbench with two workers, against a plain loop over the same calculations.

    python tools/speed/suite.py [SUITE] [--workers N]

The loop is what one would write by hand: for every level and entry, compute every term, one after the other, in
one process, with the same number of threads per calculation; nothing is shared. Both runs are cold. Prints the
two times, their ratio, and the largest difference between the values.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from qmbench.data.suite import find_suite
from qmbench.domain.record import Record, Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.choice import engine_named
from qmbench.running.loop import run_tasks
from qmbench.running.plan import Plan, make_plan
from qmbench.running.store import Store

ALLOWED = 0.75


def by_qmbench(plan: Plan, workers: int, folder: Path) -> tuple[float, dict[str, Record]]:
    """Seconds, and the records by key."""
    start = time.perf_counter()
    with Store.open(folder / "store.sqlite") as store:
        limits = Resources(cores=1, artifacts=store.artifacts_folder)
        with engine_named("local", workers, limits) as engine:
            summary = run_tasks(plan.tasks, store, engine)
    return time.perf_counter() - start, dict(summary.records)


def by_hand(plan: Plan, records: dict[str, Record]) -> tuple[float, float, int]:
    """Seconds of the plain loop, its largest deviation from `records`, and the number of calculations."""
    by_key: dict[str, Task] = {key: task for task in plan.tasks for key in task.keys.values()}
    worst, count = 0.0, 0
    start = time.perf_counter()
    for entry in plan.entries:
        for _, key in entry.terms:
            task = by_key[key]
            count += 1
            with tempfile.TemporaryDirectory() as private:
                resources = Resources(cores=1, artifacts=Path(private))
                try:
                    result = task.level.make().compute(task.system, frozenset(task.properties), resources)
                except Exception as error:
                    print(f"  {task.level} {task.system.name}: {error}")
                    continue
            quantity = records[key].quantity
            if quantity and isinstance(quantity.value, float) and not task.level.method.stochastic:
                worst = max(worst, abs(float(result.properties[task.properties[0]].value) - quantity.value))
    return time.perf_counter() - start, worst, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", default="starter")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    plan = make_plan(find_suite(arguments.suite))
    with tempfile.TemporaryDirectory() as folder:
        ours, records = by_qmbench(plan, arguments.workers, Path(folder))
    print(f"qmbench: {len(plan.tasks)} distinct tasks on {arguments.workers} workers in {ours:.1f} s")
    loop, worst, count = by_hand(plan, records)
    print(f"plain loop: {count} calculations in {loop:.1f} s")
    print(f"ratio {ours / loop:.2f} (allowed {ALLOWED}); largest deviation of an energy {worst:.1e}")
    linear = sum(
        b.observable_of(b.entry(p.entry)).how in ("linear", "value")
        for p in plan.entries
        for b in [plan.benchmarks[p.benchmark]]
    )
    print(f"{len(plan.entries)} entries, {linear} of them combinations of energies")


if __name__ == "__main__":
    main()
