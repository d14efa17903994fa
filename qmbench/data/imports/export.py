"""Benchmarks as others read them: a GMTKN55-style tree, one CSV file beside XYZ files, or a dataset of QCSchema."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path

from qmbench.data.benchmark import Benchmark, Entry, Reference
from qmbench.data.entry import groups
from qmbench.data.imports.draft import fragments_text
from qmbench.domain.errors import InputError, StoreError, did_you_mean
from qmbench.domain.systems import Molecule, System
from qmbench.domain.units import BOHR_IN_ANGSTROM

FORMATS = ("gmtkn55", "csv", "qcschema")
COLUMNS = ["id", "stoichiometry", "observable", "state", "value", "unit", "uncertainty", "subset", "source"]


def export_benchmark(b: Benchmark, form: str, to: Path, reference_set: str = "") -> list[tuple[str, str]]:
    """Write `b` into the folder `to`, which is made; returns (entry, why) of what the form can't say.

    reference_set: whose values are written; empty: the default set. Values are in the entries' units, in a GMTKN55 tree
    in kcal/mol. InputError for an unknown form or set, StoreError where nothing can be written.
    """
    if form not in FORMATS:
        raise InputError(f"--format: unknown form '{form}'{did_you_mean(form, FORMATS)}")
    chosen = reference_set or b.default_reference_set
    values = {r.entry: r for r in b.references if r.set == chosen and r.status != "superseded"}
    if not values:
        sets = dict.fromkeys(r.set for r in b.references)
        raise InputError(f"{b.id} has no values of a reference set '{chosen}'{did_you_mean(chosen, sets)}")
    if to.exists() and (not to.is_dir() or any(os.scandir(to))):
        raise InputError(f"{to} is there already; name another, or remove it first")
    write = {"gmtkn55": _gmtkn55, "csv": _csv, "qcschema": _qcschema}[form]
    files, left_out = write(b, values)
    try:
        for name, text in files.items():
            path = to / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"can't write {to}: {error.strerror or error}") from None
    return left_out


def _gmtkn55(b: Benchmark, values: Mapping[str, Reference]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    files: dict[str, str] = {}
    left_out: list[tuple[str, str]] = []
    lines = []
    for entry in b.entries:
        try:
            value = _value(entry, values)
            if b.observable_of(entry).how != "linear":
                raise InputError(f"a line of .res is a sum of energies, not a {entry.observable}")
            energy = value.quantity.to("kcal/mol").value
            terms = _terms(b, entry)
            for name, _, system in terms:
                files |= _molecule_files(name, system)
        except InputError as error:
            left_out.append((entry.id, str(error)))
            continue
        names = " ".join(f"{name}/$f" for name, _, _ in terms)
        numbers = " ".join(f"{c:g}" for _, c, _ in terms)
        lines.append(f"tmer2++ {names} x {numbers} $w {energy:.10g}")
    return {f"{b.id}/.res": "\n".join(lines) + "\n"} | {f"{b.id}/{k}": v for k, v in files.items()}, left_out


def _value(entry: Entry, values: Mapping[str, Reference]) -> Reference:
    if entry.id not in values:
        raise InputError("no reference value in this set")
    if not entry.terms:
        raise InputError("published values alone")
    return values[entry.id]


def _terms(b: Benchmark, entry: Entry) -> list[tuple[str, float, System]]:
    found: list[tuple[str, float, System]] = []
    for term in entry.terms:
        system = b.system(term.system)
        for coefficient, numbers in groups(term, system):
            if numbers is None:
                found.append((term.system, coefficient, system))
            else:
                name = f"{term.system}_{'_'.join(map(str, numbers))}"
                found.append((name, coefficient, b.part(term.system, numbers, False)))
    return found


def _molecule_files(name: str, system: System) -> dict[str, str]:
    if not isinstance(system, Molecule):
        raise InputError(f"'{name}' is a {system.kind}, no molecule")
    return {
        f"{name}/struc.xyz": _xyz(system, name),
        f"{name}/.CHRG": f"{system.charge}\n",
        f"{name}/.UHF": f"{system.multiplicity - 1}\n",
    }


def _xyz(m: Molecule, name: str) -> str:
    state = f"charge={m.charge} multiplicity={m.multiplicity}"
    if m.fragments:
        state += f' fragments="{fragments_text(m.fragments)}"'
    rows = (
        f"{s:<2} " + " ".join(f"{x * BOHR_IN_ANGSTROM:17.12f}" for x in p)
        for s, p in zip(m.symbols, m.positions, strict=True)
    )
    return "\n".join([str(len(m.symbols)), f"name={name} {state}", *rows]) + "\n"


def _qcschema(b: Benchmark, values: Mapping[str, Reference]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """One JSON file, as QCPortal has reactions: entries with stoichiometries, reference values by unit."""
    left_out: list[tuple[str, str]] = []
    entries: list[dict[str, object]] = []
    contributed: dict[str, dict[str, float]] = {}
    for entry in b.entries:
        try:
            value = _value(entry, values)
            observable = b.observable_of(entry)
            if observable.prop != "energy" or observable.how not in ("linear", "value"):
                raise InputError(f"a stoichiometry is a sum of energies, not {entry.observable}")
            terms = [{"coefficient": c, "molecule": _molecule(system, name)} for name, c, system in _terms(b, entry)]
            number = _number(value)
        except InputError as error:
            left_out.append((entry.id, str(error)))
            continue
        entries.append({"name": entry.id, "stoichiometries": terms, "comment": entry.note})
        contributed.setdefault(value.quantity.unit, {})[entry.id] = number
    sets = {}
    for unit, numbers in contributed.items():
        name = b.default_reference_set if len(contributed) == 1 else f"{b.default_reference_set} ({unit})"
        sets[name] = {"name": name, "units": unit, "index": list(numbers), "values": list(numbers.values())}
    about = {"name": b.id, "dataset_type": "reaction", "description": b.title}
    text = json.dumps(about | {"entries": entries, "contributed_values": sets}, ensure_ascii=False, indent=1)
    return {f"{b.id}.json": text + "\n"}, left_out


def _number(reference: Reference) -> float:
    value = reference.quantity.value
    if not isinstance(value, int | float):
        raise InputError("its reference value is no single number")
    return float(value)


def _molecule(system: System, name: str) -> dict[str, object]:
    if not isinstance(system, Molecule):
        raise InputError(f"'{name}' is a {system.kind}, no molecule")
    return qcschema_molecule(system, name)


def qcschema_molecule(system: Molecule, name: str, version: int = 1) -> dict[str, object]:
    """A molecule of QCSchema, which stays where it is and as it is turned: lengths in bohr.

    version: 1 or 2, of QCSchema; the molecule's own numbers are 2 and 3.
    """
    data: dict[str, object] = {
        "schema_name": "qcschema_molecule",
        "schema_version": version + 1,
        "name": name,
        "symbols": list(system.symbols),
        "geometry": [float(x) for place in system.positions for x in place],
        "molecular_charge": float(system.charge),
        "molecular_multiplicity": system.multiplicity,
        "fix_com": True,
        "fix_orientation": True,
    }
    if any(system.ghosts):
        data["real"] = [not ghost for ghost in system.ghosts]
    if system.fragments:
        data["fragments"] = [list(f.atoms) for f in system.fragments]
        data["fragment_charges"] = [float(f.charge) for f in system.fragments]
        data["fragment_multiplicities"] = [f.multiplicity for f in system.fragments]
    return data


def _csv(b: Benchmark, values: Mapping[str, Reference]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    files: dict[str, str] = {}
    left_out: list[tuple[str, str]] = []
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in b.entries:
        try:
            value = _value(entry, values)
            words = []
            for term in entry.terms:
                system = b.system(term.system)
                if not isinstance(system, Molecule):
                    raise InputError(f"'{term.system}' is a {system.kind}, no molecule")
                files[f"{term.system}.xyz"] = _xyz(system, term.system)
                each = [term.fragments] if term.fragments != (0,) else [(n + 1,) for n in range(len(system.fragments))]
                for numbers in each:
                    at = "" if numbers is None else "@" + "+".join(map(str, numbers))
                    words.append(f"{term.system}{at}:{term.coefficient:g}")
        except InputError as error:
            left_out.append((entry.id, str(error)))
            continue
        quantity = value.quantity
        writer.writerow(
            {
                "id": entry.id,
                "stoichiometry": " ".join(words),
                "observable": entry.observable,
                "state": entry.state,
                "value": repr(quantity.value),
                "unit": quantity.unit,
                "uncertainty": "" if quantity.uncertainty is None else repr(quantity.uncertainty),
                "subset": " ".join(entry.subsets),
                "source": " ".join(filter(None, (value.source_doi, value.source_place))),
            }
        )
    return {f"{b.id}.csv": out.getvalue(), **files}, left_out
