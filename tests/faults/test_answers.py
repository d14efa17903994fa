"""Whatever a child leaves in the place of its answer is one failed record; the run goes on, and the rest is right."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.local import LocalEngine
from qmbench.running.engine.outcome import Outcome
from qmbench.running.loop import run_tasks
from qmbench.running.store import Store

COST = {"wall_s": 1.0, "cpu_s": 1.0, "peak_memory_mib": 10.0, "cores": 1}
ENERGY = {"value": -2.0, "unit": "hartree", "uncertainty": None, "uncertainty_kind": None}
RIGHT: dict[str, Any] = {
    "status": "ok",
    "failure": None,
    "properties": {"energy": ENERGY},
    "settings": {},
    "warnings": [],
    "cost": COST,
    "started": "2026-01-01T00:00:00+00:00",
    "training_overlap": None,
    "explanation": None,
}
FAILED = {"kind": "error", "message": "m", "log_tail": ""}


def energy(**changed: Any) -> dict[str, Any]:
    return {"properties": {"energy": {**ENERGY, **changed}}}


# What stands in the outcome: bytes, or what is changed in a right one; and what the record says of it.
ANSWERS: dict[str, tuple[bytes | dict[str, Any], str]] = {
    "nothing": (b"", "not JSON"),
    "text": (b"hello", "not JSON"),
    "cut": (json.dumps(RIGHT).encode()[:-1], "not JSON"),
    "latin-1": (b'{"status": "caf\xe9"}', "not UTF-8"),
    "deep": (b"[" * 200_000, "nested too deep"),
    "deep settings": ({"settings": {"x": "DEEP"}}, "nested too deep"),
    "list": (b"[]", "the whole"),
    "number": (b"3", "the whole"),
    "digits": (b'{"status": ' + b"9" * 5000 + b"}", "not JSON"),
    "no cost": ({"cost": None}, "cost"),
    "cost a list": ({"cost": [1, 2, 3, 4]}, "cost"),
    "cost of text": ({"cost": {**COST, "wall_s": "1"}}, "cost.wall_s"),
    "cost below zero": ({"cost": {**COST, "wall_s": -1.0}}, "cost.wall_s"),
    "half a cost": ({"cost": {"wall_s": 1.0}}, "cost.cpu_s"),
    "NaN": (energy(value=float("nan")), "NaN is no number"),
    "infinite": (json.dumps({**RIGHT, **energy(value=1.5)}).replace("1.5", "1e999").encode(), "too large a number"),
    "text for a value": (energy(value="-2.0"), "value"),
    "text in a value": (energy(value=["-2.0"]), "holds str"),
    "truth for a value": (energy(value=True), "value"),
    "ragged": (energy(value=[[1.0], [1.0, 2.0]]), "properties.energy"),
    "negative uncertainty": (energy(uncertainty=-1.0, uncertainty_kind="model"), "can't be negative"),
    "unknown uncertainty": (energy(uncertainty=1.0, uncertainty_kind="hope"), "no kind of uncertainty"),
    "uncertainty without kind": (energy(uncertainty=1.0), "and its kind"),
    "no unit": (energy(unit=None), "unit"),
    "another unit": (energy(unit="eV"), "must be in 'hartree', not 'eV'"),
    "another shape": (energy(value=[1.0, 2.0]), "must have shape"),
    "no property": ({"properties": {}}, "lacks energy"),
    "properties a list": ({"properties": ["energy"]}, "properties"),
    "status": ({"status": "fine"}, "status"),
    "ok and failed": ({"failure": FAILED}, "with a failure"),
    "failed without": ({"status": "failed"}, "without a failure"),
    "failure of text": ({"status": "failed", "failure": "no"}, "failure"),
    "unknown failure": ({"status": "failed", "failure": {**FAILED, "kind": "hope"}}, "failure.kind"),
    "warnings a number": ({"warnings": 3}, "warnings"),
    "settings a list": ({"settings": []}, "settings"),
    "overlap of text": ({"training_overlap": "all"}, "training_overlap"),
}


@pytest.fixture
def stored(sabotage: Callable[..., Task], tmp_path: Path) -> Callable[..., list[Any]]:
    """Runs the tasks, a healthy one behind each, through engine and store; the records of the tasks."""

    def run(*tasks: Task, workers: int = 1, **limits: float) -> list[Any]:
        healthy = [sabotage(n=n) for n in range(len(tasks))]
        every = [task for pair in zip(tasks, healthy, strict=True) for task in pair]
        resources = Resources(scratch=tmp_path, **{"time_s": 60.0, **limits})
        with LocalEngine(workers, resources) as engine, Store(tmp_path / "store.sqlite") as store:
            run_tasks(every, store, engine)
            records = [store.get(task.keys.values())[task.keys[task.properties[0]]] for task in every]
        for record in records[1::2]:
            assert (record.status, record.failure, record.quantity.value) == ("ok", None, -2.0)
        return records[::2]

    return run


def test_every_answer_that_is_none(
    stored: Callable[..., list[Any]], sabotage: Callable[..., Task], tmp_path: Path
) -> None:
    tasks = []
    for n, (name, (what, _)) in enumerate(ANSWERS.items()):
        file = tmp_path / f"answer-{n}"
        if isinstance(what, dict):
            what = json.dumps({**RIGHT, **what}).replace('"DEEP"', "[" * 50_000 + "]" * 50_000).encode()
        file.write_bytes(what)
        tasks.append(sabotage("outcome", n=n, file=file))
        assert name
    for (name, (_, said)), record in zip(ANSWERS.items(), stored(*tasks, workers=2), strict=True):
        assert record.status == "failed", name
        assert record.failure.kind == "error", (name, record.failure)
        assert said in record.failure.message, (name, record.failure)
        assert "\n" not in record.failure.message
        assert record.quantity is None
        assert record.cost.wall_s > 0


def test_a_right_answer_is_taken_from_there(
    stored: Callable[..., list[Any]], sabotage: Callable[..., Task], tmp_path: Path
) -> None:
    """Which shows that the answers above are refused for what is wrong with them, and for nothing else."""
    (tmp_path / "right").write_text(json.dumps({**RIGHT, **energy(value=-7)}))
    (record,) = stored(sabotage("outcome", file=tmp_path / "right"))
    assert (record.status, record.quantity.value) == ("ok", -7.0)


PLACES = {
    "outcome_folder": ("error", "a folder, a pipe or a device"),
    "outcome_fifo": ("error", "a folder, a pipe or a device"),
    "outcome_link": ("error", "can't be read"),
    "outcome_sparse": ("error", "larger than 64 MiB"),
    "delete_work": ("crash", "its working folder is gone"),
    "log_fifo": ("error", "after the log"),
    "huge_integer": ("error", "seed"),
    "deep_settings": ("error", "nested"),
    "surrogates": ("error", "no file caf"),
    "many_warnings": ("error", "larger than 64 MiB"),
}


@pytest.mark.parametrize("do", PLACES)
def test_every_thing_in_the_place_of_an_answer(
    stored: Callable[..., list[Any]], sabotage: Callable[..., Task], do: str
) -> None:
    start = time.monotonic()
    (record,) = stored(sabotage(do))
    assert time.monotonic() - start < 30
    kind, said = PLACES[do]
    assert record.failure.kind == kind, record.failure
    assert said in record.failure.message
    if do in ("log_fifo", "delete_work"):  # what it said is kept, whatever became of the file
        assert "the last words" in record.failure.log_tail


def test_a_deleted_folder_does_not_stop_the_clock(
    stored: Callable[..., list[Any]], sabotage: Callable[..., Task]
) -> None:
    (record,) = stored(sabotage("delete_work_and_hang"), time_s=2.0)
    assert record.failure.kind == "timeout"


@pytest.mark.parametrize(
    "do",
    [
        *("delete_scratch", "scratch_file", "scratch_link", "scratch_shut"),
        *("next_outcome", "part_fifo", "close_all", "late_death"),
    ],
)
def test_what_a_task_leaves_is_not_blamed_on_the_next(
    stored: Callable[..., list[Any]], sabotage: Callable[..., Task], tmp_path: Path, do: str
) -> None:
    own = tmp_path / "of the user"
    own.mkdir()
    (own / "precious").write_text("x")
    (record,) = stored(sabotage(do, file=own))  # looks at the healthy task behind it
    assert (record.status, record.failure) == ("ok", None)
    assert (own / "precious").read_text() == "x"  # scratch is emptied, not what a link in its place points to


def test_a_closed_pipe_does_not_keep_the_driver_busy(sabotage: Callable[..., Task], tmp_path: Path) -> None:
    me = psutil.Process()
    with LocalEngine(1, Resources(scratch=tmp_path, time_s=60.0)) as engine:
        list(engine.run([sabotage()]))
        before = sum(me.cpu_times()[:2])
        ((_, outcome),) = engine.run([sabotage("close_all", seconds=3.0)])
    assert outcome.status == "ok"
    assert isinstance(outcome, Outcome)
    assert sum(me.cpu_times()[:2]) - before < 1.0  # of 3 s; all of it when the pipe always has something to say
