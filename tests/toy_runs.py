"""Runs of the toy methods on the toy benchmark, in this process; they need the fixtures `toys` and `folder`."""

from __future__ import annotations

from qmbench.data.benchmark import load_benchmark
from qmbench.data.suite import read_suite
from qmbench.domain.record import Cost, Record
from qmbench.domain.resources import Resources
from qmbench.judging.model import Evaluation
from qmbench.running.plan import make_plan
from qmbench.running.run_document import Run


def computed(folder, *levels):
    """(report, stochastic levels) of a run of `levels` on the toy benchmark, computed in this process."""
    lines = ['id = "s"', 'title = "S"', f'benchmarks = ["./{folder.name}"]']
    lines += [f'[[levels]]\nlevel = "{level}"\nbsse = "none"' for level in levels]
    path = folder.parent / "s.toml"
    path.write_text("\n".join(lines) + "\n")
    plan = make_plan(read_suite(path))
    records = {}
    for task in plan.tasks:
        made = task.level.make().compute(task.system, set(task.properties), Resources())
        for prop, key in task.keys.items():
            records[key] = Record(
                key,
                str(task.level),
                task.system.name,
                task.system.hash,
                prop,
                "ok",
                made.properties[prop],
                provenance={"settings": dict(made.settings)},
                cost=Cost(10.0, 10.0, 1.0),
            )
    run = Run.of(plan, "r", "2026-01-01T00:00:00+00:00")
    benchmark = load_benchmark(folder)
    return Evaluation.of(run, records, {benchmark.id: benchmark}), run.stochastic
