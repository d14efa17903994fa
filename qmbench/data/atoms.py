"""Atoms of the Atomic Simulation Environment as systems. The one module that knows ASE, and only when it is in use.

Larsen et al., J. Phys. Condens. Matter 29, 273002 (2017).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from qmbench.domain.errors import InputError
from qmbench.domain.systems import Crystal, Molecule
from qmbench.domain.systems.files import read_text
from qmbench.domain.systems.xyz import parse_fragments
from qmbench.domain.units import BOHR_IN_ANGSTROM

if TYPE_CHECKING:
    from ase import Atoms


FOREIGN = (".pdb", ".sdf", ".mol", ".cif")
DATABASE = re.compile(r"(?P<file>.+\.db)(?:@(?P<number>[^@#/]*)|#(?P<name>[^#/]+))?", re.IGNORECASE)
"""`FILE.db`, a database of ASE in SQLite; `FILE.db@ID` and `FILE.db#NAME` are one row of it."""
UNREADABLE = (".mol2",)
"""Endings of files that people have and that neither ASE nor another dependency reads."""


def is_atoms(what: Any) -> TypeGuard[Atoms]:
    """Whether it is `ase.Atoms`; does not import ASE, since nobody has atoms without it."""
    ase = sys.modules.get("ase")
    return ase is not None and isinstance(what, ase.Atoms)


def is_foreign(text: str) -> bool:
    """Whether `text` names a file that ASE reads for us: PDB, MDL (SDF, MOL) or CIF."""
    return text.lower().endswith(FOREIGN)


def refuse_unreadable(text: str) -> None:
    """InputError for a file of UNREADABLE, with what would be right."""
    if text.lower().endswith(UNREADABLE):
        stem, _, ending = text.rpartition(".")
        raise InputError(
            f"{text}: no library that qmbench uses reads {ending.upper()} files; make it SDF or XYZ first, such as by "
            f"Open Babel: obabel {text} -O {stem}.sdf"
        )


def read_foreign(path: Path, charge: int | None, multiplicity: int | None) -> Molecule | Crystal:
    """A system from such a file, which states no multiplicity: both charge and multiplicity are the caller's.

    InputError where one is missing, where the file holds several structures, sites that are partly occupied, or can't
    be read.
    """
    for key, value in (("charge", charge), ("multiplicity", multiplicity)):
        if value is None:
            raise InputError(f"{path}: such a file does not state the {key}; say --{key}")
    read_text(path)  # in our words, where it is no file
    import ase.io

    try:
        images = ase.io.read(path, index=":")
    except Exception as error:  # each of its readers has errors of its own
        text = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: can't be read as {path.suffix[1:].upper()}: {text[:200]}") from None
    found = images if isinstance(images, list) else [images]
    if len(found) != 1:
        raise InputError(f"{path} holds {len(found)} structures; a file of one is needed")
    atoms = found[0]
    occupancy = atoms.info.get("occupancy")
    if occupancy and any(abs(sum(site.values()) - 1) > 1e-6 or len(site) > 1 for site in occupancy.values()):
        raise InputError(f"{path}: some of its sites are partly occupied, which no calculation can say")
    if not len(atoms):
        raise InputError(f"{path} holds no atom")
    if path.suffix.lower() != ".cif":
        atoms.pbc = False  # the box of a PDB file is that of the crystal that the molecule was in
    return from_ase(atoms, charge, multiplicity, path.stem)


def is_database(text: str) -> bool:
    """Whether `text` names a database of ASE, or a row of one."""
    return DATABASE.fullmatch(text) is not None


def database_names(text: str) -> list[str]:
    """`FILE.db@ID` of all rows of a database; of one row `text` itself."""
    match = DATABASE.fullmatch(text)
    if match is None or match["number"] or match["name"]:
        return [text]
    return [f"{text}@{row.id}" for row in _rows(Path(text))]


def read_database(text: str, charge: int | None, multiplicity: int | None) -> Molecule | Crystal:
    """The system of one row of a database of ASE.

    Its charge and multiplicity are the key-value pairs `charge` and `multiplicity` of the row, or those given; its name
    is the pair `name`. InputError as for `from_ase`, where the row is not there, and for several rows and none chosen.
    """
    match = DATABASE.fullmatch(text)
    assert match is not None
    path, number, name = Path(match["file"]), match["number"], match["name"]
    if number is not None and not re.fullmatch(r"[1-9][0-9]{0,17}", number):
        raise InputError(f"{text}: '@{number}' is no id of a row; write {path}@1")
    chosen: dict[str, Any] = {"id": int(number)} if number else {"name": name} if name else {}
    rows = _rows(path, **chosen)
    if len(rows) != 1:
        which = f" with name={name}" if name else f" with the id {number}" if number else ""
        raise InputError(f"{path} has {len(rows) or 'no'} rows{which}; write {path}@ID or {path}#NAME for one of them")
    row = rows[0]
    pairs = row.key_value_pairs
    atoms = row.toatoms()
    atoms.info = {key: pairs[key] for key in ("charge", "multiplicity", "fragments") if key in pairs}
    for key in ("charge", "multiplicity"):  # ASE gives some numbers as it keeps all of them, 1.0
        value = atoms.info.get(key)
        if isinstance(value, float) and value.is_integer():
            atoms.info[key] = int(value)
    return from_ase(atoms, charge, multiplicity, str(pairs.get("name") or f"{path.stem}@{row.id}"))


def _rows(path: Path, **chosen: Any) -> list[Any]:
    if not path.is_file():
        raise InputError(f"can't read {path}: there is no such file")
    import sqlite3
    from contextlib import closing

    from ase.db import connect

    try:  # ASE makes its tables in any database that lacks them
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as there:
            tables = there.execute("SELECT name FROM sqlite_master WHERE name = 'systems'").fetchall()
    except sqlite3.Error:
        tables = []
    if not tables:
        raise InputError(f"{path} is no database of ASE in SQLite")

    try:
        return list(connect(str(path), type="db").select(**chosen))
    except Exception as error:  # each version of its format has errors of its own
        raise InputError(f"{path}: can't be read as a database of ASE: {' '.join(str(error).split())[:200]}") from None


def write_database(frames: Iterable[Atoms], path: Path) -> None:
    """A new database of ASE, a row for each of `frames`, whose `info` is in key-value pairs as far as ASE has those.

    Text that ASE would take for a number is left out of the pairs; `row.data` has all. StoreError where it can't be
    written.
    """
    from ase.db import connect
    from ase.db.core import check

    from qmbench.domain.errors import StoreError

    def pairs(info: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for key, value in info.items():
            try:
                check({key: value})
            except ValueError:
                continue
            found[key] = value
        return found

    try:
        with connect(str(path), type="db", append=False) as database:
            for atoms in frames:
                bare = atoms.copy()
                bare.info, bare.calc = {}, atoms.calc
                database.write(bare, key_value_pairs=pairs(atoms.info), data=dict(atoms.info))
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror or error}") from None


def from_ase(
    atoms: Atoms, charge: int | None = None, multiplicity: int | None = None, name: str = ""
) -> Molecule | Crystal:
    """ASE's atoms (ångström) as a molecule, or as a crystal where they are periodic in three directions.

    charge and multiplicity 2S+1 are those given, or else `atoms.info["charge"]` and `["multiplicity"]`, which reading
    an extended XYZ file of qmbench fills in; they are never guessed. Fragments of a molecule are
    `atoms.info["fragments"]`, written as in such a file. InputError when one is missing, when periodicity is in one or
    two directions, and as for any molecule or crystal. Constraints, momenta, masses, initial charges and magnetic
    moments of ASE say nothing about what is computed.
    """
    if not is_atoms(atoms):
        raise InputError(f"from_ase takes ase.Atoms, not {type(atoms).__name__}")
    label = name or str(atoms.info.get("name") or atoms.get_chemical_formula())
    charge = _whole(atoms, "charge", charge, label)
    multiplicity = _whole(atoms, "multiplicity", multiplicity, label)
    symbols = tuple(atoms.get_chemical_symbols())
    positions = _bohr(atoms.get_positions())
    fragments = parse_fragments(str(atoms.info.get("fragments") or ""), label, len(symbols))
    if not any(atoms.pbc):
        return Molecule(symbols, positions, charge, multiplicity, fragments, name=label)
    if not all(atoms.pbc):
        raise InputError(
            f"{label}: only crystals, periodic in three directions (pbc=True), are done, no slabs or wires;"
            " a molecule has pbc=False"
        )
    if fragments:
        raise InputError(f"{label}: a crystal has no fragments")
    return Crystal(symbols, positions, _bohr(atoms.cell.array), charge, multiplicity, name=label)


def _whole(atoms: Atoms, key: str, given: int | None, label: str) -> int:
    value = atoms.info.get(key) if given is None else given
    if value is None:
        spin = "'spin' is 2S to some programs and 2S+1 to others; " if "spin" in atoms.info else ""
        hint = spin if key == "multiplicity" else ""
        raise InputError(f"{label}: {hint}the {key} is missing; give {key}=, or set atoms.info['{key}']")
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{label}: {key} must be a whole number, not {value!r}")
    return int(value)


def _bohr(rows: Any) -> tuple[tuple[float, float, float], ...]:
    return tuple((x / BOHR_IN_ANGSTROM, y / BOHR_IN_ANGSTROM, z / BOHR_IN_ANGSTROM) for x, y, z in rows.tolist())
