"""`qmbench run suite`: plan, compute what the store lacks, print the tables, write the report."""

from __future__ import annotations

import os
import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qmbench.cli.common import check_choice, console, cores, print_json, resources, store_place
from qmbench.data.benchmark import BSSE
from qmbench.data.suite import find_suite, restrict
from qmbench.domain.errors import InputError
from qmbench.domain.record import Task
from qmbench.running.plan import Plan, make_plan

DEFAULT_REPORT = Path("qmbench-report")


@dataclass(frozen=True)
class Request:
    """What the command line asked for."""

    name: str
    levels: tuple[str, ...]
    benchmarks: tuple[str, ...]
    bsse: str | None
    engine: str
    workers: int | None
    task_timeout: float | None
    task_memory: float | None
    store: str | None
    report: Path | None
    reference: str | None
    json: bool
    fail_fast: bool


def run_suite(request: Request, dry_run: bool) -> int:
    """The command; returns its exit code."""
    check_choice(request.bsse, BSSE, "--bsse")
    plan = make_plan(restrict(find_suite(request.name), request.levels, request.benchmarks, request.bsse))
    published = any(not e.terms for b in plan.benchmarks.values() for e in b.entries)
    if not plan.entries and not published:
        raise InputError(f"suite {plan.suite.id}: there is no entry that its levels could do")
    if dry_run:
        return _dry_run(plan, request)
    from qmbench.running.store import Store

    with Store.open(store_place(request.store)) as store:
        run = compute_plan(plan, store, request)
        keys = {key for planned in run["entries"] for _, key in planned["terms"]}
        records = store.get(keys)
    from qmbench.cli.present import present

    return present(run, records, plan.benchmarks, request.report or DEFAULT_REPORT, request.reference, request.json)


def compute_plan(plan: Plan, store: Any, request: Request) -> dict[str, Any]:
    """Run the plan's tasks through the store and keep the run's document there, from its start."""
    from qmbench.running.loop import run_tasks
    from qmbench.running.progress import shown
    from qmbench.running.run_document import run_document

    started = datetime.now(UTC)
    run_id = f"{started:%Y%m%d-%H%M%S}-{plan.suite.id}-{secrets.token_hex(2)}"
    run = run_document(plan, run_id, started.isoformat(timespec="seconds"))
    engine = make_engine(request, store.artifacts_folder, len(plan.tasks))
    store.save_run(run)
    with engine, shown() as progress:
        summary = run_tasks(plan.tasks, store, engine, progress, request.fail_fast)
    run["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    run["computed"] = sorted(set(summary.records) - summary.cached)
    store.save_run(run)
    return run


def make_engine(request: Request, artifacts: Path, n_tasks: int) -> Any:
    """The engine that `--engine` names; by default one core per task and as many tasks as there are cores."""
    from qmbench.running.engine.choice import engine_named

    workers = request.workers
    if request.engine == "local":
        workers = max(1, min(workers or cores(), n_tasks))
    threads = max(1, cores() // (workers or cores()))
    limits = resources(threads, request.task_timeout, request.task_memory, artifacts)
    return engine_named(request.engine, workers, limits)


def _dry_run(plan: Plan, request: Request) -> int:
    place = store_place(request.store)
    known = _known(plan, place)
    rows = _dry_rows(plan, known)
    to_do = [task for task in plan.tasks if not set(task.keys.values()) <= known]
    seconds, unknown = estimate(to_do)
    if request.json:
        print_json(
            {
                "suite": plan.suite.id,
                "tasks": len(plan.tasks),
                "in_store": len(plan.tasks) - len(to_do),
                "estimated_cpu_s": seconds,
                "tasks_without_estimate": unknown,
                "levels": rows,
            }
        )
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", title=f"{plan.suite.title} (dry run)")
    for column, justify in (
        ("level of theory", "left"),
        ("benchmark", "left"),
        ("entries", "right"),
        ("refused", "right"),
        ("tasks", "right"),
        ("in store", "right"),
        ("est. cpu s", "right"),
    ):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        cost = row["estimated_cpu_s"]
        table.add_row(
            row["level_of_theory"] + (f" [{row['bsse']}]".replace("[", r"\[") if row["bsse"] else ""),
            row["benchmark"],
            str(row["entries"]),
            str(row["refused"]),
            str(row["tasks"]),
            str(row["in_store"]),
            "?" if cost is None else f"{cost:.0f}",
        )
    out = console()
    out.print(table)
    note = f" ({unknown} tasks have no estimate)" if unknown else ""
    out.print(
        f"{len(plan.tasks)} distinct tasks, {len(plan.tasks) - len(to_do)} of them in {place}; "
        f"about {seconds:.0f} s of processor time to go{note}",
        markup=False,
    )
    return 0


def _known(plan: Plan, place: str) -> set[str]:
    if "://" not in place and not os.path.exists(place):
        return set()
    from qmbench.running.store import Store

    with Store.open(place, read_only=True) as store:
        keys = [key for task in plan.tasks for key in task.keys.values()]
        return {key for key, record in store.get(keys).items() if record.final}


def _dry_rows(plan: Plan, known: set[str]) -> list[dict[str, Any]]:
    by_key = {key: task for task in plan.tasks for key in task.keys.values()}
    groups: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for planned in plan.entries:
        groups[planned.level, planned.bsse, planned.benchmark].append(planned)
    rows = []
    for (level, bsse, benchmark), group in groups.items():
        keys = {key for planned in group for _, key in planned.terms}
        seconds, _ = estimate([by_key[key] for key in keys - known])
        rows.append(
            {
                "level_of_theory": level,
                "bsse": bsse,
                "benchmark": benchmark,
                "entries": len(group),
                "refused": sum(planned.refused is not None for planned in group),
                "tasks": len(keys),
                "in_store": len(keys & known),
                "estimated_cpu_s": seconds,
            }
        )
    return rows


def estimate(tasks: list[Task]) -> tuple[float, int]:
    """Sum of the methods' own estimates (seconds on one core), and how many tasks have none."""
    total, unknown = 0.0, 0
    for task in tasks:
        seconds = task.level.make().estimate(task.system, frozenset(task.properties))
        total += seconds or 0.0
        unknown += seconds is None
    return total, unknown
