"""Systems as people write them: BENCHMARK:SYSTEM, BENCHMARK/ENTRY, FILE.xyz, FILE.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qmbench.data.benchmark import Benchmark, Entry, Term, benchmark_folders, find_benchmark
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems import System
from qmbench.domain.systems.files import read_system


@dataclass(frozen=True)
class Target:
    """What `qmbench compute` is asked about: a system, or an entry of a benchmark."""

    name: str
    system: System | None = None
    benchmark: Benchmark | None = None
    entry: Entry | None = None


def find_target(text: str) -> Target:
    """Resolve `text`; InputError with what would be right."""
    if text.endswith((".xyz", ".toml")):
        return Target(text, system=read_system(text))
    for separator in (":", "/"):
        head, found, rest = text.partition(separator)
        if not found or (separator == ":" and "/" in head):
            continue
        folders = benchmark_folders()
        if head not in folders:
            raise InputError(f"unknown benchmark '{head}'{did_you_mean(head, folders)}")
        benchmark = find_benchmark(head)
        if separator == ":":
            name, at, number = rest.partition("@")
            system = benchmark.system(name)
            return Target(text, system=_fragment(system, number) if at else system)
        return Target(text, benchmark=benchmark, entry=benchmark.entry(rest))
    raise InputError(
        f"'{text}' is not a system; write BENCHMARK:SYSTEM (atoms:he), BENCHMARK/ENTRY, or an .xyz or .toml file"
    )


def adhoc_entry(system: System, observable: str) -> tuple[Benchmark, Entry]:
    """An entry made on the spot for an observable of one system, such as the interaction energy of an XYZ file."""
    name = system.name
    if observable == "interaction_energy":
        terms: tuple[Term, ...] = (Term(name, 1.0), Term(name, -1.0, (0,)))
        units = {"unit": "kcal/mol", "bsse": ["none", "cp"]}
    else:
        terms = (Term(name, 1.0),)
        units = {"unit": "", "bsse": ["none"]}
    entry = Entry(id=name, observable=observable, terms=terms)
    meta = {"id": name, "version": "0", "observable": observable, **units}
    return Benchmark(name, Path(), meta, (entry,), (), {name: system}), entry


def _fragment(system: System, number: str) -> System:
    from qmbench.domain.systems import Molecule

    if not isinstance(system, Molecule) or not number.isdigit():
        raise InputError(f"'@{number}' is not a fragment; write SYSTEM@1, say")
    return system.fragment(int(number), ghosts=False)
