"""Where and how tasks run: one engine, one store, limits, progress. What `run`, `compute` and both commands share."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from qmbench.domain.errors import InputError
from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.choice import engine_named
from qmbench.running.loop import Engine, Progress, RunSummary, run_tasks
from qmbench.running.plan import Plan, PlannedEntry
from qmbench.running.progress import shown
from qmbench.running.run_document import Run
from qmbench.running.stores import StoreProtocol, open_store, store_place


@dataclass(frozen=True)
class Session:
    """store: a path or URL, an open store (which stays open), None for the default place. engine: NAME[:ADDRESS], or
    an engine (which stays open and keeps its own workers and limits). workers: tasks side by side, None for as
    many as there are cores, or as `cores` leaves room for; cores: threads of a task, None for an equal share
    that is no more than OMP_NUM_THREADS says where it is set. task_timeout in s, task_memory in GiB.
    progress: True shows it on standard error or in the notebook, False does not, a function is called after each task.
    fresh: compute again what the store has, with intermediates of its own; a new result replaces the old record.
    """

    store: str | Path | StoreProtocol | None = None
    engine: str | Engine = "local"
    workers: int | None = None
    cores: int | None = None
    task_timeout: float | None = None
    task_memory: float | None = None
    progress: bool | Callable[[Progress], None] = True
    fresh: bool = False

    def __post_init__(self) -> None:
        limits = {name: getattr(self, name) for name in ("workers", "cores", "task_timeout", "task_memory")}
        given = [name for name, value in limits.items() if value is not None]
        if given and not isinstance(self.engine, str):
            raise InputError(f"an engine has its own workers and limits; leave {', '.join(given)} out")

    @property
    def side_by_side(self) -> int:
        """How many tasks run side by side here, if there are enough; those of a cluster are not known."""
        if not isinstance(self.engine, str):
            return self.engine.workers
        return max(1, self.workers or available_cores() // (self.cores or 1))

    def opened(self) -> AbstractContextManager[StoreProtocol]:
        """The store, to be used in a `with` block."""
        if self.store is None or isinstance(self.store, str | Path):
            return open_store(store_place(self.store))
        return contextlib.nullcontext(self.store)

    def compute(self, tasks: Sequence[Task], store: StoreProtocol, fail_fast: bool = False) -> RunSummary:
        """Compute what the store lacks of `tasks`; see `run_tasks`."""
        with self._engine(store, len(tasks)) as engine, self._progress() as progress:
            return run_tasks(tasks, store, engine, progress, fail_fast, self.fresh)

    def run(
        self,
        plan: Plan,
        store: StoreProtocol,
        fail_fast: bool = False,
        also: Callable[[Run, Progress], None] | None = None,
    ) -> tuple[Run, RunSummary]:
        """Compute what the store lacks of the plan, and keep the run's document there, from its start.

        also: called with the run after each task, after what shows progress; `Progress.reached` has the benchmarks that
        are finished.
        """
        started = datetime.now(UTC)
        run_id = f"{started:%Y%m%d-%H%M%S}-{plan.suite.id}-{secrets.token_hex(2)}"
        run = Run.of(plan, run_id, started.isoformat(timespec="seconds"))
        # The engine first: a request that can't be done leaves no run behind.
        with self._engine(store, len(plan.tasks)) as engine:
            document = run.to_json()
            store.save_run(document)
            with self._progress() as progress:
                told = _one_after_another(progress, partial(also, run) if also else None)
                goals = _keys_by_benchmark(plan.entries) if len(plan.benchmarks) > 1 else None
                summary = run_tasks(plan.tasks, store, engine, told, fail_fast, self.fresh, goals)
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        run = replace(run, finished=finished, computed=frozenset(summary.records) - summary.cached)
        # All but the end is as it was, and 100,000 entries take a second.
        store.save_run(document | run.end_to_json())
        return run, summary

    @contextlib.contextmanager
    def _engine(self, store: StoreProtocol, n_tasks: int) -> Iterator[Engine]:
        if not isinstance(self.engine, str):
            yield self.engine
            return
        workers, there = self.workers, available_cores()
        if self.engine == "local":
            workers = max(1, min(self.side_by_side, n_tasks))
        with self._artifacts(store) as artifacts:
            limits = Resources(
                cores=_threads(max(1, there // (workers or there))) if self.cores is None else self.cores,
                memory_gib=self.task_memory,
                time_s=self.task_timeout,
                artifacts=artifacts,
            )
            with contextlib.closing(engine_named(self.engine, workers, limits)) as engine:
                yield engine

    @contextlib.contextmanager
    def _artifacts(self, store: StoreProtocol) -> Iterator[Path | None]:
        """The folder of intermediates; one that goes afterwards where nothing old is to be used."""
        kept = store.artifacts_folder
        if not self.fresh or kept is None:
            yield kept
            return
        with tempfile.TemporaryDirectory(prefix=f"{kept.name}-fresh-", dir=kept.parent) as folder:
            yield Path(folder) / "artifacts"

    def _progress(self) -> AbstractContextManager[Callable[[Progress], None] | None]:
        if self.progress is True:
            return shown()
        return contextlib.nullcontext(self.progress or None)


def _one_after_another(*each: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        for one in each:
            if one is not None:
                one(progress)

    return tell


def _keys_by_benchmark(entries: Iterable[PlannedEntry]) -> dict[str, set[str]]:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for planned in entries:
        keys[planned.benchmark].update(planned.keys)
    return keys


def _threads(share: int) -> int:
    """`share`, or the number that OMP_NUM_THREADS asks for where it is smaller; its first level counts."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(share, int(asked)) if asked.isdecimal() and int(asked) > 0 else share


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0))
