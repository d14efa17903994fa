"""Extended XYZ files (ångström, or bohr where they say so): molecules, and crystals where they say that they repeat.

What the comment line says of units and columns is heeded, and what might be about the geometry and is not understood is
refused. Every complaint names the file and the line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qmbench.domain.errors import InputError
from qmbench.domain.systems.base import unnamed
from qmbench.domain.systems.fields import FieldError
from qmbench.domain.systems.nuclei import Vector, nucleus
from qmbench.domain.systems.xyz_columns import atom_columns, real
from qmbench.domain.systems.xyz_comment import comment_words, coordinate_unit, refuse_unknown_geometry, stated_state
from qmbench.domain.systems.xyz_frames import Frame, split_frames

MOST_ATOMS = 100_000
_COUNT = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(\.0*)?")


@dataclass(frozen=True)
class Fragment:
    """Part of a molecule with its own charge and multiplicity. `atoms` are indices from 0."""

    atoms: tuple[int, ...]
    charge: int
    multiplicity: int


@dataclass(frozen=True, slots=True)
class XYZ:
    """What an XYZ file says; positions and cell in bohr. cell: None where it names no periodicity."""

    symbols: tuple[str, ...]
    positions: tuple[Vector, ...]
    charge: int
    multiplicity: int
    fragments: tuple[Fragment, ...]
    cell: tuple[Vector, ...] | None
    notes: tuple[str, ...]
    where: str
    name: str

    def make(self, kind: type, **more: Any) -> Any:
        """A system of that kind; InputError names the line of what is wrong."""
        try:
            return kind(
                symbols=self.symbols,
                positions=self.positions,
                charge=self.charge,
                multiplicity=self.multiplicity,
                notes=self.notes,
                name=self.name,
                **more,
            )
        except FieldError as error:
            bad = 2 if error.index is None else 3 + error.index
            raise InputError(f"{self.where}, line {bad}: {unnamed(self.name, error)}") from None


def parse_xyz(text: str, where: str, name: str) -> XYZ:
    """Read extended XYZ text: count, comment, one line an atom.

    The comment line holds `charge= multiplicity=`, of a complex `fragments=""`, of a crystal `Lattice="" pbc="T T T"`,
    and may hold `Properties=` (the columns) and `units=` (of the lengths).
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    count = _count(lines, where)
    second = f"{where}, line 2"
    comment, said = stated_state(lines[1], comment_words(lines[1], second))
    charge, multiplicity, fragments = parse_comment(comment, second, count)
    refuse_unknown_geometry(comment, lines[1], second)
    bohr = coordinate_unit(comment, lines[1], second)
    columns = atom_columns(comment.get("Properties"), second)
    cell = parse_cell(comment, second, bohr)
    if cell and fragments:
        raise InputError(f"{second}: a crystal has no fragments")
    symbols: list[str] = []
    positions: list[Vector] = []
    notes: dict[str, None] = {said: None} if said else {}
    for number, line in enumerate(lines[2:], start=3):
        word, (x, y, z) = columns.read(line, where, number)
        symbol, note = nucleus(word)
        symbols.append(symbol)
        positions.append((x / bohr, y / bohr, z / bohr))
        if note:
            notes[note] = None
    return XYZ(tuple(symbols), tuple(positions), charge, multiplicity, fragments, cell, tuple(notes), where, name)


def _count(lines: list[str], where: str) -> int:
    """The number of atoms that the first line announces, which is that of the lines."""
    if not lines or not _COUNT.fullmatch(lines[0]):
        raise InputError(f"{where}, line 1: the first line of an XYZ file is the number of atoms")
    count = int(lines[0])
    if count < 1:
        raise InputError(f"{where}, line 1: a system has one atom or more, not {count}")
    if count > MOST_ATOMS:
        raise InputError(f"{where}, line 1: {count} atoms are more than the {MOST_ATOMS} that are read")
    if len(lines) - 2 != count:
        frames = _frames(lines, where)
        if len(frames) > 1:
            last = frames[-1]
            announced, *rows = last.text.rstrip("\n").split("\n")
            if len(rows) != int(announced) + 1:
                raise InputError(
                    f"{where}, line {last.line}: frame {last.number} is cut off: {int(announced)} atoms announced, "
                    f"{max(len(rows) - 1, 0)} lines of atoms found; write {where}@1, say, for one of the whole frames"
                )
            raise InputError(
                f"{where} holds {len(frames)} frames; say which: {where}@1 to {where}@{len(frames)}, or by their "
                f"name=: {where}#NAME"
            )
        raise InputError(f"{where}, line 1: {count} atoms announced, {max(len(lines) - 2, 0)} lines of atoms found")
    return count


def _frames(lines: list[str], where: str) -> list[Frame]:
    """The frames that the lines are; none where they are no such thing."""
    try:
        return split_frames("\n".join(lines), where)
    except InputError:
        return []


def parse_cell(pairs: Mapping[str, str], where: str, bohr: float) -> tuple[Vector, ...] | None:
    """The lattice vectors (bohr) that a comment line names, None where it names no periodicity.

    bohr: one bohr in the unit of the file. Both words are needed, since programs disagree on what one alone means.
    """
    if "pbc" not in pairs and "Lattice" not in pairs:
        return None
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
        numbers = [real(word) / bohr for word in pairs["Lattice"].replace(",", " ").split()]
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
    values: list[int] = []
    for key in ("charge", "multiplicity"):
        if key not in pairs:
            raise InputError(f"{where}: '{key}=' is missing; the comment line needs 'charge=0 multiplicity=1', say")
        if not _WHOLE.fullmatch(pairs[key]):
            raise InputError(f"{where}: {key} must be a whole number, not '{pairs[key]}'")
        values.append(int(pairs[key].partition(".")[0]))
    charge, multiplicity = values
    return charge, multiplicity, parse_fragments(pairs.get("fragments", ""), where, count)


def parse_fragments(text: str, where: str, count: int) -> tuple[Fragment, ...]:
    """`1-3:0:1 4,6-8:0:1` -> fragments (atoms from 1 in the text, from 0 in the result)."""
    fragments = []
    for word in text.split():
        match = re.fullmatch(r"([0-9,-]+):([+-]?[0-9]{1,9}):([0-9]{1,9})", word)
        if not match:
            raise InputError(f"{where}: a fragment is ATOMS:CHARGE:MULTIPLICITY such as 1-3:0:1, not '{word}'")
        atoms: list[int] = []
        for span in match[1].split(","):
            first, _, last = span.partition("-")
            if not first.isdigit() or (last and not last.isdigit()) or len(first) > 18 or len(last) > 18:
                raise InputError(f"{where}: atom numbers are written like 1-3 or 1,4-6, not '{match[1]}'")
            low, high = int(first), int(last or first)
            if high < low:
                raise InputError(f"{where}: atom numbers are written like 1-3 or 1,4-6, not '{match[1]}'")
            if low < 1 or high > count:
                raise InputError(f"{where}: fragment '{word}' names atoms outside 1-{count}")
            atoms += range(low - 1, high)
        if not atoms:
            raise InputError(f"{where}: fragment '{word}' names no atom")
        fragments.append(Fragment(tuple(atoms), int(match[2]), int(match[3])))
    return tuple(fragments)
