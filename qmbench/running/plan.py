"""From a suite to tasks: which levels, on which entries, made of which calculations; nothing computed twice."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from qmbench.data.benchmark import Benchmark, Entry, find_benchmark
from qmbench.data.filters import EntryFilter, Filtered, narrowed
from qmbench.data.suite import Selection, Suite, SuiteLevel
from qmbench.domain import recipe as recipes
from qmbench.domain.collector import collector_paused
from qmbench.domain.composite import CompositeLevel, Level
from qmbench.domain.errors import InputError, QmbenchError, Unsupported
from qmbench.domain.method import LevelOfTheory, Method
from qmbench.domain.observables import Observable
from qmbench.domain.record import Failure, Task
from qmbench.domain.systems import Molecule, System
from qmbench.domain.systems.congruence import congruent
from qmbench.plugging.registry import parse_level
from qmbench.running.fragments import named_parts


@dataclass(frozen=True, slots=True)
class PlannedEntry:
    """One (level, entry): the coefficients and recipes it is made of, or why it can't be.

    A recipe (`domain.recipe`) has keys of records as leaves; of a level that is one calculation it is a key.
    """

    level: str
    bsse: str
    benchmark: str
    entry: str
    terms: tuple[tuple[float, recipes.Recipe], ...] = ()
    refused: Failure | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the records it is made of, each once."""
        if len(self.terms) == 1 and isinstance(self.terms[0][1], str):  # as of most, and asked of 100,000
            return (self.terms[0][1],)
        return tuple(recipes.keys_in(recipe for _, recipe in self.terms))


def keys_of(entries: Iterable[PlannedEntry]) -> frozenset[str]:
    """Keys of all records that these entries are made of."""
    return frozenset(key for planned in entries for key in planned.keys)


@dataclass(frozen=True)
class Plan:
    """What a suite comes down to. `tasks` are distinct; `entries` refer to them by record key.
    labels: level -> what reports call it, of the levels that have a label. notes: what the user should hear of how the
    request was read, one line each. filtered: what a filter of entries left, None: there was none."""

    suite: Suite
    levels: tuple[Level, ...]
    benchmarks: Mapping[str, Benchmark]
    entries: tuple[PlannedEntry, ...]
    tasks: tuple[Task, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    filtered: Filtered | None = None


@collector_paused()
def make_plan(suite: Suite, only: EntryFilter | None = None) -> Plan:
    """Expand a suite into planned entries and distinct tasks. InputError when a level or benchmark is wrong.

    only: no entries but those that it keeps.
    """
    benchmarks = {s.benchmark: find_benchmark(s.benchmark, suite.folder) for s in suite.selections}
    for wanted in suite.levels:
        for s in wanted.selections:  # a level may name a benchmark of its own
            if s.benchmark not in benchmarks:
                benchmarks[s.benchmark] = find_benchmark(s.benchmark, suite.folder)
    if not suite.levels and any(e.terms for b in benchmarks.values() for e in b.entries):
        raise InputError(f"suite {suite.id}: 'levels' is missing or empty; only published values need none")
    filtered = None
    kept_entries: dict[str, set[str]] = {}
    if only:
        less, filtered = narrowed(benchmarks, only, _asked(suite, benchmarks))
        kept_entries = {name: {e.id for e in b.entries} for name, b in less.items()}
    entries: list[PlannedEntry] = []
    tasks: dict[str, Task] = {}
    levels: dict[str, Level] = {}
    written: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    made_of: MadeOf = {}
    chosen: dict[Selection, list[Entry]] = {}
    for wanted in suite.levels:
        level = parse_level(wanted.text)
        levels.setdefault(str(level), level)
        written.setdefault(str(level), []).append(wanted.text)
        _add_label(labels, wanted, level)
        planner = _Planner(level, wanted.bsse, made_of)
        for s in wanted.selections or suite.selections:
            benchmark = benchmarks[s.benchmark]
            if s not in chosen:
                there = _entries(benchmark, s, suite.selections)
                kept_here = [e for e in there if filtered is None or e.id in kept_entries[s.benchmark]]
                chosen[s] = [e for e in kept_here if e.terms]
            # What a level refuses has its place all the same: it was asked for.
            entries += planner.plan(benchmark, chosen[s], tasks)
    unique = {(p.level, p.bsse, p.benchmark, p.entry): p for p in entries}
    kept = tuple(tasks.values())
    if len(unique) < len(entries):  # the later of two stands, and the other's tasks are none unless it shares them
        used = keys_of(unique.values())
        kept = tuple(task for key, task in tasks.items() if key in used)
    notes = tuple(_merged(name, texts) for name, texts in written.items() if len(set(texts)) > 1)
    named = {b.id: b for b in (less if filtered else benchmarks).values()}
    return Plan(suite, tuple(levels.values()), named, tuple(unique.values()), kept, labels, notes, filtered)


def _asked(suite: Suite, benchmarks: Mapping[str, Benchmark]) -> set[tuple[str, str]]:
    """(benchmark, entry) of all that the levels of a suite are asked for."""
    return {
        (benchmarks[s.benchmark].id, entry.id)
        for wanted in suite.levels
        for s in wanted.selections or suite.selections
        for entry in _entries(benchmarks[s.benchmark], s, suite.selections)
    }


def _merged(level: str, texts: Sequence[str]) -> str:
    """What is said where a suite asks for one level in several spellings."""
    spellings = ", ".join(f"'{text}'" for text in dict.fromkeys(texts))
    return f"{spellings} are one level of theory, {level}: it has one row"


@dataclass(frozen=True)
class Refusals:
    """Entries of one benchmark for which a level's request is wrong (`InputError`), and why the first of them is."""

    level: str
    benchmark: str
    refused: int
    entries: int
    reason: str

    def __str__(self) -> str:
        return f"{self.level} on {self.benchmark}: wrong for {self.refused} of {self.entries} entries: {self.reason}"


def wrong_levels(plan: Plan) -> list[Refusals]:
    """What can't be computed because the level is wrong there, an unknown basis say; what is unsupported is not wrong.

    One for each level, benchmark and reason.
    """
    entries = Counter((p.level, p.benchmark) for p in plan.entries)
    wrong = Counter(
        (p.level, p.benchmark, p.refused.message) for p in plan.entries if p.refused and p.refused.kind == "input"
    )
    return [Refusals(level, b, n, entries[level, b], reason) for (level, b, reason), n in wrong.items()]


def _add_label(labels: dict[str, str], wanted: SuiteLevel, level: Level) -> None:
    """The suite's label of the level, or else the method's own."""
    name = str(level)
    own = level.label
    label = wanted.label or labels.get(name) or own
    if wanted.label and labels.get(name) not in (None, own, wanted.label):
        raise InputError(f"{level} has two labels in this suite, '{labels[name]}' and '{wanted.label}'")
    if label:
        labels[name] = label


def plan_entry(
    level: Level, bsse: str | None, benchmark: Benchmark, entry: Entry, tasks: dict[str, Task]
) -> PlannedEntry:
    """Plan one entry at one level; its new tasks are added to `tasks` (by record key)."""
    (planned,) = _Planner(level, bsse, {}).plan(benchmark, (entry,), tasks)
    return planned


Leaf = tuple[LevelOfTheory, str]
Parts = Sequence[tuple[float, System, str]]


@dataclass(frozen=True, slots=True)
class _Expanded:
    """An entry's parts, see `expand`, with what treatment, and the properties in them."""

    treatment: str
    parts: Parts
    props: tuple[str, ...]


ByEntry = dict[str, _Expanded]
MadeOf = dict[tuple[int, str, bool, bool], ByEntry]
"""What entries are made of, by (identity of their benchmark, treatment, whether the level lists the observable, whether
it is stochastic), and by their ids."""


@dataclass(frozen=True)
class _About:
    """What a level makes some properties of. made: property -> recipe. leaves: each once, with its method, and the
    properties that it is in. cores: what leaves out core electrons, of each property that is a total energy: (property,
    weight, method). relative: of the methods of the level's parts, those whose energies have a zero of their own."""

    made: Mapping[str, recipes.Recipe]
    leaves: tuple[tuple[LevelOfTheory, Method, frozenset[str], frozenset[str]], ...]
    cores: tuple[tuple[str, float, Method], ...]
    relative: tuple[Method, ...]

    @classmethod
    def of(cls, level: Level, props: Sequence[str]) -> _About:
        made = {prop: level.recipe(prop) for prop in props}
        where: dict[Leaf, set[str]] = {}
        for prop, recipe in made.items():
            for leaf in recipes.leaves(recipe):
                where.setdefault(leaf, set()).add(prop)
        methods = {leaf: leaf[0].make() for leaf in where}
        cores = [
            (prop, weight, methods[leaf])
            for prop in TOTAL_ENERGIES
            if prop in made
            for leaf, weight in recipes.weights(made[prop]).items()
            # Most methods have all electrons, by the base's word, and need not be asked system by system.
            if abs(weight) > 1e-9 and type(methods[leaf]).removed_electrons is not Method.removed_electrons
        ]
        leaves = [(leaf[0], methods[leaf], frozenset((leaf[1],)), frozenset(props)) for leaf, props in where.items()]
        parts = [part.make() for part in level.parts]
        relative = tuple(method for method in parts if method.energy_zero != "absolute")
        return cls(made, tuple(leaves), tuple(cores), relative)


class _Planner:
    """Plans entries at one level. What is the same for many of them is found once; `made_of`, for all levels of a plan,
    is filled."""

    def __init__(self, level: Level, bsse: str | None, made_of: MadeOf) -> None:
        self.level, self.bsse, self.name = level, bsse, str(level)
        self._made_of = made_of
        self._of_level: dict[tuple[int, str, str], ByEntry] = {}  # by benchmark, treatment, observable
        self._about: dict[tuple[str, ...], _About] = {}

    def plan(self, benchmark: Benchmark, entries: Sequence[Entry], tasks: dict[str, Task]) -> list[PlannedEntry]:
        """The entries, planned; their new tasks are added to `tasks` (by record key)."""
        # First what they all are made of: to read a system, then plan, and read the next one takes a fifth longer.
        expanded = [self._expanded(benchmark, entry) for entry in entries]
        return [
            self._planned(benchmark, entry, made_of, tasks) for entry, made_of in zip(entries, expanded, strict=True)
        ]

    def _expanded(self, benchmark: Benchmark, entry: Entry) -> _Expanded | PlannedEntry:
        """What the entry is made of; of congruent systems one stands for all, unless they are samples. Refused where
        that is wrong."""
        treatment = bsse_for(self.level, self.bsse, benchmark, entry)
        known = self._of_level.get((id(benchmark), treatment, entry.observable), {})
        if entry.id in known:
            return known[entry.id]
        try:
            benchmark.check(entry)
            stochastic = self._stochastic
            listed = _lists_observable(self.level, benchmark.observable_of(entry))
            known = self._made_of.setdefault((id(benchmark), treatment, listed, stochastic), {})
            self._of_level[id(benchmark), treatment, entry.observable] = known
            if entry.id not in known:
                parts: Parts = expand(listed, treatment, benchmark, entry)
                parts = parts if stochastic else _each_once(parts)
                known[entry.id] = _Expanded(treatment, parts, tuple(dict.fromkeys(prop for _, _, prop in parts)))
        except QmbenchError as error:
            return self._refused(benchmark, entry, treatment, error)
        return known[entry.id]

    @cached_property
    def _stochastic(self) -> bool:
        return self.level.is_stochastic()

    def _planned(
        self, benchmark: Benchmark, entry: Entry, made_of: _Expanded | PlannedEntry, tasks: dict[str, Task]
    ) -> PlannedEntry:
        if isinstance(made_of, PlannedEntry):
            return made_of
        level, parts = self.level, made_of.parts
        try:
            about = self._about.get(made_of.props)
            if about is None:
                about = self._about[made_of.props] = _About.of(level, made_of.props)
            _check(level, parts, about)
            if about.cores:
                _refuse_missing_cores(level, entry.observable, parts, about)
            for method in about.relative:
                _refuse_arbitrary_zero(method, entry.observable, parts)
        except QmbenchError as error:
            return self._refused(benchmark, entry, made_of.treatment, error)
        terms = tuple([(coefficient, _keyed(about.made[prop], system, tasks)) for coefficient, system, prop in parts])
        return PlannedEntry(self.name, made_of.treatment, benchmark.id, entry.id, terms)

    def _refused(self, benchmark: Benchmark, entry: Entry, treatment: str, error: QmbenchError) -> PlannedEntry:
        failure = Failure(error.kind, str(error))
        return PlannedEntry(self.name, treatment, benchmark.id, entry.id, refused=failure)


TOTAL_ENERGIES = ("energy", "equilibrium_energy")
"""Properties that are counted from separated nuclei and electrons, and comparable only if they are."""


def recipe_for(level: Level, system: System, prop: str, tasks: dict[str, Task]) -> recipes.Recipe:
    """How `prop` of `system` is made at `level`, with keys of records; their new tasks are added to `tasks`."""
    return _keyed(level.recipe(prop), system, tasks)


def _keyed(recipe: recipes.Recipe, system: System, tasks: dict[str, Task]) -> recipes.Recipe:
    if isinstance(recipe, tuple):  # a leaf, as most are
        return _key(recipe, system, tasks)
    return recipes.with_leaves(recipe, lambda leaf: _key(leaf, system, tasks))


def _key(leaf: Leaf, system: System, tasks: dict[str, Task]) -> str:
    level, prop = leaf
    key = level.key_of(system.hash, prop)
    if key not in tasks:
        tasks[key] = Task.of_one(system, level, prop, key)
    return key


def _check(level: Level, parts: Parts, about: _About) -> None:
    """Let the method of each leaf refuse each system; of a composite the message names the part."""
    for single, method, props, wholes in about.leaves:
        for _, system, whole in parts:
            if whole not in wholes:
                continue
            try:
                method.check(system, props)
            except QmbenchError as error:
                if isinstance(level, CompositeLevel):
                    raise type(error)(f"{single}: {error}") from None
                raise


def _refuse_missing_cores(level: Level, observable: str, parts: Parts, about: _About) -> None:
    """Unsupported when the observable would not be that of all electrons because core electrons do not cancel."""
    left = math.fsum(
        coefficient * weight * method.removed_electrons(system)
        for energy, weight, method in about.cores
        for coefficient, system, prop in parts
        if prop == energy
    )
    if abs(left) > 1e-9:
        name = level.method.name if isinstance(level, LevelOfTheory) else str(level)
        raise Unsupported(
            f"{name}: pseudopotentials stand for {left:.3g} core electrons, so that this {observable} is not"
            " comparable with all-electron ones; differences in which the cores cancel are"
        )


def _refuse_arbitrary_zero(method: Method, observable: str, parts: Parts) -> None:
    """Unsupported when the method's own zero of energy would be in the observable because nuclei do not cancel."""
    left: defaultdict[int, float] = defaultdict(float)  # by nuclear charge
    for coefficient, system, prop in parts:
        if prop in TOTAL_ENERGIES:
            for charge in getattr(system, "atomic_numbers", ()):
                left[int(charge)] += coefficient
    if any(abs(count) > 1e-9 for charge, count in left.items() if charge):  # a ghost's is 0
        raise Unsupported(
            f"{method.name}: its energies have a zero of their own, so that this {observable} is not comparable with"
            " absolute ones; differences with the same nuclei on both sides are"
        )


def bsse_for(level: Level, bsse: str | None, benchmark: Benchmark, entry: Entry) -> str:
    """`none`, `cp` or `vmfc` where the entry has fragments and the method a basis, else the empty string.

    InputError when the choice matters and nobody made it.
    """
    if not any([term.of_fragments for term in entry.terms]) or not level.has_basis:
        return ""
    offered = benchmark.meta["bsse"]
    if bsse is None:
        if len(offered) == 1:
            return offered[0]
        raise InputError(
            f"{level} on {benchmark.id} needs a counterpoise treatment: say bsse = "
            + " or ".join(f"'{b}'" for b in offered)
        )
    return bsse if bsse in benchmark.treatments else offered[0]


def expand(listed: bool, bsse: str, benchmark: Benchmark, entry: Entry) -> list[tuple[float, System, str]]:
    """The entry as (coefficient, system, property) triples.

    A method that lists the observable itself among its properties (`listed`) gives it directly, on the whole complex.
    """
    observable = benchmark.observable_of(entry)
    wholes = [term for term in entry.terms if not term.of_fragments] if listed else []
    if len(wholes) == 1:
        return [(1.0, benchmark.system(wholes[0].system), observable.name)]
    return [(coefficient, part, observable.prop) for _, coefficient, part in named_parts(benchmark, entry, bsse)]


def _each_once(parts: Parts) -> Parts:
    """The same with one molecule for those that are congruent, whose energies are the same: the two halves of a
    symmetric dimer, each in the basis of the whole."""
    kept: list[Molecule] = []
    found = []
    for coefficient, system, prop in parts:
        # Every method has to give the same for a molecule that is turned or renumbered (qmbench.testing); systems of
        # other kinds may have a direction, that of a field.
        if prop in TOTAL_ENERGIES and type(system) is Molecule:
            like = next((m for m in kept if congruent(m, system)), None)
            if like is None:
                kept.append(system)
            system = like or system
        found.append((coefficient, system, prop))
    return found


def _lists_observable(level: Level, observable: Observable) -> bool:
    """Whether the method of the level lists an observable that is no property of one system among its properties."""
    if observable.name == observable.prop or not isinstance(level, LevelOfTheory):
        return False
    return observable.name in level.method.properties


def _entries(benchmark: Benchmark, s: Selection, suite: tuple[Selection, ...]) -> tuple[Entry, ...]:
    """What a level's selection and the suite's selection of the same benchmark have in common."""
    chosen = s.of(benchmark)
    frame = [o for o in suite if o.benchmark == s.benchmark]
    allowed = {e.id for o in frame for e in o.of(benchmark)}
    return tuple(e for e in chosen if e.id in allowed) if frame else chosen
