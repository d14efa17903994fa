"""Checks of benchmark folders beyond what loading them refuses. Reports everything, not the first."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qmbench.data.benchmark import Benchmark, load_benchmark
from qmbench.domain.errors import InputError, QmbenchError
from qmbench.domain.systems import ATOMIC_NUMBERS, System

DOI = re.compile(r"10\.\d{4,9}/\S+")
HASHES = "hashes.csv"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (`error`) or suspicious (`warning`)."""

    where: str
    message: str
    severity: str = "error"


def lint_benchmark(folder: Path) -> Iterator[Finding]:
    """All checks of docs/reference/data-format on one folder."""
    try:
        b = load_benchmark(folder)
    except QmbenchError as error:
        yield Finding(str(folder), str(error))
        return
    if b.id != folder.name:
        yield Finding(str(folder / "benchmark.toml"), f"id '{b.id}' is not the folder's name '{folder.name}'")
    for citation in b.meta["citations"]:
        if citation.get("doi") and not DOI.fullmatch(citation["doi"]):
            yield Finding(str(folder / "benchmark.toml"), f"'{citation['doi']}' is not a DOI (10.NNNN/…)")
    systems: dict[str, System] = {}
    for name in b.system_ids:
        try:
            systems[name] = b.system(name)
        except QmbenchError as error:
            yield Finding(str(folder), str(error))
    # A curve may go where no molecule is at rest.
    strained = {term.system for e in b.entries if e.curve for term in e.terms}
    yield from _systems(folder, systems, strained)
    yield from _entries(b, systems)
    yield from _references(b)
    yield from _hashes(folder, b.version, systems)


def freeze(folder: Path) -> int:
    """Write hashes.csv for the version in benchmark.toml; returns the number of systems."""
    b = load_benchmark(folder)
    with open(folder / HASHES, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["system", "hash", "version"])
        for name in b.system_ids:
            writer.writerow([name, b.system(name).hash, b.version])
    return len(b.system_ids)


def _systems(folder: Path, systems: dict[str, System], strained: set[str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, system in systems.items():
        if system.hash in seen:
            yield Finding(str(folder), f"systems '{seen[system.hash]}' and '{name}' are the same")
        seen[system.hash] = name
        for oddity in system.oddities() if name not in strained else ():
            yield Finding(str(folder), f"system '{name}': {oddity}")


def _entries(b: Benchmark, systems: dict[str, System]) -> Iterator[Finding]:
    where = str(b.folder / "entries.csv")
    referenced = {r.entry for r in b.references}
    used: set[str] = set()
    for entry in b.entries:
        for term in entry.terms:
            used.add(term.system)
            if term.system not in systems:
                yield Finding(where, f"entry '{entry.id}' names the system '{term.system}', which is not there")
        if entry.id not in referenced and not entry.note:
            yield Finding(where, f"entry '{entry.id}' has no reference value; add one, or say why in its note")
        observable = b.observable_of(entry)
        if all(t.system in systems for t in entry.terms):
            if observable.balanced:
                yield from _balance(entry.id, entry.terms, systems, where)
            elif observable.of_one_system and entry.terms and [t.coefficient for t in entry.terms] != [1.0]:
                yield Finding(
                    where, f"entry '{entry.id}': {entry.observable} belongs to one system, with coefficient 1"
                )
        if observable.needs_state and not entry.state:
            yield Finding(where, f"entry '{entry.id}' needs a state, such as '2 3S'")
        if observable.needs_coordinate and entry.coordinate is None:
            yield Finding(where, f"entry '{entry.id}' needs a coordinate and its unit: where on the curve")
    for name in sorted(set(systems) - used):
        yield Finding(str(b.folder), f"system '{name}' is used by no entry", "warning")


def _balance(entry: str, terms: tuple, systems: dict[str, System], where: str) -> Iterator[Finding]:
    """Every nucleus, or whatever else the systems are composed of, must cancel."""
    counts: dict[str, float] = {}
    try:
        for term in terms:
            system = systems[term.system]
            parts: list[System] = [system]
            if term.fragments is not None:
                each = [(n + 1,) for n in range(len(system.fragments))]
                groups = each if term.fragments == (0,) else [term.fragments]
                parts = [system.fragment(group, ghosts=False) for group in groups]
                if not parts:
                    yield Finding(where, f"entry '{entry}': system '{term.system}' has no fragments")
            for part in parts:
                for component, number in part.composition.items():
                    counts[component] = counts.get(component, 0) + term.coefficient * number
    except InputError as error:
        yield Finding(where, f"entry '{entry}': {error}")
        return
    wrong = sorted((s for s, n in counts.items() if abs(n) > 1e-9), key=lambda s: (ATOMIC_NUMBERS.get(s, 0), s))
    if wrong:
        yield Finding(where, f"entry '{entry}': the stoichiometry does not balance {', '.join(wrong)}")


def _references(b: Benchmark) -> Iterator[Finding]:
    where = str(b.folder / "references.csv")
    default = b.meta.get("default_reference_set")
    if default and default not in {r.set for r in b.references}:
        yield Finding(where, f"the default reference set '{default}' has no value")
    if default and b.role_of(default).role == "superseded":
        yield Finding(where, f"the default reference set '{default}' is superseded")
    current: set[tuple[str, str]] = set()
    for r in b.references:
        if r.source_doi and not DOI.fullmatch(r.source_doi):
            yield Finding(where, f"entry '{r.entry}', set {r.set}: '{r.source_doi}' is not a DOI (10.NNNN/…)")
        if r.status == "current":
            if (r.entry, r.set) in current:
                yield Finding(where, f"entry '{r.entry}' has two current values in set {r.set}; mark one superseded")
            current.add((r.entry, r.set))
    described = b.meta.get("reference_sets", {})
    used = dict.fromkeys(r.set for r in b.references)
    for name in used:
        if name not in described:
            yield Finding(where, f"reference set '{name}' is not described in benchmark.toml")
    for name in described:
        if name not in used:
            yield Finding(where, f"reference set '{name}' is described and has no value", "warning")
    signs: dict[str, set[bool]] = {}
    for r in b.references:
        value = r.quantity.value
        weighed = r.status == "current" and b.role_of(r.set).role == "estimate"
        if weighed and isinstance(value, float) and value != 0:
            signs.setdefault(r.entry, set()).add(value > 0)
    for entry, found in signs.items():
        if len(found) > 1:
            yield Finding(where, f"entry '{entry}': its reference sets differ in sign", "warning")


def _hashes(folder: Path, version: str, systems: dict[str, System]) -> Iterator[Finding]:
    path = folder / HASHES
    if not path.is_file():
        yield Finding(str(folder), f"no {HASHES}: run 'qmbench lint --freeze' when the version is released", "warning")
        return
    with open(path, newline="", encoding="utf-8") as handle:
        frozen = {row["system"]: row for row in csv.DictReader(handle)}
    for name, row in frozen.items():
        if row["version"] != version:
            yield Finding(str(path), f"frozen for version {row['version']}, benchmark.toml says {version}")
            return
        if name not in systems:
            yield Finding(str(path), f"system '{name}' of version {version} is gone; raise the version")
        elif systems[name].hash != row["hash"]:
            yield Finding(str(path), f"system '{name}' has changed since version {version}; raise the version")
    for name in sorted(set(systems) - set(frozen)):
        yield Finding(str(path), f"system '{name}' is new since version {version}; raise the version and freeze it")
