"""Estimates of memory: what was recorded, the methods' own guesses, and what there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Record, Task
from qmbench.domain.systems import Molecule
from qmbench.plugging.registry import parse_level
from qmbench.running.memory import Memory, _left_by_groups, learned_memory, room_mib

Sabotage = Callable[..., Task]


def task_of(n: int, distance: float = 3.0, do: str = "known_memory") -> Task:
    """A task whose method thinks that it takes 10 n MiB."""
    dimer = Molecule(("He", "He"), ((0.0, 0.0, 0.0), (0.0, 0.0, distance)), 0, 1)
    return Task(dimer, parse_level(f"sabotage?do={do}&n={n}"), ("energy",))


def record_of(task: Task, mib: float) -> Record:
    level, (prop,) = str(task.level), task.properties
    cost, value = Cost(1.0, 1.0, mib), Quantity(-1.0, "hartree")
    return Record("of an older version", level, "", task.system.hash, prop, "ok", value, None, {}, cost)


def test_without_records_the_method_is_believed(sabotage: Sabotage) -> None:
    assert Memory().mib(task_of(3)) == 30.0
    assert Memory().mib(task_of(3, do="nothing")) is None
    assert Memory().noted(task_of(3)).memory_mib == 30.0
    assert Memory().noted(task_of(3)) == task_of(3)


def test_the_same_calculation_decides_and_others_correct(sabotage: Sabotage) -> None:
    """Two tasks of a level took four times as much as was thought: a third is expected to take 4 ** (2 / 3) as much."""
    tasks = [task_of(2, 3.0), task_of(2, 4.0), task_of(2, 5.0)]
    found = learned_memory(tasks, [record_of(tasks[0], 80.0), record_of(tasks[1], 80.0)])
    assert found.mib(tasks[0]) == 80.0
    assert found.mib(tasks[2]) == pytest.approx(20.0 * 4.0 ** (2 / 3))
    assert found.mib(task_of(7)) == pytest.approx(70.0 * 4.0 ** (2 / 3))  # another level of the method


def test_where_the_method_has_no_idea_it_is_the_most(sabotage: Sabotage) -> None:
    tasks = [task_of(2, distance, "nothing") for distance in (3.0, 4.0, 5.0)]
    found = learned_memory(tasks, [record_of(tasks[0], 80.0), record_of(tasks[1], 700.0)])
    assert found.mib(tasks[2]) == 700.0


def test_control_groups_of_both_versions(tmp_path: Path) -> None:
    about, root = tmp_path / "cgroup", tmp_path / "groups"
    job = root / "batch" / "job"
    job.mkdir(parents=True)
    about.write_text("0::/batch/job\n")
    assert _left_by_groups(about, root) == float("inf")
    (job / "memory.max").write_text("max\n")
    (job / "memory.current").write_text("1000\n")
    (job / "memory.stat").write_text("anon 100\ninactive_file 300\n")
    assert _left_by_groups(about, root) == float("inf")
    for name in ("memory.current", "memory.stat"):
        (root / "batch" / name).write_text((job / name).read_text())
    (root / "batch" / "memory.max").write_text("5000\n")
    assert _left_by_groups(about, root) == 4300.0  # of the group around it
    # Version 1, with the path that the group has outside of the container.
    about.write_text("5:cpu:/\n4:memory:/outside/of/it\n0::/\n")
    own = root / "memory"
    own.mkdir()
    (own / "memory.limit_in_bytes").write_text("2000\n")
    (own / "memory.usage_in_bytes").write_text("900\n")
    (own / "memory.stat").write_text("cache 500\ntotal_inactive_file 400\n")
    assert _left_by_groups(about, root) == 1500.0
    assert _left_by_groups(tmp_path / "none", root) == float("inf")


def test_there_is_no_more_room_than_the_machine_has() -> None:
    assert 0.0 < room_mib() < 0.9 * psutil.virtual_memory().total / 2**20
