"""From a suite to tasks: which levels, on which entries, made of which calculations; nothing computed twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qmbench.benchmark import BSSE, Benchmark, Entry, Term, data_folder, find_benchmark
from qmbench.errors import InputError, QmbenchError, Unsupported, did_you_mean
from qmbench.method import LevelOfTheory, Method
from qmbench.plugins import parse_level, plugins
from qmbench.record import Failure, Task
from qmbench.system import Molecule, System
from qmbench.system_files import load_toml


@dataclass(frozen=True)
class Selection:
    """Part of one benchmark: by subset, by observables, by entries; None or empty means all."""

    benchmark: str
    subset: str | None = None
    observables: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()

    def of(self, benchmark: Benchmark) -> tuple[Entry, ...]:
        """The entries meant; InputError when a name is not the benchmark's."""
        chosen = benchmark.select(self.subset, self.observables)
        named = {benchmark.entry(name).id for name in self.entries}
        return tuple(e for e in chosen if not named or e.id in named)


@dataclass(frozen=True)
class SuiteLevel:
    """A level of theory as a suite asks for it. `selections` empty: every benchmark of the suite it can do."""

    text: str
    bsse: str | None = None
    selections: tuple[Selection, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A named choice of benchmarks and levels. `folder`: what relative benchmark paths are relative to."""

    id: str
    title: str
    selections: tuple[Selection, ...]
    levels: tuple[SuiteLevel, ...]
    folder: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True)
class PlannedEntry:
    """One (level, entry): the coefficients and record keys it is made of, or why it can't be."""

    level: str
    bsse: str
    benchmark: str
    entry: str
    terms: tuple[tuple[float, str], ...] = ()
    refused: Failure | None = None


@dataclass(frozen=True)
class Plan:
    """What a suite comes down to. `tasks` are distinct; `entries` refer to them by record key."""

    suite: Suite
    levels: tuple[LevelOfTheory, ...]
    benchmarks: Mapping[str, Benchmark]
    entries: tuple[PlannedEntry, ...]
    tasks: tuple[Task, ...]


def suite_files() -> dict[str, Path]:
    """id -> file of the suites shipped with qmbench or with a plugin."""
    folders = [data_folder(), *plugins().benchmark_folders]
    return {path.stem: path for root in reversed(folders) for path in sorted((root / "suites").glob("*.toml"))}


def find_suite(name: str) -> Suite:
    """A shipped suite by id, or a suite file (a path that ends in .toml)."""
    if name.endswith(".toml"):
        return read_suite(Path(name))
    files = suite_files()
    if name not in files:
        raise InputError(f"unknown suite '{name}'{did_you_mean(name, files)}; a file's name ends in .toml")
    return read_suite(files[name])


def read_suite(path: Path) -> Suite:
    """Read and check a suite file; InputError names the file and what would be right."""
    table = load_toml(path)
    _only(table, ("id", "title", "description", "benchmarks", "levels"), str(path))
    for key in ("id", "title", "benchmarks"):
        if not table.get(key):
            raise InputError(f"{path}: '{key}' is missing or empty")
    selections = tuple(_selection(item, str(path)) for item in table["benchmarks"])
    levels = []
    for number, item in enumerate(table.get("levels", ()), start=1):  # none: published values are compared alone
        where = f"{path}, level {number}"
        if not isinstance(item, dict):
            raise InputError(f'{where}: a level is a table: level = "hf/cc-pvdz", bsse = "cp"')
        _only(item, ("level", "bsse", "benchmarks"), where)
        if "level" not in item:
            raise InputError(f"{where}: 'level' is missing")
        bsse = item.get("bsse")
        if bsse is not None and bsse not in BSSE:
            raise InputError(f"{where}: unknown bsse '{bsse}'{did_you_mean(str(bsse), BSSE)}")
        chosen = tuple(_selection(b, where) for b in item.get("benchmarks", []))
        levels.append(SuiteLevel(item["level"], bsse, chosen))
    return Suite(table["id"], table["title"], selections, tuple(levels), path.resolve().parent)


def restrict(
    suite: Suite, levels: Sequence[str] = (), benchmarks: Sequence[str] = (), bsse: str | None = None
) -> Suite:
    """The suite with only these levels (ones it does not hold are added) and only these benchmarks.

    An added level takes `bsse`, or else the one treatment that all levels of the suite agree on.
    """
    chosen = suite.levels
    if levels:
        agreed = {level.bsse for level in suite.levels if level.bsse}
        common = bsse or (agreed.pop() if len(agreed) == 1 else None)
        by_text: dict[str, list[SuiteLevel]] = {}
        for wanted in suite.levels:
            by_text.setdefault(str(parse_level(wanted.text)), []).append(wanted)
        chosen = tuple(w for text in levels for w in by_text.get(str(parse_level(text)), [SuiteLevel(text, common)]))
    selections = suite.selections
    if benchmarks:
        known = {s.benchmark for s in suite.selections}
        for name in benchmarks:
            if name not in known:
                raise InputError(f"suite {suite.id} has no benchmark '{name}'{did_you_mean(name, known)}")
        selections = tuple(s for s in selections if s.benchmark in benchmarks)
        kept = [(w, tuple(s for s in w.selections if s.benchmark in benchmarks)) for w in chosen]
        chosen = tuple(SuiteLevel(w.text, w.bsse, own) for w, own in kept if own or not w.selections)
    if bsse:
        chosen = tuple(SuiteLevel(w.text, bsse, w.selections) for w in chosen)
    if not chosen and suite.levels:
        raise InputError(f"suite {suite.id}: no level is left that takes part in {', '.join(benchmarks)}")
    return Suite(suite.id, suite.title, selections, chosen, suite.folder)


def make_plan(suite: Suite) -> Plan:
    """Expand a suite into planned entries and distinct tasks. InputError when a level or benchmark is wrong."""
    benchmarks = {s.benchmark: find_benchmark(s.benchmark, suite.folder) for s in suite.selections}
    for wanted in suite.levels:
        for s in wanted.selections:  # a level may name a benchmark of its own
            if s.benchmark not in benchmarks:
                benchmarks[s.benchmark] = find_benchmark(s.benchmark, suite.folder)
    if not suite.levels and any(e.terms for b in benchmarks.values() for e in b.entries):
        raise InputError(f"suite {suite.id}: 'levels' is missing or empty; only published values need none")
    entries: list[PlannedEntry] = []
    tasks: dict[str, Task] = {}
    levels = []
    for wanted in suite.levels:
        level = parse_level(wanted.text)
        levels.append(level)
        for s in wanted.selections or suite.selections:
            benchmark = benchmarks[s.benchmark]
            chosen = _entries(benchmark, s, suite.selections)
            planned = [plan_entry(level, wanted.bsse, benchmark, entry, tasks) for entry in chosen if entry.terms]
            # A level without a list of its own takes part where it can do at least one entry.
            if wanted.selections or any(p.refused is None for p in planned):
                entries += planned
    unique = {(p.level, p.bsse, p.benchmark, p.entry): p for p in entries}
    used = {key for p in unique.values() for _, key in p.terms}
    kept = tuple(task for key, task in tasks.items() if key in used)
    return Plan(suite, tuple(levels), {b.id: b for b in benchmarks.values()}, tuple(unique.values()), kept)


def plan_entry(
    level: LevelOfTheory, bsse: str | None, benchmark: Benchmark, entry: Entry, tasks: dict[str, Task]
) -> PlannedEntry:
    """Plan one entry at one level; its new tasks are added to `tasks` (by record key)."""
    treatment = bsse_for(level, bsse, benchmark, entry)
    try:
        parts = expand(level, treatment, benchmark, entry)
        method = level.make()
        for _, system, prop in parts:
            method.check(system, frozenset((prop,)))
        _refuse_missing_cores(method, entry.observable, parts)
    except QmbenchError as error:
        return PlannedEntry(str(level), treatment, benchmark.id, entry.id, refused=Failure(error.kind, str(error)))
    terms = []
    for coefficient, system, prop in parts:
        key = level.key(system, prop)
        tasks.setdefault(key, Task(system, level, (prop,)))
        terms.append((coefficient, key))
    return PlannedEntry(str(level), treatment, benchmark.id, entry.id, tuple(terms))


def _refuse_missing_cores(method: Method, observable: str, parts: Sequence[tuple[float, System, str]]) -> None:
    """Unsupported when the observable would not be that of all electrons because core electrons do not cancel."""
    energies = [(coefficient, system) for coefficient, system, prop in parts if prop == "energy"]
    left = sum(coefficient * method.removed_electrons(system) for coefficient, system in energies)
    if abs(left) > 1e-9:
        raise Unsupported(
            f"{method.name}: pseudopotentials stand for {left:.3g} core electrons, so that this {observable} is not"
            " comparable with all-electron ones; differences in which the cores cancel are"
        )


def bsse_for(level: LevelOfTheory, bsse: str | None, benchmark: Benchmark, entry: Entry) -> str:
    """`none` or `cp` where the entry has fragments and the method a basis, else the empty string.

    InputError when the choice matters and nobody made it.
    """
    if not any(term.fragment is not None for term in entry.terms) or not level.has_basis:
        return ""
    offered = benchmark.meta["bsse"]
    if bsse is None:
        if len(offered) == 1:
            return offered[0]
        raise InputError(
            f"{level} on {benchmark.id} needs a counterpoise treatment: say bsse = "
            + " or ".join(f"'{b}'" for b in offered)
        )
    return bsse if bsse in offered else offered[0]


def expand(level: LevelOfTheory, bsse: str, benchmark: Benchmark, entry: Entry) -> list[tuple[float, System, str]]:
    """The entry as (coefficient, system, property) triples.

    A method that lists the observable itself among its properties gives it directly, on the whole complex.
    """
    observable = plugins().observables[entry.observable]
    whole = [term for term in entry.terms if term.fragment is None]
    if observable.name in level.method.properties and observable.name != observable.prop and len(whole) == 1:
        return [(1.0, benchmark.system(whole[0].system), observable.name)]
    triples: list[tuple[float, System, str]] = []
    for term in entry.terms:
        system = benchmark.system(term.system)
        for coefficient, part in _parts(term, system, bsse == "cp"):
            triples.append((coefficient, part, observable.prop))
    return triples


def _parts(term: Term, system: System, ghosts: bool) -> Iterable[tuple[float, System]]:
    if term.fragment is None:
        yield term.coefficient, system
        return
    if not isinstance(system, Molecule) or not system.fragments:
        raise InputError(f"{system.name} has no fragments; name them in its file")
    numbers = range(1, len(system.fragments) + 1) if term.fragment == 0 else (term.fragment,)
    for number in numbers:
        yield term.coefficient, system.fragment(number, ghosts)


def _entries(benchmark: Benchmark, s: Selection, suite: tuple[Selection, ...]) -> tuple[Entry, ...]:
    """What a level's selection and the suite's selection of the same benchmark have in common."""
    chosen = s.of(benchmark)
    frame = [o for o in suite if o.benchmark == s.benchmark]
    allowed = {e.id for o in frame for e in o.of(benchmark)}
    return tuple(e for e in chosen if e.id in allowed) if frame else chosen


def _selection(item: Any, where: str) -> Selection:
    if isinstance(item, str):
        return Selection(item)
    if not isinstance(item, dict) or "id" not in item:
        raise InputError(f'{where}: a benchmark is "s22" or {{ id = "s22", subset = "small" }}, not {item!r}')
    _only(item, ("id", "subset", "observables", "entries"), where)
    lists = {key: tuple(item.get(key, ())) for key in ("observables", "entries")}
    return Selection(item["id"], item.get("subset"), **lists)


def _only(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise InputError(f"{where}: unknown key '{key}'{did_you_mean(key, keys)}")
