"""`qmbench show THING`: one method, level, benchmark, entry, system, suite, run or record, in full."""

from __future__ import annotations

from typing import Any

from qmbench.cli.common import console, print_json
from qmbench.domain.composite import CompositeLevel
from qmbench.domain.errors import InputError, QmbenchError, did_you_mean


def show(thing: str, store: str | None = None, figure: str | None = None, json: bool = False) -> int:
    """Find what `thing` names and print it as YAML-like text (a record in tables) or as JSON.

    figure: an SVG file to draw the system in that is shown.
    """
    from qmbench.cli.show_record import find_record, made_by, print_record
    from qmbench.cli.show_system import describe_system, find_shown_system

    record = find_record(thing, store)
    system = None if record else find_shown_system(thing)
    if figure and system is None:
        raise InputError(f"'{thing}' is no system, which alone has a picture")
    if system is not None:
        document = describe_system(system, figure)
    else:
        document = {**record.to_json(), "made_by": made_by(record)} if record else find(thing, store)
    if record and not json:
        print_record(record)
    elif json:
        print_json(document, "show")
    else:
        _print(document)
    return 0


def find(thing: str, store: str | None) -> dict[str, Any]:
    """The description of `thing`. Tried in turn: benchmark, entry, suite, run, method or level of theory."""
    from qmbench.data.benchmark import benchmark_folders, find_benchmark
    from qmbench.data.suite import find_suite, suite_files
    from qmbench.domain.families import prefix_of
    from qmbench.plugging.registry import plugins

    folders = benchmark_folders()
    if thing in folders:
        return _benchmark(thing)
    head, slash, rest = thing.partition("/")
    if slash and head in folders:
        return _entry(find_benchmark(head), rest)
    if thing in suite_files() or thing.endswith(".toml"):
        return _suite(find_suite(thing))
    run = _run(thing, store)
    if run:
        return run
    try:
        level = plugins().level(thing)
        if isinstance(level, CompositeLevel):
            return _composite(level)
        return {
            "level of theory": str(level),
            "label": level.label or str(level),
            **_method(level.method),
            "stochastic": level.is_stochastic(),
            "options resolved": level.options.model_dump(mode="json"),
            "code": level.code.digest,
            "code files": list(level.code.files),
        }
    except InputError:
        name = head.partition("?")[0].lower()
        if name in plugins().methods:
            return _method(plugins().methods[name])
        if prefix_of(thing) in plugins().families:
            family, info = plugins().families[prefix_of(thing)]
            if thing.lower() != family.prefix:
                raise
            return {"family": family.pattern, "what": family.description, "plugin": info.name}
        known = [*folders, *suite_files(), *plugins().methods]
        raise InputError(
            f"nothing is called '{thing}': no method, benchmark, entry, system, suite, run or record"
            f"{did_you_mean(thing, known)}"
        ) from None


def _composite(level: CompositeLevel) -> dict[str, Any]:
    """What a level is made of, and how its energy is extrapolated."""
    from qmbench.domain import recipe

    made: list[str] = []
    for limit in recipe.limits(level.recipe("energy")):
        power = f" {limit.power:g}" if limit.scheme == "power" else ""
        numbers = ", ".join(map(str, limit.cardinals))
        made.append(f"{limit.of} energy: {limit.scheme}{power} over cardinal numbers {numbers}")
    linear = recipe.coefficients(level.recipe("energy")) or {}
    return {
        "level of theory": str(level),
        "label": level.label or str(level),
        "calculations": [str(part) for part in level.parts],
        "limits": list(dict.fromkeys(made)),
        "coefficients of energies": {f"{part} {prop}": f"{c:+.10g}" for (part, prop), c in linear.items()},
        "stochastic": level.is_stochastic(),
        "programs": level.versions,
        "citations": list(level.citations),
    }


def _method(method: type) -> dict[str, Any]:
    from qmbench.plugging.isolated.described import describe

    told = getattr(method, "described", None) or describe(method)
    return {
        "method": told["name"],
        "what": " ".join(told["docstring"].split()),
        "systems": told["systems"],
        "properties": told["properties"],
        "options": {name: option["text"] for name, option in told["options"].items()},
        "stochastic": told["stochastic"],
        "examples": told["examples"],
        "programs": told["versions"],
        "citations": told["citations"],
    }


def _benchmark(name: str) -> dict[str, Any]:
    from qmbench.data.benchmark import find_benchmark

    b = find_benchmark(name)
    sets: dict[str, int] = {}
    for r in b.references:
        sets[r.set] = sets.get(r.set, 0) + 1
    return {
        "benchmark": b.id,
        **{key: value for key, value in b.meta.items() if key != "id"},
        "systems": list(b.system_ids),
        **({"subset files": _subset_files(b)} if b.subset_files else {}),
        "entries": [e.id for e in b.entries],
        "reference values by set": sets,
        "published levels": {
            f"{level.shown} ({name})": ", ".join(
                filter(
                    None,
                    (
                        f"{sum(r.set == name and r.status == 'current' for r in b.published)} values",
                        f"bsse {level.bsse}" if level.bsse else "",
                        f"dispersion: {level.dispersion}" if level.dispersion else "",
                        f"frozen core: {level.frozen_core}" if level.frozen_core else "",
                        level.place,
                        level.doi,
                        level.note,
                    ),
                )
            )
            for name, level in b.published_levels.items()
        },
    }


def _subset_files(b: Any) -> dict[str, str]:
    from qmbench.data.subsets import read_subset

    known = {e.id: e for e in b.entries}
    return {name: read_subset(path, b.id, known).description for name, path in b.subset_files.items()}


def _entry(b: Any, name: str) -> dict[str, Any]:
    e = b.entry(name)
    return {
        "entry": f"{b.id}/{e.id}",
        "observable": e.observable,
        "state": e.state,
        "unit": b.unit_of(e),
        "stoichiometry": [f"{t.coefficient:+g} {t.system}" + _fragments_text(t) for t in e.terms],
        "subsets": list(e.subsets),
        "tags": list(e.tags),
        "curve": f"{e.curve} at {e.coordinate} {e.coordinate_unit}" if e.curve else "",
        "note": e.note,
        "references": [
            {
                "set": r.set,
                "value": r.quantity.value,
                "uncertainty": r.quantity.uncertainty,
                "uncertainty kind": r.quantity.uncertainty_kind,
                "level of theory": r.level_of_theory,
                "source": " ".join(filter(None, (r.source_doi, r.source_place))),
                "status": r.status,
                "note": r.note,
            }
            for r in b.references
            if r.entry == e.id
        ],
        "published levels": {
            b.published_levels[r.set].shown: f"{r.quantity.value:.10g} {r.quantity.unit}"
            for r in b.published
            if r.entry == e.id and r.status == "current"
        },
    }


def _fragments_text(term: Any) -> str:
    if term.bodies is not None:
        lowest, highest = term.bodies
        return f" {lowest} to {highest} bodies" if lowest < highest else f" {highest}-body contributions"
    if term.fragments is None:
        return ""
    return "@each fragment" if term.fragments == (0,) else f"@{'+'.join(map(str, term.fragments))}"


def _suite(suite: Any) -> dict[str, Any]:
    return {
        "suite": suite.id,
        "title": suite.title,
        "benchmarks": [s.benchmark + (f", subset {s.subset}" if s.subset else "") for s in suite.selections],
        "levels": [
            level.text
            + (f", called {level.label}" if level.label else "")
            + (f", bsse {level.bsse}" if level.bsse else "")
            + (f", on {', '.join(s.benchmark for s in level.selections)}" if level.selections else "")
            for level in suite.levels
        ],
    }


def _run(name: str, store: str | None) -> dict[str, Any] | None:
    from qmbench.running.stores import is_there, open_store, store_place

    place = store_place(store)
    if not is_there(place):
        return None
    try:
        with open_store(place, read_only=True) as opened:
            run = next((r for r in opened.runs() if r["id"] == name), None)
    except QmbenchError:
        return None
    if run is None:
        return None
    return {"run": run["id"], **{k: v for k, v in run.items() if k not in ("id", "entries", "computed")}}


def _print(document: dict[str, Any]) -> None:
    out = console()
    for key, value in document.items():
        if value in ("", [], {}, None):
            continue
        if isinstance(value, dict):
            out.print(f"[bold]{key}[/bold]")
            for name, text in value.items():
                out.print(f"  {name}: ", end="")
                out.print(text if isinstance(text, str) else str(text), markup=False)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            out.print(f"[bold]{key}[/bold]")
            for item in value:
                line = "; ".join(f"{k}: {v}" for k, v in item.items() if v not in ("", None))
                out.print(f"  - {line}", markup=False)
        else:
            out.print(f"[bold]{key}[/bold]: ", end="")
            out.print(", ".join(map(str, value)) if isinstance(value, list) else str(value), markup=False)
