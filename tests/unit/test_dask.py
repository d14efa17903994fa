"""The Dask engine gives what the local one gives, inside daemonic workers, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dask
import distributed
import psutil
import pytest

from qmbench.domain.errors import InputError, ResourceError
from qmbench.domain.record import Cost, Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.choice import engine_named
from qmbench.running.engine.dask import BATCH_SECONDS, MOST_TOGETHER, DaskEngine, _Pace, compute_here
from qmbench.running.engine.outcome import Outcome
from qmbench.running.loop import run_tasks
from qmbench.running.store import Store

Sabotage = Callable[..., Task]


def children_of_engines() -> set[int]:
    found = set()
    for p in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended since it was listed
            if p.status() != psutil.STATUS_ZOMBIE and "qmbench.running.engine.child" in p.cmdline():
                found.add(p.pid)
    return found


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'qmbench\[dask\]'"):
        engine_named("dask")


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmbench.running.engine.dask.CONNECT_SECONDS", 1)
    with pytest.raises(ResourceError, match="no dask scheduler answers at 'tcp:") as caught:
        engine_named("dask:tcp://127.0.0.1:9")
    assert "\n" not in str(caught.value)


@pytest.fixture
def scheduler(sabotage: Sabotage) -> Iterator[str]:
    """A cluster that somebody else started: one scheduler, one daemonic worker process."""
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_faults_on_a_cluster(sabotage: Sabotage, scheduler: str, tmp_path: Path) -> None:
    kinds = {"nothing": None, "segfault": "crash", "hang_in_c": "timeout", "nan": "error", "one_big_array": "memory"}
    properties = ("energy", "dipole")
    tasks = {do: sabotage(do) for do in kinds} | {"both": sabotage(n=1, properties=properties)}
    before = children_of_engines()
    with (
        Store(tmp_path / "s.sqlite") as store,
        DaskEngine(scheduler, None, Resources(time_s=3.0, memory_gib=0.5)) as engine,
    ):
        assert engine.workers == 2
        summary = run_tasks(tasks.values(), store, engine)
        for do, kind in kinds.items():
            record = summary.records[tasks[do].keys["energy"]]
            assert (record.failure and record.failure.kind) == kind
        assert len(store.get(tasks["both"].keys.values())) == 2
        first, second = (summary.records[key] for key in tasks["both"].keys.values())
        assert (first.quantity.value, list(second.quantity.value)) == (-2.0, [0.0, 0.0, 0.0])
        pids = {outcome.settings["pid"] for _, outcome in engine.run([sabotage(n=n) for n in range(2, 8)])}
        assert len(pids) <= 2  # they stay warm
        assert children_of_engines() - before
    time.sleep(0.5)
    assert children_of_engines() - before == set()


def test_stopping_reaches_the_workers(sabotage: Sabotage, scheduler: str) -> None:
    before = children_of_engines()
    engine = DaskEngine(scheduler)
    running = engine.run([sabotage(), sabotage("hang"), sabotage("hang_in_c"), sabotage("hang", n=2)])
    next(running)
    assert children_of_engines() - before
    start = time.monotonic()
    running.close()
    while children_of_engines() - before and time.monotonic() < start + 3:
        time.sleep(0.05)
    assert children_of_engines() - before == set()


@pytest.mark.slow
def test_a_cluster_that_loses_the_task_is_a_crash(sabotage: Sabotage) -> None:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        DaskEngine(None, 1, Resources(time_s=60.0)) as engine,
    ):
        ((_, killed),) = engine.run([sabotage("kill_cluster_worker")])
        ((_, after),) = engine.run([sabotage()])
    assert after.status == "ok"
    assert killed.failure.kind == "crash"
    assert "KilledWorker" in killed.failure.message


def test_quick_tasks_travel_together_and_each_has_its_outcome(
    sabotage: Sabotage, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmbench.running.engine.dask.WAITING", 2)
    tasks = [sabotage(n=n) for n in range(2, 80)]
    tasks[60:60] = [sabotage("segfault"), sabotage("nan")]
    with DaskEngine(scheduler, None, Resources(time_s=30.0)) as engine:
        sent = []
        submit = engine._client.submit
        monkeypatch.setattr(engine._client, "submit", lambda *a, **k: sent.append(len(a[1])) or submit(*a, **k))
        found = {task: outcome for task, outcome in engine.run(tasks)}
    assert set(found) == set(tasks)
    kinds = {do: found[sabotage(do)].failure.kind for do in ("segfault", "nan")}
    assert kinds == {"segfault": "crash", "nan": "error"}
    assert sum(outcome.status == "ok" for outcome in found.values()) == len(tasks) - 2
    assert all(found[task].properties["energy"].value == -2.0 for task in tasks[:60])
    assert sent[:2] == [1, 1]  # nothing is known yet
    assert max(sent) > 5
    assert len(sent) < len(tasks) / 2


def largest_together(engine: DaskEngine, sabotage: Sabotage, book: Path, sizes: dict[int, float | None]) -> float:
    """The most MiB that tasks at work together were expected to take. sizes: number of a task -> MiB expected."""
    tasks = [
        replace(sabotage("sign_in_and_out", n=n, seconds=0.7, file=str(book)), memory_mib=mib)
        for n, mib in sizes.items()
    ]
    assert {outcome.status for _, outcome in engine.run(tasks)} == {"ok"}
    here, most = set[int](), 0.0
    for line in book.read_text().splitlines():
        number, what = line.split()
        (here.add if what == "in" else here.remove)(int(number))
        most = max(most, sum(sizes[n] or 0.0 for n in here))
    return most


def test_no_more_is_started_than_fits_into_the_memory_of_a_worker(sabotage: Sabotage, tmp_path: Path) -> None:
    sizes = {1: 60.0, 2: 60.0, 3: 30.0, 4: None, 5: 60.0, 6: 30.0}
    with DaskEngine(None, 3, Resources(scratch=tmp_path), memory_mib=100.0) as engine:
        assert engine.workers == 3
        assert largest_together(engine, sabotage, tmp_path / "one", sizes) == 90.0
        # What fits nowhere is run all the same, with nothing beside it.
        assert largest_together(engine, sabotage, tmp_path / "two", {1: 150.0, 2: 30.0, 3: 150.0, 4: 60.0}) == 150.0


@pytest.mark.parametrize(("second", "mib", "largest"), [(70.0, 60.0, 180.0), (70.0, 100.0, 300.0), (None, 60.0, 240.0)])
def test_what_workers_of_a_cluster_say_of_their_memory(
    sabotage: Sabotage, tmp_path: Path, second: float | None, mib: float, largest: float
) -> None:
    """Two workers of two threads, the first with room for two of these tasks; no task asks for more
    than the second has, and where one says nothing, nobody is asked for anything."""
    memory = {} if second is None else {"MEMORY": second * 2**20}
    first = {"cls": distributed.Worker, "options": {"nthreads": 2, "resources": {"MEMORY": 200 * 2**20}}}
    other = {"cls": distributed.Worker, "options": {"nthreads": 2, "resources": memory}}
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": None}}
    with (
        distributed.SpecCluster(scheduler=scheduler, workers={0: first, 1: other}) as cluster,
        DaskEngine(cluster.scheduler_address, None, Resources(scratch=tmp_path)) as engine,
    ):
        assert engine.workers == 4
        assert largest_together(engine, sabotage, tmp_path / "book", dict.fromkeys(range(1, 9), mib)) == largest


def test_what_there_was_no_time_for_is_sent_again(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmbench.running.engine.dask._compute_one", lambda document, plugin, engine: time.sleep(0.3))
    assert len(compute_here([{}] * 10, "sabotage", "engine")) == 2  # begun after 0 and 0.3 of 0.5 s


def test_how_many_travel_together(sabotage: Sabotage) -> None:
    pace, quick = _Pace(), sabotage(n=2)
    took = lambda seconds: [Outcome("ok", cost=Cost(seconds, seconds, 1.0))]  # noqa: E731
    pending = deque(sabotage(n=n) for n in range(2, 200))
    assert len(pace.next_of(pending)) == 1
    pace.saw([quick], took(0.01))
    assert len(pace.next_of(pending)) == BATCH_SECONDS / 2 / 0.01
    pace.saw([quick], took(3.0))
    pace.saw([quick], took(0.01))
    assert len(pace.next_of(pending)) == 1  # the slow one is not forgotten at once
    for _ in range(100):
        pace.saw([quick], took(1e-5))
    assert len(pace.next_of(pending)) == MOST_TOGETHER


@pytest.mark.slow
def test_a_task_that_ends_the_worker_does_not_take_those_that_travel_with_it(sabotage: Sabotage) -> None:
    # Nothing is sent to a worker that is not started at once: Dask blames what waits on one that dies as well.
    strict = {"allowed-failures": 0, "worker-saturation": 1.0}
    tasks = [sabotage(n=n) for n in range(2, 150)]
    tasks[140:140] = [sabotage("kill_cluster_worker")]
    with (
        dask.config.set({f"distributed.scheduler.{name}": value for name, value in strict.items()}),
        DaskEngine(None, 1, Resources(time_s=60.0)) as engine,
    ):
        found = {task: outcome for task, outcome in engine.run(tasks)}
    assert len(found) == len(tasks)
    lost = [task for task, outcome in found.items() if outcome.status != "ok"]
    assert tasks[140] in lost
    # At first, while Dask does not know of many, one submission waits all the same.
    assert len(lost) <= 2


DRIVER = """
import sys
from qmbench.running.engine.dask import DaskEngine
from qmbench.plugging.registry import parse_level
from qmbench.domain.record import Task
from qmbench.domain.systems import Molecule
if __name__ == "__main__":
    helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="he")
    engine = DaskEngine(None, 1)
    for _, outcome in engine.run([Task(helium, parse_level(f"sabotage?do={do}"), ("energy",)) for do in sys.argv[1:]]):
        print(outcome.status, flush=True)
"""


@pytest.mark.slow
def test_a_cluster_of_its_own_dies_with_the_driver(sabotage: Sabotage, tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    driver = subprocess.Popen([sys.executable, str(script), "nothing", "hang"], stdout=subprocess.PIPE, text=True)
    assert driver.stdout.readline() == "ok\n"
    family = psutil.Process(driver.pid).children(recursive=True)
    assert any("qmbench.running.engine.child" in p.cmdline() for p in family)
    driver.kill()
    driver.communicate()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
