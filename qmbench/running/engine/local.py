"""The default engine: supervised child processes on this machine."""

from __future__ import annotations

import itertools
import math
import os
import selectors
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from qmbench.domain.errors import InputError, ResourceError
from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.running.engine import processes
from qmbench.running.engine.outcome import Outcome, interpreter_for, never_started, plugin_of, task_document
from qmbench.running.engine.supervisor import Child
from qmbench.running.memory import room_mib

WAKE_SECONDS = 0.05  # how often limits are looked at while nothing happens
FAILED_STARTS = 2  # in a row, that are tried again
LOOK_AHEAD = 100  # tasks that are looked through for one that fits
PASSES = 20  # smaller tasks that may be started before one that needs more memory than is left


def default_workers(cores: int) -> int:
    """How many tasks of `cores` threads this process may run side by side."""
    return max(1, len(os.sched_getaffinity(0)) // cores)


def check_resources(resources: Resources) -> None:
    """InputError when no task could run with these."""
    if resources.cores < 1:
        raise InputError(f"a task needs at least one core, not {resources.cores}")
    for what, limit, unit in (("time", resources.time_s, "s"), ("memory", resources.memory_gib, "GiB")):
        if limit is not None and not 0 < limit < math.inf:
            raise InputError(f"a task's {what} limit must be a positive number of {unit}, not {limit:g}")


def expected_mib(task: Task, resources: Resources) -> float:
    """What the task will take at most; where nobody knows, 0."""
    limit = math.inf if resources.memory_gib is None else resources.memory_gib * 1024
    return min(task.memory_mib or 0.0, limit)


class LocalEngine:
    """Runs tasks in `workers` child processes; each keeps to one plugin and stays warm between its tasks.

    resources: what every task gets (time_s, memory_gib and cores are per task). memory_mib: for all of them
    together; None: what there is when `run` begins. A task is started beside others only if what is expected of all
    (`Task.memory_mib`) fits into it. Children live on after `run` ends so that the next `run` finds them warm; `close`,
    leaving the `with` block, an exception in `run`, and the end of the interpreter end them.
    """

    def __init__(
        self, workers: int | None = None, resources: Resources | None = None, memory_mib: float | None = None
    ) -> None:
        resources = resources or Resources()
        check_resources(resources)
        self.workers = default_workers(resources.cores) if workers is None else workers
        if self.workers < 1:
            raise InputError(f"the number of workers must be at least 1, not {self.workers}")
        self.resources = resources
        self._given_room = memory_mib
        self._room = math.inf
        self._passed = 0
        self._failed_starts = 0
        self._idle: list[Child] = []
        self._busy: dict[Child, Task] = {}
        self._lost: list[tuple[Task, Outcome]] = []
        self._root: Path | None = None
        self._finalizer: weakref.finalize | None = None

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        """Each task with its outcome, in the order in which they end.

        A task's failure is an outcome, and so is an isolated plugin's interpreter that does not start;
        ResourceError when no child can be started at all. Closing the generator, Ctrl-C and any exception kill
        every child with its process tree.
        """
        pending = deque(tasks)
        if not pending:
            return
        self._room, self._passed = self._room_now(), 0
        selector = selectors.DefaultSelector()
        try:
            self._fill(pending, selector)
            while self._busy or self._lost:
                while self._lost:
                    yield self._lost.pop()
                selector.select(WAKE_SECONDS if self._busy else 0)
                for child in list(self._busy):
                    fd = child.fileno()
                    try:
                        outcome = child.poll()
                    except ResourceError as error:  # it did not start, which is not the task's fault
                        selector.unregister(fd)
                        self._again(self._busy.pop(child), child, pending, error)
                        self._fill(pending, selector)
                        continue
                    if outcome is None:
                        continue
                    self._failed_starts = 0
                    selector.unregister(fd)
                    task = self._busy.pop(child)
                    if child.reusable:
                        self._idle.append(child)
                    self._fill(pending, selector)  # first, so that nobody waits for what the caller does
                    yield task, outcome
        except BaseException:
            self.close()
            raise
        finally:
            selector.close()

    def close(self) -> None:
        """Kill every child, idle or not, with its process tree; remove scratch. The engine can be used again."""
        if self._finalizer is not None:
            self._finalizer()
        self._finalizer = self._root = None

    def _fill(self, pending: deque[Task], selector: selectors.BaseSelector) -> None:
        while len(self._busy) < self.workers and (at := self._next(pending)) is not None:
            task = pending[at]
            del pending[at]
            self._passed = self._passed + 1 if at else 0
            document = task_document(task, self._task_resources())
            try:
                child = self._child(plugin_of(task), document)
            except ResourceError as error:
                self._give_up(task, error)
                continue
            try:
                child.send(document)
            except ResourceError as error:  # the task before took the child's folder away
                self._again(task, child, pending, error)
                continue
            self._busy[child] = task
            selector.register(child, selectors.EVENT_READ)

    def _next(self, pending: deque[Task]) -> int | None:
        """Which task is started now: the first that fits beside what runs; None where there is none.

        The first of all waits for `PASSES` others at most: then nothing is started before it.
        """
        if not pending or not self._busy:
            return 0 if pending else None
        left = self._room - math.fsum(expected_mib(task, self.resources) for task in self._busy.values())
        ahead = itertools.islice(pending, LOOK_AHEAD if self._passed < PASSES else 1)
        return next((i for i, task in enumerate(ahead) if expected_mib(task, self.resources) <= left), None)

    def _room_now(self) -> float:
        if self._given_room is not None:
            return self._given_room
        # What idle children hold is used again.
        resident, _ = processes.usage([child.pid for child in self._idle if child.alive])
        return room_mib() + resident / 2**20

    def _again(self, task: Task, child: Child, pending: deque[Task], error: ResourceError) -> None:
        """End a child that did not begin its task, and have another one try it, a few times."""
        child.kill()
        self._failed_starts += 1
        if self._failed_starts <= FAILED_STARTS:
            pending.appendleft(task)
        else:
            self._give_up(task, error)

    def _give_up(self, task: Task, error: ResourceError) -> None:
        """Fail the task of an isolated plugin whose interpreter does not start; raise `error` for any other."""
        if not task.level.isolated:
            raise error
        self._failed_starts = 0
        self._lost.append((task, never_started(error)))

    def _child(self, plugin: str, document: Mapping[str, Any]) -> Child:
        """A warm child of this plugin, or a new one; beyond `workers` idle ones the longest idle is ended."""
        for child in self._idle[::-1]:
            if child.plugin == plugin or not child.alive:
                self._idle.remove(child)
                if child.alive:
                    return child
                child.kill()
        while len(self._idle) >= self.workers:
            self._idle.pop(0).kill()
        return Child(plugin, self._folder(), self.resources.cores, interpreter_for(document, plugin))

    def _folder(self) -> Path:
        if self._root is None:
            try:
                self._root = Path(tempfile.mkdtemp(prefix="qmbench-", dir=self.resources.scratch))
            except OSError as error:
                raise ResourceError(f"can't make a scratch folder in {self.resources.scratch}: {error}") from None
            self._finalizer = weakref.finalize(self, _end, self._idle, self._busy, self._root)
        return self._root

    def _task_resources(self) -> Resources:
        if self.resources.artifacts is not None:
            return self.resources
        return replace(self.resources, artifacts=self._folder() / "artifacts")

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end(idle: list[Child], busy: dict[Child, Task], root: Path) -> None:
    children = [*idle, *busy]
    for child in children:  # all at once, then wait for each
        child.stop()
    for child in children:
        child.kill()
    idle.clear()
    busy.clear()
    shutil.rmtree(root, ignore_errors=True)
