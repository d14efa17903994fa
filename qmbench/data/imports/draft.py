"""A benchmark while it is being made from somebody else's files: checked piece by piece, then written as a folder.

What is assumed and what can't be brought over is kept in a list, so that nothing is guessed or lost silently.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qmbench.data.identifiers import LONGEST
from qmbench.data.references import LEVELS, REFERENCE_COLUMNS
from qmbench.domain.errors import InputError, StoreError
from qmbench.domain.systems import Molecule
from qmbench.domain.systems.xyz import Fragment, parse_xyz

ENTRY_COLUMNS = "id stoichiometry observable state subset tags curve coordinate coordinate_unit note".split()
SAME = 2e-5
"""Å: atoms of a fragment and of the complex nearer than this are the same atom, written with fewer digits."""


SIGNS = {
    "interaction_energy": "interaction energy = E(complex) − sum of E(fragments); negative when bound",
    "dissociation_energy": "sum of E(fragments) − E(complex); positive when bound",
    "three_body_energy": "E(trimer) − sum of E(dimers) + sum of E(monomers)",
    "barrier_height": "E(saddle point) − sum of E(reactants)",
    "atomization_energy": "sum of E(atoms) − E(molecule); positive when bound",
    "reaction_energy": "as each stoichiometry says: sum of coefficient × energy",
}


@dataclass
class Findings:
    """What an import has to say. assumed: what no file states; left_out: (what, why); said: anything else."""

    assumed: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def skip(self, what: str, why: object) -> None:
        """Note that `what` could not be brought over."""
        self.left_out.append((what, " ".join(str(why).split())))


@dataclass(frozen=True)
class Geometry:
    """A molecule as it is written into `systems.xyz`: coordinates are the texts of the source, in ångström."""

    symbols: tuple[str, ...]
    coordinates: tuple[tuple[str, str, str], ...]
    charge: int
    multiplicity: int
    fragments: tuple[Fragment, ...] = ()

    def frame(self, name: str) -> str:
        """The text of its frame."""
        state = f"name={name} charge={self.charge} multiplicity={self.multiplicity}"
        if self.fragments:
            state += f' fragments="{fragments_text(self.fragments)}"'
        rows = (f"{s:<2} {x:>16} {y:>16} {z:>16}" for s, (x, y, z) in zip(self.symbols, self.coordinates, strict=True))
        return "\n".join([str(len(self.symbols)), state, *rows]) + "\n"

    def checked(self, name: str) -> Molecule:
        """The molecule; InputError where charge, multiplicity or geometry is impossible."""
        xyz = parse_xyz(self.frame("x"), name, name)
        return Molecule(xyz.symbols, xyz.positions, xyz.charge, xyz.multiplicity, xyz.fragments, name=name)


def fragments_text(fragments: Iterable[Fragment]) -> str:
    """`1-3:0:1 4,6:0:1`."""
    words = []
    for fragment in fragments:
        spans: list[list[int]] = []
        for atom in sorted(i + 1 for i in fragment.atoms):
            if spans and atom == spans[-1][1] + 1:
                spans[-1][1] = atom
            else:
                spans.append([atom, atom])
        atoms = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
        words.append(f"{atoms}:{fragment.charge}:{fragment.multiplicity}")
    return " ".join(words)


def parts_of(whole: Geometry, parts: Sequence[Geometry]) -> tuple[Fragment, ...] | None:
    """The fragments that `parts` are of `whole`, if every atom of it is one of theirs, at the same place; else None."""
    left: dict[tuple[str, int, int, int], list[int]] = {}
    positions = [tuple(float(x) for x in row) for row in whole.coordinates]
    for i, (symbol, place) in enumerate(zip(whole.symbols, positions, strict=True)):
        left.setdefault((symbol, *(round(x / SAME / 10) for x in place)), []).append(i)  # type: ignore[arg-type]
    taken: set[int] = set()
    fragments = []
    for part in parts:
        atoms = []
        for symbol, row in zip(part.symbols, part.coordinates, strict=True):
            place = tuple(float(x) for x in row)
            found = _nearest(symbol, place, left, positions, taken)
            if found is None:
                return None
            taken.add(found)
            atoms.append(found)
        fragments.append(Fragment(tuple(sorted(atoms)), part.charge, part.multiplicity))
    if len(taken) != len(whole.symbols) or sum(f.charge for f in fragments) != whole.charge:
        return None
    return tuple(fragments)


def _nearest(
    symbol: str,
    place: tuple[float, ...],
    left: Mapping[tuple[str, int, int, int], list[int]],
    positions: Sequence[tuple[float, ...]],
    taken: set[int],
) -> int | None:
    cell = [round(x / SAME / 10) for x in place]
    for dx in (0, -1, 1):
        for dy in (0, -1, 1):
            for dz in (0, -1, 1):
                for i in left.get((symbol, cell[0] + dx, cell[1] + dy, cell[2] + dz), ()):
                    if i not in taken and max(abs(a - b) for a, b in zip(positions[i], place, strict=True)) < SAME:
                        return i
    return None


def safe_name(text: str, taken: Iterable[str] = ()) -> str:
    """`text` as a name of an entry or system: what names may not hold becomes `_`; one that is taken gets a number."""
    name = re.sub(r"[^A-Za-z0-9_.+()-]+", "_", text.strip()).lstrip("_.+()-") or "x"
    name = name[:LONGEST]
    known, made, number = set(taken), name, 2
    while made in known:
        ending = f"-{number}"
        made, number = name[: LONGEST - len(ending)] + ending, number + 1
    return made


@dataclass
class Draft:
    """The pieces of a benchmark folder. entries, references: rows by column; levels: set -> entry -> value as text;
    tables: systems that are no molecules, as in systems.toml."""

    meta: dict[str, Any]
    systems: dict[str, Geometry] = field(default_factory=dict)
    entries: list[dict[str, str]] = field(default_factory=list)
    references: list[dict[str, str]] = field(default_factory=list)
    levels: dict[str, dict[str, str]] = field(default_factory=dict)
    readme: str = ""
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the folder, which must not exist or be empty; InputError otherwise, StoreError where it can't be."""
        try:
            if folder.exists() and (not folder.is_dir() or any(os.scandir(folder))):
                raise InputError(f"{folder} is there already; name another, or remove it first")
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in self.files().items():
                (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise StoreError(f"can't write {folder}: {error.strerror or error}") from None

    def files(self) -> dict[str, str]:
        """name -> text of the files of the folder, `hashes.csv` aside."""
        files = {
            "benchmark.toml": toml_text(self.meta),
            "entries.csv": _csv(ENTRY_COLUMNS, self.entries),
            "references.csv": _csv(REFERENCE_COLUMNS, self.references),
        }
        if self.systems:
            files["systems.xyz"] = "".join(g.frame(name) for name, g in self.systems.items())
        if self.tables:
            files["systems.toml"] = toml_text(self.tables)
        if self.levels:
            rows = [
                {"entry": e["id"], **{s: values.get(e["id"], "") for s, values in self.levels.items()}}
                for e in self.entries
            ]
            files[LEVELS] = _csv(
                ["entry", *self.levels], [r for r in rows if any(v for k, v in r.items() if k != "entry")]
            )
        if self.readme:
            files["README.md"] = self.readme
        return files


PROTON = Geometry(("H",), (("0.0", "0.0", "0.0"),), 1, 1)


def observable_of(coefficients: Sequence[float], geometries: Sequence[Geometry]) -> str:
    """What a sum of energies is, by its charges and sizes; `reaction_energy` where that is not certain."""
    if len(geometries) == 1:
        return "total_energy" if list(coefficients) == [1.0] else "reaction_energy"
    if len(geometries) == 2 and sorted(coefficients) == [-1.0, 1.0]:
        plus, minus = (geometries[list(coefficients).index(c)] for c in (1.0, -1.0))
        if Counter(plus.symbols) == Counter(minus.symbols) and plus.charge == minus.charge + 1:
            return "electron_affinity" if plus.charge <= 0 else "ionization_energy"
    if PROTON in geometries and len(geometries) == 3:
        protonated = coefficients[max(range(3), key=lambda i: (len(geometries[i].symbols), geometries[i].charge))]
        if (protonated, sorted(coefficients)) == (-1.0, [-1.0, 1.0, 1.0]):
            return "proton_affinity"
    atoms = [c for c, g in zip(coefficients, geometries, strict=True) if len(g.symbols) == 1]
    molecules = [c for c, g in zip(coefficients, geometries, strict=True) if len(g.symbols) > 1]
    if molecules == [-1.0] and atoms and all(c > 0 for c in atoms):
        return "atomization_energy"
    return "reaction_energy"


def signs_of(observables: Iterable[str]) -> str:
    """The sign conventions of these observables, in words."""
    return "; ".join(SIGNS.get(name, name.replace("_", " ")) for name in dict.fromkeys(observables))


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def toml_text(table: Mapping[str, Any]) -> str:
    """A TOML document: plain keys first, then tables; tables inside those, and lists of tables, are inline."""
    lines = [f"{_key(k)} = {_value(v)}" for k, v in table.items() if not isinstance(v, Mapping)]
    for key, inner in table.items():
        if isinstance(inner, Mapping):
            lines += ["", f"[{_key(key)}]", *(f"{_key(k)} = {_value(v)}" for k, v in inner.items())]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        if value and all(isinstance(v, Mapping) for v in value):
            return "[\n" + "".join(f"  {_value(v)},\n" for v in value) + "]"
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
