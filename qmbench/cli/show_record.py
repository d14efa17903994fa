"""`qmbench show RECORD`: what one task gave, with all that the store holds about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.cli.common import console, store_place, unit_text, value_lines
from qmbench.domain.errors import InputError
from qmbench.domain.learned import Explanation, cell_text, explanation_of, overlap_text

if TYPE_CHECKING:
    from qmbench.domain.record import Record

LEAST_DIGITS, ALL_DIGITS = 6, 32
MOST_NAMED = 3
LONGEST_SETTING = 80


def find_record(thing: str, store: str | None) -> Record | None:
    """The record whose key is or starts with `thing`; None when `thing` does not look like a key, or names a method.

    InputError when no record of the store starts so, or several.
    """
    if not re.fullmatch(rf"[0-9a-fA-F]{{{LEAST_DIGITS},{ALL_DIGITS}}}", thing):
        return None
    from qmbench.data.benchmark import benchmark_folders
    from qmbench.data.suite import suite_files
    from qmbench.plugging.registry import plugins
    from qmbench.running.store import Store

    if any(thing in names for names in (benchmark_folders(), suite_files(), plugins().methods)):
        return None
    place = store_place(store)
    if "://" not in place and not Path(place).exists():
        raise InputError(f"'{thing}' looks like the key of a record, but there is no store at {place}; give --store")
    with Store.open(place, read_only=True) as opened:
        found = opened.starting_with(thing, MOST_NAMED + 1)
        if not found:
            raise InputError(f"no record of {place} has a key that starts with '{thing}'")
    if len(found) > 1:
        more = ", …" if len(found) > MOST_NAMED else ""
        keys = ", ".join(f"{r.key} ({r.prop} of {r.system_name})" for r in found[:MOST_NAMED])
        raise InputError(f"'{thing}' starts the keys of several records: {keys}{more}; give more digits")
    return found[0]


def print_record(record: Record) -> None:
    """The record as text, and the table that explains it where it holds one."""
    out = console()
    for name, text in _lines(record):
        out.print(f"[bold]{name}[/bold]: ", end="")
        out.print(text, markup=False)
    explanation = explanation_of(record.provenance)
    if explanation:
        _print_explanation(explanation)


def _lines(record: Record) -> Iterator[tuple[str, str]]:
    about = record.provenance
    yield "record", record.key
    yield "level of theory", record.level
    yield "system", f"{record.system_name} ({record.system_hash})"
    yield "property", record.prop
    yield "status", record.status
    if record.quantity is not None:
        data = record.quantity.to_json()
        for label, text in value_lines("value", data):
            yield label, f"{text} {unit_text(data)}"
    if record.failure is not None:
        yield "failure", f"{record.failure.kind}: {record.failure.message}"
        if record.failure.log_tail:
            yield "log", "\n" + record.failure.log_tail
    overlap = overlap_text([about])
    if overlap:
        yield "in the training data", overlap
    for label, facts in about.items():
        if label in ("options", "settings", "versions") and facts:
            yield label, ", ".join(f"{name} {_compact(value)}" for name, value in facts.items())
    for warning in about.get("warnings") or ():
        yield "warning", warning
    if record.cost is not None:
        cost = record.cost
        cores = f"{cost.cores} core{'' if cost.cores == 1 else 's'}"
        yield "cost", f"{cost.wall_s:.3g} s, {cost.cpu_s:.3g} s of CPU, {cost.peak_memory_mib:.0f} MiB, {cores}"
    if about.get("started"):
        yield "started", about["started"]


def _compact(value: Any) -> str:
    """A setting in one line; a long one is cut, `--json` has it whole."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= LONGEST_SETTING else text[: LONGEST_SETTING - 1] + "…"


def _print_explanation(explanation: Explanation) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, pad_edge=False)
    for i, name in enumerate(explanation.columns):
        numeric = all(not isinstance(row[i], str) for row in explanation.rows)
        table.add_column(Text(name, style="bold"), justify="right" if numeric else "left")
    for row in explanation.rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    out.print("\n[bold]explanation[/bold]")
    out.print(table)
    if explanation.note:
        out.print(explanation.note, markup=False, style="dim")
