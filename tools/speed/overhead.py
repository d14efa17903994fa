"""What the harness adds to a task: `python tools/speed/overhead.py [--tasks N] [--workers N] [--json]`.

A method that does nothing is run N times through everything a real task goes through (look-up, hashing,
dispatch to a warm supervised child, validation, one synchronised transaction per task), and in a plain loop in
this process. The difference per task is the overhead; the aim is a mean below 50 ms. The children are warmed
with as many tasks as there are workers before the clock starts; what that took is shown as the cold start.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

PLUGIN = '''
import qmbench
class Trivial(qmbench.Method):
    """Minus the number of electrons."""
    name = "trivial"
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy"})
    class Options(qmbench.Options):
        n: int = 0
    def compute(self, system, properties, resources):
        return qmbench.Result({"energy": qmbench.Quantity(-float(system.n_electrons), "hartree")})
QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [Trivial]
'''


def measure(folder: Path, n: int, workers: int) -> dict[str, float]:
    """Install the trivial plugin into `folder`, run, and give milliseconds per task."""
    from qmbench.domain.record import Task
    from qmbench.domain.resources import Resources
    from qmbench.domain.systems import Molecule
    from qmbench.plugging.registry import parse_level
    from qmbench.running.engine.local import LocalEngine
    from qmbench.running.loop import run_tasks
    from qmbench.running.store import Store

    water = Molecule(("O", "H", "H"), ((0.0, 0.0, 0.0), (0.0, 1.4, 1.1), (0.0, -1.4, 1.1)), 0, 1, name="water")
    tasks = [Task(water, parse_level(f"trivial?n={i}"), ("energy",)) for i in range(1, n + workers + 1)]
    start = time.perf_counter()
    for task in tasks[workers:]:
        task.level.make().compute(task.system, frozenset(task.properties), Resources())
    plain = time.perf_counter() - start
    with Store(folder / "store.sqlite") as store, LocalEngine(workers, Resources(scratch=folder)) as engine:
        start = time.perf_counter()
        run_tasks(tasks[:workers], store, engine)
        cold = time.perf_counter() - start
        start = time.perf_counter()
        summary = run_tasks(tasks[workers:], store, engine)
        harness = time.perf_counter() - start
        assert summary.computed == n
        assert not summary.failed
        start = time.perf_counter()
        assert run_tasks(tasks, store, engine).computed == 0
        again = time.perf_counter() - start
    return {
        "tasks": n,
        "workers": workers,
        "overhead_ms_per_task": 1e3 * (harness - plain) / n,
        "plain_ms_per_task": 1e3 * plain / n,
        "cold_start_ms": 1e3 * cold,
        "reuse_ms_per_task": 1e3 * again / (n + workers),
    }


def install(folder: Path) -> None:
    """Make the plugin importable and its entry point visible, here and in child processes."""
    (folder / "qmbench_trivial.py").write_text(PLUGIN)
    info = folder / "qmbench_trivial-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: qmbench-trivial\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[qmbench]\ntrivial = qmbench_trivial\n")
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        found = measure(Path(folder), given.tasks, given.workers)
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:22s} {value:10.2f}")


if __name__ == "__main__":
    main()
