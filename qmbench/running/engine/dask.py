"""Tasks on a Dask cluster: each Dask worker starts the very same supervised children as the local engine does.

Needs `pip install qmbench[dask]`. The store stays with the driver; workers see documents only. Artifacts are
shared between machines when the store lies on a file system that all of them mount.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import shutil
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from qmbench.domain.errors import InputError, ResourceError
from qmbench.domain.record import Failure, Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.local import FAILED_STARTS, check_resources, default_workers, expected_mib
from qmbench.running.engine.outcome import Outcome, interpreter_for, never_started, plugin_of, task_document
from qmbench.running.engine.supervisor import Child
from qmbench.running.memory import room_mib

WAKE_SECONDS = 0.05
CONNECT_SECONDS = 10
WAITING = 100
"""Submissions beyond what runs side by side: enough to make an adaptive cluster grow, and no burden to a scheduler."""
BATCH_SECONDS = 0.5
"""What tasks that travel together may take in all: a message costs milliseconds, and so do the smallest tasks."""
MOST_TOGETHER = 50
MEMORY = "MEMORY"
"""The Dask resource that says how many bytes there are for the tasks of a worker."""


class DaskEngine:
    """Runs tasks on the Dask cluster at `address`, or on one of its own that computes `workers` tasks side by side.

    A Dask worker computes as many tasks side by side as it has threads. Where all workers of the cluster have the Dask
    resource MEMORY (bytes), its tasks fit into that by what is expected of them (`Task.memory_mib`); one that needs
    more than the least of them has is taken to need that. memory_mib: what the engine's own cluster has; None: what
    there is now. `close`, leaving the `with` block and an exception in `run` stop all children of this engine,
    wherever they are.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        resources: Resources | None = None,
        memory_mib: float | None = None,
    ) -> None:
        """InputError without the package `distributed`; ResourceError when nobody answers at `address`."""
        try:
            import distributed
        except ImportError:
            raise InputError(
                "the dask engine needs the package 'distributed': pip install 'qmbench[dask]', or take the local engine"
            ) from None
        self.resources = resources or Resources()
        check_resources(self.resources)
        self._name = uuid.uuid4().hex
        self._cluster: Any = None
        self._threads: Mapping[str, int] = {}  # by worker, when they were looked at last
        self._least_memory = 0.0  # bytes, of any worker then
        if address is None:
            workers = workers or default_workers(self.resources.cores)
            memory = (room_mib() if memory_mib is None else memory_mib) * 2**20
            try:
                # One worker, so that its tasks share the memory; they compute in children of their own anyway.
                self._cluster = distributed.LocalCluster(
                    n_workers=1,
                    threads_per_worker=workers,
                    resources={MEMORY: memory},
                    dashboard_address=None,
                    memory_limit=0,
                )
            except RuntimeError as error:  # its processes import the script again, and get here themselves
                raise ResourceError(
                    f"dask could not start a cluster ({' '.join(str(error).split())}); in a script, put what uses it "
                    "under if __name__ == '__main__', or take the local engine, which needs no such thing"
                ) from None
        try:
            self._client = distributed.Client(self._cluster or address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ResourceError(f"no dask scheduler answers at '{address}': {' '.join(str(error).split())}") from None

    @property
    def workers(self) -> int:
        """How many tasks run side by side now."""
        threads = self._client.nthreads()
        if threads != self._threads:  # workers came or went
            known = self._client.scheduler_info()["workers"].values()
            self._least_memory = min((worker["resources"].get(MEMORY, 0.0) for worker in known), default=0.0)
            self._threads = threads
        return max(1, sum(threads.values()))

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        """Each task with its outcome, in the order in which they end; earlier tasks are started earlier."""
        import distributed

        pending = deque(tasks)
        pace = _Pace()
        running: dict[Any, list[Task]] = {}
        ended = distributed.as_completed(loop=self._client.loop)
        number = 0

        def submit(together: list[Task]) -> None:
            nonlocal number
            documents = [task_document(task, self.resources) for task in together]
            arguments = (documents, plugin_of(together[0]), self._name)
            how = {"pure": False, "priority": -number, "resources": self._needed(together)}
            future = self._client.submit(compute_here, *arguments, **how)
            number += 1
            running[future] = together
            ended.add(future)

        def fill() -> None:
            while pending and len(running) < self.workers + WAITING:
                submit(pace.next_of(pending))

        try:
            fill()
            while running:
                future = next(ended)
                together = running.pop(future)
                if future.status == "finished":
                    outcomes = [Outcome.from_json(document) for document in future.result()]
                    pending.extendleft(reversed(together[len(outcomes) :]))  # there was no time for the last ones
                elif len(together) > 1:  # which of them it was is found out one by one
                    outcomes = []
                    for task in together:
                        submit([task])
                else:
                    outcomes = [_lost(future)]
                future.release()
                pace.saw(together, outcomes)
                fill()  # first, so that nobody waits for what the caller does
                yield from zip(together, outcomes, strict=False)
        except BaseException:
            self._client.cancel(list(running), force=True)
            self.close()
            raise

    def _needed(self, together: Sequence[Task]) -> dict[str, float] | None:
        """What these tasks need while they run one after the other; of memory never more than any worker has."""
        needed = max(expected_mib(task, self.resources) for task in together) * 2**20
        return {MEMORY: min(needed, self._least_memory)} if needed and self._least_memory else None

    def close(self) -> None:
        """Stop this engine's children on all workers, then let the cluster go."""
        if self._client.status == "running":
            with contextlib.suppress(OSError):
                self._client.run(stop_here, self._name)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def __enter__(self) -> DaskEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Pace:
    """How many tasks should travel together: one, until its method's others have been seen to take milliseconds."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}  # plugin and method -> the slower of late, per task

    def saw(self, tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> None:
        for task, outcome in zip(tasks, outcomes, strict=False):
            took = outcome.cost.wall_s if outcome.cost else BATCH_SECONDS
            name = _method_of(task)
            self._seconds[name] = max(took, 0.9 * self._seconds.get(name, 0.0))

    def next_of(self, pending: deque[Task]) -> list[Task]:
        """The next tasks, taken from `pending`: of one method, and about half of BATCH_SECONDS in all."""
        name = _method_of(pending[0])
        seconds = self._seconds.get(name, BATCH_SECONDS)
        most = max(1, min(MOST_TOGETHER, int(BATCH_SECONDS / 2 / max(seconds, 1e-6))))
        together = [pending.popleft()]
        while pending and len(together) < most and _method_of(pending[0]) == name:
            together.append(pending.popleft())
        return together


def _method_of(task: Task) -> str:
    return f"{plugin_of(task)} {task.level.method.name}"


def _lost(future: Any) -> Outcome:
    """The outcome of a task that the cluster could not bring to an end."""
    if future.status == "cancelled":
        return Outcome("failed", Failure("crash", "the cluster cancelled the task"))
    error = future.exception()
    text = " ".join(str(error).split())
    kind = "crash" if type(error).__name__ == "KilledWorker" else "error"
    return Outcome("failed", Failure(kind, f"{type(error).__name__} on the cluster: {text}"))


# From here on: what runs inside a Dask worker, in any of its threads.


class _Here:
    """The children of one Dask worker process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: dict[str, list[Child]] = {}
        self.stopped: set[str] = set()
        self.root: Path | None = None

    def take(self, engine: str, plugin: str, cores: int, python: str) -> Child:
        with self.lock:
            if self.root is None:
                self.root = Path(tempfile.mkdtemp(prefix="qmbench-"))
                atexit.register(self.end)
            idle = self.idle.setdefault(engine, [])
            for child in idle[::-1]:
                if child.plugin == plugin or not child.alive:
                    idle.remove(child)
                    if child.alive:
                        return child
                    child.kill()
            if idle:  # never more warm children than there were tasks side by side
                idle.pop(0).kill()
        return Child(plugin, self.root, cores, python)

    def give_back(self, engine: str, child: Child) -> None:
        with self.lock:
            if engine not in self.stopped:
                self.idle.setdefault(engine, []).append(child)
                return
        child.kill()

    def stop(self, engine: str) -> None:
        with self.lock:
            self.stopped.add(engine)
            children = self.idle.pop(engine, [])
        for child in children:
            child.stop()
        for child in children:
            child.kill()

    def end(self) -> None:
        for engine in list(self.idle):
            self.stop(engine)
        if self.root is not None:
            shutil.rmtree(self.root, ignore_errors=True)


_here = _Here()


def compute_here(documents: Sequence[Mapping[str, Any]], plugin: str, engine: str) -> list[dict[str, Any]]:
    """The outcome documents of these task documents, computed one after the other in supervised children.

    Of the last ones there is none where those before took longer than BATCH_SECONDS.
    """
    start, outcomes = time.monotonic(), list[dict[str, Any]]()
    for document in documents:
        if not outcomes or time.monotonic() - start < BATCH_SECONDS:
            outcomes.append(_compute_one(document, plugin, engine))
    return outcomes


def _compute_one(document: Mapping[str, Any], plugin: str, engine: str) -> dict[str, Any]:
    """The outcome document of one task document."""
    try:
        python = interpreter_for(document, plugin)
    except ResourceError as error:
        return never_started(error).to_json()
    for attempt in range(FAILED_STARTS + 1):
        child = _here.take(engine, plugin, document["resources"]["cores"], python)
        if document["resources"]["artifacts"] is None:
            assert _here.root is not None
            document = {**document, "resources": {**document["resources"], "artifacts": str(_here.root / "artifacts")}}
        try:
            outcome = _computed(child, document, engine)
        except ResourceError:  # it did not begin, which is not the task's fault
            child.kill()
            if attempt == FAILED_STARTS or engine in _here.stopped:
                raise
            continue
        except BaseException:
            child.kill()
            raise
        break
    if child.reusable:
        _here.give_back(engine, child)
    return outcome.to_json()


def _computed(child: Child, document: Mapping[str, Any], engine: str) -> Outcome:
    child.send(document)
    while True:
        select.select([child], [], [], WAKE_SECONDS)
        outcome = child.poll()
        if outcome is not None:
            return outcome
        if engine in _here.stopped:
            raise ResourceError(f"stopped on worker {os.uname().nodename}")


def stop_here(engine: str) -> None:
    """End the children that this process has for `engine`; the running ones within `WAKE_SECONDS`."""
    _here.stop(engine)
