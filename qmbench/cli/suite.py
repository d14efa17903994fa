"""`qmbench run suite`: plan, compute what the store lacks, print the tables, write the report."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.api.run import plan_of, run_plan, user_weights
from qmbench.cli.common import check_choice, console, interruptible, print_json
from qmbench.data.benchmark import BSSE
from qmbench.data.filters import EntryFilter
from qmbench.running.costs import Costs, Outlook, costs_from, counted_once, outlook
from qmbench.running.plan import Plan, PlannedEntry, keys_of, wrong_levels
from qmbench.running.progress import duration
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
    from qmbench.cli.present import present, show_early

    result = run_plan(plan, request.session, request.fail_fast, request.reference, weights, show_early)
    del plan  # a tenth of all memory that a large run takes
    return present(result, request.report or DEFAULT_REPORT, request.json)


def _dry_run(plan: Plan, request: Request) -> int:
    place = store_place(request.store)
    known, costs = _looked_up(plan, place, request.fresh)
    to_do = [task for task in plan.tasks if not set(task.keys.values()) <= known]
    each = counted_once(to_do, [costs.seconds(task) for task in to_do], costs)
    seconds = dict(zip(map(id, to_do), each, strict=True))
    rows = _dry_rows(plan, known, seconds)
    ahead = outlook(to_do, seconds, request.session.side_by_side, memory=costs.memory)
    wrong = wrong_levels(plan)
    code = 1 if any(refusals.refused == refusals.entries for refusals in wrong) else 0
    if request.json:
        print_json(
            {
                "suite": plan.suite.id,
                "filter": plan.filtered.to_json() if plan.filtered else None,
                "tasks": len(plan.tasks),
                "in_store": len(plan.tasks) - len(to_do),
                "estimated_cpu_s": ahead.total_s,
                "tasks_without_estimate": ahead.unknown,
                **ahead.to_json(),
                "learned_from": costs.records,
                "levels": rows,
                "wrong": [vars(refusals) for refusals in wrong],
            },
            "plan",
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
    note = f" ({ahead.unknown} tasks have no estimate)" if ahead.unknown else ""
    out.print(
        f"{len(plan.tasks)} distinct tasks, {len(plan.tasks) - len(to_do)} of them in {place}; "
        f"about {ahead.total_s:.0f} s of processor time to go{note}",
        markup=False,
    )
    for line in _outlook_lines(ahead, costs):
        out.print(line, markup=False, soft_wrap=True)
    for refusals in wrong:
        out.print(str(refusals), markup=False, soft_wrap=True)
    return code


def _outlook_lines(ahead: Outlook, costs: Costs) -> Iterator[str]:
    """How long it takes, what takes longest, and where that is known from."""
    if not ahead.dearest:
        return
    side = f"{ahead.workers} tasks" if ahead.workers > 1 else "one task"
    yield (
        f"{side} at a time: {duration(ahead.wall_s)} at least; however many at a time, the longest task takes "
        f"{duration(ahead.longest_s)}"
    )
    if ahead.largest_mib is not None:
        yield f"the largest task needs about {ahead.largest_mib / 1024:.1f} GiB of memory; no more are started than fit"
    source = f"{costs.records} recorded costs and the methods' own estimates" if costs.records else "the methods alone"
    yield f"estimates by {source}; the dearest tasks:"
    for task, seconds in ahead.dearest:
        yield f"  {duration(seconds):>8}  {task.level}  {task.system.name}  {', '.join(task.properties)}"


def _looked_up(plan: Plan, place: str, fresh: bool) -> tuple[set[str], Costs]:
    """Keys of what need not be computed, and what the rest will cost."""
    if not is_there(place):
        return set(), Costs()
    with open_store(place, read_only=True) as store:
        there = store.get(key for task in plan.tasks for key in task.keys.values())
        known = set() if fresh else {key for key, record in there.items() if record.final}
        todo = [task for task in plan.tasks if not set(task.keys.values()) <= known]
        return known, costs_from(store, plan.tasks, todo, there.values()) if todo else Costs()


def _dry_rows(plan: Plan, known: set[str], seconds: Mapping[int, float | None]) -> list[dict[str, Any]]:
    costs = {key: seconds.get(id(task)) for task in plan.tasks for key in task.keys.values()}
    groups: dict[tuple[str, str, str], list[PlannedEntry]] = defaultdict(list)
    for planned in plan.entries:
        groups[planned.level, planned.bsse, planned.benchmark].append(planned)
    rows = []
    for (level, bsse, benchmark), group in groups.items():
        keys = keys_of(group)
        rows.append(
            {
                "level_of_theory": level,
                "bsse": bsse,
                "benchmark": benchmark,
                "entries": len(group),
                "refused": sum(planned.refused is not None for planned in group),
                "tasks": len(keys),
                "in_store": len(keys & known),
                "estimated_cpu_s": math.fsum(costs[key] or 0.0 for key in keys - known),
            }
        )
    return rows
