"""How good estimates of cost are: `python tools/speed/costs.py SUITE STORE [--other STORE] [--json]`.

STORE holds a run of the suite. Printed are, for tasks of more than a tenth of a second, the fraction whose estimate is
within a factor of two of what was recorded, and the ratio of the sums:

- guess: the methods' own estimates;
- others: learned from the other nine tenths of that run (ten-fold cross-validation), as for a level or a system that
  was never computed;
- again: learned from the whole of the run in --other, of the same suite at another time, as for what is computed
  again;
- memory, memory_others: the methods' own estimates of peak memory, and those learned from the other nine tenths, of
  tasks that took more than 300 MiB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace

from qmbench.data.suite import Suite, find_suite
from qmbench.domain.errors import InputError
from qmbench.domain.record import Record, Task
from qmbench.plugging.registry import parse_level
from qmbench.running.costs import learned, own_estimate
from qmbench.running.memory import learned_memory
from qmbench.running.memory import own_estimate as own_memory
from qmbench.running.plan import make_plan
from qmbench.running.store import Store

MEMORY_MIB = 300.0
"""What a process has at least, with its libraries, says nothing of an estimate."""

Pair = tuple[float, float]


def judged(pairs: Sequence[Pair]) -> dict[str, float]:
    """Of (estimate, recorded) pairs."""
    logs = sorted(abs(math.log(estimate / spent)) for estimate, spent in pairs)
    return {
        "tasks": len(pairs),
        "within_2": sum(off <= math.log(2.0) for off in logs) / len(logs),
        "median_factor": math.exp(logs[len(logs) // 2]),
        "sum_ratio": sum(estimate for estimate, _ in pairs) / sum(spent for _, spent in pairs),
    }


def _installed(suite: Suite) -> Suite:
    """The suite without the levels of plugins that are not here."""
    kept = []
    for level in suite.levels:
        with contextlib.suppress(InputError):
            parse_level(level.text)
            kept.append(level)
    return replace(suite, levels=tuple(kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("suite")
    parser.add_argument("store")
    parser.add_argument("--other")
    parser.add_argument("--least", type=float, default=0.1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    tasks = make_plan(_installed(find_suite(given.suite))).tasks
    wanted = {(str(task.level), task.system.hash, task.properties[0]): task for task in tasks}

    def of_suite(path: str) -> list[tuple[Task, Record]]:
        with Store(path, read_only=True) as store:
            named = [(wanted.get((r.level, r.system_hash, r.prop)), r) for r in store.records(status="ok")]
        # Each task once: a store may have it from several versions of the code.
        return list({id(task): (task, r) for task, r in named if task is not None and r.cost}.values())

    run = of_suite(given.store)
    spent = {id(task): record.cost.cpu_s for task, record in run if record.cost}
    large = [(task, record) for task, record in run if spent[id(task)] > given.least]
    found = {"guess": judged([(own, spent[id(t)]) for t, _ in large if (own := own_estimate(t))])}
    took = {id(task): record.cost.peak_memory_mib for task, record in run if record.cost}
    big = [task for task, _ in run if took[id(task)] > MEMORY_MIB]
    pairs: list[Pair] = []
    memory_pairs: list[Pair] = []
    for fold in range(10):
        costs = learned(tasks, [record for i, (_, record) in enumerate(run) if i % 10 != fold])
        memory = learned_memory(tasks, [record for i, (_, record) in enumerate(run) if i % 10 != fold])
        left_out = {id(task) for i, (task, _) in enumerate(run) if i % 10 == fold}
        pairs += [(s, spent[id(t)]) for t, _ in large if id(t) in left_out and (s := costs.seconds(t))]
        memory_pairs += [(m, took[id(t)]) for t in big if id(t) in left_out and (m := memory.mib(t))]
    found["others"] = judged(pairs)
    if given.other:
        costs = learned(tasks, [record for _, record in of_suite(given.other)])
        found["again"] = judged([(s, spent[id(t)]) for t, _ in large if (s := costs.seconds(t))])
    if big:
        found["memory"] = judged([(own, took[id(t)]) for t in big if (own := own_memory(t))])
        found["memory_others"] = judged(memory_pairs)
    if given.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(f"{name:8s}" + ", ".join(f"{key} {value:.2f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
