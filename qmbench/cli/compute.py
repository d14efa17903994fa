"""`qmbench compute LEVEL SYSTEM`: one level on one system or entry."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from qmbench.cli.common import (
    check_choice,
    console,
    cores,
    print_json,
    resources,
    store_place,
    unit_text,
    value_lines,
)
from qmbench.cli.target import Target, adhoc_entry, find_target
from qmbench.data.benchmark import BSSE, Benchmark, Entry
from qmbench.domain.errors import InputError, QmbenchError, did_you_mean
from qmbench.domain.learned import MARK, overlap_text
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import KEY_DIGITS, Failure, Record, Task
from qmbench.domain.systems import System
from qmbench.judging.frame import entry_value
from qmbench.plugging.registry import parse_level, plugins
from qmbench.running.plan import plan_entry


def compute(
    level: str,
    system: str,
    properties: tuple[str, ...],
    *,
    bsse: str | None,
    cores: int | None,
    task_timeout: float | None,
    task_memory: float | None,
    store: str | None,
    json: bool,
    figure: Path | None = None,
) -> int:
    """Compute, print, and return the exit code (1 when something failed or is unsupported, 3 for wrong input)."""
    check_choice(bsse, BSSE, "--bsse")
    runner = Runner(store, cores, task_timeout, task_memory)
    target = find_target(system)
    drawn = _to_draw(target, properties, figure) if figure else ""
    document = document_for(parse_level(level), target, properties, bsse, runner)
    if json:
        print_json(document)
    else:
        _print(document, target.system)
        _name_records(document)
    if document["status"] == "ok":
        if figure and target.system is not None:
            _draw(document, drawn, target.system, figure)
        return 0
    # A basis that lacks the element, say: only the method could tell, but it is the request that was wrong.
    return 3 if document["failure"]["kind"] == "input" else 1


def _to_draw(target: Target, properties: tuple[str, ...], path: Path) -> str:
    """The property of which --figure is to be; InputError, before anything is computed, when it can't be drawn."""
    from qmbench.report.charts import check_kind

    check_kind(path)
    registry = plugins().properties
    pairs = [name for name in properties if name in registry and registry[name].axes == ("atoms", "atoms")]
    if target.system is None or len(pairs) != 1:
        known = ", ".join(sorted(name for name, p in registry.items() if p.axes == ("atoms", "atoms"))) or "none"
        raise InputError(
            f"--figure draws one property of pairs of atoms of one system: ask for it with -p; there is {known}"
        )
    return pairs[0]


def _draw(document: dict[str, Any], prop: str, system: System, path: Path) -> None:
    import numpy as np

    from qmbench.report.charts import write_chart
    from qmbench.report.pairs import pair_figure

    found = document["properties"][prop]
    spec = pair_figure(np.array(found["value"]), system, prop.replace("_", " "), found["unit"])
    write_chart(spec, path)
    console(to_stderr=True).print(f"figure: {path}", markup=False, soft_wrap=True)


class Runner:
    """Runs tasks in a supervised child, through the store."""

    def __init__(self, store: str | None, threads: int | None, timeout: float | None, memory: float | None) -> None:
        self.place, self.threads, self.timeout, self.memory = store_place(store), threads or cores(), timeout, memory

    def __call__(self, tasks: list[Task]) -> tuple[dict[str, Record], set[str]]:
        """Records by key, and the keys that were computed just now."""
        from qmbench.running.engine.local import LocalEngine
        from qmbench.running.loop import run_tasks
        from qmbench.running.progress import shown
        from qmbench.running.store import Store

        with Store.open(self.place) as opened:
            limits = resources(self.threads, self.timeout, self.memory, opened.artifacts_folder)
            # A log needs no progress of one or three tasks; who looks on does.
            with shown() if sys.stderr.isatty() else nullcontext() as progress, LocalEngine(1, limits) as engine:
                summary = run_tasks(tasks, opened, engine, progress)
            return dict(summary.records), set(summary.records) - summary.cached


def document_for(
    level: LevelOfTheory, target: Target, properties: tuple[str, ...], bsse: str | None, runner: Runner
) -> dict[str, Any]:
    """The `compute --json` document."""
    if target.entry is not None and target.benchmark is not None:
        if properties and properties != (target.entry.observable,):
            raise InputError(f"{target.name} is an entry: its observable is {target.entry.observable}; leave -p out")
        return _entry(level, target.benchmark, target.entry, bsse, runner)
    assert target.system is not None
    registry = plugins().properties
    wanted = properties or ("energy",)
    composed = [p for p in wanted if p not in registry and p in plugins().observables]
    if composed:
        if len(wanted) > 1:
            raise InputError(f"{composed[0]} is made of several calculations: ask for it alone")
        if composed[0] not in ("interaction_energy", "dipole_moment", "polarizability_anisotropy"):
            raise InputError(f"{composed[0]} needs an entry that says of which systems it is made")
        benchmark, entry = adhoc_entry(target.system, composed[0])
        return {**_entry(level, benchmark, entry, bsse, runner), "system": _system(target.name, target.system)}
    for prop in wanted:
        if prop not in registry:
            raise InputError(f"unknown property '{prop}'{did_you_mean(prop, [*registry, 'interaction_energy'])}")
    return _properties(level, target.name, target.system, wanted, runner)


def _properties(
    level: LevelOfTheory, name: str, system: System, wanted: tuple[str, ...], runner: Runner
) -> dict[str, Any]:
    head = {"level_of_theory": str(level), "system": _system(name, system)}
    empty = {"properties": {}, "records": {}, "provenance": dict(level.identity), "cost": None, "cached": False}
    try:
        level.make().check(system, frozenset(wanted))
    except InputError:
        raise
    except QmbenchError as error:
        failure = Failure(error.kind, str(error))
        return {**head, "status": "unsupported", "failure": failure.to_json(), **empty}
    task = Task(system, level, tuple(dict.fromkeys(wanted)))
    records, computed = runner([task])
    used = [records[key] for key in task.keys.values() if key in records]
    bad = next((r for r in used if r.status != "ok"), None)
    return {
        **head,
        "status": bad.status if bad else "ok",
        "failure": bad.failure.to_json() if bad and bad.failure else None,
        "properties": {r.prop: r.quantity.to_json() for r in used if r.quantity},
        "records": {r.prop: r.key for r in used},
        "provenance": dict(used[0].provenance) if used else empty["provenance"],
        "cost": used[0].cost.to_json() if used and used[0].cost else None,
        "training_overlap": overlap_text(r.provenance for r in used) or None,
        "cached": not any(r.key in computed for r in used),
    }


def _entry(
    level: LevelOfTheory, benchmark: Benchmark, entry: Entry, bsse: str | None, runner: Runner
) -> dict[str, Any]:
    tasks: dict[str, Task] = {}
    planned = plan_entry(level, bsse, benchmark, entry, tasks)
    head = {
        "level_of_theory": str(level),
        "benchmark": benchmark.id,
        "entry": entry.id,
        "bsse": planned.bsse,
    }
    unit = benchmark.unit_of(entry) or None
    if planned.refused:
        status = "unsupported" if planned.refused.kind == "unsupported" else "failed"
        nothing = {"observable": _observable(entry.observable, None, unit), "tasks": [], "cached": False}
        return {**head, "status": status, "failure": planned.refused.to_json(), **nothing}
    if not planned.terms:
        raise InputError(f"{benchmark.id}/{entry.id} consists of reference values alone: there is nothing to compute")
    records, computed = runner(list(tasks.values()))
    quantity, failure, used = entry_value(planned.terms, benchmark, entry, planned.bsse, records)
    status = "ok" if failure is None else "unsupported" if failure.kind == "unsupported" else "failed"
    coefficients = {key: c for c, key in planned.terms}
    return {
        **head,
        "status": status,
        "failure": failure.to_json() if failure else None,
        "observable": _observable(entry.observable, quantity, unit),
        "training_overlap": overlap_text(r.provenance for r in used) or None,
        "tasks": [{"coefficient": coefficients[r.key], **r.to_json(), "cached": r.key not in computed} for r in used],
        "cached": not computed,
    }


def _observable(name: str, quantity: Quantity | None, unit: str | None) -> dict[str, Any]:
    data = (
        quantity.to_json() if quantity else {"value": None, "unit": unit, "uncertainty": None, "uncertainty_kind": None}
    )
    return {"name": name, **data}


def _system(name: str, system: System) -> dict[str, Any]:
    return {"id": name, "hash": system.hash}


def _print(document: dict[str, Any], system: System | None) -> None:
    from rich.table import Table

    out = console()
    name = document["system"]["id"] if "system" in document else f"{document['benchmark']}/{document['entry']}"
    bsse = f", bsse {document['bsse']}" if document.get("bsse") else ""
    out.print(f"{document['level_of_theory']} on {name}{bsse}", markup=False)
    if document["status"] != "ok":
        failure = document["failure"]
        out.print(f"{document['status']} ({failure['kind']}): {failure['message']}", markup=False)
        if failure.get("log_tail") and failure["kind"] not in ("input", "not_converged", "unsupported"):
            out.print(failure["log_tail"], markup=False)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    values = (
        {document["observable"]["name"]: document["observable"]} if "observable" in document else document["properties"]
    )
    trained = document.get("training_overlap")
    for prop, value in values.items():
        for label, text in _by_atoms(prop, value, system) or value_lines(prop, value):
            table.add_row(label, f"{text} {MARK}" if trained else text, unit_text(value))
    if "tasks" in document:
        for task in document["tasks"]:
            q = task["quantity"]
            if isinstance(q["value"], float):
                table.add_row(
                    f"  {task['coefficient']:+g} x {Path(task['system_name']).name}", f"{q['value']:.10f}", q["unit"]
                )
    out.print(table)
    if trained:
        out.print(f"{MARK} in the training data of this level: {trained}", markup=False)
    for warning in document.get("provenance", {}).get("warnings", ()):
        out.print(f"warning: {warning}", markup=False)
    if document["cached"]:
        out.print("(from the store)")


def _name_records(document: dict[str, Any]) -> None:
    """Say on standard error how each record that was used can be looked at."""
    named = {key: prop for prop, key in document.get("records", {}).items()}
    for task in document.get("tasks", ()):
        named[task["key"]] = f"{task['property']} of {Path(task['system_name']).name}"
    out = console(to_stderr=True)
    for key, what in named.items():
        out.print(f"record: qmbench show {key[:KEY_DIGITS]}  # {what}", markup=False, soft_wrap=True)


MOST_PRINTED = 20
"""Pairs of atoms that are printed, the strongest first."""


def _by_atoms(prop: str, value: dict[str, Any], system: System | None) -> list[tuple[str, str]]:
    """Lines of a property that belongs to pairs of atoms, or to atoms by component; none for any other."""
    registry = plugins().properties
    axes = registry[prop].axes if prop in registry else ()
    if system is None or len(axes) != 2 or axes[0] != "atoms":
        return []
    import numpy as np

    from qmbench.report.pairs import atom_labels, strongest_pairs

    labels, numbers = atom_labels(system), np.array(value["value"], dtype=float)
    if axes[1] != "atoms":
        rows = np.round(numbers, 8) + 0.0
        return [(f"{prop} {a}", " ".join(f"{x:13.8f}" for x in row)) for a, row in zip(labels, rows, strict=True)]
    pairs = strongest_pairs(numbers)
    lines = [(f"{prop} {labels[i]}–{labels[j]}", f"{x: .4e}") for i, j, x in pairs[:MOST_PRINTED]]
    if len(pairs) > MOST_PRINTED:
        rest = sum(x for _, _, x in pairs[MOST_PRINTED:])
        lines.append((f"{prop}, {len(pairs) - MOST_PRINTED} weaker pairs together", f"{rest: .4e}"))
    if np.any(np.diag(numbers)):
        lines += [(f"{prop} {a} with itself", f"{x: .4e}") for a, x in zip(labels, np.diag(numbers), strict=True)]
    return lines[: 2 * MOST_PRINTED + 1]
