"""Systems from files: extended XYZ (ångström) for molecules and crystals, TOML for lattice models.

Every complaint names the file and the line.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems import Crystal, Fragment, LatticeModel, Molecule, System
from qmbench.domain.systems.rules import FieldError
from qmbench.domain.units import BOHR_IN_ANGSTROM

LATTICE_KEYS = ("kind", "lattice", "boundary", "t", "u", "electrons", "multiplicity", "onsite", "twist")


def read_system(path: str | Path, name: str | None = None) -> System:
    """A system from an `.xyz` or `.toml` file; InputError says file, line and what would be right."""
    path = Path(path)
    text = read_text(path)
    if path.suffix.lower() == ".xyz":
        return parse_xyz(text, str(path), name or path.stem)
    if path.suffix.lower() == ".toml":
        return lattice_from_table(load_toml(path, text), str(path), name or path.stem, key_lines(text))
    raise InputError(f"{path}: a system is an .xyz or a .toml file")


def read_text(path: Path) -> str:
    """The file's text; InputError when it can't be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
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


def parse_xyz(text: str, where: str, name: str) -> Molecule | Crystal:
    """A molecule or crystal from extended XYZ text: count, comment, one line an atom.

    The comment line holds `charge= multiplicity=`, of a complex `fragments=""`, of a crystal `Lattice="" pbc="T T T"`.
    """
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    try:
        count = int(lines[0])
    except (IndexError, ValueError):
        raise InputError(f"{where}, line 1: the first line of an XYZ file is the number of atoms") from None
    if count < 1:
        raise InputError(f"{where}, line 1: a system has one atom or more, not {count}")
    if len(lines) - 2 != count:
        raise InputError(f"{where}, line 1: {count} atoms announced, {max(len(lines) - 2, 0)} lines of atoms found")
    comment = comment_words(lines[1], f"{where}, line 2")
    charge, multiplicity, fragments = parse_comment(comment, f"{where}, line 2", count)
    cell = parse_cell(comment, f"{where}, line 2")
    if cell and fragments:
        raise InputError(f"{where}, line 2: a crystal has no fragments")
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
        if cell:
            return Crystal(tuple(symbols), tuple(positions), cell, charge, multiplicity, name=name)
        return Molecule(tuple(symbols), tuple(positions), charge, multiplicity, fragments, name=name)
    except FieldError as error:
        bad = 2 if error.index is None else 3 + error.index
        raise InputError(f"{where}, line {bad}: {_without(name, error)}") from None


def _without(name: str, error: Exception) -> str:
    """The message without the system's name in front of it, which the file's name makes superfluous."""
    return str(error).removeprefix(f"{name}: ").removeprefix(f"{name}, ")


COMMENT_KEYS = ("charge", "multiplicity", "fragments", "Lattice", "pbc")


def comment_words(comment: str, where: str) -> dict[str, str]:
    """The `key=value` words of the comment line of an extended XYZ file."""
    try:
        words = shlex.split(comment)
    except ValueError as error:
        raise InputError(f"{where}: {error} in the comment line") from None
    pairs: dict[str, str] = {}
    for key, equals, value in (word.partition("=") for word in words):
        key = "Lattice" if key.lower() == "lattice" else key
        if key in pairs and key in COMMENT_KEYS:
            raise InputError(f"{where}: '{key}=' is given twice")
        if equals:
            pairs[key] = value
    return pairs


def parse_cell(pairs: Mapping[str, str], where: str) -> tuple[tuple[float, float, float], ...] | None:
    """The lattice vectors (bohr) that a comment line names, None where it names no periodicity.

    Both words are needed, since programs disagree on what one of them alone means.
    """
    flags = pairs.get("pbc", "").lower().split()
    known = {"t": True, "1": True, "true": True, "f": False, "0": False, "false": False}
    if "pbc" in pairs and (len(flags) != 3 or any(flag not in known for flag in flags)):
        raise InputError(f'{where}: pbc is "T T T" for a crystal or "F F F" for a molecule, not "{pairs["pbc"]}"')
    periodic = [known[flag] for flag in flags]
    if any(periodic) and not all(periodic):
        raise InputError(
            f'{where}: only crystals, periodic in three directions (pbc="T T T"), are done, no slabs or wires'
        )
    if not any(periodic):
        if "Lattice" in pairs and not flags:
            raise InputError(
                f"{where}: 'Lattice=' without 'pbc='; write pbc=\"T T T\" for a crystal, \"F F F\" for a molecule"
            )
        return None
    try:
        numbers = [float(word) / BOHR_IN_ANGSTROM for word in pairs["Lattice"].split()]
        if len(numbers) != 9:
            raise ValueError
    except (KeyError, ValueError):
        given = f', not "{pairs["Lattice"]}"' if "Lattice" in pairs else ""
        raise InputError(
            f'{where}: a crystal needs Lattice="ax ay az bx by bz cx cy cz", nine numbers in ångström{given}'
        ) from None
    a, b, c = numbers[:3], numbers[3:6], numbers[6:]
    return ((a[0], a[1], a[2]), (b[0], b[1], b[2]), (c[0], c[1], c[2]))


def parse_comment(pairs: Mapping[str, str], where: str, count: int) -> tuple[int, int, tuple[Fragment, ...]]:
    """Charge, multiplicity and fragments from the words of a comment line."""
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
            if not first.isdigit() or (last and not last.isdigit()) or int(last or first) < int(first):
                raise InputError(f"{where}: atom numbers are written like 1-3 or 1,4-6, not '{match[1]}'")
            atoms += range(int(first) - 1, int(last or first))
        if not atoms or min(atoms) < 0 or max(atoms) >= count:
            raise InputError(f"{where}: fragment '{word}' names atoms outside 1-{count}")
        fragments.append(Fragment(tuple(atoms), int(match[2]), int(match[3])))
    return tuple(fragments)


def key_lines(text: str, section: str = "") -> dict[str, int]:
    """Line number of every key in one section of a TOML text (the top level by default), for error messages."""
    found: dict[str, int] = {}
    here = ""
    for line_number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]\s*(#|$)", line)
        here = header[1].strip().strip("\"'") if header else here
        key = re.match(r"\s*([\w-]+)\s*=", line)
        if key and here == section:
            found.setdefault(key[1], line_number)
    return found


def lattice_from_table(
    table: Mapping[str, Any], where: str, name: str, lines: Mapping[str, int] | None = None
) -> LatticeModel:
    """A LatticeModel from the keys of a TOML table; every key that matters is required.

    where: what to call the table in an error; lines: the line of each key, where that is known.
    """

    def wrong(key: str, message: str) -> InputError:
        place = f", line {lines[key]}" if lines and key in lines else ""
        return InputError(f"{where}{place}: {message}")

    if table.get("kind") != "hubbard":
        raise wrong("kind", f'kind = "hubbard" is needed, not {table.get("kind")!r}')
    for key in table:
        if key not in LATTICE_KEYS:
            raise wrong(key, f"unknown key '{key}'{did_you_mean(key, LATTICE_KEYS)}")
    missing = [key for key in LATTICE_KEYS[1:7] if key not in table]
    if missing:
        raise InputError(f"{where}: missing {', '.join(missing)}")
    try:
        return LatticeModel(name=name, **{key: value for key, value in table.items() if key != "kind"})
    except FieldError as error:
        raise wrong(error.field, _without(name, error)) from None
