"""A CSV file of values beside XYZ files, with the meaning of its columns given (or clear from their names).

Charge and multiplicity are those of the XYZ files' comment lines, or of columns; they are never guessed. Fragments that
nobody states are found by covalent bonds, which the caller has to allow, since it is shown and confirmed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import PurePosixPath

from qmbench.data.benchmark import Term, parse_stoichiometry
from qmbench.data.imports.draft import Draft, Findings, Geometry, fragments_text, observable_of, safe_name, signs_of
from qmbench.data.imports.gmtkn55 import plain_xyz
from qmbench.data.imports.tree import Tree
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems.xyz import Fragment, parse_fragments
from qmbench.domain.systems.xyz_columns import real
from qmbench.domain.systems.xyz_comment import comment_words
from qmbench.domain.systems.xyz_frames import ENDINGS, split_frames
from qmbench.domain.units import factor

FIELDS = {
    "id": "the name of the entry",
    "value": "the reference value",
    "uncertainty": "its standard deviation",
    "stoichiometry": "SYSTEM:COEFFICIENT … or `interaction`",
    "state": "the state of a property by state: S1, T1",
    "charge": "charge of the system of that name",
    "multiplicity": "its multiplicity",
    "subset": "names of subsets",
    "note": "a remark",
}
USUAL = {
    "id": ("id", "name", "entry", "system", "label"),
    "value": ("value", "reference", "reference_value", "ref", "energy"),
    "uncertainty": ("uncertainty", "error", "sigma"),
    "stoichiometry": ("stoichiometry", "reaction"),
    "state": ("state",),
    "charge": ("charge",),
    "multiplicity": ("multiplicity", "spin_multiplicity"),
    "subset": ("subset", "subsets"),
    "note": ("note", "comment"),
}
SLACK = 1.25
"""Two atoms are bonded when they are nearer than this times the sum of their covalent radii (Cordero et al. 2008)."""


def is_folder(tree: Tree) -> bool:
    """Whether it has exactly one CSV file, and XYZ files."""
    return len(_tables(tree)) == 1 and any(name.lower().endswith(ENDINGS) for name in tree)


def _tables(tree: Tree) -> list[str]:
    return [name for name in tree if name.lower().endswith(".csv")]


def columns_of(tree: Tree) -> list[str]:
    """The columns of its CSV file."""
    (table,) = _tables(tree)
    return [c.strip() for c in next(csv.reader(io.StringIO(tree.text(table))), [])]


def meaning(columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """field -> column: those given, and those whose column has a usual name; InputError for what can't be."""
    found = {}
    for name, column in given.items():
        if name not in FIELDS:
            raise InputError(f"--map: no field '{name}'{did_you_mean(name, FIELDS)}")
        if column not in columns:
            raise InputError(f"--map {name}={column}: no such column{did_you_mean(column, columns)}")
        found[name] = column
    lower = {c.lower(): c for c in columns}
    for name, usual in USUAL.items():
        match = next((lower[u] for u in usual if u in lower and lower[u] not in found.values()), None)
        if name not in found and match is not None:
            found[name] = match
    for name in ("id", "value"):
        if name not in found:
            raise InputError(
                f"which column is {FIELDS[name]}? Say --map {name}=COLUMN; the columns are {', '.join(columns)}"
            )
    return found


def read_folder(
    tree: Tree,
    findings: Findings,
    given: Mapping[str, str],
    unit: str,
    only: str = "*",
    bonds: bool = False,
    source: str = "",
    observable: str = "",
) -> Draft:
    """A draft of the rows whose id fits `only`. unit: of the values; bonds: whether fragments may be found by bonds.

    observable: of all entries; empty: as each stoichiometry says.
    """
    factor(unit, unit)
    (table,) = _tables(tree)
    columns = columns_of(tree)
    where = meaning(columns, given)
    geometries = _geometries(tree, findings)
    draft = Draft({})
    names: dict[str, str] = {}
    subsets: dict[str, str] = {}
    rows = csv.DictReader(io.StringIO(tree.text(table)), fieldnames=columns)
    next(rows)
    for line, row in enumerate(rows, start=2):
        cells = {name: (row.get(column) or "").strip() for name, column in where.items()}
        if not cells["id"] or not fnmatch(cells["id"], only):
            continue
        place = f"{table}, line {line}"
        try:
            entry = safe_name(cells["id"], (e["id"] for e in draft.entries))
            value = _number(cells["value"])
            uncertainty = _number(cells["uncertainty"]) if cells.get("uncertainty") else ""
            said = _stoichiometry(cells, geometries, names, draft, findings, bonds)
        except (InputError, ValueError) as error:
            findings.skip(f"{place} ({cells['id']})", error)
            continue
        terms = parse_stoichiometry(said, entry)
        kind = observable or _kind(said, terms, draft)
        for subset in cells.get("subset", "").split():
            subsets[safe_name(subset)] = f"subset {subset} of the source"
        draft.entries.append(
            {"id": entry, "stoichiometry": said, "observable": kind, "note": cells.get("note", "")}
            | {"state": cells.get("state", "")}
            | {"subset": " ".join(safe_name(s) for s in cells.get("subset", "").split())}
        )
        draft.references.append(
            {"entry": entry, "set": "imported", "value": value, "unit": unit, "uncertainty": uncertainty}
            | {"uncertainty_kind": "estimate" if uncertainty else "", "status": "current"}
            | {"source_place": f"{source or tree.place.name}: {place}"}
        )
    if not draft.entries:
        raise InputError(f"{tree.place}: no row of {table} could be read" + _first(findings))
    observables = [e["observable"] for e in draft.entries]
    main = max(dict.fromkeys(observables), key=observables.count)
    fragments = any(g.fragments for g in draft.systems.values())
    draft.meta = {
        "id": safe_name(tree.place.name.partition(".")[0]),
        "version": "1.0.0",
        "title": tree.place.name,
        "description": "Imported from a CSV file and XYZ files.",
        "observable": main,
        "unit": unit,
        "sign": signs_of(observables),
        "bsse": ["none", "cp"] if fragments else ["none"],
        "default_reference_set": "imported",
        "licence": "as its source says",
        "citations": [{"text": source or "imported from files; add the papers here"}],
        **({"subsets": subsets} if subsets else {}),
        "reference_sets": {"imported": {"title": f"as in {table}"}},
    }
    return draft


def _kind(said: str, terms: Sequence[Term], draft: Draft) -> str:
    """The observable that a stoichiometry is of."""
    if said.startswith("interaction "):
        return "interaction_energy"
    if any(term.of_fragments for term in terms):
        return "reaction_energy"
    return observable_of([t.coefficient for t in terms], [draft.systems[t.system] for t in terms])


def _first(findings: Findings) -> str:
    return f"; the first: {findings.left_out[0][0]}: {findings.left_out[0][1]}" if findings.left_out else ""


def _number(text: str) -> str:
    real(text)
    return text


def _geometries(tree: Tree, findings: Findings) -> dict[str, tuple[str, str]]:
    """name -> (text of its frame, file), of all XYZ files."""
    found: dict[str, tuple[str, str]] = {}
    for file in tree:
        if not file.lower().endswith(ENDINGS):
            continue
        try:
            frames = split_frames(tree.text(file), file)
        except InputError as error:
            findings.skip(file, error)
            continue
        for frame in frames:
            stem = PurePosixPath(file).stem
            name = stem if len(frames) == 1 else (frame.name(file) or f"{stem}@{frame.number}")
            if name in found:
                findings.skip(file, f"there is another system '{name}', in {found[name][1]}")
                continue
            found[name] = (frame.text, file)
    return found


def _stoichiometry(
    cells: Mapping[str, str],
    geometries: Mapping[str, tuple[str, str]],
    names: dict[str, str],
    draft: Draft,
    findings: Findings,
    bonds: bool,
) -> str:
    """The stoichiometry of a row, whose systems are in the draft from now on."""
    text = cells.get("stoichiometry", "")
    if not text or text.split()[0] == "interaction":
        wanted = text.split()[1] if len(text.split()) == 2 else cells["id"]
        name = _add(wanted, cells, geometries, names, draft)
        if not text and not draft.systems[name].fragments and len(_molecules(draft.systems[name])) == 1:
            return f"{name}:1"  # one molecule alone: a property of it
        if not draft.systems[name].fragments:
            draft.systems[name] = _with_fragments(name, draft.systems[name], findings, bonds)
        return f"interaction {name}"
    words = []
    for term in parse_stoichiometry(text, cells["id"]):
        name = _add(term.system, {}, geometries, names, draft)
        at = "" if term.fragments is None else "@" + "+".join(map(str, term.fragments))
        words.append(f"{name}{at}:{term.coefficient:g}")
    return " ".join(words)


def _add(
    wanted: str,
    cells: Mapping[str, str],
    geometries: Mapping[str, tuple[str, str]],
    names: dict[str, str],
    draft: Draft,
) -> str:
    if wanted in names:
        return names[wanted]
    if wanted not in geometries:
        raise InputError(f"there is no XYZ file of '{wanted}'{did_you_mean(wanted, geometries)}")
    text, file = geometries[wanted]
    words = comment_words(text.split("\n", 2)[1], file)
    state = {}
    for key in ("charge", "multiplicity"):
        said = words.get(key, "").rstrip(",") or cells.get(key, "")
        try:
            state[key] = int(said)
        except ValueError:
            raise InputError(f"{file}: no {key} of '{wanted}', in its comment line or in a column") from None
    symbols, rows = plain_xyz(text, file)
    fragments = parse_fragments(words.get("fragments", ""), file, len(symbols))
    name = safe_name(wanted, draft.systems)
    geometry = Geometry(symbols, rows, state["charge"], state["multiplicity"], fragments)
    geometry.checked(name)
    draft.systems[name], names[wanted] = geometry, name
    return name


def _with_fragments(name: str, geometry: Geometry, findings: Findings, bonds: bool) -> Geometry:
    """The geometry with the molecules that bonds make of it; InputError where that is not certain or not allowed."""
    if geometry.charge != 0 or geometry.multiplicity != 1:
        raise InputError(f"'{name}' is charged or no singlet: which fragment is, has to be stated (fragments=)")
    groups = _molecules(geometry)
    if len(groups) < 2:
        raise InputError(f"'{name}' is one molecule by its bonds; state its fragments")
    fragments = tuple(Fragment(atoms, 0, 1) for atoms in groups)
    for number, fragment in enumerate(fragments, start=1):
        if sum(ATOMIC_NUMBERS[geometry.symbols[i]] for i in fragment.atoms) % 2:
            raise InputError(
                f"'{name}': fragment {number} by bonds has an odd number of electrons; state the fragments"
            )
    text = fragments_text(fragments)
    if not bonds:
        raise InputError(f"by its bonds '{name}' has fragments=\"{text}\"; confirm them with --yes, or state them")
    findings.assumed.append(f'{name}: fragments="{text}", by its bonds')
    return replace(geometry, fragments=fragments)


def _molecules(geometry: Geometry) -> list[tuple[int, ...]]:
    """The atoms of each connected molecule, in order of its first atom."""
    import numpy as np
    from ase.data import atomic_numbers, covalent_radii
    from scipy.sparse.csgraph import connected_components

    positions = np.array([[real(x) for x in row] for row in geometry.coordinates])
    radii = np.array([covalent_radii[atomic_numbers[s]] for s in geometry.symbols])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    _, labels = connected_components(distances < SLACK * (radii[:, None] + radii[None]), directed=False)
    groups: dict[int, list[int]] = {}
    for atom, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(atom)
    return [tuple(atoms) for atoms in groups.values()]
