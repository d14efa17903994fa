"""Checks of benchmark folders beyond what loading them refuses. Reports everything, not the first."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.data.balance import check_balance
from qmbench.data.benchmark import REFERENCE_COLUMNS, Benchmark, load_benchmark, read_tables
from qmbench.data.identifiers import check_identifier
from qmbench.data.meta import check_meta
from qmbench.data.reference_sets import SAME_QUANTITY
from qmbench.data.subsets import read_subset
from qmbench.data.system_sources import system_sources
from qmbench.data.tables import collected, read_csv
from qmbench.domain.errors import InputError, QmbenchError
from qmbench.domain.systems import Molecule, System
from qmbench.domain.systems.files import load_toml

DOI = re.compile(r"10\.\d{4,9}/\S+")
HASHES = "hashes.csv"
LONELY = 5
"""So many values of one sign make another one suspicious."""
HASH_COLUMNS = ("system", "hash", "version")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (`error`) or suspicious (`warning`)."""

    where: str
    message: str
    severity: str = "error"


def lint_benchmark(folder: Path) -> Iterator[Finding]:
    """All checks of docs/reference/data-format on one folder; nothing that is wrong hides something else."""
    toml = folder / "benchmark.toml"
    found: list[InputError] = []
    meta: dict[str, Any] = {}
    try:
        meta = check_meta(load_toml(toml), toml, found.append)
    except InputError as error:
        found.append(error)
    b, systems = None, {}
    sources = system_sources(folder, meta, found.append)
    for name in sorted(sources):
        try:
            systems[name] = sources[name](f"{folder.name}:{name}")
        except QmbenchError as error:
            yield Finding(str(folder), str(error))
    before = len(found)
    if "observable" in meta:  # without it the entries have no meaning, and complaints would follow from that alone
        entries, references, published = read_tables(folder, meta, found.append)
        b = Benchmark(meta.get("id", folder.name), folder, meta, entries, references, systems, published)
    yield from (Finding(str(folder), str(problem)) for problem in found)
    for citation in meta.get("citations", ()):
        if citation.get("doi") and not DOI.fullmatch(citation["doi"]):
            yield Finding(str(toml), f"'{citation['doi']}' is not a DOI (10.NNNN/…)")
    for name, system in systems.items():
        for note in system.notes:
            yield Finding(str(folder), f"system '{name}': {note}", "warning")
    # A curve may go where no molecule is at rest.
    strained = {term.system for e in b.entries if e.curve for term in e.terms} if b else set()
    yield from _systems(folder, systems, strained)
    if b is not None:
        if b.id != folder.name:
            yield Finding(str(toml), f"id '{b.id}' is not the folder's name '{folder.name}'")
        yield from _entries(b, systems, set(sources), whole=len(found) == before)
        yield from _references(b)
        yield from _subsets(b)
    if "version" in meta:
        yield from _hashes(folder, meta["version"], systems, set(sources))


def _subsets(b: Benchmark) -> Iterator[Finding]:
    """Subset files that are wrong, or that were chosen from another version of the benchmark."""
    for name, path in b.subset_files.items():
        try:
            check_identifier(name, "a subset", path)
            made = read_subset(path, b.id, {e.id: e for e in b.entries})
        except InputError as error:
            yield Finding(str(path), str(error).removeprefix(f"{path}: "))
            continue
        if name in b.subsets:
            yield Finding(str(path), f"'{name}' is a subset in benchmark.toml, too")
        if made.benchmark_version and made.benchmark_version != b.version:
            yield Finding(
                str(path), f"chosen from version {made.benchmark_version}, and the benchmark is {b.version}", "warning"
            )


def freeze(folder: Path) -> int:
    """Write hashes.csv for the version in benchmark.toml; returns the number of systems."""
    b = load_benchmark(folder)
    with open(folder / HASHES, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(HASH_COLUMNS)
        for name in b.system_ids:
            writer.writerow([name, b.system(name).hash, b.version])
    return len(b.system_ids)


def _systems(folder: Path, systems: dict[str, System], strained: set[str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, system in systems.items():
        if system.hash in seen:
            yield Finding(str(folder), f"systems '{seen[system.hash]}' and '{name}' are the same")
        seen[system.hash] = name
        if name in strained:
            continue
        for oddity in system.oddities():
            yield Finding(str(folder), f"system '{name}': {oddity}")
        cut = system.cut_bonds() if isinstance(system, Molecule) else []
        if cut and isinstance(system, Molecule):
            (i, j), more = cut[0], f" and {len(cut) - 1} more" if len(cut) > 1 else ""
            text = f"{system.symbols[i]}{i + 1}–{system.symbols[j]}{j + 1}{more}"
            yield Finding(str(folder), f"system '{name}': its fragments are cut through a bond: {text}", "warning")


def _entries(b: Benchmark, systems: dict[str, System], named: set[str], whole: bool) -> Iterator[Finding]:
    """named: the systems that are there, also those that can't be read; whole: no row of the tables was left out."""
    where = str(b.folder / "entries.csv")
    referenced = _mentioned(b.folder, "entry", b.published_levels)
    used: set[str] = set()
    for entry in b.entries:
        for term in entry.terms:
            used.add(term.system)
            if term.system not in named:
                yield Finding(where, f"entry '{entry.id}' names the system '{term.system}', which is not there")
        if entry.id not in referenced and not entry.note:
            yield Finding(where, f"entry '{entry.id}' has no reference value; add one, or say why in its note")
        if b.observable_of(entry).balanced and all(t.system in systems for t in entry.terms):
            try:
                check_balance(entry, systems)
            except InputError as error:
                yield Finding(where, str(error))
    for name in sorted(set(systems) - used) if whole else ():
        yield Finding(str(b.folder), f"system '{name}' is used by no entry", "warning")


def _mentioned(folder: Path, column: str, but: Collection[str] = ()) -> dict[str, None]:
    """What a column of references.csv names, in order; also in rows that are wrong, which have been spoken of.

    but: sets whose rows do not count.
    """
    ignored: list[InputError] = []
    rows = read_csv(folder / "references.csv", REFERENCE_COLUMNS, (column,), ignored.append)
    return dict.fromkeys(row[column] for _, row in collected(rows, ignored.append) if row["set"] not in but)


def _references(b: Benchmark) -> Iterator[Finding]:
    where = str(b.folder / "references.csv")
    default = b.meta.get("default_reference_set")
    used = _mentioned(b.folder, "set") | dict.fromkeys(r.set for r in b.published)
    if default and default not in used:
        yield Finding(where, f"the default reference set '{default}' has no value")
    if default and b.role_of(default).role == "superseded":
        yield Finding(where, f"the default reference set '{default}' is superseded")
    for name, level in b.published_levels.items():
        if level.doi and not DOI.fullmatch(level.doi):
            yield Finding(str(b.folder), f"reference set '{name}': '{level.doi}' is not a DOI (10.NNNN/…)")
    for r in b.references:
        if r.source_doi and not DOI.fullmatch(r.source_doi):
            yield Finding(where, f"entry '{r.entry}', set {r.set}: '{r.source_doi}' is not a DOI (10.NNNN/…)")
    described = b.meta.get("reference_sets", {})
    for name in used:
        if name not in described:
            yield Finding(where, f"reference set '{name}' is not described in benchmark.toml")
    for name in described:
        if name not in used:
            yield Finding(where, f"reference set '{name}' is described and has no value", "warning")
    signs: dict[str, set[bool]] = {}
    by_set: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    observable = {e.id: e.observable for e in b.entries}
    for r in b.references:
        value = r.quantity.value
        weighed = r.status == "current" and b.role_of(r.set).role in SAME_QUANTITY
        if weighed and isinstance(value, float) and value != 0:
            signs.setdefault(r.entry, set()).add(value > 0)
            by_set.setdefault((r.set, observable.get(r.entry, "")), []).append((r.entry, value > 0))
    for entry, found in signs.items():
        if len(found) > 1:
            yield Finding(where, f"entry '{entry}': its reference sets differ in sign", "warning")
    for (name, what), values in by_set.items():
        for sign in (True, False):
            alone = [entry for entry, positive in values if positive == sign]
            if len(alone) == 1 and len(values) > LONELY:
                text = f"is the only {'positive' if sign else 'negative'} {what} of {len(values)}"
                yield Finding(where, f"entry '{alone[0]}', set {name}: {text}; is its sign right?", "warning")


def _hashes(folder: Path, version: str, systems: dict[str, System], named: set[str]) -> Iterator[Finding]:
    path = folder / HASHES
    if not path.exists():
        yield Finding(str(folder), f"no {HASHES}: run 'qmbench lint --freeze' when the version is released", "warning")
        return
    found: list[InputError] = []
    rows = collected(read_csv(path, list(HASH_COLUMNS), HASH_COLUMNS, found.append), found.append)
    for error in found:
        yield Finding(str(path), str(error))
    frozen: set[str] = set()
    for where, row in rows:
        name = row["system"]
        if name in frozen:
            yield Finding(str(path), f"{where}: system '{name}' is there twice")
        frozen.add(name)
        if row["version"] != version:
            yield Finding(str(path), f"frozen for version {row['version']}, benchmark.toml says {version}")
            return
        if name not in named:
            yield Finding(str(path), f"system '{name}' of version {version} is gone; raise the version")
        elif name in systems and systems[name].hash != row["hash"]:
            yield Finding(str(path), f"system '{name}' has changed since version {version}; raise the version")
    for name in sorted(named - frozen) if not found else ():
        yield Finding(str(path), f"system '{name}' is new since version {version}; raise the version and freeze it")
