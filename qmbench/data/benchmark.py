"""Benchmarks from folders: systems, entries, reference values. Data only; the judging happens elsewhere.

A folder holds benchmark.toml, systems (XYZ files, systems.toml, or a provider), entries.csv, references.csv.
Every complaint names the file and the line. See docs/reference for the format.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from qmbench.data.reference_sets import Role, check_reference_sets, role_of
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.observables import Observable, check_observable
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems import Molecule, System
from qmbench.domain.systems.files import key_lines, load_toml, read_text
from qmbench.domain.systems.xyz import parse_fragments
from qmbench.domain.units import BOHR_IN_ANGSTROM, factor
from qmbench.plugging.registry import plugins

TOML_KEYS = (
    "id version title description observable unit sign bsse default_reference_set licence geometry_protocol "
    "citations subsets tags reference_sets changelog provider units observables"
).split()
REQUIRED_KEYS = "id version title observable unit sign bsse licence citations".split()
ENTRY_COLUMNS = "id stoichiometry observable state subset tags curve coordinate coordinate_unit note".split()
REFERENCE_COLUMNS = (
    "entry set value unit uncertainty uncertainty_kind level_of_theory source_doi source_place status note"
).split()
BSSE = ("none", "cp")


@dataclass(frozen=True)
class Term:
    """One term of a stoichiometry: coefficient × (system, or the fragments `fragments` of it together, from 1).

    fragments: None for the whole system; (0,) for each of its fragments in turn.
    """

    system: str
    coefficient: float
    fragments: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Entry:
    """One comparison: an observable made from the properties of the systems in `terms`.

    No terms: the entry consists of reference values alone.
    """

    id: str
    observable: str
    terms: tuple[Term, ...]
    state: str = ""
    subsets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    curve: str = ""
    coordinate: float | None = None
    coordinate_unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Reference:
    """One reference value of one entry, in the benchmark's unit, with its source."""

    entry: str
    set: str
    quantity: Quantity
    level_of_theory: str
    source_doi: str
    source_place: str
    status: str
    note: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A loaded benchmark folder. `meta` is benchmark.toml as written."""

    id: str
    folder: Path
    meta: Mapping[str, Any]
    entries: tuple[Entry, ...]
    references: tuple[Reference, ...]
    _systems: dict[str, System] = field(default_factory=dict, repr=False, compare=False)

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
    def subsets(self) -> Mapping[str, str]:
        """name -> description."""
        return self.meta.get("subsets", {})

    @cached_property
    def system_ids(self) -> tuple[str, ...]:
        """Names of the systems in this folder, sorted."""
        return tuple(sorted(_system_sources(self.folder, self.meta)))

    def system(self, name: str) -> System:
        """The system called `name`; InputError with the nearest names when there is none."""
        if name not in self._systems:
            sources = _system_sources(self.folder, self.meta)
            if name not in sources:
                raise InputError(f"benchmark {self.id} has no system '{name}'{did_you_mean(name, sources)}")
            self._systems[name] = sources[name](f"{self.id}:{name}")
        return self._systems[name]

    def entry(self, name: str) -> Entry:
        """The entry called `name`; InputError with the nearest names when there is none."""
        for entry in self.entries:
            if entry.id == name:
                return entry
        raise InputError(f"benchmark {self.id} has no entry '{name}'{did_you_mean(name, (e.id for e in self.entries))}")

    def select(self, subset: str | None = None, observables: tuple[str, ...] = ()) -> tuple[Entry, ...]:
        """Entries of `subset` (all when None) with one of `observables` (any when empty)."""
        if subset is not None and subset not in self.subsets:
            raise InputError(f"benchmark {self.id} has no subset '{subset}'{did_you_mean(subset, self.subsets)}")
        known = {e.observable for e in self.entries}
        for name in observables:
            if name not in known:
                raise InputError(f"benchmark {self.id} has no observable '{name}'{did_you_mean(name, known)}")
        return tuple(
            e
            for e in self.entries
            if (subset is None or subset in e.subsets) and (not observables or e.observable in observables)
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
    entries = tuple(read_entries(folder / "entries.csv", meta))
    references = tuple(read_references(folder / "references.csv", meta, {e.id: e for e in entries}))
    return Benchmark(meta["id"], folder, meta, entries, references)


def unit_of(meta: Mapping[str, Any], observable: str) -> str:
    """The unit of an observable: its own in `[units]`, or else the benchmark's."""
    return meta.get("units", {}).get(observable, meta["unit"])


def check_meta(meta: Mapping[str, Any], where: Path) -> None:
    """InputError when benchmark.toml lacks a key, has an unknown one, or names an unknown observable or unit."""
    for key in meta:
        if key not in TOML_KEYS:
            raise InputError(f"{where}: unknown key '{key}'{did_you_mean(key, TOML_KEYS)}")
    missing = [key for key in REQUIRED_KEYS if key not in meta]
    if missing:
        raise InputError(f"{where}: missing {', '.join(missing)}")
    try:
        own = own_observables(meta)
        for name in (meta["observable"], *meta.get("units", {})):
            _ = own.get(name) or plugins().observables[name]
        for unit in (meta["unit"], *meta.get("units", {}).values()):
            factor(unit, unit)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    check_reference_sets(meta, where)
    for treatment in meta["bsse"]:
        if treatment not in BSSE:
            raise InputError(f"{where}: unknown bsse '{treatment}'{did_you_mean(treatment, BSSE)}")


def read_csv(path: Path, columns: list[str], required: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV file as (`FILE, line N`, {column: stripped text}); missing optional columns are empty."""
    if not path.is_file():
        raise InputError(f"{path} is missing")
    reader = csv.reader(io.StringIO(read_text(path)), strict=True)
    header: list[str] = []
    try:
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if not header:
                header = [name.strip() for name in row]
                for name in header:
                    if name not in columns:
                        raise InputError(f"{where}: unknown column '{name}'{did_you_mean(name, columns)}")
                for name in required:
                    if name not in header:
                        raise InputError(f"{where}: the column '{name}' is missing")
                continue
            if not any(row):
                continue
            if len(row) != len(header):
                raise InputError(f"{where}: {len(row)} fields where the header has {len(header)}")
            yield where, dict.fromkeys(columns, "") | {k: v.strip() for k, v in zip(header, row, strict=True)}
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None
    if not header:
        raise InputError(f"{path}: empty; its first line names the columns: {','.join(columns)}")


def read_entries(path: Path, meta: Mapping[str, Any]) -> Iterator[Entry]:
    """The entries of entries.csv."""
    seen: set[str] = set()
    subsets, tags = meta.get("subsets", {}), meta.get("tags", {})
    own = own_observables(meta)
    for where, row in read_csv(path, ENTRY_COLUMNS, ("id", "stoichiometry")):
        if not row["id"] or row["id"] in seen:
            raise InputError(f"{where}: {'entry ' + row['id'] + ' is there twice' if row['id'] else 'empty id'}")
        seen.add(row["id"])
        try:
            name = row["observable"] or meta["observable"]
            observable = own.get(name) or plugins().observables[name]
            terms = parse_stoichiometry(row["stoichiometry"], row["id"])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        for subset in row["subset"].split():
            if subset not in subsets:
                raise InputError(f"{where}: subset '{subset}' is not described in benchmark.toml")
        for tag in row["tags"].split():
            if tag.partition(":")[0] not in tags:
                raise InputError(f"{where}: tag '{tag}' is not described in benchmark.toml")
        if row["curve"] and not row["coordinate"]:
            raise InputError(f"{where}: a point of a curve has both curve and coordinate")
        if row["coordinate"] and not row["curve"] and not observable.needs_coordinate:
            raise InputError(f"{where}: a coordinate is of a curve: name it, or leave the coordinate out")
        yield Entry(
            id=row["id"],
            observable=row["observable"] or meta["observable"],
            terms=terms,
            state=row["state"],
            subsets=tuple(row["subset"].split()),
            tags=tuple(row["tags"].split()),
            curve=row["curve"],
            coordinate=_number(row["coordinate"], where, "coordinate") if row["coordinate"] else None,
            coordinate_unit=row["coordinate_unit"],
            note=row["note"],
        )


def parse_stoichiometry(text: str, entry: str) -> tuple[Term, ...]:
    """`n2:-1 n:2`, `dimer:1 dimer@1:-1 dimer@2:-1`, `trimer@1+2:-1` (two fragments together), or, for a SYSTEM that is
    by default the entry's own id, `interaction [SYSTEM]` or `three_body [SYSTEM]`.
    """
    words = text.split()
    name = words[1] if len(words) == 2 else entry
    if words[:1] == ["interaction"] and len(words) <= 2:
        # Fragments are expanded when the system is read: fragment 0 stands for each of them.
        return (Term(name, 1.0), Term(name, -1.0, (0,)))
    if words[:1] == ["three_body"] and len(words) <= 2:
        pairs = tuple(Term(name, -1.0, pair) for pair in ((1, 2), (1, 3), (2, 3)))
        return (Term(name, 1.0), *pairs, *(Term(name, 1.0, (n,)) for n in (1, 2, 3)))
    terms = []
    for word in words:
        match = re.fullmatch(r"([^:@\s]+)(?:@(\d+(?:\+\d+)*))?:([+-]?\d+(?:\.\d+)?)", word)
        if not match:
            raise InputError(
                f"'{word}' is not a term; write SYSTEM:COEFFICIENT or SYSTEM@FRAGMENT:COEFFICIENT (SYSTEM@1+2: "
                "fragments 1 and 2 together)"
            )
        fragments = tuple(map(int, match[2].split("+"))) if match[2] else None
        if fragments and 0 in fragments:
            raise InputError(f"'{word}': fragments are counted from 1")
        terms.append(Term(match[1], float(match[3]), fragments))
    return tuple(terms)


OBSERVABLE_KEYS = ("property", "formula", "description", "unit", "degree", "masses")


def own_observables(meta: Mapping[str, Any]) -> dict[str, Observable]:
    """The observables that a benchmark.toml defines in `[observables.NAME]`, checked; InputError names what is wrong.

    property: of a registered property; formula: a name such as linear or harmonic_wavenumber, or `= EXPRESSION`; unit:
    of what the formula gives, where that is not the property's; the rest are parameters of the formula.
    """
    found = {}
    for name, table in meta.get("observables", {}).items():
        where = f"observable '{name}'"
        if not isinstance(table, Mapping):
            raise InputError(f"{where} is described by a table: [observables.{name}]")
        for key in table:
            if key not in OBSERVABLE_KEYS:
                raise InputError(f"{where}: unknown key '{key}'{did_you_mean(key, OBSERVABLE_KEYS)}")
        for key in ("property", "formula", "description"):
            if not isinstance(table.get(key), str) or not table[key]:
                raise InputError(f"{where}: '{key}' is missing or no text")
        if name in plugins().observables:
            raise InputError(f"{where} exists already; give it another name, or use that one")
        prop = plugins().properties[table["property"]]
        parameters = {key: table[key] for key in ("degree", "masses") if key in table}
        made = Observable(
            name, table["property"], table["formula"], table["description"], table.get("unit"), parameters
        )
        check_observable(made, prop)
        if made.unit is not None:
            factor(made.unit, made.unit)
        found[name] = made
    return found


def read_references(path: Path, meta: Mapping[str, Any], entries: Mapping[str, Entry]) -> Iterator[Reference]:
    """The reference values of references.csv, converted to the unit of their entry's observable."""
    for where, row in read_csv(path, REFERENCE_COLUMNS, ("entry", "set", "value", "unit", "status")):
        if row["entry"] not in entries:
            raise InputError(f"{where}: no entry '{row['entry']}'{did_you_mean(row['entry'], entries)}")
        if row["status"] not in ("current", "superseded", "disputed"):
            raise InputError(f"{where}: status is current, superseded or disputed, not '{row['status']}'")
        if not row["source_doi"] and not row["source_place"]:
            raise InputError(f"{where}: a reference value needs its source (source_doi or source_place)")
        value = _number(row["value"], where, "value")
        uncertainty = _number(row["uncertainty"], where, "uncertainty") if row["uncertainty"] else None
        if uncertainty is not None and uncertainty <= 0:
            raise InputError(f"{where}: an uncertainty is positive; leave it empty when it is unknown")
        if (uncertainty is None) != (not row["uncertainty_kind"]):
            raise InputError(f"{where}: uncertainty and uncertainty_kind go together")
        try:
            quantity = Quantity(value, row["unit"], uncertainty, row["uncertainty_kind"] or None)  # type: ignore[arg-type]
            quantity = quantity.to(unit_of(meta, entries[row["entry"]].observable))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        yield Reference(
            row["entry"],
            row["set"],
            quantity,
            row["level_of_theory"],
            row["source_doi"],
            row["source_place"],
            row["status"],
            row["note"],
        )


def _number(text: str, where: str, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{where}: {column} must be a number, not '{text}'") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise InputError(f"{where}: {column} must be a finite number, not '{text}'")
    return value


def _system_sources(folder: Path, meta: Mapping[str, Any]) -> dict[str, Any]:
    """system id -> a function that reads it, given its full name."""
    from qmbench.plugging.registry import plugins

    kinds = plugins().systems
    sources: dict[str, Any] = {}
    for path in sorted((folder / "systems").glob("*")):
        if path.suffix.lower() in kinds.endings:
            if path.stem in sources:
                raise InputError(f"{path}: there is another file for a system '{path.stem}'")
            sources[path.stem] = lambda name, path=path: kinds.read(path, name)
    if (folder / "systems.toml").is_file():
        path = folder / "systems.toml"
        text = read_text(path)
        for key, table in load_toml(path, text).items():
            where, lines = f"{path} [{key}]", key_lines(text, key)
            sources[key] = lambda name, t=table, w=where, n=lines: kinds.from_table(t, w, name, n)
    if "provider" in meta:
        columns = ["id", "source", "charge", "multiplicity", "fragments"]
        for where, row in read_csv(folder / "systems.csv", columns, tuple(columns[:4])):
            sources[row["id"]] = lambda name, where=where, row=row: _provided(meta["provider"], where, row, name)
    return sources


def _provided(provider: str, where: str, row: Mapping[str, str], name: str) -> Molecule:
    """A molecule whose geometry a dependency ships, or a single atom (`atom`), which has none."""
    try:
        charge, multiplicity = int(row["charge"]), int(row["multiplicity"])
    except ValueError:
        raise InputError(f"{where}: charge and multiplicity must be whole numbers") from None
    if provider == "atom":
        try:
            return Molecule((row["source"],), ((0.0, 0.0, 0.0),), charge, multiplicity, name=name)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    try:
        if provider == "ase:s22":
            from ase.data.s22 import create_s22_system

            atoms = create_s22_system(row["source"])
        elif provider == "ase:g2":
            from ase.build import molecule

            atoms = molecule(row["source"])
        else:
            raise InputError(f"{where}: unknown provider '{provider}'; there is ase:s22, ase:g2, atom")
    except (KeyError, NotImplementedError):
        raise InputError(f"{where}: {provider} has no '{row['source']}'") from None
    symbols = tuple(atoms.get_chemical_symbols())
    fragments = parse_fragments(row["fragments"], where, len(symbols))
    positions = tuple((x, y, z) for x, y, z in (atoms.get_positions() / BOHR_IN_ANGSTROM).tolist())
    return Molecule(symbols, positions, charge, multiplicity, fragments, name=name)
