"""`qmbench list`: what there is, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qmbench.cli.common import console, print_json
from qmbench.domain.errors import InputError, did_you_mean

Row = dict[str, Any]


def list_things(what: str, json: bool = False) -> int:
    """Print one kind of thing; broken plugins are named on standard error whatever was asked for."""
    if what not in LISTS:
        raise InputError(f"can't list '{what}'{did_you_mean(what, LISTS)}")
    rows = LISTS[what]()
    _name_broken()
    if json:
        print_json(rows, f"list-{what}")
        return 0
    from rich.table import Table
    from rich.text import Text

    if not rows:
        console().print(f"no {what}")
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    # Columns that only a program wants (what a method gives is in `show METHOD`) stay in the JSON.
    columns = [c for c in rows[0] if c not in JSON_ONLY.get(what, ())]
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=column in ("name", "id"))
    for row in rows:
        table.add_row(*(Text(_text(row[column])) for column in columns))
    console().print(table)
    return 0


def methods() -> list[Row]:
    from qmbench.plugging.registry import plugins

    found = plugins()
    families = [
        {"name": family.pattern, "plugin": info.name, "systems": [], "properties": [], "what": family.description}
        for _, (family, info) in sorted(found.families.items())
    ]
    return [
        {
            "name": name,
            "plugin": found.owner[name].name,
            "systems": [s.kind for s in method.systems],
            "properties": sorted(method.properties),
            "what": summary(method),
        }
        for name, method in sorted(found.methods.items())
    ] + families


def benchmarks() -> list[Row]:
    from qmbench.data.benchmark import benchmark_folders, load_benchmark

    rows = []
    for name, folder in benchmark_folders().items():
        b = load_benchmark(folder)
        rows.append(
            {
                "id": name,
                "version": b.version,
                "entries": len(b.entries),
                "subsets": [*b.subsets, *b.subset_files],
                "reference_sets": sorted({r.set for r in b.references}),
                "title": b.meta["title"],
            }
        )
    return rows


def suites() -> list[Row]:
    from qmbench.data.suite import read_suite, suite_files

    rows = []
    for name, path in suite_files().items():
        suite = read_suite(path)
        chosen = [s.benchmark + (f":{s.subset}" if s.subset else "") for s in suite.selections]
        rows.append({"id": name, "levels": len(suite.levels), "benchmarks": chosen, "title": suite.title})
    return rows


def systems() -> list[Row]:
    from qmbench.data.benchmark import benchmark_folders, load_benchmark

    rows = []
    for name, folder in benchmark_folders().items():
        b = load_benchmark(folder)
        for system_id in b.system_ids:
            s = b.system(system_id)
            rows.append(
                {
                    "name": f"{name}:{system_id}",
                    "kind": s.kind,
                    "formula": getattr(s, "formula", ""),
                    "electrons": getattr(s, "n_electrons", ""),
                    "multiplicity": getattr(s, "multiplicity", ""),
                    "what": s.describe(),
                }
            )
    return rows


def properties() -> list[Row]:
    from qmbench.plugging.registry import plugins

    found = plugins().systems
    return [
        {
            "name": p.name,
            "unit": p.unit,
            "units": {kind: unit for kind, unit in _units(p, found) if unit != p.unit},
            "shape": str(p.shape),
            "what": p.description,
        }
        for p in sorted(plugins().properties.values(), key=lambda p: p.name)
    ]


def _units(prop: Any, kinds: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, prop.unit_for(kind)) for name, kind in kinds.items()]


def statistics() -> list[Row]:
    from qmbench.judging.summaries import entries_needed
    from qmbench.plugging.registry import plugins

    return [
        {
            "name": s.name,
            "label": s.label,
            "symbol": s.symbol,
            "unit": "as the errors" if s.unit is None else s.unit or "1",
            "interval_from": entries_needed(s.interval) or ("" if s.interval is None else s.minimum),
            "what": s.description,
        }
        for s in plugins().statistics.values()
    ]


def formats() -> list[Row]:
    from qmbench.plugging.registry import plugins

    return [{"name": f.name, "files": list(f.files), "what": f.description} for f in plugins().formats.values()]


def plugin_rows() -> list[Row]:
    from qmbench.plugging.registry import plugins

    found = plugins()
    return [
        {
            "name": info.name,
            "distribution": info.distribution,
            "version": info.version,
            "methods": sum(owner == info for owner in found.owner.values()),
            "environment": "its own" if info.isolated else "this one",
            "python": _interpreter(info),
            "status": info.error or "ok",
        }
        for info in found.infos
    ]


def _name_broken() -> None:
    import sys

    from qmbench.plugging.registry import plugins

    for info in plugins().infos:
        if info.error:
            print(f"qmbench: plugin {info.name} is left out: {info.error}", file=sys.stderr)


def _interpreter(info: Any) -> str:
    import sys

    from qmbench.plugging.isolated.place import find

    home = find(info.distribution) if info.isolated else None
    return str(home.python) if home else sys.executable


def summary(method: type) -> str:
    """The first line of a class's docstring."""
    return (method.__doc__ or "").strip().split("\n")[0]


LISTS: dict[str, Callable[[], list[Row]]] = {
    "methods": methods,
    "benchmarks": benchmarks,
    "suites": suites,
    "systems": systems,
    "properties": properties,
    "statistics": statistics,
    "formats": formats,
    "plugins": plugin_rows,
}


JSON_ONLY = {
    "properties": ("units",),
    "methods": ("plugin", "properties"),
    "plugins": ("python",),
    "systems": ("formula", "electrons", "multiplicity"),
}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{key}: {text}" for key, text in value.items()]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
