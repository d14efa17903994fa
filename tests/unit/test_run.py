"""The run loop: what is reused, what is tried again, in which order, and what is told."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from qmbench.domain.errors import Interrupted
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Failure, Task
from qmbench.domain.resources import Resources
from qmbench.running.costs import Costs
from qmbench.running.engine.local import LocalEngine
from qmbench.running.engine.outcome import Outcome
from qmbench.running.loop import Progress, records_of, run_tasks
from qmbench.running.order import expected_seconds, in_order
from qmbench.running.progress import duration, shown, time_left
from qmbench.running.store import Store

Sabotage = Callable[..., Task]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture
def engine(tmp_path: Path) -> LocalEngine:
    with LocalEngine(1, Resources(scratch=tmp_path, time_s=60.0)) as engine:
        yield engine


def test_records_say_where_they_come_from(sabotage: Sabotage, store: Store, engine: LocalEngine) -> None:
    task = sabotage("numpy_settings", n=3)
    summary = run_tasks([task], store, engine)
    ((key, record),) = summary.records.items()
    assert {"energy": key} == task.keys
    assert (record.level, record.system_name, record.system_hash) == (str(task.level), "he", task.system.hash)
    assert record.quantity.value == -2.0
    assert record.provenance["versions"]["qmbench-sabotage"] == "0.1.0"
    assert record.provenance["options"] == {"do": "numpy_settings", "n": 3, "seconds": 0.0, "file": ""}
    assert record.provenance["settings"] == {"n": 3, "x": [1.0, "inf"]}
    assert record.provenance["warnings"] == ["look out"]
    assert record.provenance["started"].endswith("+00:00")
    assert record.cost.wall_s > 0
    assert store.get([key])[key].to_json() == record.to_json()


def test_the_second_run_computes_nothing(sabotage: Sabotage, store: Store, engine: LocalEngine, tmp_path: Path) -> None:
    count = tmp_path / "count"
    tasks = [sabotage("count", n=n, file=count) for n in range(3)]
    first = run_tasks(tasks, store, engine)
    assert (first.computed, len(first.cached), first.failed) == (3, 0, 0)
    second = run_tasks(tasks, store, engine)
    assert (second.computed, len(second.cached)) == (0, 3)
    assert second.records.keys() == first.records.keys()
    assert sorted(count.read_text().split()) == ["0", "1", "2"]


def test_only_missing_properties_are_computed(sabotage: Sabotage, store: Store, engine: LocalEngine) -> None:
    run_tasks([sabotage()], store, engine)
    asked: list[tuple[str, ...]] = []
    both = sabotage(properties=("energy", "dipole"))
    summary = run_tasks([both, both], store, engine, lambda p: asked.append(p.finished and p.finished.properties))
    assert asked == [None, ("dipole",)]
    assert (len(summary.records), len(summary.cached)) == (2, 1)


def test_only_faults_of_the_machine_are_tried_again(sabotage: Sabotage, store: Store, engine: LocalEngine) -> None:
    tasks = [sabotage(do) for do in ("raise", "os_exit", "input", "not_converged", "unsupported", "nothing")]
    assert run_tasks(tasks, store, engine).computed == 6
    again = run_tasks(tasks, store, engine)
    assert again.computed == 2
    assert again.failed == 4
    assert len(again.records) == 6


def test_one_property_that_fails_does_not_take_the_others_along(
    sabotage: Sabotage, store: Store, engine: LocalEngine
) -> None:
    told: list[Progress] = []
    task = sabotage("only_energy", properties=("energy", "dipole"))
    summary = run_tasks([task], store, engine, told.append)
    by_property = {record.prop: record for record in summary.records.values()}
    assert by_property["energy"].quantity.value == -2.0
    assert by_property["dipole"].failure.kind == "not_converged"
    assert summary.computed == 3
    assert [(p.done, p.total) for p in told] == [(0, 1), (1, 2), (2, 2)]
    assert run_tasks([task], store, engine).computed == 0


def test_fail_fast_stops_at_the_first_failure(sabotage: Sabotage, store: Store, engine: LocalEngine) -> None:
    tasks = [sabotage("unsupported"), sabotage("raise", seconds=2.0), *(sabotage(n=n) for n in range(1, 20))]
    summary = run_tasks(tasks, store, engine, fail_fast=True)
    assert summary.stopped
    assert summary.failed == 1
    assert summary.computed < 10
    assert len(store.get(key for task in tasks for key in task.keys.values())) == summary.computed


def test_the_longest_start_first_and_twins_apart(sabotage: Sabotage) -> None:
    def task(n: int, seconds: float, reference: str = "") -> Task:
        return sabotage(n=n, seconds=seconds, **({"file": reference} if reference else {}))

    def order(tasks: list[Task], workers: int) -> list[int]:
        return [t.level.options.n for t in in_order(tasks, workers, expected_seconds(tasks, Costs()))]

    assert order([task(1, 1.0), task(2, 5.0), task(3, 3.0)], 1) == [2, 3, 1]
    # An unknown duration counts as the middle of the known ones; a broken estimate as unknown.
    broken = sabotage("no_estimate", n=5)
    assert order([task(1, 1.0), task(4, 0.0), task(2, 5.0), broken, task(3, 3.0)], 1) == [2, 4, 5, 3, 1]
    twins = [task(1, 9.0, "a"), task(2, 8.0, "a"), task(3, 7.0, "b"), task(4, 6.0, "b")]
    assert order(twins, 1) == [1, 2, 3, 4]
    assert order(twins, 2) == [1, 3, 2, 4]
    assert sorted(order(twins[:2], 4)) == [1, 2]
    # What they say that they share, whatever their families.
    sharing = [sabotage("share", n=n, seconds=10.0 - n, file=file) for n, file in ((1, "x"), (2, "x"), (3, "y"))]
    assert order(sharing, 2) == [1, 3, 2]


def test_what_was_recorded_decides_who_starts_first(sabotage: Sabotage, store: Store, engine: LocalEngine) -> None:
    """The method says 9 s of one and 8 s of the other; the store knows that the first takes a tenth of one."""
    said, silent = sabotage(n=1, seconds=9.0), sabotage(n=2, seconds=8.0)
    asked: list[Task] = []
    recorded = records_of(said, Outcome("ok", None, {"energy": Quantity(-2.0, "hartree")}, cost=Cost(0.1, 0.1, 1.0)))
    store.put([replace(r, key=r.key[::-1]) for r in recorded])  # by another version of the code
    engine.run = lambda tasks: asked.extend(tasks) or (x for x in ())  # type: ignore[method-assign,assignment]
    run_tasks([said, silent], store, engine)
    assert asked == [silent, said]


class _Clockwork:
    """An engine whose tasks take what they say, on a clock that is moved by hand."""

    workers = 1

    def __init__(self, clock: list[float], factor: float) -> None:
        self.clock, self.factor = clock, factor

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        for task in tasks:
            self.clock[0] += self.factor * task.level.options.seconds
            yield task, Outcome("ok", None, {"energy": Quantity(-2.0, "hartree")})

    def close(self) -> None:
        pass


def test_the_time_that_is_left(sabotage: Sabotage, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly, where every task takes three times what it was thought to, and nobody doubts estimates."""
    monkeypatch.setattr("qmbench.running.pace.SLOPE", 1.0)
    monkeypatch.setattr("qmbench.running.pace.DOUBT", 0.0)
    clock, told = [100.0], []
    monkeypatch.setattr("qmbench.running.loop.time.monotonic", lambda: clock[0])
    tasks = [sabotage(n=n, seconds=seconds) for n, seconds in enumerate((1.0, 5.0, 2.0, 0.5), start=2)]
    run_tasks(tasks, store, _Clockwork(clock, 3.0), lambda p: told.append(p.remaining_s))
    assert told == pytest.approx([None, 10.5, 4.5, 1.5, 0.0])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.21, "3.2 s"),
        (45.4, "45 s"),
        (99.6, "2 min"),
        (3600, "60 min"),
        (9000, "2.5 h"),
        (4e5, "111 h"),
    ],
)
def test_how_long_is_said(seconds: float, text: str) -> None:
    assert duration(seconds) == text
    progress = Progress(1, 2, 0, 0, remaining_s=seconds)
    assert time_left(progress) == f"about {text} left"
    assert time_left(replace(progress, done=2)) == time_left(replace(progress, remaining_s=None)) == ""


class _Cramped:
    """An engine with room for two tasks beside each other, if none of them is the second or third of these."""

    workers = 2

    def __init__(self, resources: Resources | None = None, never: int = 0) -> None:
        self.resources, self.never, self.calls = resources, never, []

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        together = list(tasks)
        self.calls.append(len(together))
        for task in together:
            n = task.level.options.n
            if n == self.never or (n in (2, 3) and len(together) > 1):
                yield task, Outcome("failed", Failure("memory", "an allocation failed"))
            else:
                yield task, Outcome("ok", None, {"energy": Quantity(-1.0 * n, "hartree")})


def test_what_memory_ran_out_for_is_run_again_alone(sabotage: Sabotage, store: Store) -> None:
    engine, told, tasks = _Cramped(), [], [sabotage(n=n) for n in range(1, 5)]
    summary = run_tasks(tasks, store, engine, told.append)
    assert engine.calls == [4, 1, 1]
    assert (summary.computed, summary.failed) == (4, 0)
    assert sorted(r.quantity.value for r in store.records()) == [-4.0, -3.0, -2.0, -1.0]
    assert [(p.done, p.failed) for p in told] == [(n, 0) for n in range(5)]


def test_what_does_not_fit_alone_either_has_failed(sabotage: Sabotage, store: Store) -> None:
    summary = run_tasks([sabotage(n=n) for n in range(1, 5)], store, _Cramped(never=2))
    assert (summary.computed, summary.failed) == (4, 1)
    (failed,) = (r for r in store.records() if r.status == "failed")
    assert failed.failure.message == "an allocation failed; with no other task beside it"


def test_a_limit_of_memory_is_met_alone_too(sabotage: Sabotage, store: Store) -> None:
    engine = _Cramped(Resources(memory_gib=1.0))
    assert run_tasks([sabotage(n=n) for n in range(1, 5)], store, engine).failed == 2
    assert engine.calls == [4]


class _Interrupting:
    """An engine in whose second task somebody presses Ctrl-C."""

    workers = 1
    closed = False

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        for n, task in enumerate(tasks):
            if n == 1:
                raise KeyboardInterrupt
            yield task, Outcome("ok", None, {"energy": Quantity(-1.0, "hartree")})


def test_an_interruption_says_how_to_go_on(sabotage: Sabotage, store: Store) -> None:
    with pytest.raises(Interrupted, match=r"after 1 of 3 tasks.*goes on") as caught:
        run_tasks([sabotage(n=n) for n in range(3)], store, _Interrupting())
    assert str(store.path) in str(caught.value)
    assert len(list(store.records())) == 1


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), _Terminal()])
def test_progress_names_failures(sabotage: Sabotage, store: Store, engine: LocalEngine, stream: io.StringIO) -> None:
    with shown(stream) as show:
        run_tasks([sabotage(), sabotage("raise"), sabotage("unsupported")], store, engine, show)
    text = stream.getvalue()
    assert "failed: sabotage?do=raise he (energy): error: ValueError: the sky fell down" in text
    assert "do=unsupported" not in text or stream.isatty()
    if stream.isatty():
        assert "\x1b[" in text
    else:
        assert text.splitlines()[0] == "0 of 3 tasks done"
        assert text.splitlines()[-1] == "3 of 3 tasks done, 1 failed"


def test_fresh_computes_again_and_replaces_what_was_there(
    sabotage: Sabotage, store: Store, engine: LocalEngine, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    task = sabotage("count", file=count)
    (key,) = task.keys.values()
    old = run_tasks([task], store, engine).records[key]
    assert run_tasks([task], store, engine).computed == 0
    summary = run_tasks([task], store, engine, fresh=True)
    assert (summary.computed, len(summary.cached), len(count.read_text().split())) == (1, 0, 2)
    assert store.get([key])[key].to_json() == summary.records[key].to_json() != old.to_json()


def test_a_fresh_failure_is_told_and_replaces_nothing(sabotage: Sabotage, store: Store, engine: LocalEngine) -> None:
    task = sabotage()
    (key,) = task.keys.values()
    old = run_tasks([task], store, engine).records[key]

    class Failing:
        workers = 1

        def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
            for task in tasks:
                yield task, Outcome("failed", Failure("crash", "boom"))

    summary = run_tasks([task], store, Failing(), fresh=True)
    assert (summary.failed, summary.records[key].failure.message) == (1, "boom")
    assert store.get([key])[key].to_json() == old.to_json()
