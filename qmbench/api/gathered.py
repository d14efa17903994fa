"""What one level of theory gives for several systems: from the store, and computed where that lacks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qmbench.data.atoms import database_names, is_database
from qmbench.data.benchmark import benchmark_folders, find_benchmark
from qmbench.data.target import find_target
from qmbench.domain.composite import Level
from qmbench.domain.errors import InputError, QmbenchError
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.record import Record, Task
from qmbench.domain.systems import System
from qmbench.running.session import Session


def systems_of(named: Sequence[str]) -> dict[str, System]:
    """name -> system, of benchmarks and of databases of ASE (all their systems), and of single systems and files, each
    once.

    InputError for a name that is none of these, or an entry of a benchmark.
    """
    found: dict[str, System] = {}
    for text in named:
        if text in benchmark_folders() or (Path(text) / "benchmark.toml").is_file():
            benchmark = find_benchmark(text)
            found |= {f"{benchmark.id}:{name}": benchmark.system(name) for name in benchmark.system_ids}
            continue
        for one in database_names(text) if is_database(text) else (text,):
            target = find_target(one)
            if target.system is None:
                raise InputError(
                    f"'{text}' is an entry; a data set is of systems: BENCHMARK, BENCHMARK:SYSTEM or a file"
                )
            found[target.name] = target.system
    return found


def gather(
    level: Level, systems: Mapping[str, System], wanted: tuple[str, ...], session: Session
) -> tuple[list[tuple[str, Task, dict[str, Record]]], list[tuple[str, str]]]:
    """(name, task, property -> record) of the systems for which all that is `wanted` is there, and (name, why) of the
    others. InputError for a level that is made of levels."""
    if not isinstance(level, LevelOfTheory):
        raise InputError(f"'{level}' is made of levels; a data set is of one that is a single calculation")
    tasks: dict[str, Task] = {}
    left_out: list[tuple[str, str]] = []
    for name, system in systems.items():
        try:
            level.make().check(system, frozenset(wanted))
            tasks[name] = Task(system, level, wanted)
        except QmbenchError as error:
            left_out.append((name, str(error)))
    with session.opened() as store:
        records = session.compute(list(tasks.values()), store).records if tasks else {}
    found = []
    for name, task in tasks.items():
        made = {prop: records[key] for prop, key in task.keys.items() if key in records}
        bad = next((r for r in made.values() if r.status != "ok"), None)
        if bad is not None or len(made) < len(wanted):
            left_out.append((name, bad.failure.message if bad is not None and bad.failure else "was not computed"))
        else:
            found.append((name, task, made))
    return found, left_out
