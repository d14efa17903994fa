"""The document of a run: what was asked, and which record keys each entry is made of. It is what the store keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmbench.data.benchmark import Benchmark, find_benchmark
from qmbench.running.plan import Plan, PlannedEntry


def run_document(plan: Plan, run_id: str, started: str) -> dict[str, Any]:
    """The JSON document of a run: what was asked, and which record keys each entry is made of."""
    return {
        "id": run_id,
        "started": started,
        "finished": None,
        "suite": {"id": plan.suite.id, "title": plan.suite.title},
        "benchmarks": {b.id: {"version": b.version, "folder": str(b.folder)} for b in plan.benchmarks.values()},
        "levels": {
            str(level): {
                "label": plan.labels.get(str(level), ""),
                "families": level.make().families(),
                "stochastic": level.make().is_stochastic(),
                "plugin": level.plugin,
                "versions": level.identity["versions"],
                "citations": list(level.method.citations),
            }
            for level in plan.levels
        },
        "entries": [_planned(p) for p in plan.entries],
        "computed": [],
    }


def run_families(run: Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    """level -> what it shares with others, as its method declared it when the run was made."""
    levels = run["levels"] if run else {}
    return {name: about.get("families") or {} for name, about in levels.items()}


def run_benchmarks(run: Mapping[str, Any]) -> dict[str, Benchmark]:
    """The benchmarks of a run, by id; the shipped one where the folder of that time is gone."""
    found = {}
    for name, where in run["benchmarks"].items():
        folder = Path(where["folder"])
        found[name] = find_benchmark(str(folder) if (folder / "benchmark.toml").is_file() else name)
    return found


def _planned(p: PlannedEntry) -> dict[str, Any]:
    return {
        "level": p.level,
        "bsse": p.bsse,
        "benchmark": p.benchmark,
        "entry": p.entry,
        "terms": [[c, key] for c, key in p.terms],
        "refused": p.refused.to_json() if p.refused else None,
    }
