"""How long `qmbench report` of a whole suite takes: `python tools/speed/report.py [SUITE] [--format html]… [--json]`.

The suite (default `core`) is planned as it would be run; every task gets a made-up record through the public store,
near the reference values where a single task has one, and the command is then timed as a user starts it. Asked: under
10 s for `core`. The first report on a machine also reads everything from disk; it is timed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from qmbench.data.suite import find_suite
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Record
from qmbench.plugging.registry import plugins
from qmbench.running.plan import Plan, make_plan
from qmbench.running.run_document import Run
from qmbench.running.store import Store


def made_up(plan: Plan) -> list[Record]:
    """One record per task and property: the system decides the size of the number, the level its error."""
    registry = plugins().properties
    states = sorted({e.state for b in plan.benchmarks.values() for e in b.entries if e.state})
    out = []
    for task in plan.tasks:
        level, name = str(task.level), task.system.name
        size = zlib.crc32(name.encode()) / 2**32
        error = np.random.default_rng([zlib.crc32(level.encode()), zlib.crc32(name.encode())]).normal(0.0, 0.01)
        for prop, key in task.keys.items():
            about = registry[prop]
            number = -1.0 - size + error if "energy" in prop and prop != "excitation_energies" else 1.0 + size + error
            value: Any = number
            if about.shape == "states":
                value = {state: number + 0.01 * i for i, state in enumerate(states)}
            elif isinstance(about.shape, tuple) and about.shape:
                value = np.full(about.shape, 0.01) + number * np.eye(3) if about.shape == (3, 3) else np.zeros(3)
            provenance = {
                "versions": dict(task.level.identity["versions"]),
                "options": {"basis": level},
                "settings": {"basis_functions": 100 + len(out) % 50, "s2": 0.0},
                "warnings": [],
            }
            unit = about.unit_for(getattr(task.system, "kind", "molecule"))
            cost = Cost(1.0 + size, 2.0, 150.0, 1)
            quantity = Quantity(value, unit)
            out.append(Record(key, level, name, task.system.hash, prop, "ok", quantity, None, provenance, cost))
    return out


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """(wall, processor) seconds of a command that must succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(suite: str, formats: list[str]) -> dict[str, Any]:
    """Seconds and sizes of the report of a made-up run of `suite`."""
    plan = make_plan(find_suite(suite))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store(folder / "store.sqlite") as store:
            store.put(made_up(plan))
            store.save_run(Run.of(plan, "made-up", "2026-01-01T00:00:00+00:00").to_json())
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        command = [
            sys.executable,
            "-c",
            "from qmbench.cli import main; main()",
            "report",
            "--store",
            str(folder / "store.sqlite"),
        ]
        command += ["--report", str(folder / "report"), *(part for f in formats for part in ("--format", f))]
        first = timed(command, environment)
        later = timed(command, environment)
        size = sum(path.stat().st_size for path in (folder / "report").rglob("*") if path.is_file())
    return {
        "suite": suite,
        "formats": formats,
        "tasks": len(plan.tasks),
        "results": len(plan.entries),
        "levels": len(plan.levels),
        "first_wall_s": first[0],
        "first_cpu_s": first[1],
        "wall_s": later[0],
        "cpu_s": later[1],
        "size_bytes": size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("suite", nargs="?", default="core")
    parser.add_argument("--format", action="append", dest="formats", default=None)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.suite, given.formats or ["html"])
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:14s} {value:.2f}" if isinstance(value, float) else f"{name:14s} {value}")


if __name__ == "__main__":
    main()
