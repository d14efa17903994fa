"""Databases as Psi4 keeps them: one Python file with the tables HRXN, RXNM, ACTV, BIND and GEOS, which is not executed.

`GEOS` has a text per molecule: charge and multiplicity, atoms, `--` between fragments, the unit of length. `RXNM` has
the coefficients of each reaction, `ACTV` the molecules that a reaction has without counterpoise correction, `BIND` the
reference values in kcal/mol, and `BIND_NAME` other versions of them. Parrish et al., J. Chem. Theory Comput. 13, 3185
(2017).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from qmbench.data.imports.draft import Draft, Findings, Geometry, safe_name
from qmbench.data.imports.literal_python import LiteralPython
from qmbench.data.imports.reactions import Reactions, reference_row
from qmbench.data.imports.refdata import scaled
from qmbench.data.imports.tree import Tree
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.nuclei import nucleus
from qmbench.domain.systems.xyz import Fragment
from qmbench.domain.systems.xyz_columns import real
from qmbench.domain.units import BOHR_IN_ANGSTROM

TABLES = ("GEOS", "BIND", "ACTV")


@dataclass(frozen=True)
class Molecule4:
    """A text of `GEOS`, or fragments of one (from 1); ghosts: those that are there as basis functions alone."""

    text: str
    fragments: tuple[int, ...] = ()
    ghosts: tuple[int, ...] = ()


def is_psi4(tree: Tree) -> bool:
    """Whether it has a Python file with these tables."""
    return any(_is_database(tree, name) for name in tree)


def _is_database(tree: Tree, name: str) -> bool:
    if not name.endswith(".py"):
        return False
    text = tree[name]
    return all(re.search(rf"^{table}\b".encode(), text, re.MULTILINE) for table in TABLES)


def read_psi4(tree: Tree, findings: Findings, only: str = "*") -> Iterator[Draft]:
    """One draft per database file whose name (without ending) fits `only`."""
    files = [name for name in tree if _is_database(tree, name)]
    chosen = [name for name in files if fnmatch(PurePosixPath(name).stem, only)]
    if not chosen:
        raise InputError(f"{tree.place}: none of its {len(files)} databases is called '{only}'")
    for name in chosen:
        yield _draft(tree, name, findings)


def _draft(tree: Tree, file: str, findings: Findings) -> Draft:
    title = PurePosixPath(file).stem
    draft = Draft({})
    made = Reactions(draft, findings)
    names = _tables(tree.text(file), file)
    prefix = str(names.get("dbse", title)) + "-"
    main = _table(names, "BIND")
    values: dict[str, Mapping[str, Any]] = {"imported": main} | {
        key: _table(names, key) for key in names if re.fullmatch(r"BIND_\w+", key) and names[key] is not main
    }
    values = {key: table for key, table in values.items() if table}
    if not isinstance(names.get("GEOS"), Mapping) or not isinstance(names.get("ACTV"), Mapping) or not values:
        findings.skip(file, "its tables GEOS, ACTV and BIND could not be read")
        return made.finish("kcal/mol", "a database of Psi4", title, reference_sets={})
    reactions = list(dict.fromkeys(key for table in values.values() for key in table))
    for reaction in [r for r in reactions if r not in names["ACTV"]]:
        findings.skip(f"{title}: {reaction}", "a reference value without a reaction in ACTV")
    for reaction in names["ACTV"]:
        wanted = {key: table[reaction] for key, table in values.items() if _is_number(table.get(reaction))}
        try:
            if not wanted:
                raise InputError("no reference value of it")
            stems = list(names["ACTV"][reaction])
            coefficients = _coefficients(names.get("RXNM"), reaction, stems)
            geometries = [_geometry(names["GEOS"].get(stem), f"{file}, {stem}") for stem in stems]
            shown = [stem.removeprefix(prefix).removesuffix("-reagent").removesuffix("-dimer") for stem in stems]
            stoichiometry, observable = made.terms(coefficients, shown, geometries)
        except (InputError, TypeError) as error:
            findings.skip(f"{title}: {reaction}", error)
            continue
        entry = safe_name(str(reaction).removeprefix(prefix), (e["id"] for e in draft.entries))
        note = " ".join(str(_table(names, "TAGL").get(reaction, "")).split())
        draft.entries.append({"id": entry, "stoichiometry": stoichiometry, "observable": observable, "note": note})
        for key, value in wanted.items():
            place = f"{PurePosixPath(file).name}, {'BIND' if key == 'imported' else key}, {reaction}"
            draft.references.append(
                reference_row(entry, repr(float(value)), "kcal/mol", place, set=key.removeprefix("BIND_"))
            )
    used = dict.fromkeys(row["set"] for row in draft.references)
    sets = {key: {"title": f"BIND{'' if key == 'imported' else '_' + key} of {title}"} for key in used}
    return made.finish(
        "kcal/mol",
        "a database of Psi4",
        title,
        default_reference_set=next(iter(used), "imported"),
        reference_sets=sets,
    )


def _tables(text: str, where: str) -> dict[str, Any]:
    reader = LiteralPython(
        {"qcdb.Molecule": Molecule4, "Molecule": Molecule4},
        {(Molecule4, "extract_fragments"): _extracted},
    )
    return reader.read(text, where)


def _extracted(whole: Molecule4, fragments: int | Sequence[int], ghosts: int | Sequence[int] = ()) -> Molecule4:
    real_ones = (fragments,) if isinstance(fragments, int) else tuple(fragments)
    return Molecule4(whole.text, real_ones, (ghosts,) if isinstance(ghosts, int) else tuple(ghosts))


def _table(names: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = names.get(key)
    return found if isinstance(found, Mapping) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _coefficients(matrix: Any, reaction: str, stems: Sequence[str]) -> list[float]:
    row = matrix.get(reaction) if isinstance(matrix, Mapping) else None
    if not isinstance(row, Mapping) or not all(_is_number(row.get(stem)) for stem in stems):
        raise InputError("RXNM has no coefficients for its molecules")
    return [float(row[stem]) for stem in stems]


def _geometry(molecule: Any, where: str) -> Geometry:
    """The molecule with its fragments; InputError for what is no Cartesian geometry with charge and multiplicity."""
    if not isinstance(molecule, Molecule4):
        raise InputError(f"{where}: GEOS has no geometry of it that can be read")
    if molecule.ghosts:
        raise InputError(f"{where}: a molecule with ghost atoms, which qmbench makes itself")
    blocks, scale, total = _blocks(molecule.text, where)
    chosen = molecule.fragments or tuple(range(1, len(blocks) + 1))
    if any(not 1 <= n <= len(blocks) for n in chosen):
        raise InputError(f"{where}: fragment {max(chosen)} of {len(blocks)}")
    parts = [blocks[n - 1] for n in chosen]
    symbols = tuple(s for part in parts for s in part.symbols)
    rows = scaled(tuple(r for part in parts for r in part.coordinates), scale)
    if len(parts) == 1:
        return Geometry(symbols, rows, parts[0].charge, parts[0].multiplicity)
    fragments, at = [], 0
    for part in parts:
        atoms = tuple(range(at, at + len(part.symbols)))
        fragments.append(Fragment(atoms, part.charge, part.multiplicity))
        at += len(part.symbols)
    charge = sum(part.charge for part in parts)
    open_shells = [part.multiplicity for part in parts if part.multiplicity > 1]
    if total is not None and len(chosen) == len(blocks):
        return Geometry(symbols, rows, total[0], total[1], tuple(fragments))
    if len(open_shells) > 1:
        raise InputError(f"{where}: several fragments have unpaired electrons; the multiplicity of the whole is needed")
    return Geometry(symbols, rows, charge, open_shells[0] if open_shells else 1, tuple(fragments))


def _blocks(text: str, where: str) -> tuple[list[Geometry], float, tuple[int, int] | None]:
    """(fragments, ångström per unit of length, charge and multiplicity of the whole where they are stated apart)."""
    blocks: list[Geometry] = []
    total: tuple[int, int] | None = None
    state: tuple[int, int] | None = None
    symbols: list[str] = []
    rows: list[tuple[str, str, str]] = []
    scale = 1.0

    def close() -> None:
        if symbols:
            if state is None:
                raise InputError(f"{where}: no charge and multiplicity")
            blocks.append(Geometry(tuple(symbols), tuple(rows), *state))

    for line in text.split("\n"):
        words = line.split("#")[0].split()
        if not words or words[0].lower() in ("no_com", "no_reorient", "nocom", "noreorient", "symmetry"):
            continue
        if words[0].lower() == "units":
            if len(words) != 2 or words[1].lower() not in ("angstrom", "ang", "bohr", "au", "a.u."):
                raise InputError(f"{where}: the unit of length is angstrom or bohr, not '{' '.join(words[1:])}'")
            scale = 1.0 if words[1].lower().startswith("ang") else BOHR_IN_ANGSTROM
        elif words[0] == "--":
            if not symbols and state is not None and not blocks:
                total = state
            close()
            symbols, rows, state = [], [], None
        elif len(words) == 2 and all(re.fullmatch(r"[+-]?[0-9]{1,3}", w) for w in words):
            state = int(words[0]), int(words[1])
        elif len(words) == 4:
            symbol = nucleus(words[0])[0]
            if symbol not in ATOMIC_NUMBERS:
                raise InputError(f"{where}: unknown element '{words[0]}'")
            try:
                for word in words[1:]:
                    real(word)
            except ValueError:
                raise InputError(f"{where}: '{line.strip()}' is no atom in Cartesian coordinates") from None
            symbols.append(symbol)
            rows.append((words[1], words[2], words[3]))
        else:
            raise InputError(f"{where}: '{line.strip()[:60]}' is not read; Cartesian coordinates are needed")
    close()
    if not blocks:
        raise InputError(f"{where}: it has no atoms")
    return blocks, scale, total
