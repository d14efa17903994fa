"""From energies of single calculations to the values of a benchmark's entries: which output is of which system.

An output is a system's when the elements and all distances between atoms agree, and charge and multiplicity where the
file states them: programs turn molecules, and files are called anything. What does not agree is left out with its
reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qmbench.data.benchmark import Benchmark, Entry
from qmbench.data.entry import Group, Term, groups
from qmbench.data.imports.draft import Findings
from qmbench.data.imports.outputs import Output, Shape, output_files, read_outputs, shape
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.observables import Observable
from qmbench.domain.systems import Molecule
from qmbench.domain.units import BOHR_IN_ANGSTROM, factor

SAME_DISTANCE = 2e-3
"""Å: outputs print coordinates with four decimals and more."""
SAME_ENERGY = 1e-6
"""Hartree: two outputs of one molecule that differ by more contradict each other."""
CORRELATED = ("mp", "cc", "qci", "scs-mp", "sos-mp")

Part = tuple[str, Group | None]


@dataclass
class Assembled:
    """values: entry -> value as text, in the entry's unit; used: entry -> the outputs that it is made of."""

    values: dict[str, str] = field(default_factory=dict)
    used: dict[str, list[Output]] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    units: dict[str, None] = field(default_factory=dict)
    others: int = 0


def from_outputs(b: Benchmark, place: Path, level: str, bsse: str = "") -> Assembled:
    """The values of entries whose molecules have outputs in `place`, a file or a folder.

    level: METHOD[/BASIS], whose kind the energies must be of. InputError where nothing can be used.
    """
    if bsse == "cp":
        raise InputError("calculations with ghost atoms can't be told apart in outputs: give the energies as CSV")
    done = Assembled()
    files, done.others = output_files(place)
    parts = _parts(b, done.findings)
    shapes = {
        part: shape([ATOMIC_NUMBERS[s] for s in m.symbols], m.coordinates * BOHR_IN_ANGSTROM)
        for part, m in parts.items()
    }
    found: dict[Part, list[Output]] = {}
    for path in files:
        shown = path.name if place == path else path.relative_to(place).as_posix()
        try:
            for output in read_outputs(path, shown, done.findings.assumed):
                _check_kind(output, level)
                for part in _whose(output, b, parts, shapes, done.findings):
                    found.setdefault(part, []).append(output)
        except InputError as error:
            done.findings.skip(shown, str(error).removeprefix(f"{shown}: "))
    for entry in b.entries:
        try:
            value, used = _value(b, entry, found)
        except InputError as error:
            if any(part in found for part in _named(b, entry)):  # else nobody meant it
                done.findings.skip(f"entry {entry.id}", error)
            continue
        unit = b.unit_of(entry)
        done.values[entry.id] = repr(float(f"{value * factor('hartree', unit):.12g}"))
        done.used[entry.id] = used
        done.units[unit] = None
    if not done.values:
        first = f"; the first reason: {': '.join(done.findings.left_out[0])}" if done.findings.left_out else ""
        raise InputError(f"{place}: no entry of {b.id} can be made of its outputs{first}")
    return done


def _named(b: Benchmark, entry: Entry) -> list[Part]:
    return [(term.system, group) for term in entry.terms for _, group in _groups(b, term)]


def _groups(b: Benchmark, term: Term) -> list[tuple[float, Group | None]]:
    try:
        return list(groups(term, b.system(term.system)))
    except InputError:
        return []


def _parts(b: Benchmark, findings: Findings) -> dict[Part, Molecule]:
    """The molecules whose energies the entries are made of; entries of other things are named."""
    parts: dict[Part, Molecule] = {}
    other: dict[str, int] = {}
    for entry in b.entries:
        observable = b.observable_of(entry)
        if not _is_energy(observable):
            other[entry.observable] = other.get(entry.observable, 0) + bool(entry.terms)
            continue
        for term in entry.terms:
            for _, group in _groups(b, term):
                whole = b.system(term.system)
                part = whole if group is None else b.part(term.system, group, False)
                if isinstance(part, Molecule):
                    parts[term.system, group] = part
    for name, count in other.items():
        if count:
            findings.said.append(f"{count} entries compare {name}: of outputs, only energies are read")
    if not parts:
        raise InputError(f"{b.id} has no entry that is a sum of energies of molecules")
    return parts


def _is_energy(observable: Observable) -> bool:
    """Whether it is a sum of total energies (of one system: the energy itself)."""
    return observable.prop == "energy" and observable.how in ("linear", "value")


def _check_kind(output: Output, level: str) -> None:
    """InputError where the energy is of another rung than the level of theory that is named."""
    method = level.partition("/")[0].partition("?")[0].lower()
    wanted, has = method.startswith(CORRELATED), output.kind.startswith((*CORRELATED, "coupled"))
    if wanted and not has:
        raise InputError(f"its energy is {output.kind}, and the level is {level}")
    if has and not wanted:
        raise InputError(f"its energy is {output.kind}, and the level is {level}")


def _whose(
    output: Output, b: Benchmark, parts: Mapping[Part, Molecule], shapes: Mapping[Part, Shape], findings: Findings
) -> list[Part]:
    """The parts that an output is of; InputError where it is of none, or is called like another one."""
    own = shape(output.numbers, output.positions)
    alike = [part for part, other in shapes.items() if _agree(own, other)]
    called = _called(output.name, b, parts)
    if not alike:
        if called:
            raise InputError(f"its geometry is not that of {_text(called[0])}")
        raise InputError(f"its geometry is of no system of {b.id}")
    fitting = []
    for part in alike:
        m = parts[part]
        for key, said, right in (
            ("charge", output.charge, m.charge),
            ("multiplicity", output.multiplicity, m.multiplicity),
        ):
            if said is not None and said != right:
                wrong = f"{key} {said}, where {_text(part)} has {right}"
                break
        else:
            fitting.append(part)
    if not fitting:
        raise InputError(f"its {wrong}")
    if called and not set(called) & set(fitting):
        raise InputError(f"it is called like {_text(called[0])}, and its molecule is {_text(fitting[0])}")
    missing = [k for k, v in (("charge", output.charge), ("multiplicity", output.multiplicity)) if v is None]
    if missing:
        states = {(parts[p].charge, parts[p].multiplicity) for p in fitting}
        if len(states) > 1:
            raise InputError(f"it states no {' and '.join(missing)}, and {len(states)} systems have its geometry")
        findings.assumed.append(f"{output.file} states no {' and '.join(missing)}: those of {_text(fitting[0])}")
    return fitting


def _called(name: str, b: Benchmark, parts: Mapping[Part, Molecule]) -> list[Part]:
    """The parts that a file's name is of: SYSTEM, SYSTEM_1 or SYSTEM@1 (fragment), or the name of an entry."""
    lower = name.lower()
    found = []
    for system, group in parts:
        numbers = "" if group is None else "+".join(map(str, group))
        if lower in {f"{system}{mark}{numbers}".lower() for mark in ("@", "_")} or (
            not numbers and lower == system.lower()
        ):
            found.append((system, group))
    return found


def _agree(a: Shape, b: Shape) -> bool:
    (pairs, distances), (others, there) = a, b
    if pairs != others:
        return False
    return all(abs(x - y) < SAME_DISTANCE for x, y in zip(distances, there, strict=True))


def _value(b: Benchmark, entry: Entry, found: Mapping[Part, Sequence[Output]]) -> tuple[float, list[Output]]:
    """(value in hartree, its outputs); InputError where one is missing, or where two contradict each other."""
    observable = b.observable_of(entry)
    if not entry.terms or not _is_energy(observable):
        raise InputError("no sum of energies")
    total, used = 0.0, []
    for term in entry.terms:
        for coefficient, group in groups(term, b.system(term.system)):
            outputs = found.get((term.system, group), ())
            if not outputs:
                raise InputError(f"no output of {_text((term.system, group))}")
            low, high = (f(o.energy for o in outputs) for f in (min, max))
            if high - low > SAME_ENERGY:
                files = ", ".join(o.file for o in outputs)
                raise InputError(
                    f"outputs of {_text((term.system, group))} differ by {high - low:.2g} hartree: {files}"
                )
            total += coefficient * outputs[0].energy
            used.append(outputs[0])
    return total, used


def _text(part: Part) -> str:
    system, group = part
    return system if group is None else f"{system}@{'+'.join(map(str, group))}"
