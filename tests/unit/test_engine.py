"""The local engine: warm children, resources, isolation between tasks, nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from qmbench.domain.errors import InputError, ResourceError
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Failure, Task
from qmbench.domain.resources import Resources
from qmbench.domain.systems import LatticeModel
from qmbench.running.engine import supervisor
from qmbench.running.engine.choice import engine_named
from qmbench.running.engine.local import LocalEngine
from qmbench.running.engine.outcome import Outcome, task_document
from qmbench.running.engine.supervisor import Child

Sabotage = Callable[..., Task]


def run_one(engine: LocalEngine, task: Task) -> Outcome:
    ((back, outcome),) = engine.run([task])
    assert back is task
    return outcome


def below(me: int | None = None) -> list[psutil.Process]:
    found = []
    for p in psutil.Process(me).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended since it was listed
            if p.status() != psutil.STATUS_ZOMBIE:
                found.append(p)
    return found


@pytest.fixture
def engine(sabotage: Sabotage, tmp_path: Path) -> LocalEngine:
    with LocalEngine(1, Resources(scratch=tmp_path, time_s=60.0)) as engine:
        yield engine


def test_all_shapes_of_properties_arrive(engine: LocalEngine, sabotage: Sabotage) -> None:
    names = ("energy", "dipole", "polarizability", "excitation_energies")
    outcome = run_one(engine, sabotage(properties=names))
    assert outcome.status == "ok"
    assert tuple(outcome.properties) == names
    assert outcome.properties["energy"] == Quantity(-2.0, "hartree")
    assert np.array_equal(outcome.properties["polarizability"].value, 1.5 * np.eye(3))
    assert outcome.properties["excitation_energies"].value == {"S1": 0.25, "T1": 0.125}


def test_a_lattice_is_a_system_too(engine: LocalEngine, sabotage: Sabotage) -> None:
    lattice = LatticeModel((4,), ("periodic",), 1.0, 4.0, 4, 1, name="ring")
    outcome = run_one(engine, Task(lattice, sabotage().level, ("energy",)))
    assert outcome.properties["energy"] == Quantity(-4.0, "t")


def test_an_outcome_survives_json() -> None:
    outcome = Outcome(
        "failed", Failure("timeout", "m", "log"), {}, {"a": [1, 2]}, ("w",), Cost(1.0, 2.0, 3.0, 4), "2026-01-01"
    )
    assert Outcome.from_json(outcome.to_json()) == outcome
    good = Outcome("ok", None, {"energy": Quantity(1 / 3, "hartree", 0.1, "model")})
    assert Outcome.from_json(good.to_json()) == good


def test_a_child_stays_warm_until_it_fails(engine: LocalEngine, sabotage: Sabotage) -> None:
    def pid(n: int) -> int:
        return run_one(engine, sabotage(n=n)).settings["pid"]

    first = pid(1)
    assert pid(2) == first
    assert run_one(engine, sabotage("unsupported")).status == "unsupported"
    assert pid(3) == first
    assert run_one(engine, sabotage("raise")).status == "failed"
    second = pid(4)
    assert second != first
    assert not psutil.pid_exists(first)
    engine.close()
    assert pid(5) not in (first, second)


def test_a_child_that_keeps_much_memory_is_replaced(
    engine: LocalEngine, sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STALE_GIB", 0.001)
    first, second = (run_one(engine, sabotage(n=n)).settings["pid"] for n in (1, 2))
    assert first != second


def test_tasks_do_not_see_each_others_files(engine: LocalEngine, sabotage: Sabotage, tmp_path: Path) -> None:
    assert run_one(engine, sabotage("leave_files")).status == "ok"
    settings = run_one(engine, sabotage("see_files")).settings
    assert settings["found"] == []
    assert Path(settings["cwd"]).is_relative_to(tmp_path)
    engine.close()
    assert list(tmp_path.iterdir()) == []


def test_threads_are_as_many_as_cores(sabotage: Sabotage, tmp_path: Path) -> None:
    with LocalEngine(1, Resources(cores=3, scratch=tmp_path)) as engine:
        outcome = run_one(engine, sabotage("threads"))
    assert outcome.settings == {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "cores": 3}
    assert outcome.cost.cores == 3


def test_tasks_run_side_by_side_and_come_as_they_end(sabotage: Sabotage, tmp_path: Path) -> None:
    tasks = [sabotage("sleep", n=n, seconds=s) for n, s in enumerate((3.0, 0.1, 0.1))]
    with LocalEngine(2, Resources(scratch=tmp_path)) as engine:
        list(engine.run([sabotage(n=n) for n in range(4)]))  # warm both
        order = [tasks.index(task) for task, _ in engine.run(tasks)]
    assert order[-1] == 0


def test_a_shared_artifact_is_made_once(sabotage: Sabotage, tmp_path: Path) -> None:
    log = tmp_path / "made"
    tasks = [sabotage("artifact", n=n, file=log) for n in range(4)]
    with LocalEngine(2, Resources(scratch=tmp_path)) as engine:
        outcomes = [outcome for _, outcome in engine.run(tasks)]
    assert [outcome.settings for outcome in outcomes] == [{"content": "42"}] * 4
    assert log.read_text() == "made\n"
    kept = tmp_path / "artifacts"
    with LocalEngine(1, Resources(scratch=tmp_path, artifacts=kept)) as engine:
        assert run_one(engine, tasks[0]).status == "ok"
    assert len([p for p in kept.iterdir() if p.suffix != ".lock"]) == 1


def test_cost_is_measured(engine: LocalEngine, sabotage: Sabotage) -> None:
    cost = run_one(engine, sabotage("sleep", seconds=0.3)).cost
    assert 0.3 <= cost.wall_s < 5
    assert cost.cpu_s < cost.wall_s
    assert 10 < cost.peak_memory_mib < 1000
    many = run_one(engine, sabotage("share_memory")).cost
    assert many.peak_memory_mib > 160


def test_closing_the_generator_kills_what_runs(sabotage: Sabotage, tmp_path: Path) -> None:
    before = {p.pid for p in below()}
    engine = LocalEngine(2, Resources(scratch=tmp_path))
    running = engine.run([sabotage(), sabotage("ignore_sigterm"), sabotage("hang")])
    next(running)
    assert {p.pid for p in below()} - before
    start = time.monotonic()
    running.close()
    assert time.monotonic() - start < 2
    assert {p.pid for p in below()} - before == set()
    assert list(tmp_path.iterdir()) == []


def test_a_forgotten_engine_is_cleaned_up(sabotage: Sabotage, tmp_path: Path) -> None:
    before = {p.pid for p in below()}
    engine = LocalEngine(1, Resources(scratch=tmp_path))
    run_one(engine, sabotage())
    assert {p.pid for p in below()} - before
    del engine
    gc.collect()
    assert {p.pid for p in below()} - before == set()
    assert list(tmp_path.iterdir()) == []


def test_no_descriptor_is_lost(sabotage: Sabotage, tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    with LocalEngine(1, Resources(scratch=tmp_path)) as engine:
        list(engine.run([sabotage("raise")]))
    before = descriptors()
    with LocalEngine(2, Resources(scratch=tmp_path)) as engine:
        list(engine.run([sabotage("raise", n=n) for n in range(6)]))
    assert descriptors() == before


def test_the_child_refuses_another_level_than_was_planned(engine: LocalEngine, sabotage: Sabotage) -> None:
    child = Child("sabotage", engine._folder())
    child.send(task_document(sabotage(), Resources()) | {"keys": {"energy": "another version's key"}})
    outcome = None
    while outcome is None:
        outcome = child.poll()
    assert outcome.failure.kind == "error"
    assert "not the one that was planned" in outcome.failure.message


def test_a_child_that_can_not_start_is_told_in_one_line(
    sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "numpy.py").write_text("raise ImportError('numpy is broken here')")
    monkeypatch.setenv("PYTHONPATH", f"{broken}{os.pathsep}{os.environ['PYTHONPATH']}")
    with LocalEngine(1) as engine, pytest.raises(ResourceError, match=r"did not start.*numpy is broken here") as caught:
        list(engine.run([sabotage()]))
    assert "\n" not in str(caught.value)
    with pytest.raises(ResourceError, match="scratch folder"):
        list(LocalEngine(1, Resources(scratch=tmp_path / "missing")).run([sabotage()]))


def test_engines_by_name() -> None:
    local = engine_named("local", 3)
    assert isinstance(local, LocalEngine)
    assert local.workers == 3
    for wrong in ("locl", "slurm"):
        with pytest.raises(InputError, match="there is dask, local, written NAME or NAME:ADDRESS"):
            engine_named(wrong)
    with pytest.raises(InputError, match="no address; leave ':here' out"):
        engine_named("local:here")
    with pytest.raises(InputError, match="workers"):
        engine_named("dask:tcp://127.0.0.1:1", workers=2)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="workers"):
        LocalEngine(0)
    with pytest.raises(InputError, match="core"):
        LocalEngine(1, Resources(cores=0))
    with pytest.raises(InputError, match="time limit must be a positive number of s, not 0"):
        LocalEngine(1, Resources(time_s=0.0))
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="memory limit"):
            LocalEngine(1, Resources(memory_gib=wrong))


def test_an_idle_child_that_was_killed_is_not_the_next_tasks_fault(engine: LocalEngine, sabotage: Sabotage) -> None:
    pid = run_one(engine, sabotage()).settings["pid"]
    psutil.Process(pid).kill()
    time.sleep(0.2)
    assert run_one(engine, sabotage(n=1)).status == "ok"


def signed_in(engine: LocalEngine, sabotage: Sabotage, book: Path, sizes: dict[int, float | None]) -> list[set[int]]:
    """Which tasks were at work together, after each of them began. sizes: number of a task -> MiB expected."""
    warm = [sabotage("sleep", n=n, seconds=1.0) for n in range(engine.workers)]
    assert {outcome.status for _, outcome in engine.run(warm)} == {"ok"}
    tasks = [
        replace(sabotage("sign_in_and_out", n=n, seconds=1.0, file=str(book)), memory_mib=mib)
        for n, mib in sizes.items()
    ]
    assert {task.level.options.n for task, outcome in engine.run(tasks) if outcome.status == "ok"} == set(sizes)
    here: set[int] = set()
    found = []
    for line in book.read_text().splitlines():
        number, what = line.split()
        if what == "in":
            here.add(int(number))
            found.append(set(here))
        else:
            here.remove(int(number))
    return found


def test_no_more_is_started_than_fits_into_memory(sabotage: Sabotage, tmp_path: Path) -> None:
    sizes = {1: 60.0, 2: 60.0, 3: 30.0, 4: None, 5: 150.0, 6: 30.0}
    with LocalEngine(3, Resources(scratch=tmp_path), memory_mib=100.0) as engine:
        together = signed_in(engine, sabotage, tmp_path / "book", sizes)
    assert all(sum(sizes[n] or 0.0 for n in here) <= 100.0 for here in together if len(here - {4}) > 1)
    assert any(len(here) == 3 for here in together)  # 1, 3 and the one of which nobody knows
    assert {5} in together or {4, 5} in together  # fits beside nothing that needs any, and is run all the same


def test_a_large_task_does_not_wait_for_ever(
    sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmbench.running.engine.local.PASSES", 2)
    sizes = {1: 60.0, 2: 90.0, **dict.fromkeys(range(3, 9), 20.0)}
    with LocalEngine(2, Resources(scratch=tmp_path), memory_mib=100.0) as engine:
        together = signed_in(engine, sabotage, tmp_path / "book", sizes)
    began = [n for before, after in zip([set(), *together], together, strict=False) for n in after - before]
    assert set(began[:4]) == {1, 2, 3, 4}


def test_a_limit_of_memory_is_all_that_a_task_can_need(sabotage: Sabotage, tmp_path: Path) -> None:
    with LocalEngine(2, Resources(scratch=tmp_path, memory_gib=0.5), memory_mib=1100.0) as engine:
        together = signed_in(engine, sabotage, tmp_path / "book", {1: 9000.0, 2: 9000.0})
    assert {1, 2} in together
