"""What memory tasks will take, learned from what others have taken, and how much of it there is.

In the order of what is trusted: the same property of the same system at the same level of theory, computed by any
version of its code; else the method's own estimate, times the factor by which the estimates of this level, or else of
this method, were off; of methods without an estimate, the most that a task of the level, or else of the method, took.
A factor is the geometric mean over n tasks to the power of n / (n + 1): one task alone decides half.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qmbench.domain.record import Record, Task
from qmbench.running.estimates import answer

SPARE = 0.1
"""Of the memory that is there, what no task is promised."""


def own_estimate(task: Task) -> float | None:
    """MiB, as the method guesses them; None where it has no guess."""
    return answer(task, lambda method, system, properties: method.estimate_memory(system, properties))


@dataclass(frozen=True)
class Memory:
    """Estimates of the peak memory of tasks, in MiB."""

    _recorded: Mapping[tuple[str, str, str], float] = field(default_factory=dict, repr=False)
    # By level and by method: the factor of own estimates, and the most that was taken.
    _factors: Mapping[str, float] = field(default_factory=dict, repr=False)
    _most: Mapping[str, float] = field(default_factory=dict, repr=False)

    def mib(self, task: Task) -> float | None:
        """What the task will take; None where nobody has an idea."""
        system, level, name = task.system.hash, str(task.level), task.level.method.name
        known = [self._recorded.get((level, system, prop)) for prop in task.properties]
        if known and None not in known:
            return max(taken for taken in known if taken is not None)
        own = own_estimate(task)
        if own is None:
            return self._most.get(level, self._most.get(name))
        return own * self._factors.get(level, self._factors.get(name, 1.0))

    def noted(self, task: Task) -> Task:
        """The task with what it will take."""
        mib = self.mib(task)
        return task if mib is None else replace(task, memory_mib=mib)


def learned_memory(tasks: Sequence[Task], records: Iterable[Record]) -> Memory:
    """What `records` say of the memory of `tasks`: by name of level and system, whatever the version of their code."""
    systems = {task.system.hash: task for task in tasks}
    by_name = {str(task.level): task.level for task in tasks}
    recorded: dict[tuple[str, str, str], float] = {}
    most: defaultdict[str, float] = defaultdict(float)
    off: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        taken = record.cost.peak_memory_mib if record.cost and record.status == "ok" else 0.0
        known = by_name.get(record.level)
        if taken <= 0 or known is None:
            continue
        recorded[record.level, record.system_hash, record.prop] = taken
        names = {record.level, known.method.name}
        for name in names:
            most[name] = max(most[name], taken)
        if record.system_hash in systems:
            own = own_estimate(Task(systems[record.system_hash].system, known, (record.prop,)))
            if own:
                for name in names:
                    off[name].append(math.log(taken / own))
    factors = {name: math.exp(math.fsum(logs) / (len(logs) + 1)) for name, logs in off.items()}
    return Memory(recorded, factors, dict(most))


def room_mib() -> float:
    """Memory that this process and its children may still take, less a tenth: by the system, and by the control group
    that a container or a batch system has put it into."""
    import psutil

    free = float(psutil.virtual_memory().available)
    return max(0.0, (1.0 - SPARE) * min(free, _left_by_groups()) / 2**20)


def _left_by_groups(about: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes that the control groups which this process is in leave it, of either version; inf where none has a limit.

    about: a file with the lines of cgroups(7), root: where groups are mounted.
    """
    left = math.inf
    with contextlib.suppress(OSError, ValueError):
        for line in about.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            names = VERSION_1 if controllers else VERSION_2
            top = root / "memory" if controllers else root
            own = top / path.lstrip("/")
            # In a container the path is often that outside of it, and the group itself is mounted as the root.
            for folder in (own, *own.parents):
                if folder.is_relative_to(top):
                    left = min(left, _left_by(folder, *names))
    return left


VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = ("memory.max", "memory.current", "inactive_file")


def _left_by(folder: Path, limit: str, usage: str, files: str) -> float:
    with contextlib.suppress(OSError, ValueError):  # "max": no limit
        most, held = int((folder / limit).read_text()), int((folder / usage).read_text())
        for line in (folder / "memory.stat").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == files:  # read lately, and given back when memory is short
                held -= int(count)
        return max(0.0, float(most - held))
    return math.inf
