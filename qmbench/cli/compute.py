"""`qmbench compute LEVEL SYSTEM`: one level on one system or entry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from qmbench.api.compute import Computation, alone, computation
from qmbench.cli.common import check_choice, console, interruptible, print_json, unit_text, value_lines
from qmbench.data.benchmark import BSSE
from qmbench.data.target import Target, target_of
from qmbench.domain.errors import InputError
from qmbench.domain.learned import MARK
from qmbench.domain.record import KEY_DIGITS
from qmbench.domain.systems import System
from qmbench.plugging.registry import parse_level, plugins
from qmbench.running.session import Session


@interruptible
def compute(
    level: str,
    system: str,
    properties: tuple[str, ...],
    *,
    bsse: str | None,
    engine: str,
    cores: int | None,
    task_timeout: float | None,
    task_memory: float | None,
    store: str | None,
    json: bool,
    fresh: bool = False,
    figure: Path | None = None,
    charge: int | None = None,
    multiplicity: int | None = None,
) -> int:
    """Compute, print, and return the exit code (1 when something failed or is unsupported, 3 for wrong input)."""
    check_choice(bsse, BSSE, "--bsse")
    target = target_of(system, charge, multiplicity)
    drawn = _to_draw(target, properties, figure) if figure else ""
    # A log needs no progress of one or three tasks; who looks on does.
    session = alone(Session(store, engine, None, cores, task_timeout, task_memory, sys.stderr.isatty(), fresh))
    made = computation(parse_level(level), target, tuple(dict.fromkeys(properties)), bsse, session)
    document = document_of(made)
    if json:
        print_json(document, "compute")
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
    parts = (target.system.parts if target.system is not None else "") or "atoms"
    drawable = sorted(name for name, p in registry.items() if p.axes in ((parts, parts), ("*", "*")))
    pairs = [name for name in properties if name in drawable]
    if target.system is None or len(pairs) != 1:
        raise InputError(
            f"--figure draws one property of pairs of {parts}, or of points of a grid, of one system: ask for it with "
            f"-p; there is {', '.join(drawable) or 'none'}"
        )
    return pairs[0]


def _draw(document: dict[str, Any], prop: str, system: System, path: Path) -> None:
    import numpy as np

    from qmbench.report.charts import write_chart
    from qmbench.report.pairs import pair_figure

    found = document["properties"][prop]
    grid = None
    if plugins().properties[prop].axes == ("*", "*"):
        grid = (document["provenance"].get("settings") or {}).get("grid_bohr")
        if not isinstance(grid, list):
            raise InputError(f"{prop} can't be drawn: its record does not say the points, grid_bohr among its settings")
    spec = pair_figure(np.array(found["value"]), system, prop.replace("_", " "), found["unit"], grid)
    write_chart(spec, path)
    console(to_stderr=True).print(f"figure: {path}", markup=False, soft_wrap=True)


def document_of(made: Computation) -> dict[str, Any]:
    """The `compute --json` document."""
    head: dict[str, Any] = {"level_of_theory": made.level}
    if made.composed:
        head |= {"benchmark": made.benchmark, "entry": made.entry, "bsse": made.bsse}
    outcome = {"status": made.status, "failure": made.failure.to_json() if made.failure else None}
    overlap = {"training_overlap": made.training_overlap or None} if made.records else {}
    system = {} if made.system is None else {"system": {"id": made.name, "hash": made.system.hash}}
    if made.composed or made.made_of_levels:
        tasks = [
            {"coefficient": made.coefficients.get(r.key), **r.to_json(), "cached": r.key not in made.computed}
            for r in made.records
        ]
        if not made.composed:
            values = {name: quantity.to_json() for name, quantity in made.properties.items()}
            return {**head, **system, **outcome, "properties": values, **overlap, "tasks": tasks, "cached": made.cached}
        observable = _observable(made)
        return {**head, **outcome, "observable": observable, **overlap, "tasks": tasks, "cached": made.cached, **system}
    return {
        **head,
        **system,
        **outcome,
        "properties": {name: quantity.to_json() for name, quantity in made.properties.items()},
        "records": {r.prop: r.key for r in made.records},
        "provenance": dict(made.provenance),
        "cost": made.cost.to_json() if made.cost else None,
        **overlap,
        "cached": made.cached,
    }


def _observable(made: Computation) -> dict[str, Any]:
    nothing = {"value": None, "unit": made.expected_unit, "uncertainty": None, "uncertainty_kind": None}
    return {"name": made.asked[0], **(made.quantity.to_json() if made.quantity else nothing)}


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
            if q is not None and isinstance(q["value"], float):
                table.add_row(_term_text(task, document), f"{q['value']:.10f}", q["unit"])
    out.print(table)
    if trained:
        out.print(f"{MARK} in the training data of this level: {trained}", markup=False)
    for warning in document.get("provenance", {}).get("warnings", ()):
        out.print(f"warning: {warning}", markup=False)
    for task in document.get("tasks", ()):
        for warning in task["provenance"].get("warnings") or ():
            out.print(f"warning: {Path(task['system_name']).name}: {warning}", markup=False)
    if document["cached"]:
        out.print("(from the store)")


def _term_text(task: dict[str, Any], document: dict[str, Any]) -> str:
    """A record as a term of what was asked for: coefficient, system, and the level where there are several."""
    c = task["coefficient"]
    amount = "" if c is None else f"{c:+.6g} x "
    level = f" {task['level']}" if task["level"] != document["level_of_theory"] else ""
    return f"  {amount}{Path(task['system_name']).name}{level}"


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
