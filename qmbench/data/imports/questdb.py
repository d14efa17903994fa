"""QUEST, vertical excitation energies by state: a JSON file per molecule beside one XYZ file per geometry.

Each JSON file is a list of states: `Molecule`, `State` (a term symbol), `Spin` (its multiplicity), the best estimates
`TBE/AVTZ` and `TBE/AVQZ`, and the values of many methods in aug-cc-pVTZ, in eV. What no file states is listed as
assumed: that a molecule without a charge is neutral, that its ground state has the least possible multiplicity, and
that the lowest state of a multiplicity in the list is the lowest there is. Only that one can be computed, as `S1` or
`T1`, since qmbench orders states by energy and QUEST by symmetry; the others, and those of a selection of states, come
over as published values alone. Loos et al., J. Chem. Theory Comput. 21, 8010 (2025).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from qmbench.data.imports.draft import Draft, Findings, Geometry, safe_name
from qmbench.data.imports.gmtkn55 import plain_xyz
from qmbench.data.imports.json_files import is_number, json_names, parsed
from qmbench.data.imports.reactions import reference_row
from qmbench.data.imports.refdata import scaled
from qmbench.data.imports.tree import Tree
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems.xyz_columns import real
from qmbench.domain.systems.xyz_comment import comment_words, coordinate_unit
from qmbench.domain.units import BOHR_IN_ANGSTROM

BEST = {"TBE/AVTZ": "/aug-cc-pvtz", "TBE/AVQZ": "/aug-cc-pvqz"}
ABOUT = ("Molecule", "Size", "Group", "State", "Spin", "S/T", "V/R", "Type", "Special ?", "Safe ? (~50 meV)", *BEST)
LETTERS = {1: "S", 2: "D", 3: "T", 4: "Q"}
WORDS = {1: "singlet", 2: "doublet", 3: "triplet", 4: "quartet"}
SHORTEST, LONGEST = 0.6, 3.0
"""Å: the nearest two atoms of a molecule are between these, in the right unit of length."""
DOI = "10.1021/acs.jctc.5c00975"


@dataclass(frozen=True)
class Place:
    """Where one molecule's geometry is. excited: of the excited state, for fluorescence."""

    file: str
    excited: bool


def is_questdb(tree: Tree) -> bool:
    """Whether one of its JSON files is a list of states."""
    return any(_states(tree, name) is not None for name in json_names(tree))


def _states(tree: Tree, name: str) -> list[Mapping[str, Any]] | None:
    try:
        data = parsed(tree, name)
    except InputError:
        return None
    states = isinstance(data, list) and data and all(isinstance(x, Mapping) for x in data)
    return data if states and all("Molecule" in x and "State" in x for x in data) else None


def read_questdb(tree: Tree, findings: Findings, only: str = "*", length_unit: str = "") -> Iterator[Draft]:
    """One draft of all molecules whose name fits `only`.

    length_unit: of the XYZ files; empty: as they or the README beside them say.
    """
    draft = Draft({})
    geometries = _places(tree)
    unit = length_unit or _unit_said(tree)
    systems: dict[tuple[str, bool], str] = {}
    seen: dict[tuple[Any, ...], str] = {}
    other: dict[str, int] = {}
    sets: dict[str, dict[str, Any]] = {}
    assumed: dict[str, list[str]] = {"charge 0": [], "the least multiplicity": [], "lowest": []}
    doubles = 0
    lists = {file: _states(tree, file) for file in json_names(tree)}
    for file in sorted(lists, key=lambda name: len(_molecules(lists[name]))):  # whole lists before selections
        states = lists[file]
        if states is None:
            try:
                parsed(tree, file)
                folder = str(PurePosixPath(file).parent)
                other[folder] = other.get(folder, 0) + 1
            except InputError as error:
                findings.skip(file, error)
            continue
        lowest = _lowest(states) if len(_molecules(states)) == 1 else {}  # a selection may lack the lowest
        for number, state in enumerate(states, start=1):
            molecule = " ".join(str(state["Molecule"]).split())
            if not fnmatch(molecule, only):
                continue
            place = f"{file}, state {number}"
            fluorescence = "FL" in str(state.get("Special ?", "")).upper()
            key = (molecule, str(state["State"]), fluorescence, state.get("TBE/AVTZ"), state.get("Type"))
            if key in seen:
                doubles += 1
                continue
            seen[key] = place
            try:
                spin = _spin(state)
                if not any(is_number(state.get(best)) for best in BEST):
                    raise InputError("no best estimate of it")
                at = (molecule, fluorescence)
                if at not in systems:
                    name, geometry = _system(tree, molecule, fluorescence, geometries, unit, assumed)
                    _check_spin(geometry, spin, name)
                    geometry.checked(name)
                    made = safe_name(name, draft.systems)
                    draft.systems[made] = geometry
                    systems[at] = made
                system = systems[at]
                _check_spin(draft.systems[system], spin, system)
            except InputError as error:
                findings.skip(f"{place} ({molecule} {state['State']})", error)
                continue
            entry = safe_name(f"{system}_{_plain(str(state['State']))}", (e["id"] for e in draft.entries))
            label = f"{LETTERS[spin]}1"
            first = lowest.get((spin, fluorescence)) == number
            note = f"{state['State']}, {state.get('Type', 'type not said')}, {_nature(state)}"
            if first:
                assumed["lowest"].append(entry)
            else:
                note = f"published values alone, since states are ordered by energy: {note}"
            subset = [WORDS[spin], _nature(state).lower(), safe_name(PurePosixPath(file).parent.name or "all")]
            if str(state.get("Safe ? (~50 meV)", "")).strip().upper() == "Y":
                subset.append("safe")
            draft.entries.append(
                {
                    "id": entry,
                    "stoichiometry": f"{system}:1" if first else "",
                    "state": label if first else _label(state),
                }
                | {"observable": "excitation_energy", "subset": " ".join(dict.fromkeys(subset)), "note": note}
            )
            for best in BEST:
                if is_number(state.get(best)):
                    row = reference_row(entry, repr(float(state[best])), "eV", f"{place}, {best}", set=best)
                    how = state.get("Method") or state.get("Method (all in RO)") or ""
                    draft.references.append(row | {"level_of_theory": str(how), "source_doi": DOI})
            for method, value in state.items():
                if method not in ABOUT and is_number(value) and not _is_no_energy(method):
                    level = safe_name(method)
                    sets.setdefault(level, _level(method))
                    draft.levels.setdefault(level, {})[entry] = repr(float(value))
    if not draft.entries:
        first_reason = f"; the first: {findings.left_out[0][0]}: {findings.left_out[0][1]}" if findings.left_out else ""
        raise InputError(f"{tree.place}: no state of it could be read{first_reason}")
    for folder, count in other.items():
        findings.skip(f"{folder}: {count} JSON files", "no lists of excitation energies by state")
    if doubles:
        findings.said.append(f"{doubles} states are there more than once (subsets of the database) and came over once")
    _say(assumed, findings)
    used = {s for e in draft.entries for s in e["subset"].split()}
    draft.systems = {
        k: g for k, g in draft.systems.items() if any(e["stoichiometry"] == f"{k}:1" for e in draft.entries)
    }
    best_sets = {
        best: {"title": f"theoretical best estimate, {best[4:]}", "doi": DOI, "within": basis}
        for best, basis in BEST.items()
        if any(row["set"] == best for row in draft.references)
    }
    draft.meta = {
        "id": safe_name(tree.place.name.partition(".")[0]),
        "version": "1.0.0",
        "title": "QUEST: vertical excitation energies",
        "description": "Imported from the JSON files of QUEST. Best estimates hold in their basis set.",
        "observable": "excitation_energy",
        "unit": "eV",
        "sign": "excitation energy = E(state) − E(ground state); positive",
        "bsse": ["none"],
        "default_reference_set": next(iter(best_sets)),
        "licence": "as its source says",
        "citations": [{"doi": DOI, "text": "P.-F. Loos et al., J. Chem. Theory Comput. 21, 8010 (2025): QUEST"}],
        "subsets": {name: _describe(name) for name in sorted(used)},
        "reference_sets": best_sets | sets,
    }
    yield draft


def _molecules(states: Sequence[Mapping[str, Any]] | None) -> set[str]:
    return {" ".join(str(state["Molecule"]).split()) for state in states or ()}


def _lowest(states: Sequence[Mapping[str, Any]]) -> dict[tuple[int, bool], int]:
    """(multiplicity, fluorescence) -> number of the lowest state of that multiplicity."""
    found: dict[tuple[int, bool], tuple[float, int]] = {}
    for number, state in enumerate(states, start=1):
        best = next((state[b] for b in BEST if is_number(state.get(b))), None)
        try:
            key = (_spin(state), "FL" in str(state.get("Special ?", "")).upper())
        except InputError:
            continue
        if best is not None and (key not in found or best < found[key][0]):
            found[key] = (float(best), number)
    return {key: number for key, (_, number) in found.items()}


def _spin(state: Mapping[str, Any]) -> int:
    value = state.get("Spin", state.get("S/T"))
    if value not in LETTERS or isinstance(value, bool):
        raise InputError(f"Spin must be the multiplicity of the state, 1 to 4, not {str(value)[:40]!r}")
    return int(value)


def _check_spin(geometry: Geometry, spin: int, name: str) -> None:
    electrons = sum(ATOMIC_NUMBERS[s] for s in geometry.symbols) - geometry.charge
    if (electrons + spin) % 2 == 0:
        raise InputError(
            f"{name} has {electrons} electrons with charge {geometry.charge}, and no state of multiplicity {spin}; no "
            "file states its charge"
        )


def _system(
    tree: Tree,
    molecule: str,
    excited: bool,
    places: Mapping[str, Sequence[Place]],
    unit: str,
    assumed: dict[str, list[str]],
) -> tuple[str, Geometry]:
    """(name, geometry) of a molecule; InputError where its file is not certain, or lengths can't be in that unit."""
    candidates = places.get(_key(molecule), ())
    fitting = [p for p in candidates if p.excited == excited]
    what = "the excited state" if excited else "the ground state"
    if not candidates:
        raise InputError(f"there is no XYZ file of {molecule}{did_you_mean(_key(molecule), places)}")
    if len(fitting) != 1:
        files = ", ".join(p.file for p in candidates)
        raise InputError(f"{len(fitting)} XYZ files may be {what} of {molecule}: {files}")
    file = fitting[0].file
    text = tree.text(file)
    comment = tree.lines(file)[1]
    words = comment_words(comment.replace("Charge:", "charge="), file)
    symbols, rows = plain_xyz(text, file)
    said = words.get("units")
    if said:
        scale = BOHR_IN_ANGSTROM / coordinate_unit(words, comment, file)
    elif unit:
        scale = BOHR_IN_ANGSTROM if unit == "bohr" else 1.0
    else:
        raise InputError(f"{file}: the unit of length is said nowhere; say --length-unit bohr or angstrom")
    rows = scaled(rows, scale)
    nearest = _nearest([[real(x) for x in row] for row in rows])
    if nearest is not None and not SHORTEST < nearest < LONGEST:
        raise InputError(
            f"{file}: with lengths in {said or unit}, its nearest atoms are {nearest:.2f} Å apart; is that the unit? "
            "Say --length-unit"
        )
    name = molecule + ("_excited" if excited else "")
    if words.get("charge"):
        try:
            charge = int(words["charge"].rstrip(","))
        except ValueError:
            raise InputError(f"{file}, line 2: charge '{words['charge'][:20]}' is no whole number") from None
    elif re.search(r"[+-]$", molecule):
        charge = 1 if molecule.endswith("+") else -1
    else:
        charge = 0
        assumed["charge 0"].append(name)
    electrons = sum(ATOMIC_NUMBERS[s] for s in symbols) - charge
    assumed["the least multiplicity"].append(name)
    return name, Geometry(symbols, rows, charge, electrons % 2 + 1)


def _nearest(positions: Sequence[Sequence[float]]) -> float | None:
    import numpy as np

    if len(positions) < 2:
        return None
    points = np.array(positions)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(distances[np.triu_indices(len(points), 1)].min())


def _places(tree: Tree) -> dict[str, list[Place]]:
    """name of a molecule, in small letters without ornament -> its XYZ files."""
    found: dict[str, list[Place]] = {}
    for file in _geometry_files(tree):
        place = Place(file, "excited state" in tree.lines(file)[1].lower())
        stem = PurePosixPath(file).stem
        names = {_key(stem)} | ({_key(stem[:-2])} if re.search(r"_[0-9]$", stem) else set())
        for name in names:
            found.setdefault(name, []).append(place)
    return found


def _geometry_files(tree: Tree) -> list[str]:
    """The XYZ files, without those of the part of the database on ionizations, whose molecules are called alike."""
    files = [name for name in tree if name.lower().endswith(".xyz")]
    return [name for name in files if "charged" not in PurePosixPath(name).parts] or files


def _key(name: str) -> str:
    charge = re.search(r"[+-]?$", name.strip())
    return re.sub(r"[^a-z0-9]", "", name.lower()) + (charge[0] if charge else "")


def _unit_said(tree: Tree) -> str:
    """The unit of length that a README beside the XYZ files says; empty where none or both are named."""
    folders = {PurePosixPath(n).parent for n in _geometry_files(tree)}
    said: set[str] = set()
    for folder in folders:
        for around in (folder, folder.parent):
            name = str(around / "README.md")
            text = tree.text(name).lower() if name in tree else ""
            said |= {"bohr"} if "bohr" in text else set()
            said |= {"angstrom"} if re.search(r"[aå]ngstr[oö]m", text) else set()
    return said.pop() if len(said) == 1 else ""


def _nature(state: Mapping[str, Any]) -> str:
    return {"V": "valence", "R": "Rydberg", "M": "mixed"}.get(str(state.get("V/R", "")).strip(), "not-said")


def _plain(state: str) -> str:
    return re.sub(r"[\^\\\[\]]", "", state.replace("'", "p").replace('"', "pp"))


def _label(state: Mapping[str, Any]) -> str:
    return " ".join(str(state["State"]).split())


def _is_no_energy(column: str) -> bool:
    """Columns of a state that hold other things than energies of a method: %T1, f, ⟨r²⟩, ⟨S²⟩."""
    return (
        column.startswith(("%T1", "f [", "f(", "<", "Δ<")) or "Method" in column or "r^2" in column or "S^2" in column
    )


def _level(method: str) -> dict[str, str]:
    spelt = "".join(method.lower().split())
    return {
        "role": "level",
        "level": f"{spelt}/aug-cc-pvtz",
        "label": f"{method}/aug-cc-pVTZ",
        "unit": "eV",
        "doi": DOI,
    }


def _describe(name: str) -> str:
    if name in WORDS.values():
        return f"{name} states"
    return {
        "safe": "marked in QUEST as certain to about 0.05 eV",
        "valence": "valence states",
        "rydberg": "Rydberg states",
        "mixed": "states of mixed character",
        "not-said": "states whose character is not said",
    }.get(name, f"states of the files in {name}")


def _say(assumed: Mapping[str, Sequence[str]], findings: Findings) -> None:
    texts = {
        "charge 0": "charge 0, which no file states, of {n} geometries",
        "the least multiplicity": "the least possible multiplicity of the ground state of {n} geometries",
        "lowest": "the lowest listed state of its multiplicity is S1, T1, D1 or Q1, for {n} entries",
    }
    for key, names in assumed.items():
        if names:
            shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            findings.assumed.append(f"{texts[key].format(n=len(names))}: {shown}")
