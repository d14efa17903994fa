"""A driver for tests that kill it: `driver.py STORE SCRATCH WORKERS N SECONDS COUNTER [EXTRA_LEVEL…]`."""

import sys
from pathlib import Path

from qmbench.domain.errors import Interrupted, QmbenchError
from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.domain.systems import Molecule
from qmbench.plugging.registry import parse_level
from qmbench.running.engine.local import LocalEngine
from qmbench.running.loop import run_tasks
from qmbench.running.progress import shown
from qmbench.running.store import Store

path, scratch, workers, n, seconds, counter, *extra = sys.argv[1:]
helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="he")
levels = [*extra, *(f"sabotage?do=count&n={i}&seconds={seconds}&file={counter}" for i in range(int(n)))]
tasks = [Task(helium, parse_level(level), ("energy",)) for level in levels]
try:
    with Store.open(path) as store, LocalEngine(int(workers), Resources(scratch=Path(scratch))) as engine:
        with shown() as progress:
            summary = run_tasks(tasks, store, engine, progress)
        print(summary.computed, len(summary.cached), summary.failed)
except (QmbenchError, Interrupted) as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(3)
