"""Systems from files: extended XYZ (ångström) for molecules, TOML for lattice models.

Every complaint names the file and the line.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmbench.errors import InputError, did_you_mean
from qmbench.system import Fragment, LatticeModel, Molecule, System
from qmbench.units import BOHR_IN_ANGSTROM

LATTICE_KEYS = ("kind", "lattice", "boundary", "t", "u", "electrons", "multiplicity", "onsite", "twist")


def read_system(path: str | Path, name: str | None = None) -> System:
    """A system from an `.xyz` or `.toml` file; InputError says file, line and what would be right."""
    path = Path(path)
    text = read_text(path)
    if path.suffix.lower() == ".xyz":
        return parse_xyz(text, str(path), name or path.stem)
    if path.suffix.lower() == ".toml":
        return lattice_from_table(load_toml(path, text), str(path), name or path.stem)
    raise InputError(f"{path}: a system is an .xyz or a .toml file")


def read_text(path: Path) -> str:
    """The file's text; InputError when it can't be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file (UTF-8 expected)") from None


def load_toml(path: Path, text: str | None = None) -> dict[str, Any]:
    """A TOML file as a dictionary; InputError with file and line when it is malformed."""
    try:
        return tomllib.loads(read_text(path) if text is None else text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: malformed TOML: {error}") from None


def parse_xyz(text: str, where: str, name: str) -> Molecule:
    """A molecule from extended XYZ text: count, comment `charge= multiplicity= [fragments=""]`, one line an atom."""
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    try:
        count = int(lines[0])
    except (IndexError, ValueError):
        raise InputError(f"{where}, line 1: the first line of an XYZ file is the number of atoms") from None
    if len(lines) - 2 != count:
        raise InputError(f"{where}, line 1: {count} atoms announced, {max(len(lines) - 2, 0)} lines of atoms found")
    charge, multiplicity, fragments = parse_comment(lines[1], f"{where}, line 2", count)
    symbols: list[str] = []
    positions: list[tuple[float, float, float]] = []
    for number, line in enumerate(lines[2:], start=3):
        words = line.split()
        try:
            symbol, xyz = words[0], [float(word) for word in words[1:4]]
            if len(xyz) != 3:
                raise ValueError
        except (IndexError, ValueError):
            raise InputError(
                f"{where}, line {number}: an atom is a symbol and three numbers in ångström, not '{line.strip()}'"
            ) from None
        symbols.append(symbol)
        positions.append((xyz[0] / BOHR_IN_ANGSTROM, xyz[1] / BOHR_IN_ANGSTROM, xyz[2] / BOHR_IN_ANGSTROM))
    try:
        return Molecule(tuple(symbols), tuple(positions), charge, multiplicity, fragments, name=name)
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix(name + ': ')}") from None


def parse_comment(comment: str, where: str, count: int) -> tuple[int, int, tuple[Fragment, ...]]:
    """Charge, multiplicity and fragments from the comment line of an extended XYZ file."""
    try:
        words = shlex.split(comment)
    except ValueError as error:
        raise InputError(f"{where}: {error} in the comment line") from None
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    values = {}
    for key in ("charge", "multiplicity"):
        if key not in pairs:
            raise InputError(f"{where}: '{key}=' is missing; the comment line needs 'charge=0 multiplicity=1', say")
        try:
            values[key] = int(pairs[key])
        except ValueError:
            raise InputError(f"{where}: {key} must be a whole number, not '{pairs[key]}'") from None
    fragments = parse_fragments(pairs.get("fragments", ""), where, count)
    return values["charge"], values["multiplicity"], fragments


def parse_fragments(text: str, where: str, count: int) -> tuple[Fragment, ...]:
    """`1-3:0:1 4,6-8:0:1` -> fragments (atoms from 1 in the text, from 0 in the result)."""
    fragments = []
    for word in text.split():
        match = re.fullmatch(r"([\d,-]+):([+-]?\d+):(\d+)", word)
        if not match:
            raise InputError(f"{where}: a fragment is ATOMS:CHARGE:MULTIPLICITY such as 1-3:0:1, not '{word}'")
        atoms: list[int] = []
        for span in match[1].split(","):
            first, _, last = span.partition("-")
            if not first.isdigit() or (last and not last.isdigit()):
                raise InputError(f"{where}: atom numbers are written like 1-3 or 1,4-6, not '{match[1]}'")
            atoms += range(int(first) - 1, int(last or first))
        if not atoms or min(atoms) < 0 or max(atoms) >= count:
            raise InputError(f"{where}: fragment '{word}' names atoms outside 1-{count}")
        fragments.append(Fragment(tuple(atoms), int(match[2]), int(match[3])))
    return tuple(fragments)


def lattice_from_table(table: Mapping[str, Any], where: str, name: str) -> LatticeModel:
    """A LatticeModel from the keys of a TOML table; every key that matters is required."""
    if table.get("kind") != "hubbard":
        raise InputError(f'{where}: kind = "hubbard" is needed, not {table.get("kind")!r}')
    for key in table:
        if key not in LATTICE_KEYS:
            raise InputError(f"{where}: unknown key '{key}'{did_you_mean(key, LATTICE_KEYS)}")
    missing = [key for key in LATTICE_KEYS[1:7] if key not in table]
    if missing:
        raise InputError(f"{where}: missing {', '.join(missing)}")
    try:
        fields = {key: value for key, value in table.items() if key != "kind"}
        for key in ("electrons", "multiplicity"):
            if not isinstance(fields[key], int) or isinstance(fields[key], bool):
                raise InputError(f"{where}: {key} must be a whole number, not {fields[key]!r}")
        return LatticeModel(name=name, **fields)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {error}") from None
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix(name + ': ').removeprefix(where + ': ')}") from None
