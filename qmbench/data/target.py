"""Systems as people name them: BENCHMARK:SYSTEM, BENCHMARK/ENTRY, a file of any kind, a System, atoms of ASE."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.data.atoms import (
    from_ase,
    is_atoms,
    is_database,
    is_foreign,
    read_database,
    read_foreign,
    refuse_unreadable,
)
from qmbench.data.benchmark import BSSE, Benchmark, Entry, Term, benchmark_folders, find_benchmark
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.observables import FORMULAS, Observable
from qmbench.domain.systems import System
from qmbench.domain.systems.files import read_text
from qmbench.domain.systems.xyz_frames import chosen_frame
from qmbench.plugging.registry import plugins

if TYPE_CHECKING:
    from ase import Atoms


JSON = ".json"
"""The ending of files of QCSchema, unless a plugin's kind of system has it."""


@dataclass(frozen=True)
class Target:
    """What `qmbench compute` is asked about: a system, or an entry of a benchmark."""

    name: str
    system: System | None = None
    benchmark: Benchmark | None = None
    entry: Entry | None = None


def target_of(what: str | Path | System | Atoms, charge: int | None = None, multiplicity: int | None = None) -> Target:
    """What `what` stands for; charge and multiplicity are for ASE's atoms and files that ASE reads, since all others
    state theirs."""
    if is_atoms(what):
        system = from_ase(what, charge, multiplicity)
        return Target(system.name, system=system)
    if isinstance(what, str | Path):
        refuse_unreadable(str(what))
    if isinstance(what, str | Path) and (is_foreign(str(what)) or is_database(str(what))):
        return find_target(str(what), charge, multiplicity)
    if charge is not None or multiplicity is not None:
        raise InputError(
            "charge and multiplicity are given for atoms of ASE and for PDB, SDF, MOL, CIF files and databases alone; "
            "others state their own"
        )
    if isinstance(what, System):
        if not what.name and is_dataclass(what):  # messages and records call it by something
            what = replace(what, name=getattr(what, "formula", what.kind))
        return Target(what.name, system=what)
    if isinstance(what, str | Path):
        return find_target(str(what))
    raise InputError(
        f"a system is a text, a path, a qmbench system or atoms of ASE, not {type(what).__name__}; one at a time"
    )


def find_target(text: str, charge: int | None = None, multiplicity: int | None = None) -> Target:
    """Resolve `text`; InputError with what would be right. charge, multiplicity: of a file that ASE reads."""
    kinds = plugins().systems
    refuse_unreadable(text)
    if is_foreign(text):
        return Target(text, system=read_foreign(Path(text), charge, multiplicity))
    if is_database(text):
        return Target(text, system=read_database(text, charge, multiplicity))
    if text.lower().endswith(JSON) and not text.lower().endswith(kinds.endings):
        return Target(text, system=read_qcschema(Path(text)))
    if is_file(text):
        return Target(text, system=kinds.read(text))
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
        f"'{text}' is not a system; write BENCHMARK:SYSTEM (atoms:he), BENCHMARK/ENTRY, or {kinds.file_words()} file"
    )


def is_file(text: str) -> bool:
    """Whether `text` names a file of a system, or a frame of one: `water.xyz`, `set.xyz@3`, `set.xyz#water`."""
    endings = (*plugins().systems.endings, JSON)
    return text.lower().endswith(endings) or chosen_frame(text) is not None or is_database(text)


def read_qcschema(path: Path) -> System:
    """The molecule of a JSON file of QCSchema: of a molecule, or of a result; InputError where it is neither."""
    from qmbench.data.imports.json_files import parsed_text
    from qmbench.data.imports.qcschema import molecule

    return molecule(parsed_text(read_text(path), str(path)), str(path), path.stem)


DIVIDED: Mapping[str, Callable[[str], tuple[Term, ...]]] = {
    "interaction_energy": lambda name: (Term(name, 1.0), Term(name, -1.0, (0,))),
    "two_body_energy": lambda name: (Term(name, 1.0, bodies=(2, 2)),),
    "three_body_energy": lambda name: (Term(name, 1.0, bodies=(3, 3)),),
}
"""Observables of one system with fragments, and what they are made of."""


def says_its_terms(observable: Observable) -> bool:
    """Whether it is clear without an entry of which calculations it is made: of the system alone, or of its parts."""
    named = isinstance(observable.how, str) and observable.how in FORMULAS
    alone = observable.of_one_system or not named
    chosen = observable.needs_state or observable.needs_coordinate
    return observable.name in DIVIDED or (alone and not chosen)


def adhoc_entry(system: System, observable: str) -> tuple[Benchmark, Entry]:
    """An entry made on the spot for an observable of one system, such as the interaction energy of an XYZ file."""
    name = system.name
    if observable in DIVIDED:
        terms = DIVIDED[observable](name)
        units: dict[str, Any] = {"unit": "kcal/mol", "bsse": list(BSSE)}
    else:
        terms = (Term(name, 1.0),)
        units = {"unit": "", "bsse": ["none"]}
    entry = Entry(id=name, observable=observable, terms=terms)
    meta = {"id": name, "version": "0", "observable": observable, **units}
    return Benchmark(name, Path(), meta, (entry,), (), {name: system}), entry


def _fragment(system: System, number: str) -> System:
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise InputError(f"'@{number}' is not a fragment; write SYSTEM@1, say")
    return system.fragment(int(number), ghosts=False)
