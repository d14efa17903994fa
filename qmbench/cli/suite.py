"""`qmbench run suite`: plan, compute what the store lacks, print the tables, write the report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.api.run import plan_of, run_plan, user_weights
from qmbench.cli.common import check_choice, console, interruptible, print_json
from qmbench.data.benchmark import BSSE
from qmbench.data.filters import EntryFilter
from qmbench.domain.record import Task
from qmbench.running.plan import Plan, PlannedEntry, wrong_levels
from qmbench.running.run_document import keys_of
from qmbench.running.session import Session
from qmbench.running.stores import is_there, open_store, store_place

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
    cores: int | None
    task_timeout: float | None
    task_memory: float | None
    store: str | None
    report: Path | None
    reference: str | None
    json: bool
    fail_fast: bool
    fresh: bool
    only: EntryFilter | None = None
    weights: Path | None = None

    @property
    def session(self) -> Session:
        """Where and how its tasks run."""
        return Session(
            self.store, self.engine, self.workers, self.cores, self.task_timeout, self.task_memory, fresh=self.fresh
        )


@interruptible
def run_suite(request: Request, dry_run: bool) -> int:
    """The command; returns its exit code."""
    check_choice(request.bsse, BSSE, "--bsse")
    plan = plan_of(request.name, request.levels, request.benchmarks, request.bsse, request.only)
    weights = user_weights(request.weights)
    for note in (*plan.notes, *([plan.filtered.sentence] if plan.filtered else [])):
        console(to_stderr=True).print(f"note: {note}", markup=False, soft_wrap=True)
    if dry_run:
        return _dry_run(plan, request)
    from qmbench.cli.present import present

    result = run_plan(plan, request.session, request.fail_fast, request.reference, weights)
    return present(result, request.report or DEFAULT_REPORT, request.json)


def _dry_run(plan: Plan, request: Request) -> int:
    place = store_place(request.store)
    known = _known(plan, place, request.fresh)
    rows = _dry_rows(plan, known)
    to_do = [task for task in plan.tasks if not set(task.keys.values()) <= known]
    seconds, unknown = estimate(to_do)
    wrong = wrong_levels(plan)
    code = 1 if any(refusals.refused == refusals.entries for refusals in wrong) else 0
    if request.json:
        print_json(
            {
                "suite": plan.suite.id,
                "filter": plan.filtered.to_json() if plan.filtered else None,
                "tasks": len(plan.tasks),
                "in_store": len(plan.tasks) - len(to_do),
                "estimated_cpu_s": seconds,
                "tasks_without_estimate": unknown,
                "levels": rows,
                "wrong": [vars(refusals) for refusals in wrong],
            }
        )
        return code
    from rich.table import Table
    from rich.text import Text

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
            Text(row["level_of_theory"] + (f" [{row['bsse']}]" if row["bsse"] else "")),  # pv[tq]z is no markup
            Text(row["benchmark"]),
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
    for refusals in wrong:
        out.print(str(refusals), markup=False, soft_wrap=True)
    return code


def _known(plan: Plan, place: str, fresh: bool) -> set[str]:
    if fresh or not is_there(place):
        return set()
    with open_store(place, read_only=True) as store:
        keys = [key for task in plan.tasks for key in task.keys.values()]
        return {key for key, record in store.get(keys).items() if record.final}


def _dry_rows(plan: Plan, known: set[str]) -> list[dict[str, Any]]:
    by_key = {key: task for task in plan.tasks for key in task.keys.values()}
    groups: dict[tuple[str, str, str], list[PlannedEntry]] = defaultdict(list)
    for planned in plan.entries:
        groups[planned.level, planned.bsse, planned.benchmark].append(planned)
    rows = []
    for (level, bsse, benchmark), group in groups.items():
        keys = keys_of(group)
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
        seconds = task.level.make().expected_seconds(task.system, frozenset(task.properties))
        total += seconds or 0.0
        unknown += seconds is None
    return total, unknown
