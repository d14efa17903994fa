"""`qmbench show RECORD`: what one task gave, with all that the store holds about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qmbench.cli.common import console, unit_text, value_lines
from qmbench.domain.errors import InputError
from qmbench.domain.learned import Explanation, cell_text, explanation_of, overlap_text
from qmbench.domain.record import CODE_DIGITS

if TYPE_CHECKING:
    from qmbench.domain.record import Record

LEAST_DIGITS, ALL_DIGITS = 6, 32
MOST_NAMED = 3
LONGEST_SETTING, LONGEST_FILES = 80, 400


def find_record(thing: str, store: str | None) -> Record | None:
    """The record whose key is or starts with `thing`; None when `thing` does not look like a key, or names a method.

    InputError when no record of the store starts so, or several.
    """
    if not re.fullmatch(rf"[0-9a-fA-F]{{{LEAST_DIGITS},{ALL_DIGITS}}}", thing):
        return None
    from qmbench.data.benchmark import benchmark_folders
    from qmbench.data.suite import suite_files
    from qmbench.plugging.registry import plugins
    from qmbench.running.stores import is_there, open_store, store_place

    if any(thing in names for names in (benchmark_folders(), suite_files(), plugins().methods)):
        return None
    place = store_place(store)
    if not is_there(place):
        raise InputError(f"'{thing}' looks like the key of a record, but there is no store at {place}; give --store")
    with open_store(place, read_only=True) as opened:
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
    yield from _code_lines(record)
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


def made_by(record: Record) -> dict[str, Any]:
    """Which code made a record, and how the installed code stands to it: `same`, `other`, `gone` or `not installed`."""
    from qmbench.running.current import installed_level, standing

    code = record.provenance.get("code") or {}
    level, how = installed_level(record), standing(record)
    installed = level.code.digest if level else None
    same = installed is not None and installed == code.get("digest")
    # Its code is the same and the key is not: then a program that it drives has another version.
    words = {"current": "same", "stale": "gone" if level is None else "same code" if same else "other"}
    return {**code, "installed": words.get(how, how), "installed_digest": installed}


def _code_lines(record: Record) -> Iterator[tuple[str, str]]:
    made = made_by(record)
    plugin = record.provenance.get("plugin") or ""
    version = (record.provenance.get("versions") or {}).get(plugin, "")
    digest = made.get("digest")
    yield "code", f"{digest[:CODE_DIGITS]} of {plugin} {version}" if digest else "not known (a record of qmbench 0.1.0)"
    if made.get("files"):
        yield "files", _compact(", ".join(made["files"]), LONGEST_FILES)
    yield (
        "installed code",
        {
            "same": "the same",
            "same code": "the same, but what it drives has other versions: the level would be computed again",
            "other": f"{(made['installed_digest'] or '')[:CODE_DIGITS]}: the level would be computed again",
            "gone": "it does not have this level of theory any more",
            "not installed": "the plugin is not installed",
        }[made["installed"]],
    )


def _compact(value: Any, longest: int = LONGEST_SETTING) -> str:
    """A setting in one line; a long one is cut, `--json` has it whole."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


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
