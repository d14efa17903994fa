"""Benchmarks from folders: systems, entries, reference values. Data only; the judging happens elsewhere.

A folder holds benchmark.toml, systems (XYZ files, systems.toml, or a provider), entries.csv, references.csv.
Every complaint names the file and the line. See docs/reference for the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from qmbench.data.balance import check_balance
from qmbench.data.entry import Entry as Entry
from qmbench.data.entry import Term as Term
from qmbench.data.identifiers import check_identifier
from qmbench.data.meta import BSSE as BSSE
from qmbench.data.meta import TOML_KEYS as TOML_KEYS
from qmbench.data.meta import check_meta, own_observables, unit_of
from qmbench.data.reference_sets import PublishedLevel, Role, published_levels, role_of
from qmbench.data.references import LEVELS, read_levels, read_references
from qmbench.data.references import REFERENCE_COLUMNS as REFERENCE_COLUMNS
from qmbench.data.references import Reference as Reference
from qmbench.data.subsets import read_subset, subset_files
from qmbench.data.system_sources import system_sources
from qmbench.data.tables import Complain, collected, finite, read_csv, refuse
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.observables import Observable
from qmbench.domain.systems import System
from qmbench.domain.systems.files import load_toml
from qmbench.plugging.registry import plugins

ENTRY_COLUMNS = "id stoichiometry observable state subset tags curve coordinate coordinate_unit note".split()

_TERM = re.compile(r"([^:@\s]+)(?:@([0-9]{1,9}(?:\+[0-9]{1,9})*))?:([+-]?[0-9]{1,9}(?:\.[0-9]{1,18})?)")


@dataclass(frozen=True)
class Benchmark:
    """A loaded benchmark folder. `meta` is benchmark.toml as written.

    references: what can be judged by. published: per-entry values of published levels of theory (reference sets of the
    role `level`), which are judged like computed ones, and never are references.
    """

    id: str
    folder: Path
    meta: Mapping[str, Any]
    entries: tuple[Entry, ...]
    references: tuple[Reference, ...]
    _systems: dict[str, System] = field(default_factory=dict, repr=False, compare=False)
    published: tuple[Reference, ...] = ()

    @property
    def title(self) -> str:
        return self.meta["title"]

    @property
    def unit(self) -> str:
        """The unit of the default observable."""
        return self.meta["unit"]

    @property
    def observable(self) -> str:
        """The observable of entries that name none."""
        return self.meta["observable"]

    @property
    def default_reference_set(self) -> str:
        return self.meta.get("default_reference_set", "")

    def role_of(self, reference_set: str) -> Role:
        """What the values of a reference set may be weighed with."""
        return role_of(self.meta, reference_set)

    @cached_property
    def published_levels(self) -> Mapping[str, PublishedLevel]:
        """Reference set -> the published level of theory that it holds the values of."""
        return published_levels(self.meta)

    @cached_property
    def own_observables(self) -> Mapping[str, Observable]:
        """name -> observable, of those that this benchmark defines itself."""
        return own_observables(self.meta)

    def observable_of(self, entry: Entry) -> Observable:
        """What the entry compares."""
        return self.own_observables.get(entry.observable) or plugins().observables[entry.observable]

    def unit_of(self, entry: Entry) -> str:
        """The unit in which the entry's values are given."""
        return unit_of(self.meta, entry.observable)

    @property
    def version(self) -> str:
        return self.meta["version"]

    @property
    def treatments(self) -> tuple[str, ...]:
        """Counterpoise treatments that make sense: those it names, and where `cp` does, `vmfc` as well."""
        named = tuple(self.meta["bsse"])
        return (*named, "vmfc") if "cp" in named and "vmfc" not in named else named

    @property
    def subsets(self) -> Mapping[str, str]:
        """name -> description."""
        return self.meta.get("subsets", {})

    @cached_property
    def subset_files(self) -> Mapping[str, Path]:
        """name -> file, of the subsets that the folder has in files of their own."""
        return subset_files(self.folder)

    @cached_property
    def system_ids(self) -> tuple[str, ...]:
        """Names of the systems in this folder, sorted."""
        return tuple(sorted(self._sources))

    @cached_property
    def _sources(self) -> Mapping[str, Any]:
        return system_sources(self.folder, self.meta)

    def system(self, name: str) -> System:
        """The system called `name`; InputError with the nearest names when there is none."""
        if name not in self._systems:
            if name not in self._sources:
                raise InputError(f"benchmark {self.id} has no system '{name}'{did_you_mean(name, self._sources)}")
            self._systems[name] = self._sources[name](f"{self.id}:{name}")
        return self._systems[name]

    def systems_of(self, entry: Entry) -> tuple[System, ...]:
        """The systems that an entry is made of, each once; InputError where one can't be read."""
        return tuple(self.system(name) for name in dict.fromkeys(term.system for term in entry.terms))

    def part(self, system: str, fragments: tuple[int, ...], ghosts: bool) -> System:
        """Fragments (from 1) of a system together, see `System.fragment`; made once, for every level of theory."""
        key = (system, fragments, ghosts)
        if key not in self._parts:
            self._parts[key] = self.system(system).fragment(fragments, ghosts)
        return self._parts[key]

    @cached_property
    def _parts(self) -> dict[tuple[str, tuple[int, ...], bool], System]:
        return {}

    def entry(self, name: str) -> Entry:
        """The entry called `name`; InputError with the nearest names when there is none."""
        if name not in self._by_id:
            raise InputError(f"benchmark {self.id} has no entry '{name}'{did_you_mean(name, self._by_id)}")
        return self._by_id[name]

    @cached_property
    def _by_id(self) -> Mapping[str, Entry]:
        return {e.id: e for e in self.entries}

    def check(self, entry: Entry) -> None:
        """InputError where what the entry compares would have no meaning: a difference that is not balanced."""
        if entry.id in self._checked:
            return
        if self.observable_of(entry).balanced:
            check_balance(entry, {term.system: self.system(term.system) for term in entry.terms})
        self._checked.add(entry.id)

    @cached_property
    def _checked(self) -> set[str]:
        return set()

    def select(self, subset: str | None = None, observables: tuple[str, ...] = ()) -> tuple[Entry, ...]:
        """Entries of `subset` (all when None) with one of `observables` (any when empty).

        subset: the name of one of `subsets`, or of one of `subset_files`; or the path of a subset file, which ends in
        .toml.
        """
        members: set[str] | None = None
        if subset is not None and subset in self.subsets:
            members = {e.id for e in self.entries if subset in e.subsets}
        elif subset is not None:
            if not subset.endswith(".toml") and subset not in self.subset_files:
                there = [*self.subsets, *self.subset_files]
                raise InputError(f"benchmark {self.id} has no subset '{subset}'{did_you_mean(subset, there)}")
            path = Path(subset) if subset.endswith(".toml") else self.subset_files[subset]
            members = set(read_subset(path, self.id, self._by_id).entries)
        known = {e.observable for e in self.entries}
        for name in observables:
            if name not in known:
                raise InputError(f"benchmark {self.id} has no observable '{name}'{did_you_mean(name, known)}")
        return tuple(
            e
            for e in self.entries
            if (members is None or e.id in members) and (not observables or e.observable in observables)
        )


def benchmark_folders() -> dict[str, Path]:
    """id -> folder of every benchmark shipped with qmbench or with a plugin."""
    found = {}
    for root in [data_folder(), *plugins().benchmark_folders]:
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            if (folder / "benchmark.toml").is_file():
                found[folder.name] = folder
    return dict(sorted(found.items()))


def data_folder() -> Path:
    """Where the shipped benchmarks are: inside an installed wheel, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "_benchmarks"
    return inside if inside.is_dir() else package.parent / "benchmarks"


def find_benchmark(name: str, relative_to: Path | None = None) -> Benchmark:
    """A benchmark by id, or by the path of its folder when `name` contains a slash or is `.`."""
    if "/" in name or name.startswith("."):
        return load_benchmark(((relative_to or Path.cwd()) / name).resolve())
    folders = benchmark_folders()
    if name not in folders:
        raise InputError(f"unknown benchmark '{name}'{did_you_mean(name, folders)}")
    return load_benchmark(folders[name])


def load_benchmark(folder: Path) -> Benchmark:
    """Read a benchmark folder; InputError (file, line, what would be right) at the first thing that is wrong."""
    if not (folder / "benchmark.toml").is_file():
        raise InputError(f"{folder} is not a benchmark: it has no benchmark.toml")
    meta = load_toml(folder / "benchmark.toml")
    check_meta(meta, folder / "benchmark.toml")
    entries, references, published = read_tables(folder, meta)
    return Benchmark(meta["id"], folder, meta, entries, references, published=published)


def read_tables(
    folder: Path, meta: Mapping[str, Any], complain: Complain = refuse
) -> tuple[tuple[Entry, ...], tuple[Reference, ...], tuple[Reference, ...]]:
    """Entries, reference values, and values of published levels; rows that are wrong are left out after `complain`."""
    named: dict[str, Entry | None] = {}
    entries = collected(read_entries(folder / "entries.csv", meta, complain, named), complain)
    values = collected(read_references(folder / "references.csv", meta, named, complain), complain)
    levels = published_levels(meta)
    published = [r for r in values if r.set in levels]
    if (folder / LEVELS).exists():
        there = {(r.entry, r.set) for r in published if r.status == "current"}
        published += collected(read_levels(folder / LEVELS, meta, named, there, complain), complain)
    return entries, tuple(r for r in values if r.set not in levels), tuple(published)


def read_entries(
    path: Path, meta: Mapping[str, Any], complain: Complain = refuse, named: dict[str, Entry | None] | None = None
) -> Iterator[Entry]:
    """The entries of entries.csv. named: is filled with every id that is there, and its entry unless that is wrong."""
    named = {} if named is None else named
    own = own_observables(meta)
    for where, row in read_csv(path, ENTRY_COLUMNS, ("id", "stoichiometry"), complain):
        try:
            if row["id"] in named:
                raise InputError(f"{where}: entry {row['id']} is there twice")
            if row["id"]:
                named[row["id"]] = None
            named[row["id"]] = entry = _entry(row, where, meta, own)
            yield entry
        except InputError as error:
            complain(error)


def _entry(row: Mapping[str, str], where: str, meta: Mapping[str, Any], own: Mapping[str, Observable]) -> Entry:
    name = row["observable"] or meta["observable"]
    try:
        check_identifier(row["id"], "an entry", "id")
        observable = own.get(name) or plugins().observables[name]
        terms = parse_stoichiometry(row["stoichiometry"], row["id"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    subsets, tags = meta.get("subsets", {}), meta.get("tags", {})
    in_subsets, tagged = row["subset"].split(), row["tags"].split()
    for subset in in_subsets:
        if subsets is not None and subset not in subsets:
            raise InputError(f"{where}: subset '{subset}' is not described in benchmark.toml")
    for tag in tagged:
        if tags is not None and tag.partition(":")[0] not in tags:
            raise InputError(f"{where}: tag '{tag}' is not described in benchmark.toml")
    if row["curve"] and not row["coordinate"]:
        raise InputError(f"{where}: a point of a curve has both curve and coordinate")
    if row["coordinate"] and not row["curve"] and not observable.needs_coordinate:
        raise InputError(f"{where}: a coordinate is of a curve: name it, or leave the coordinate out")
    if observable.needs_state and not row["state"]:
        raise InputError(f"{where}: entry '{row['id']}' needs a state, such as '2 3S'")
    if observable.needs_coordinate and not row["coordinate"]:
        raise InputError(f"{where}: entry '{row['id']}' needs a coordinate and its unit: where on the curve")
    one = observable.of_one_system and not observable.balanced
    if one and terms and [term.coefficient for term in terms] != [1.0]:
        raise InputError(f"{where}: entry '{row['id']}': {name} belongs to one system, with coefficient 1")
    return Entry(
        id=row["id"],
        observable=name,
        terms=terms,
        state=row["state"],
        subsets=tuple(in_subsets),
        tags=tuple(tagged),
        curve=row["curve"],
        coordinate=finite(row["coordinate"], where, "coordinate") if row["coordinate"] else None,
        coordinate_unit=row["coordinate_unit"],
        note=row["note"],
    )


def parse_stoichiometry(text: str, entry: str) -> tuple[Term, ...]:
    """`n2:-1 n:2`, `dimer:1 dimer@1:-1 dimer@2:-1`, `trimer@1+2:-1` (two fragments together), or, for a SYSTEM that is
    by default the entry's own id, `interaction [SYSTEM]`, `two_body [SYSTEM]` or `three_body [SYSTEM]`; of more
    fragments, `interaction SYSTEM N` (up to N bodies) and `many_body SYSTEM N` (the contributions of N bodies alone).
    """
    words = text.split()
    name = words[1] if len(words) == 2 else entry
    if words[:1] == ["interaction"] and len(words) <= 2:
        # Fragments are expanded when the system is read: fragment 0 stands for each of them.
        return (Term(name, 1.0), Term(name, -1.0, (0,)))
    if words[:1] == ["two_body"] and len(words) <= 2:
        return (Term(name, 1.0, bodies=(2, 2)),)
    if len(words) == 3 and words[0] in ("interaction", "many_body"):
        if not re.fullmatch("[2-9]", words[2]):
            raise InputError(f"'{text[:80]}': the number of bodies is 2 to 9, as in '{words[0]} {words[1]} 2'")
        bodies = int(words[2])
        return (Term(words[1], 1.0, bodies=(2 if words[0] == "interaction" else bodies, bodies)),)
    if words[:1] == ["three_body"] and len(words) <= 2:
        pairs = tuple(Term(name, -1.0, pair) for pair in ((1, 2), (1, 3), (2, 3)))
        return (Term(name, 1.0), *pairs, *(Term(name, 1.0, (n,)) for n in (1, 2, 3)))
    terms = []
    for word in words:
        match = _TERM.fullmatch(word)
        if not match:
            raise InputError(
                f"'{word[:80]}' is not a term; write SYSTEM:COEFFICIENT or SYSTEM@FRAGMENT:COEFFICIENT (SYSTEM@1+2: "
                "fragments 1 and 2 together)"
            )
        fragments = tuple(map(int, match[2].split("+"))) if match[2] else None
        if fragments and 0 in fragments:
            raise InputError(f"'{word}': fragments are counted from 1")
        terms.append(Term(match[1], float(match[3]), fragments))
    return tuple(terms)
