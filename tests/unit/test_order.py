"""In which order tasks are started, and when a benchmark is told to be finished."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import accumulate

import numpy as np
import pytest

from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Failure, Task
from qmbench.running.engine.outcome import Outcome
from qmbench.running.loop import run_tasks
from qmbench.running.order import SAFETY, in_order
from qmbench.running.store import Store


def goals_of(tasks, names):
    return {key: list(of) for task, of in zip(tasks, names, strict=True) for key in task.keys.values()}


def ordered(tasks, workers, seconds, names, once=None):
    found = in_order(tasks, workers, seconds, once, goals_of(tasks, names))
    return [tasks.index(task) for task in found]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


def test_the_cheapest_goal_comes_first_and_within_it_the_longest(sabotage, monkeypatch):
    monkeypatch.setattr("qmbench.running.order.SAFETY", 0.0)
    tasks = [sabotage(n=n) for n in range(6)]
    seconds = [1.0, 2.0, 1.0, 0.5, 0.7, 0.1]
    # b costs 1.2, c 2.0, a 2.0 (and c is after a by name); what is for none is last.
    assert ordered(tasks, 1, seconds, ["a", "c", "a", "b", "b", ""]) == [4, 3, 0, 2, 1, 5]
    # A task of two goals has its turn with the cheaper one.
    assert ordered(tasks, 1, seconds, ["a", "cb", "a", "b", "b", ""])[:4] == [0, 2, 1, 4]


def test_a_long_task_is_not_left_alone_at_the_end(sabotage):
    """20 tasks of one second, of the cheaper goal, and one of 10: it starts when it is a third of what is left."""
    tasks = [sabotage(n=n) for n in range(41)]
    seconds = [1.0] * 40 + [41.0]
    assert SAFETY == 3.0
    assert ordered(tasks, 1, seconds, ["a"] * 40 + ["b"]) == [40, *range(40)]
    seconds[40] = 5.0
    mine = ordered(tasks, 2, seconds, ["a"] * 20 + ["b"] * 21)
    # 45 s in all; while more than 2 × 3 × 5 are left, those of one second come first.
    assert mine.index(40) == 15
    assert mine[:15] == list(range(15))
    # What others make counts once: then less is left, and it starts at once.
    assert ordered(tasks, 2, seconds, ["a"] * 20 + ["b"] * 21, once=[0.5] * 40 + [5.0])[0] == 40


@pytest.mark.parametrize("seed", range(20))
def test_goals_cost_next_to_no_time(sabotage, seed):
    """Started one after the other by whoever is free, with estimates that are off by up to a factor of two."""
    rng = np.random.default_rng(seed)
    tasks = [sabotage(n=n) for n in range(150)]
    estimate = np.exp(rng.normal(0.0, 1.5, len(tasks)))
    truth = estimate * np.exp(rng.uniform(-0.69, 0.69, len(tasks)))
    names = [str(n) for n in rng.integers(0, 6, len(tasks))]
    workers = 3
    free = [0.0] * workers
    for i in ordered(tasks, workers, estimate.tolist(), names):
        free[free.index(min(free))] += truth[i]
    assert max(free) < 1.1 * max(truth.sum() / workers, truth.max())


def test_all_are_started_once(sabotage):
    tasks = [sabotage(n=n) for n in range(30)]
    seconds = list(accumulate([0.0] * 10 + [1.0] * 20))
    assert sorted(ordered(tasks, 2, seconds, "abc" * 10)) == list(range(30))
    assert sorted(ordered(tasks, 4, seconds, ["ab", "bc", ""] * 10)) == list(range(30))


class _Doing:
    """An engine that gives what it is told to; whatever it is not told of is -2 hartree."""

    workers = 1

    def __init__(self, *failing: Task) -> None:
        self.failing = failing

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Outcome], None, None]:
        for task in tasks:
            if any(set(task.keys.values()) <= set(other.keys.values()) for other in self.failing):
                yield task, Outcome("unsupported", Failure("unsupported", "not this one"))
            else:
                yield task, Outcome("ok", None, {prop: Quantity(-2.0, "hartree") for prop in task.properties})

    def close(self) -> None:
        pass


def run(tasks, store, engine, goals):
    told = []
    run_tasks(tasks, store, engine, lambda p: told.append((p.done, p.reached)), goals=goals)
    return {name: done for done, reached in told for name in reached}


def test_a_goal_is_told_with_the_last_of_its_records(sabotage, store, monkeypatch):
    monkeypatch.setattr("qmbench.running.order.SAFETY", 0.0)
    tasks = [sabotage(n=n) for n in range(5)]
    keys = [key for task in tasks for key in task.keys.values()]
    goals = {"first": keys[:2], "all": keys, "last": keys[4:], "none": ()}
    assert run(tasks[:1], store, _Doing(), {"one": keys[:1]}) == {"one": 1}
    # One is there already; what fails is there, too; and what had nothing to wait for is told of by nobody.
    assert run(tasks, store, _Doing(tasks[4]), goals) == {"first": 1, "last": 2, "all": 4}
    assert run(tasks, store, _Doing(), {"first": keys[:2]}) == {}


def test_a_goal_waits_for_what_is_run_again_apart(sabotage, store):
    both, other = sabotage(n=1, properties=("energy", "forces")), sabotage(n=2)
    goals = {"both": list(both.keys.values()), "other": list(other.keys.values())}
    found = run([both, other], store, _Doing(both), goals)
    assert found == {"other": 1, "both": 3}
