"""The loop: tasks → what the store lacks → engine → store. What is finished is stored at once."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from qmbench.domain.errors import InputError, Interrupted
from qmbench.domain.properties import check_quantity
from qmbench.domain.record import Failure, Record, Task
from qmbench.plugging.registry import plugins
from qmbench.running.costs import Costs, costs_from, counted_once
from qmbench.running.engine.outcome import Outcome
from qmbench.running.order import expected_seconds, in_order
from qmbench.running.pace import Pace, tempered
from qmbench.running.stores import StoreProtocol


class Engine(Protocol):
    """Where tasks run. workers: how many side by side, at present.

    `Task.memory_mib` says what a task is expected to take, for engines that start no more than fits. A failure of a
    task is an outcome (`failed`, `unsupported`), never an exception; every task given comes back once.
    """

    @property
    def workers(self) -> int: ...

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        """Each task with its outcome as they end, earlier ones started earlier; closing the generator stops the rest.

        ResourceError when no task can be started at all.
        """

    def close(self) -> None:
        """Stop everything that is left of it."""


@dataclass(frozen=True)
class Progress:
    """How far a run is, told after each task. `finished` and `outcome` are None in the first call, before any.

    remaining_s: about how long it still takes; None as long as too little is done to tell. reached: the goals (the
    benchmarks of a suite) of which everything is there with this task, whether computed or not.
    """

    done: int
    total: int
    reused: int
    failed: int
    finished: Task | None = None
    outcome: Outcome | None = None
    remaining_s: float | None = None
    reached: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunSummary:
    """What a run of tasks came to.

    records: by key, everything the tasks asked for that there is now. cached: keys of those that were in the
    store before. computed: tasks that were run. stopped: whether `fail_fast` ended it early. wall_s: seconds.
    """

    records: Mapping[str, Record]
    cached: frozenset[str]
    computed: int
    stopped: bool
    wall_s: float

    @property
    def failed(self) -> int:
        """Number of records that failed; `unsupported` is not a failure."""
        return sum(record.status == "failed" for record in self.records.values())


@dataclass
class _Loop:
    store: StoreProtocol
    engine: Engine
    report: Callable[[Progress], None]
    fail_fast: bool
    fresh: bool
    records: dict[str, Record]
    reused: int
    total: int
    started: float  # by the monotonic clock
    done: int = 0
    failed: int = 0
    computed: int = 0
    stopped: bool = False
    apart: list[Task] = field(default_factory=list)
    crowded: list[Task] | None = None  # out of memory beside others, to be run alone; None: they are not
    alone: bool = False
    costs: Costs = field(default_factory=Costs)
    pace: Pace = field(default_factory=Pace)
    waiting: Mapping[str, set[str]] = field(default_factory=dict)  # goal -> keys that are not there yet
    goals_of: Mapping[str, Sequence[str]] = field(default_factory=dict)  # such a key -> its goals

    def tell(self, task: Task | None = None, outcome: Outcome | None = None) -> None:
        left = self.pace.remaining(time.monotonic() - self.started) if self.done else None
        reached = self._reached(task.keys.values()) if task else ()
        self.report(Progress(self.done, self.total, self.reused, self.failed, task, outcome, left, reached))

    def aim(self, goals: Mapping[str, Collection[str]], todo: Iterable[Task]) -> None:
        """Tell of each goal when the last of its keys, of which those of `todo` are not there, has come."""
        missing = {key for task in todo for key in task.keys.values()}
        self.waiting = {name: lacking for name, keys in goals.items() if (lacking := missing.intersection(keys))}
        goals_of = defaultdict(list)
        for name, lacking in self.waiting.items():
            for key in lacking:
                goals_of[key].append(name)
        self.goals_of = goals_of

    def _reached(self, keys: Collection[str]) -> tuple[str, ...]:
        reached = []
        for name in {name for key in keys for name in self.goals_of.get(key, ())}:
            self.waiting[name].difference_update(keys)
            if not self.waiting[name]:
                reached.append(name)
        return tuple(sorted(reached))

    def run_alone(self) -> None:
        """Run what memory ran out for, one at a time."""
        tasks, self.crowded, self.alone = self.crowded or [], None, True
        for task in tasks:
            if self.stopped:
                return
            self.run([task])

    def run(self, tasks: Sequence[Task]) -> None:
        tasks = [self.costs.memory.noted(task) for task in tasks]
        seconds = expected_seconds(tasks, self.costs)
        once = [second or 0.0 for second in counted_once(tasks, seconds, self.costs)]
        once = tempered(once, [self.costs.is_recorded(task) for task in tasks])
        of = dict(zip(map(id, tasks), once, strict=True))
        for planned, second in zip(tasks, once, strict=True):
            self.pace.expect(str(planned.level), second)
        order = in_order(tasks, self.engine.workers, seconds, once, self.goals_of)
        with contextlib.closing(self.engine.run(order)) as ended:
            for task, told in ended:
                if id(task) in of:
                    self.pace.end(str(task.level), of[id(task)], told.cost.wall_s if told.cost else None)
                outcome = _sound(task, told)
                if outcome.failure is not None and outcome.failure.kind == "memory":
                    if self.crowded is not None:
                        self.crowded.append(task)
                        continue
                    if self.alone:
                        message = f"{outcome.failure.message}; with no other task beside it"
                        outcome = replace(outcome, failure=replace(outcome.failure, message=message))
                self.computed += 1
                if len(task.properties) > 1 and _stands(outcome):
                    # Kept as it is, a dipole that can't be had would take the energy with it for good.
                    self.apart += [Task(task.system, task.level, (prop,)) for prop in task.properties]
                    self.total += len(task.properties) - 1
                    continue
                new = records_of(task, outcome)
                self.store.put(new, **({"anew": True} if self.fresh else {}))
                self.records.update((record.key, record) for record in new)
                self.done += 1
                self.failed += outcome.status == "failed"
                self.tell(task, outcome)
                if self.fail_fast and outcome.status == "failed":
                    self.stopped = True
                    return


def run_tasks(
    tasks: Iterable[Task],
    store: StoreProtocol,
    engine: Engine,
    progress: Callable[[Progress], None] | None = None,
    fail_fast: bool = False,
    fresh: bool = False,
    goals: Mapping[str, Collection[str]] | None = None,
) -> RunSummary:
    """Compute what the store lacks of `tasks` and keep each result at once.

    Records that another attempt could not change are reused; failures of the machine's making (time, memory,
    crash, error) are tried again. A task of several properties that the method refuses or can't converge is
    run again property by property. One that memory ran out for, without a limit of its own, is run again when the
    others are done, with nothing beside it. With `fresh` everything is computed, and a new `ok` record replaces the old
    one; where it fails now, `records` has the failure, and the store keeps the old one. goals: by name keys of records
    that are looked at together, those of a benchmark say: tasks are started goal by goal as far as that costs no time,
    and `Progress.reached` tells of each.

    Raises Interrupted on Ctrl-C, StoreError when a result can't be kept; everything stored until then stays, and the
    same call goes on from there.
    """
    start = time.monotonic()
    tasks = list(tasks)
    keys = [task.keys for task in tasks]
    stored = store.get(key for own in keys for key in own.values())
    cached = {} if fresh else {key: record for key, record in stored.items() if record.final}
    todo = list(_lacking(tasks, keys, cached))
    reused = sum(all(key in cached for key in own.values()) for own in keys)
    del keys
    costs = costs_from(store, tasks, todo, stored.values()) if todo else Costs()
    loop = _Loop(store, engine, progress or _silent, fail_fast, fresh, stored, reused, len(todo), start, costs=costs)
    if goals and todo:
        loop.aim(goals, todo)
    if engine.workers > 1 and not _limits_memory(engine):
        loop.crowded = []
    try:
        loop.tell()
        loop.run(todo)
        if loop.apart and not loop.stopped:
            loop.run(loop.apart)
        loop.run_alone()
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped after {loop.done} of {loop.total} tasks; what was finished is kept in {store.place}, "
            "and the same command goes on from there"
        ) from None
    return RunSummary(loop.records, frozenset(cached), loop.computed, loop.stopped, time.monotonic() - start)


def _limits_memory(engine: Engine) -> bool:
    """Whether its tasks have a limit of memory, which they would meet alone, too; of engines that say so."""
    return getattr(getattr(engine, "resources", None), "memory_gib", None) is not None


def _silent(progress: Progress) -> None:
    pass


def _stands(outcome: Outcome) -> bool:
    """Whether the records of this outcome would be final without being results."""
    return outcome.status == "unsupported" or (
        outcome.failure is not None and outcome.failure.kind in ("input", "not_converged")
    )


def _sound(task: Task, outcome: Outcome) -> Outcome:
    """The outcome, or a failure when what an engine took for `ok` is not what the properties are declared to be."""
    if outcome.status != "ok":
        return outcome
    try:
        for prop in task.properties:
            if prop not in outcome.properties:
                raise InputError(f"property '{prop}' was asked for and is missing")
            check_quantity(plugins().properties[prop], outcome.properties[prop], task.system)
    except InputError as error:
        failure = Failure("error", f"the outcome of the task can't be used: {error}")
        return replace(outcome, status="failed", failure=failure, properties={})
    return outcome


def _lacking(
    tasks: Iterable[Task], keys_of: Iterable[Mapping[str, str]], cached: Mapping[str, Record]
) -> Iterator[Task]:
    """The tasks reduced to the properties that are not there, each key once. keys_of: those of each task."""
    seen: set[str] = set()
    for task, keys in zip(tasks, keys_of, strict=True):
        missing = tuple(prop for prop in task.properties if keys[prop] not in cached and keys[prop] not in seen)
        seen.update(keys.values())
        if missing:
            yield task if missing == task.properties else Task(task.system, task.level, missing)


def records_of(task: Task, outcome: Outcome) -> list[Record]:
    """One record per property of the task. A failure is a failure of each."""
    identity = task.level.identity
    provenance = {
        "plugin": task.level.plugin,
        "versions": task.level.versions,
        "code": {"digest": task.level.code.digest, "files": list(task.level.code.files)},
        "options": identity["options"],
        "settings": dict(outcome.settings),
        # Not the notes on how the system was read: other files, read otherwise, share the record.
        "warnings": list(outcome.warnings),
        "started": outcome.started,
    }
    declared = {"training_overlap": outcome.training_overlap, "explanation": outcome.explanation}
    provenance |= {name: document for name, document in declared.items() if document}
    return [
        Record(
            key=key,
            level=str(task.level),
            system_name=task.system.name,
            system_hash=task.system.hash,
            prop=prop,
            status=outcome.status,
            quantity=outcome.properties.get(prop),
            failure=outcome.failure,
            provenance=provenance,
            cost=outcome.cost,
        )
        for prop, key in task.keys.items()
    ]
