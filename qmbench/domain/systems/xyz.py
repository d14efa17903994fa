"""Extended XYZ files (ångström): molecules, and crystals where the comment line says that it repeats.

Every complaint names the file and the line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qmbench.domain.errors import InputError
from qmbench.domain.systems.base import unnamed
from qmbench.domain.systems.fields import FieldError
from qmbench.domain.systems.nuclei import Vector
from qmbench.domain.units import BOHR_IN_ANGSTROM

COMMENT_KEYS = ("charge", "multiplicity", "fragments", "Lattice", "pbc")


@dataclass(frozen=True)
class Fragment:
    """Part of a molecule with its own charge and multiplicity. `atoms` are indices from 0."""

    atoms: tuple[int, ...]
    charge: int
    multiplicity: int


@dataclass(frozen=True)
class XYZ:
    """What an XYZ file says; positions and cell in bohr. cell: None where it names no periodicity."""

    symbols: tuple[str, ...]
    positions: tuple[Vector, ...]
    charge: int
    multiplicity: int
    fragments: tuple[Fragment, ...]
    cell: tuple[Vector, ...] | None
    where: str
    name: str

    def make(self, kind: type, **more: Any) -> Any:
        """A system of that kind; InputError names the line of what is wrong."""
        state = {"charge": self.charge, "multiplicity": self.multiplicity}
        try:
            return kind(symbols=self.symbols, positions=self.positions, name=self.name, **state, **more)
        except FieldError as error:
            bad = 2 if error.index is None else 3 + error.index
            raise InputError(f"{self.where}, line {bad}: {unnamed(self.name, error)}") from None


def parse_xyz(text: str, where: str, name: str) -> XYZ:
    """Read extended XYZ text: count, comment, one line an atom.

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
    positions: list[Vector] = []
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
    return XYZ(tuple(symbols), tuple(positions), charge, multiplicity, fragments, cell, where, name)


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


def parse_cell(pairs: Mapping[str, str], where: str) -> tuple[Vector, ...] | None:
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
