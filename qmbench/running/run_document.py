"""A run: what was asked, and which record keys each entry is made of. Its JSON document is what the store keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from qmbench.data.benchmark import Benchmark, find_benchmark
from qmbench.data.filters import Filtered, narrowed
from qmbench.domain import recipe as recipes
from qmbench.domain.collector import collector_paused
from qmbench.domain.composite import CompositeLevel, Level, parts_of_text
from qmbench.domain.errors import InputError, StoreError
from qmbench.domain.record import Failure
from qmbench.running.plan import Plan, PlannedEntry, keys_of


@dataclass(frozen=True)
class RunLevel:
    """What a level of theory was when the run was made; families, claims: of `Method`; label: what reports call it,
    empty for its spelling; code: digest of its code."""

    label: str = ""
    families: Mapping[str, str] = field(default_factory=dict)
    claims: str = ""
    stochastic: bool = False
    plugin: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    citations: tuple[str, ...] = ()

    @classmethod
    def of(cls, level: Level, label: str = "") -> RunLevel:
        if isinstance(level, CompositeLevel):
            return cls(
                label=label,
                families=level.families(),
                claims=level.claims(),
                stochastic=level.is_stochastic(),
                plugin=level.plugin,
                versions=level.versions,
                code=level.code_digest,
                citations=level.citations,
            )
        method = level.make()
        return cls(
            label=label,
            families=method.families(),
            claims=method.claims(),
            stochastic=method.is_stochastic(),
            plugin=level.plugin,
            versions=level.versions,
            code=level.code.digest,
            citations=tuple(level.method.citations),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "families": dict(self.families),
            "claims": self.claims,
            "stochastic": self.stochastic,
            "plugin": self.plugin,
            "versions": dict(self.versions),
            "code": self.code,
            "citations": list(self.citations),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunLevel:
        return cls(
            label=_text(data.get("label")),
            families={_text(k): _text(v) for k, v in (data.get("families") or {}).items()},
            claims=_text(data.get("claims")),
            stochastic=bool(data.get("stochastic")),
            plugin=_text(data.get("plugin")),
            versions={_text(k): _text(v) for k, v in (data.get("versions") or {}).items()},
            code=_text(data.get("code")),
            citations=tuple(_texts(data.get("citations"))),
        )


@dataclass(frozen=True)
class RunBenchmark:
    """Version of a benchmark when the run was made, and the folder where it was."""

    version: str
    folder: Path

    def to_json(self) -> dict[str, str]:
        return {"version": self.version, "folder": str(self.folder)}


@dataclass(frozen=True)
class Run:
    """What one run planned and did.

    started, finished: UTC, ISO 8601; finished is None while it runs, and for good when it was stopped. levels: by
    canonical spelling; those that take no part in any entry included. computed: keys of the records that were not
    in the store before, known once it is finished. filtered: what the filter of entries left that the run was asked
    for with, if any.
    """

    id: str
    started: str
    finished: str | None = None
    suite: str = ""
    title: str = ""
    benchmarks: Mapping[str, RunBenchmark] = field(default_factory=dict)
    levels: Mapping[str, RunLevel] = field(default_factory=dict)
    entries: tuple[PlannedEntry, ...] = ()
    computed: frozenset[str] = frozenset()
    filtered: Filtered | None = None

    @classmethod
    def of(cls, plan: Plan, run_id: str, started: str) -> Run:
        """The run of a plan at its start."""
        return cls(
            id=run_id,
            started=started,
            suite=plan.suite.id,
            title=plan.suite.title,
            benchmarks={b.id: RunBenchmark(b.version, b.folder) for b in plan.benchmarks.values()},
            levels={str(level): RunLevel.of(level, plan.labels.get(str(level), "")) for level in plan.levels},
            entries=plan.entries,
            filtered=plan.filtered,
        )

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of all records that the entries are made of."""
        return keys_of(self.entries)

    @property
    def families(self) -> dict[str, Mapping[str, str]]:
        """level -> what it shares with others, as its method declared it when the run was made."""
        return {name: level.families for name, level in self.levels.items()}

    @property
    def claims(self) -> dict[str, str]:
        """level -> what it claimed to be when the run was made (`Method.claims`), of those that claim anything."""
        return {name: level.claims for name, level in self.levels.items() if level.claims}

    @property
    def stochastic(self) -> set[str]:
        """Levels whose results differ from seed to seed."""
        return {name for name, level in self.levels.items() if level.stochastic}

    def of_benchmark(self, name: str) -> Run:
        """What it did of one benchmark."""
        entries = tuple(planned for planned in self.entries if planned.benchmark == name)
        return replace(self, benchmarks={name: self.benchmarks[name]}, entries=entries)

    def find_benchmarks(self) -> dict[str, Benchmark]:
        """The benchmarks by id; the shipped one where the folder of that time is gone."""
        found = {}
        for name, where in self.benchmarks.items():
            there = (where.folder / "benchmark.toml").is_file()
            found[name] = find_benchmark(str(where.folder) if there else name)
        return narrowed(found, self.filtered.only)[0] if self.filtered else found

    @collector_paused()
    def to_json(self) -> dict[str, Any]:
        """The document that the store keeps."""
        return {
            "id": self.id,
            "started": self.started,
            "suite": {"id": self.suite, "title": self.title},
            "benchmarks": {name: benchmark.to_json() for name, benchmark in self.benchmarks.items()},
            "levels": {name: level.to_json() for name, level in self.levels.items()},
            "entries": [_entry_to_json(planned) for planned in self.entries],
            "filtered": self.filtered.to_json() if self.filtered else None,
            **self.end_to_json(),
        }

    def end_to_json(self) -> dict[str, Any]:
        """The part of the document that is known when the run is finished."""
        return {"finished": self.finished, "computed": sorted(self.computed)}

    @classmethod
    @collector_paused()
    def from_json(cls, data: Mapping[str, Any]) -> Run:
        """The inverse of `to_json`; keys of a newer qmbench are ignored. StoreError says which part is broken."""
        name = data.get("id") if isinstance(data, Mapping) else None
        part = "id"
        try:
            if "broken" in data and "entries" not in data:
                part = "JSON"
                raise ValueError(data["broken"])
            head: dict[str, Any] = {"id": str(data["id"])}
            part = "started"
            head |= {"started": str(data["started"]), "finished": _text(data.get("finished")) or None}
            part = "suite"
            suite = data.get("suite") or {}
            head |= {"suite": _text(suite.get("id")), "title": _text(suite.get("title"))}
            part = "benchmarks"
            benchmarks = {
                b: RunBenchmark(_text(about["version"]), Path(about["folder"]))
                for b, about in data["benchmarks"].items()
            }
            part = "levels"
            levels = {level: RunLevel.from_json(about) for level, about in data["levels"].items()}
            part = "entries"
            entries = tuple(_entry_from_json(planned) for planned in data["entries"])
            for benchmark in {planned.benchmark for planned in entries} - benchmarks.keys():
                raise ValueError(f"an entry is of the benchmark '{benchmark[:40]}', which the run does not have")
            for level in {planned.level for planned in entries}:
                parts_of_text(level)
            part = "computed"
            computed = frozenset(_texts(data.get("computed")))
            part = "filtered"
            filtered = Filtered.from_json(data["filtered"]) if data.get("filtered") else None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, InputError) as error:
            missing = f" ({error} is missing)" if isinstance(error, KeyError) else f" ({str(error)[:100]})"
            raise StoreError(
                f"the document of run '{name}' is broken in '{part}'{missing}; run the suite again to make a new one"
            ) from None
        return cls(**head, benchmarks=benchmarks, levels=levels, entries=entries, computed=computed, filtered=filtered)


def _text(value: Any) -> str:
    """Text, or empty for nothing; TypeError for anything else."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is no text")
    return value or ""


def _texts(values: Any) -> list[str]:
    if values is not None and not isinstance(values, list):
        raise TypeError(f"{str(values)[:40]!r} is no list")
    return [_text(value) for value in values or ()]


def _entry_to_json(p: PlannedEntry) -> dict[str, Any]:
    return {
        "level": p.level,
        "bsse": p.bsse,
        "benchmark": p.benchmark,
        "entry": p.entry,
        "terms": [[c, recipes.to_json(recipe)] for c, recipe in p.terms],
        "refused": p.refused.to_json() if p.refused else None,
    }


def _entry_from_json(data: Mapping[str, Any]) -> PlannedEntry:
    return PlannedEntry(
        level=_text(data["level"]),
        bsse=_text(data["bsse"]),
        benchmark=_text(data["benchmark"]),
        entry=_text(data["entry"]),
        terms=tuple((float(c), recipes.from_json(recipe)) for c, recipe in data["terms"]),
        refused=Failure(**{name: _text(text) for name, text in data["refused"].items()})
        if data.get("refused")
        else None,
    )
