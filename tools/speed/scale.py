"""Many entries, levels and tasks: `python tools/speed/scale.py [PART]… [--json]`, a part being one of

- plan: `qmbench run suite --dry-run` of 8,000 entries × 5 levels, nothing in the store, no caches;
- stored: 20,000 entries × 5 levels, all in the store: `--dry-run`, and the whole of `run suite` with its report;
- report: `qmbench report` of 100 levels × 1,000 entries;
- memory: how much the driver grows from task 1,000 to task 10,000;
- dask: 10,000 tasks that do nothing, by the Dask engine and by the local one, on as many processes.

Commands are run as a user starts them; processor seconds are theirs and their children's. `--fraction 0.1` makes
everything smaller by that factor. The systems are frames of one file, as those of shipped benchmarks with many systems
are; with `--files` each is a file of its own. The method is `overhead.py`'s, which gives minus the number of electrons.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
from overhead import install

COMMAND = [sys.executable, "-c", "from qmbench.cli import main; main()"]


ONE_FILE = True


def pairs_of_atoms() -> Iterator[tuple[str, str, int, int]]:
    """Elements, charge and multiplicity of diatomic molecules, no two the same: 22,000 of them."""
    from qmbench import ATOMIC_NUMBERS

    elements = [symbol for symbol, number in ATOMIC_NUMBERS.items() if 2 <= number <= 87]
    for charge in (0, 1, -1, 2, 3, -2):
        for a, b in combinations_with_replacement(elements, 2):
            electrons = ATOMIC_NUMBERS[a] + ATOMIC_NUMBERS[b] - charge
            yield a, b, charge, 1 + electrons % 2


def make_benchmark(folder: Path, entries: int) -> Path:
    """A benchmark of `entries` total energies of diatomic molecules, and a reference for each."""
    root = folder / "many"
    (root / "systems").mkdir(parents=True)
    (root / "benchmark.toml").write_text(
        'id = "many"\nversion = "1.0.0"\ntitle = "Many"\nobservable = "total_energy"\nunit = "hartree"\n'
        'sign = "as it is"\nbsse = ["none"]\nlicence = "Apache-2.0"\ndefault_reference_set = "made"\n'
        'citations = [{ doi = "10.1000/made", text = "made up" }]\n[reference_sets.made]\ntitle = "made up"\n'
    )
    frames = []
    rows, references = ["id,stoichiometry"], ["entry,set,value,unit,level_of_theory,source_doi,source_place,status"]
    molecules = pairs_of_atoms()
    for i in range(entries):
        a, b, charge, multiplicity = next(molecules)
        distance = 3.0 + i / entries
        state = f"charge={charge} multiplicity={multiplicity}"
        atoms = f"{a} 0 0 0\n{b} 0 0 {distance:.6f}\n"
        if ONE_FILE:
            frames.append(f"2\nname=m{i} {state}\n{atoms}")
        else:
            (root / "systems" / f"m{i}.xyz").write_text(f"2\n{state}\n{atoms}")
        rows.append(f"e{i},m{i}:1")
        references.append(f"e{i},made,{-4.0 + 0.01 * distance},hartree,exact,10.1000/made,nowhere,current")
    if ONE_FILE:
        (root / "systems.xyz").write_text("".join(frames))
    (root / "entries.csv").write_text("\n".join(rows) + "\n")
    (root / "references.csv").write_text("\n".join(references) + "\n")
    return root


def make_suite(folder: Path, levels: int) -> Path:
    """A suite of `levels` levels on that benchmark."""
    path = folder / "many.toml"
    text = ["id = 'many'", "title = 'Many'", "benchmarks = ['./many']"]
    text += [f"[[levels]]\nlevel = 'trivial?n={i}'" for i in range(1, levels + 1)]
    path.write_text("\n".join(text) + "\n")
    return path


def fill(suite: Path, store: Path, run: bool = False) -> int:
    """Made-up records of all tasks of a suite, and its run's document if asked; the number of tasks."""
    from qmbench.data.suite import find_suite
    from qmbench.domain.quantity import Quantity
    from qmbench.domain.record import Cost, Record
    from qmbench.running.plan import make_plan
    from qmbench.running.run_document import Run
    from qmbench.running.store import Store

    plan = make_plan(find_suite(str(suite)))
    rng = np.random.default_rng(4)
    shifts = {str(level): rng.normal(0.0, 0.02) for level in plan.levels}
    records = []
    for task in plan.tasks:
        level, ((prop, key),) = str(task.level), task.keys.items()
        value = Quantity(-4.0 + shifts[level] + rng.normal(0.0, 0.01), "hartree")
        about = {"versions": dict(task.level.versions), "options": {}, "settings": {}, "warnings": []}
        cost = Cost(0.1, 0.1, 100.0, 1)
        records.append(Record(key, level, task.system.name, task.system.hash, prop, "ok", value, None, about, cost))
    with Store(store) as opened:
        for first in range(0, len(records), 10_000):
            opened.put(records[first : first + 10_000])
        if run:
            opened.save_run(Run.of(plan, "made-up", "2026-01-01T00:00:00+00:00").to_json())
    return len(records)


def command(*arguments: object) -> dict[str, float]:
    """Seconds (wall, processor) and peak memory of one qmbench command that must succeed."""
    start = time.perf_counter()
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"qmbench {' '.join(map(str, arguments))} ended with {process.returncode}")
    return {
        "wall_s": time.perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
    }


def plan(folder: Path, fraction: float) -> dict[str, Any]:
    """A dry run from cold."""
    make_benchmark(folder, int(8000 * fraction))
    suite = make_suite(folder, 5)
    return {"dry_run": command("run", "suite", suite, "--dry-run", "--store", folder / "none.sqlite")}


def stored(folder: Path, fraction: float) -> dict[str, Any]:
    """Everything is there already."""
    make_benchmark(folder, int(20_000 * fraction))
    suite, store = make_suite(folder, 5), folder / "store.sqlite"
    found: dict[str, Any] = {"tasks": fill(suite, store)}
    found["dry_run"] = command("run", "suite", suite, "--dry-run", "--store", store)
    found["run"] = command("run", "suite", suite, "--store", store, "--report", folder / "report")
    return found


def report(folder: Path, fraction: float) -> dict[str, Any]:
    """Many levels."""
    make_benchmark(folder, int(1000 * fraction))
    suite, store = make_suite(folder, 100), folder / "store.sqlite"
    found: dict[str, Any] = {"tasks": fill(suite, store, run=True)}
    found["report"] = command("report", "--store", store, "--report", folder / "report")
    return found


def _tasks(count: int) -> list[Any]:
    from qmbench.domain.record import Task
    from qmbench.domain.systems import Molecule
    from qmbench.plugging.registry import parse_level

    level = parse_level("trivial")
    dimers = (Molecule(("He", "He"), ((0.0, 0.0, 0.0), (0.0, 0.0, 5.0 + i / count)), 0, 1) for i in range(count))
    return [Task(dimer, level, ("energy",)) for dimer in dimers]


def _through(engine: Any, count: int, store: Path, progress: Any = None) -> float:
    from qmbench.running.loop import run_tasks
    from qmbench.running.store import Store

    with Store(store) as opened:
        start = time.perf_counter()
        summary = run_tasks(_tasks(count), opened, engine, progress)
        assert not summary.failed
        return time.perf_counter() - start


def memory(folder: Path, fraction: float) -> dict[str, Any]:
    """The driver's resident memory as tasks end."""
    import psutil

    from qmbench.domain.resources import Resources
    from qmbench.running.engine.local import LocalEngine

    process, count = psutil.Process(), int(10_000 * fraction)
    sizes: dict[int, float] = {}

    def look(progress: Any) -> None:
        if progress.done in (count // 10, count // 2, count):
            sizes[progress.done] = process.memory_info().rss / 2**20

    with LocalEngine(2, Resources(scratch=folder)) as engine:
        _through(engine, count, folder / "store.sqlite", look)
    first, *_, last = sizes.values()
    return {"resident_mib": sizes, "growth_mib": last - first, "ratio": last / first}


def dask(folder: Path, fraction: float) -> dict[str, Any]:
    """Both engines, one after the other, warm."""
    from qmbench.domain.resources import Resources
    from qmbench.running.engine.dask import DaskEngine
    from qmbench.running.engine.local import LocalEngine

    count = int(10_000 * fraction)
    with LocalEngine(2, Resources(scratch=folder)) as engine:
        _through(engine, 2, folder / "warm.sqlite")
        local = _through(engine, count, folder / "local.sqlite")
    with DaskEngine(None, 2, Resources()) as cluster:
        _through(cluster, 2, folder / "warm_too.sqlite")
        there = _through(cluster, count, folder / "dask.sqlite")
    return {"tasks": count, "local_s": local, "dask_s": there, "ratio": there / local}


PARTS: dict[str, Callable[[Path, float], dict[str, Any]]] = {
    "plan": plan,
    "stored": stored,
    "report": report,
    "memory": memory,
    "dask": dask,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--fraction", type=float, default=1.0)
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    global ONE_FILE
    ONE_FILE = not given.files
    found = {}
    with tempfile.TemporaryDirectory() as place:
        plugin = Path(place) / "plugin"
        plugin.mkdir()
        install(plugin)
        os.environ["XDG_CACHE_HOME"] = f"{place}/cache"
        for part in given.parts:
            folder = Path(place) / part
            folder.mkdir()
            found[part] = PARTS[part](folder, given.fraction)
            if not given.json:
                for name, value in found[part].items():
                    shown = value if isinstance(value, dict) else {"": value}
                    text = ", ".join(f"{key} {number:.2f}".strip() for key, number in shown.items())
                    print(f"{part:8s} {name:12s} {text}", flush=True)
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
