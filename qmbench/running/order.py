"""In which order tasks are started: benchmark by benchmark where that costs no time, the long ones early enough."""

from __future__ import annotations

import contextlib
import itertools
import math
import statistics
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from qmbench.domain.record import Task
from qmbench.running.costs import Costs, own_shared

LOOK_AHEAD = 100
SAFETY = 3.0
"""A task is started at the latest when what is left keeps all workers busy for so many times as long as it takes."""


def expected_seconds(tasks: Sequence[Task], costs: Costs) -> list[float]:
    """What each task will take; where nobody has an idea, the median of the others."""
    seconds = [costs.seconds(task) for task in tasks]
    known = [s for s in seconds if s is not None]
    typical = statistics.median(known) if known else 1.0
    return [typical if s is None else s for s in seconds]


def in_order(
    tasks: Sequence[Task],
    workers: int,
    seconds: Sequence[float],
    once: Sequence[float] | None = None,
    goals_of: Mapping[str, Sequence[str]] | None = None,
) -> list[Task]:
    """The tasks as they should be started.

    seconds: what each takes by itself; once: without what another of them makes, by default the same. goals_of: key of
    a record -> the goals (benchmarks) that it is for. The goal that is cheapest to reach comes first, so that something
    can be looked at soon, and within it the longest task; but a task that would otherwise be left alone at the end is
    started before: see `SAFETY`. Without goals the longest come first.

    Tasks that share an intermediate (by `Method.shared_seconds`, or the same system and, by `Method.families`, the
    same reference) are not started side by side as long as there is something else to start: the second would only
    wait for the first.
    """
    longest = sorted(range(len(tasks)), key=lambda i: -seconds[i])
    if goals_of:
        once = seconds if once is None else once
        longest = list(_by_goals(longest, _turns(tasks, once, goals_of), seconds, once, workers))
    return _spread([tasks[i] for i in longest], workers - 1)


def _turns(tasks: Sequence[Task], once: Sequence[float], goals_of: Mapping[str, Sequence[str]]) -> list[int]:
    """When each task has its turn: with the cheapest of its goals; without any, after all that have one."""
    goals = [{goal for key in task.keys.values() for goal in goals_of.get(key, ())} for task in tasks]
    cost: dict[str, float] = {}
    for own, spent in zip(goals, once, strict=True):
        for goal in own:
            cost[goal] = cost.get(goal, 0.0) + spent
    turn = {goal: n for n, goal in enumerate(sorted(cost, key=lambda goal: (cost[goal], goal)))}
    return [min((turn[goal] for goal in own), default=len(turn)) for own in goals]


def _by_goals(
    longest: Sequence[int], turns: Sequence[int], seconds: Sequence[float], once: Sequence[float], workers: int
) -> Iterator[int]:
    """Indices of tasks, given from the longest to the shortest."""
    left = math.fsum(once)
    early, late = iter(sorted(longest, key=turns.__getitem__)), iter(longest)  # sorting keeps the longest first
    started: set[int] = set()
    next_long = next(late, None)
    while next_long is not None:
        if seconds[next_long] * SAFETY * workers < left:
            i = next(i for i in early if i not in started)
        else:
            i = next_long
        started.add(i)
        left -= once[i]
        yield i
        while next_long in started:
            next_long = next(late, None)


def _spread(tasks: Sequence[Task], apart: int) -> list[Task]:
    """The tasks with as little change of order as lets any `apart` + 1 in a row be of different groups."""
    waiting = deque((task, _group(task)) for task in tasks)
    spread: list[Task] = []
    recent: deque[frozenset[str]] = deque(maxlen=max(0, apart))
    while waiting:
        # Not further than this: sorting 100,000 tasks has to stay a matter of a second.
        ahead = itertools.islice(waiting, LOOK_AHEAD)
        at = next((i for i, (_, group) in enumerate(ahead) if all(map(group.isdisjoint, recent))), 0)
        task, group = waiting[at]
        del waiting[at]
        spread.append(task)
        recent.append(group)
    return spread


def _group(task: Task) -> frozenset[str]:
    """Names of what it may share with others."""
    reference = ""
    with contextlib.suppress(Exception):  # a broken method fails in its own task, not here
        reference = task.level.make().families().get("reference", "")
    return frozenset((f"{task.system.hash} {reference or task.level}", *own_shared(task)))
