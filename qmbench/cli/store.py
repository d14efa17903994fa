"""`qmbench store prune`: remove from a store what no installed code can make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmbench.cli.common import console, print_json
from qmbench.domain.errors import InputError

if TYPE_CHECKING:
    from qmbench.running.current import Pruning


def prune(place: str | None, dry_run: bool, everything: bool, json: bool) -> int:
    """The command; returns its exit code."""
    from qmbench.running.current import to_prune
    from qmbench.running.stores import is_there, open_store, store_place

    where = store_place(place)
    if not is_there(where):
        raise InputError(f"there is no store at {where}; name one with --store")
    with open_store(where, read_only=dry_run) as store:
        found = to_prune(store.records(), store.runs(), everything)
        if not dry_run:
            store.remove(found.keys, found.runs)
    if json:
        print_json(
            {
                "store": where,
                "dry_run": dry_run,
                "removed": {level: len(keys) for level, keys in found.removed.items()},
                "removed_runs": found.runs,
                "kept_for_runs": found.for_runs,
                "kept_not_installed": found.not_installed,
                "left": found.left,
            },
            "store-prune",
        )
        return 0
    for line in _lines(found, "would be removed" if dry_run else "removed"):
        console().print(line, markup=False, soft_wrap=True)
    return 0


def _lines(found: Pruning, removed: str) -> list[str]:
    lines = [f"{_records(len(found.keys))} {removed} that no installed code can make; {found.left} left"]
    lines += [f"  {level}: {len(keys)}" for level, keys in sorted(found.removed.items())]
    if found.runs:
        lines.append(f"{removed} with them: the runs {', '.join(found.runs)}, whose results they were")
    for run, number in found.for_runs.items():
        lines.append(f"kept: {_records(number)} of other code in {run}, the latest run of its suite (--all: not these)")
    for level, number in sorted(found.not_installed.items()):
        lines.append(f"kept: {_records(number)} of {level}, whose plugin is not installed (--all: not these)")
    return lines


def _records(number: int) -> str:
    return f"{number} record{'' if number == 1 else 's'}"
