"""Estimates of cost: what was recorded, the methods' own guesses, and corrections of these that can be checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from qmbench.domain.record import Cost, Record, Task
from qmbench.domain.systems import Molecule
from qmbench.plugging.registry import parse_level
from qmbench.running.costs import Costs, counted_once, learned, outlook, own_estimate

Sabotage = Callable[..., Task]


def task_of(n: int, seconds: float, distance: float = 3.0, do: str = "nothing") -> Task:
    """A task whose method thinks that it takes `seconds`."""
    dimer = Molecule(("He", "He"), ((0.0, 0.0, 0.0), (0.0, 0.0, distance)), 0, 1, name=f"he2_{distance}")
    return Task(dimer, parse_level(f"sabotage?do={do}&n={n}&seconds={seconds}"), ("energy",))


def record_of(task: Task, cpu_s: float, key: str = "of an older version") -> Record:
    level, (prop,) = str(task.level), task.properties
    from qmbench.domain.quantity import Quantity

    quantity = Quantity(-1.0, "hartree")
    cost = Cost(2 * cpu_s, cpu_s, 10.0)
    return Record(key, level, task.system.name, task.system.hash, prop, "ok", quantity, None, {}, cost)


def test_without_records_the_method_is_believed(sabotage: Sabotage) -> None:
    assert Costs().seconds(task_of(2, 7.5)) == pytest.approx(own_estimate(task_of(2, 7.5)))
    assert Costs().seconds(task_of(2, 7.5, do="no_estimate")) is None


def test_the_same_task_of_another_version_is_what_counts(sabotage: Sabotage) -> None:
    first, second = task_of(2, 7.5), task_of(2, 7.5, distance=4.0)
    costs = learned([first, second], [record_of(first, 0.25), record_of(second, 4.0)])
    assert (costs.records, costs.seconds(first), costs.seconds(second)) == (2, 0.25, 4.0)


def test_what_starting_takes_says_little_of_an_hour(sabotage: Sabotage) -> None:
    """Five tasks guessed at a millisecond took a twentieth of a second, fifty times as long: that of starting."""
    tasks = [task_of(n, 0.001) for n in range(5)]
    hour = task_of(9, 3600.0)
    costs = learned([*tasks, hour], [record_of(task, 0.05) for task in tasks])
    assert 0.5 < costs.seconds(hour) / 3600 < 2.0


def test_what_failed_says_nothing_of_cost(sabotage: Sabotage) -> None:
    first = task_of(2, 7.5)
    failed = Record("k", str(first.level), "", first.system.hash, "energy", "failed", cost=Cost(0.1, 0.1, 1.0))
    assert learned([first], [failed]) == Costs()


@pytest.mark.parametrize("factor", [0.01, 1.0, 30.0])
def test_a_machine_that_is_slower_by_a_factor(sabotage: Sabotage, factor: float) -> None:
    """A level that was never computed gets the factor of the others, less what a doubter of 40 tasks leaves out."""
    tasks = [task_of(n, 1.5 * n) for n in range(1, 41)]
    new = task_of(50, 2.0)
    costs = learned([*tasks, new], [record_of(t, factor * own_estimate(t)) for t in tasks])
    # δ(all) = 40/41 ln f, and of what is left, 1/41 ln f, the method's share is again 40/41.
    rest = (1 / 41) ** 2 * math.log(factor)
    assert math.log(costs.seconds(new) / own_estimate(new)) == pytest.approx(math.log(factor) - rest, abs=1e-9)


def test_one_task_decides_half(sabotage: Sabotage) -> None:
    """All, method and level in turn take half of what is left: 7/8 of it in the logarithm for the same level."""
    known = task_of(2, 1.0)
    same_level, other_level = task_of(2, 1.0, distance=4.0), task_of(3, 1.0)
    costs = learned([known, same_level, other_level], [record_of(known, 16.0 * own_estimate(known))])
    assert costs.seconds(same_level) == pytest.approx(own_estimate(same_level) * 16.0 ** (7 / 8))
    assert costs.seconds(other_level) == pytest.approx(own_estimate(other_level) * 16.0 ** (3 / 4))


def test_a_method_without_estimates_takes_what_it_mostly_took(sabotage: Sabotage) -> None:
    known = [task_of(2, 0.0, distance, do="no_estimate") for distance in (3.0, 4.0, 5.0)]
    new = task_of(2, 0.0, 6.0, do="no_estimate")
    costs = learned([*known, new], [record_of(t, s) for t, s in zip(known, (1.0, 2.0, 50.0), strict=True)])
    assert costs.seconds(new) == pytest.approx(2.0)
    assert costs.seconds(task_of(3, 0.0, 6.0, do="no_estimate")) == pytest.approx(2.0)  # of the method


def total_and_wall(costs: Sequence[float], workers: int) -> tuple[float, float, float]:
    tasks = [task_of(n, 1.0) for n in range(1, len(costs) + 1)]
    found = outlook(tasks, {id(t): s for t, s in zip(tasks, costs, strict=True)}, workers, most=2)
    assert [s for _, s in found.dearest] == sorted(costs, reverse=True)[:2]
    return found.total_s, found.longest_s, found.wall_s


def test_the_outlook(sabotage: Sabotage) -> None:
    assert total_and_wall([1.0, 4.0, 3.0], 1) == (8.0, 4.0, 8.0)
    assert total_and_wall([1.0, 4.0, 3.0], 2) == (8.0, 4.0, 4.0)
    assert total_and_wall([1.0, 9.0, 3.0], 2) == (13.0, 9.0, 9.0)  # the longest alone
    unknown = task_of(2, 1.0)
    assert outlook([unknown], {id(unknown): None}, 2).unknown == 1
    assert outlook([], {}, 2).to_json()["dearest"] == []


def test_what_tasks_share_is_counted_once_for_the_longest(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10, 8 and 6 s, 5 s of each are for one intermediate, and 1 s of the last for one of its own."""
    tasks = [task_of(n, seconds) for n, seconds in ((2, 8.0), (3, 10.0), (4, 6.0))]
    method, own = tasks[0].level.method, [own_estimate(task) for task in tasks]
    one = {"field": 5.0}
    monkeypatch.setattr(method, "shared_seconds", lambda self, *_: {**one, "mine": 1.0} if self.options.n == 4 else one)
    seconds = [Costs().seconds(task) for task in tasks]
    assert seconds == pytest.approx(own)
    assert counted_once(tasks, seconds, Costs()) == pytest.approx([8.0 - 5.0, 10.0, 6.0 - 5.0])
    # What was recorded of a level shared as it was run, and is not made less once more.
    with_record = learned(tasks, [record_of(tasks[0], 2.0)])
    again = [with_record.seconds(task) for task in tasks]
    assert counted_once(tasks, again, with_record)[0] == pytest.approx(again[0])
    monkeypatch.setattr(method, "shared_seconds", lambda self, *_: 1 / 0)  # a broken method fails in its own task
    assert counted_once(tasks, seconds, Costs()) == seconds
