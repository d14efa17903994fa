"""The systems of a benchmark folder: files, frames of systems.xyz, tables of systems.toml, rows of systems.csv.

Read when asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qmbench.data.identifiers import check_identifier
from qmbench.data.tables import Complain, collected, read_csv, refuse, whole_cell
from qmbench.domain.errors import InputError
from qmbench.domain.systems import Molecule
from qmbench.domain.systems.files import key_lines, load_toml, read_text
from qmbench.domain.systems.nuclei import nucleus
from qmbench.domain.systems.xyz import parse_fragments
from qmbench.domain.systems.xyz_frames import ENDINGS
from qmbench.domain.units import BOHR_IN_ANGSTROM
from qmbench.plugging.registry import plugins

MOST_FILES = 100_000
"""Names that are looked at in one folder."""


def listed(folder: Path) -> list[Path]:
    """What is in a folder, sorted; nothing where it is not there. InputError for more than MOST_FILES names."""
    names: list[str] = []
    try:
        with os.scandir(folder) as items:
            for item in items:
                names.append(item.name)
                if len(names) > MOST_FILES:
                    raise InputError(f"{folder} holds more than the {MOST_FILES} files that are looked at")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(f"can't read {folder}: {error.strerror or error}") from None
    return [folder / name for name in sorted(names)]


def system_sources(folder: Path, meta: Mapping[str, Any], complain: Complain = refuse) -> dict[str, Any]:
    """system id -> a function that reads it, given its full name. One id is of one system, wherever it is."""
    kinds = plugins().systems
    sources: dict[str, Any] = {}

    def add(name: str, where: str, read: Any) -> None:
        try:
            check_identifier(name, "a system", where)
            if name in sources:
                raise InputError(f"{where}: there is another system '{name}'")
            sources[name] = read
        except InputError as error:
            complain(error)

    files: list[Path] = []
    try:
        files = listed(folder / "systems")
    except InputError as error:
        complain(error)
    endings = set(kinds.endings)
    for path in files:
        if path.suffix.lower() in endings:
            add(path.stem, str(path), lambda name, path=path: kinds.read(path, name))
    for ending in ENDINGS:
        if (folder / f"systems{ending}").exists():
            for name, where, read in collected(kinds.frames(folder / f"systems{ending}"), complain):
                add(name, where, read)
    if (folder / "systems.toml").exists():
        for name, where, read in collected(_tables_of(folder / "systems.toml"), complain):
            add(name, where, read)
    if "provider" in meta:
        columns = ["id", "source", "charge", "multiplicity", "fragments"]
        rows = read_csv(folder / "systems.csv", columns, tuple(columns[:4]), complain)
        for where, row in collected(rows, complain):
            add(
                row["id"],
                where,
                lambda name, where=where, row=row: _provided(meta["provider"], where, row, name),
            )
    return sources


def _tables_of(path: Path) -> Iterator[tuple[str, str, Any]]:
    """(id, where, reader) of the tables of systems.toml."""
    text = read_text(path)
    for key, table in load_toml(path, text).items():
        where, lines = f"{path} [{key[:80]}]", key_lines(text, key)
        yield key, where, lambda name, t=table, w=where, n=lines: plugins().systems.from_table(t, w, name, n)


def _provided(provider: str, where: str, row: Mapping[str, str], name: str) -> Molecule:
    """A molecule whose geometry a dependency ships, or a single atom (`atom`), which has none."""
    charge, multiplicity = (whole_cell(row[column], where, column) for column in ("charge", "multiplicity"))
    if provider == "atom":
        try:
            symbol, note = nucleus(row["source"])
            notes = (note,) if note else ()
            return Molecule((symbol,), ((0.0, 0.0, 0.0),), charge, multiplicity, name=name, notes=notes)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    try:
        if provider == "ase:s22":
            from ase.data.s22 import create_s22_system

            atoms = create_s22_system(row["source"])
        elif provider == "ase:g2":
            from ase.build import molecule

            atoms = molecule(row["source"])
        else:
            raise InputError(f"{where}: unknown provider '{provider}'; there is ase:s22, ase:g2, atom")
    except (KeyError, NotImplementedError):
        raise InputError(f"{where}: {provider} has no '{row['source']}'") from None
    symbols = tuple(atoms.get_chemical_symbols())
    fragments = parse_fragments(row["fragments"], where, len(symbols))
    positions = tuple((x, y, z) for x, y, z in (atoms.get_positions() / BOHR_IN_ANGSTROM).tolist())
    try:
        return Molecule(symbols, positions, charge, multiplicity, fragments, name=name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
