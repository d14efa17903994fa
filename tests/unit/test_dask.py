"""The Dask engine gives what the local one gives, inside daemonic workers, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import distributed
import psutil
import pytest

from qmbench.domain.errors import InputError, ResourceError
from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.choice import engine_named
from qmbench.running.engine.dask import DaskEngine
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
