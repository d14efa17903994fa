"""What tasks will cost, learned from what others have cost: the store knows it, and methods have guesses of their own.

In the order of what is trusted: the same property of the same system at the same level of theory, computed by any
version of its code; else the method's own estimate, corrected by how far it was off for this level, this method, and
all methods (the speed of this machine). The corrections are factors, so everything is done with logarithms:

    ln t = ln e + δ(all) + δ(method) + δ(level) + b(level) · (ln e − mean of ln e)

with e the estimate. Each δ is the mean of what is left by those before it, over n tasks, times n / (n + 1): one task
alone decides half. The slope b is that of least squares with a unit ridge. For machine and method a task of less than a
second counts as the square of that: its time is that of starting, and says nothing of how hours come out.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qmbench.domain.method import Method
from qmbench.domain.record import Record, Task
from qmbench.running.estimates import answer
from qmbench.running.memory import Memory, learned_memory

if TYPE_CHECKING:
    from qmbench.running.stores import StoreProtocol

LEAST_SECONDS = 1e-3
STEEPEST = 0.7
"""The largest |b|: a method's estimate may grow too slowly or too fast, but not in the wrong direction."""


def own_estimate(task: Task) -> float | None:
    """Seconds on one core, as the method guesses them; None where it has no guess."""
    return answer(task, lambda method, system, properties: method.expected_seconds(system, properties))


def own_shared(task: Task) -> Mapping[str, float]:
    """What of `own_estimate` is for intermediates that other tasks may have made: name -> seconds."""
    with contextlib.suppress(Exception):  # a broken method fails in its own task, not here
        if task.level.method.shared_seconds is not Method.shared_seconds:
            return dict(task.level.make().shared_seconds(task.system, frozenset(task.properties)))
    return {}


@dataclass(frozen=True)
class _Fit:
    """shift: of ln t; slope and middle: how it changes with ln e."""

    shift: float = 0.0
    slope: float = 0.0
    middle: float = 0.0

    def of(self, guess: float) -> float:
        return self.shift + self.slope * (guess - self.middle)


@dataclass(frozen=True)
class Costs:
    """Estimates of tasks, in processor seconds on one core. records: how many recorded costs they are learned from.
    memory: estimates of what they take of that."""

    records: int = 0
    _recorded: Mapping[tuple[str, str, str], float] = field(default_factory=dict, repr=False)
    _machine: _Fit = field(default_factory=_Fit, repr=False)
    _methods: Mapping[str, _Fit] = field(default_factory=dict, repr=False)
    _levels: Mapping[str, _Fit] = field(default_factory=dict, repr=False)
    # Of methods without an estimate of their own: the typical ln t.
    _typical: Mapping[str, float] = field(default_factory=dict, repr=False)
    memory: Memory = field(default_factory=Memory, repr=False)

    def is_recorded(self, task: Task) -> bool:
        """Whether the cost of this task, or of others of its level, was recorded: in runs in which it shared, too."""
        level = str(task.level)
        if level in self._levels or level in self._typical:
            return True
        return any((level, task.system.hash, prop) in self._recorded for prop in task.properties)

    def seconds(self, task: Task) -> float | None:
        """What the task will take; None where nobody has an idea."""
        system, level = task.system.hash, str(task.level)
        known = [self._recorded.get((level, system, prop)) for prop in task.properties]
        if known and None not in known:
            return max(seconds for seconds in known if seconds is not None)  # one task gives them all
        own, name = own_estimate(task), task.level.method.name
        if own is None:
            typical = self._typical.get(level, self._typical.get(name))
            return None if typical is None else math.exp(typical)
        guess = _log(own)
        found = guess + self._machine.of(guess)
        for fit in (self._methods.get(name), self._levels.get(level)):
            found += fit.of(guess) if fit else 0.0
        return math.exp(found)


def counted_once(tasks: Sequence[Task], seconds: Sequence[float | None], costs: Costs) -> list[float | None]:
    """`seconds` of each task, less what it finds made by a longer one of `tasks`: a common self-consistent field, say.

    Longer ones are started earlier. What was recorded of a level is left as it is: such a task shared already.
    """
    made: set[str] = set()
    found = list(seconds)
    for i in sorted(range(len(tasks)), key=lambda i: -(seconds[i] or 0.0)):
        whole, shared = seconds[i], own_shared(tasks[i])
        own = own_estimate(tasks[i]) if shared else None
        if whole is not None and own and not costs.is_recorded(tasks[i]):
            there = math.fsum(spent for name, spent in shared.items() if name in made)
            found[i] = whole * max(0.0, 1.0 - there / own)
        made |= shared.keys()
    return found


def learned(tasks: Sequence[Task], records: Iterable[Record]) -> Costs:
    """What `records` say of the cost of `tasks`: by name of level and system, whatever the version of their code.

    A record says something of a level as a whole where its system is one of those of `tasks`, so that the method's
    estimate of it is known.
    """
    systems = {task.system.hash: task for task in tasks}
    by_name = {str(task.level): task for task in tasks}
    recorded: dict[tuple[str, str, str], float] = {}
    for record in records:
        if record.cost and record.status == "ok" and record.cost.cpu_s > 0:
            recorded[record.level, record.system_hash, record.prop] = record.cost.cpu_s
    pairs: list[tuple[str, str, float | None, float]] = []
    for (level, system, prop), seconds in recorded.items():
        if level in by_name and system in systems:
            known = by_name[level].level
            own = own_estimate(Task(systems[system].system, known, (prop,)))
            pairs.append((level, known.method.name, None if own is None else _log(own), _log(seconds)))
    with_guess = [(level, method, guess, spent - guess) for level, method, guess, spent in pairs if guess is not None]
    if not with_guess:
        return Costs(len(recorded), recorded, _typical=_typical(pairs))
    machine = _Fit(_shrunk([left for *_, left in with_guess], [_weight(guess, left) for *_, guess, left in with_guess]))
    with_guess = [(level, method, guess, left - machine.of(guess)) for level, method, guess, left in with_guess]
    methods = _fits(((method, guess, left) for _, method, guess, left in with_guess), weighted=True)
    with_guess = [(level, method, guess, left - methods[method].of(guess)) for level, method, guess, left in with_guess]
    levels = _fits((level, guess, left) for level, _, guess, left in with_guess)
    return Costs(len(recorded), recorded, machine, methods, levels, _typical(pairs))


def costs_from(store: StoreProtocol, tasks: Sequence[Task], todo: Sequence[Task], known: Iterable[Record]) -> Costs:
    """Costs of `todo`, a part of `tasks`, by what the store holds of their levels. known: its records of `tasks`."""
    levels = sorted({str(task.level) for task in todo})
    records = [*known, *(store.records(level=levels) if levels else ())]
    return replace(learned(tasks, records), memory=learned_memory(tasks, records))


def _typical(pairs: Iterable[tuple[str, str, float | None, float]]) -> dict[str, float]:
    """Level or method -> median of ln t."""
    spent: defaultdict[str, list[float]] = defaultdict(list)
    for level, method, _, seconds in pairs:
        spent[level].append(seconds)
        if method != level:
            spent[method].append(seconds)
    return {name: statistics.median(found) for name, found in spent.items()}


def _fits(rows: Iterable[tuple[str, float, float]], weighted: bool = False) -> dict[str, _Fit]:
    groups: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, guess, left in rows:
        groups[name].append((guess, left))
    return {name: _fit(group, weighted) for name, group in groups.items()}


def _fit(points: Sequence[tuple[float, float]], weighted: bool) -> _Fit:
    weights = [_weight(guess, left) if weighted else 1.0 for guess, left in points]
    shift, total = _shrunk([left for _, left in points], weights), math.fsum(weights)
    middle = sum(w * guess for w, (guess, _) in zip(weights, points, strict=True)) / total
    mean = sum(w * left for w, (_, left) in zip(weights, points, strict=True)) / total
    rise = sum(w * (guess - middle) * (left - mean) for w, (guess, left) in zip(weights, points, strict=True))
    slope = rise / (1.0 + sum(w * (guess - middle) ** 2 for w, (guess, _) in zip(weights, points, strict=True)))
    return _Fit(shift, max(-STEEPEST, min(STEEPEST, slope)), middle)


def _weight(guess: float, left: float) -> float:
    """Of a task with the estimate exp(guess), off by exp(left): the square of the longer time in seconds, at most 1."""
    return math.exp(2 * min(0.0, max(guess, guess + left)))


def _shrunk(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(w * value for w, value in zip(weights, values, strict=True)) / (math.fsum(weights) + 1)


def _log(seconds: float) -> float:
    return math.log(max(seconds, LEAST_SECONDS))


@dataclass(frozen=True)
class Outlook:
    """What a list of tasks comes to. total_s: processor seconds; longest_s: of its longest task, which is how long the
    whole takes at least, on however many cores; largest_mib: what its largest task needs, as far as anybody knows;
    wall_s: a lower bound of the time on `workers` of them; unknown: tasks without an estimate, left out; dearest: the
    longest tasks."""

    total_s: float
    longest_s: float
    wall_s: float
    workers: int
    unknown: int
    dearest: tuple[tuple[Task, float], ...]
    largest_mib: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The keys of `run suite --dry-run --json`."""
        return {
            "critical_path_s": self.longest_s,
            "workers": self.workers,
            "estimated_wall_s": self.wall_s,
            "largest_memory_mib": self.largest_mib,
            "dearest": [
                {
                    "level_of_theory": str(task.level),
                    "system": task.system.name,
                    "properties": list(task.properties),
                    "estimated_cpu_s": seconds,
                }
                for task, seconds in self.dearest
            ],
        }


def outlook(
    tasks: Sequence[Task],
    seconds: Mapping[int, float | None],
    workers: int,
    most: int = 10,
    memory: Memory = Memory(),
) -> Outlook:
    """The outlook of `tasks` on `workers` cores, with the `most` dearest named. seconds: id of a task -> its cost."""
    known = [(task, cost) for task in tasks if (cost := seconds[id(task)]) is not None]
    known.sort(key=lambda pair: -pair[1])
    total = math.fsum(cost for _, cost in known)
    longest = known[0][1] if known else 0.0
    wall = max(total / max(workers, 1), longest)
    largest = max((mib for task in tasks if (mib := memory.mib(task))), default=None)
    return Outlook(total, longest, wall, workers, len(tasks) - len(known), tuple(known[:most]), largest)
