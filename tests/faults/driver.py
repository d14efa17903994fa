"""A driver for tests that kill it: `driver.py STORE SCRATCH WORKERS N SECONDS COUNTER [EXTRA_LEVEL…]`."""

import sys
from pathlib import Path

from qmbench.engine.local import LocalEngine
from qmbench.errors import QmbenchError
from qmbench.method import Resources
from qmbench.plugins import parse_level
from qmbench.progress import shown
from qmbench.record import Task
from qmbench.run import run_tasks
from qmbench.store import Store
from qmbench.system import Molecule

path, scratch, workers, n, seconds, counter, *extra = sys.argv[1:]
helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="he")
levels = [*extra, *(f"sabotage?do=count&n={i}&seconds={seconds}&file={counter}" for i in range(int(n)))]
tasks = [Task(helium, parse_level(level), ("energy",)) for level in levels]
try:
    with Store.open(path) as store, LocalEngine(int(workers), Resources(scratch=Path(scratch))) as engine:
        with shown() as progress:
            summary = run_tasks(tasks, store, engine, progress)
        print(summary.computed, len(summary.cached), summary.failed)
except QmbenchError as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(3)
