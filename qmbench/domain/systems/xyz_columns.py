"""The columns of the lines of atoms in an XYZ file: as `Properties=` declares them, or symbol, x, y, z."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qmbench.domain.errors import InputError
from qmbench.domain.systems.nuclei import nucleus

SPECIES = ("species", "symbol", "symbols", "element", "elements")
NUMBERS = ("z", "atomic_number", "atomic_numbers", "numbers")
POSITIONS = ("pos", "position", "positions")

# Columns of which it is not clear whether they, and not `pos`, are where the nuclei are, or that change the nuclei.
_LIKE_POSITIONS = re.compile(r".*(pos|coord|frac|scaled|wrapped|xyz|cart|displacement).*|[xyz][su]?|r")
_LIKE_NUCLEI = re.compile(r".*(ghost|occup|dummy).*")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eEdD][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


def real(word: str) -> float:
    """A number as programs write it, Fortran's `1.0D-02` too; ValueError for others (`1_0`, `0,1`)."""
    if not _NUMBER.fullmatch(word):
        raise ValueError(word)
    try:
        return float(word)
    except ValueError:  # Fortran's
        return float(word.lower().replace("d", "e"))


@dataclass(frozen=True)
class Columns:
    """Which columns, from 0, hold the element (or its number) and the three coordinates. total: None if not declared.

    numbers: column of the atomic number where there are both, which must agree.
    """

    species: int = 0
    position: int = 1
    total: int | None = None
    numbers: int | None = None

    def read(self, line: str, where: str, number: int) -> tuple[str, tuple[float, float, float]]:
        """(symbol or atomic number, coordinates in the file's unit) of line `number`; InputError when it is
        otherwise."""
        words = line.split()
        if self.total is not None and len(words) != self.total:
            raise InputError(f"{where}, line {number}: {len(words)} columns where 'Properties=' declares {self.total}")
        try:
            symbol = words[self.species]
            x, y, z = words[self.position : self.position + 3]
            place = real(x), real(y), real(z)
        except (IndexError, ValueError):
            at = f" (columns {self.species + 1} and {self.position + 1} to {self.position + 3})" if self.total else ""
            raise InputError(
                f"{where}, line {number}: an atom is a symbol and three numbers{at}, not '{line.strip()[:80]}'"
            ) from None
        if self.numbers is not None and nucleus(words[self.numbers])[0] != nucleus(symbol)[0]:
            raise InputError(f"{where}, line {number}: '{symbol}' has not the atomic number {words[self.numbers]}")
        return symbol, place


_AS_USUAL = Columns()


def atom_columns(declared: str | None, where: str) -> Columns:
    """The columns that `Properties=species:S:1:pos:R:3:…` declares; None: symbol, x, y, z, then anything.

    InputError for a malformed declaration, one without element or positions, and one in which it is not clear which of
    several columns are the positions or the elements. Columns that say nothing of the geometry are left aside.
    """
    if declared is None:
        return _AS_USUAL
    words = declared.strip().split(":")
    right = "Properties= is NAME:TYPE:COLUMNS one after another, such as species:S:1:pos:R:3"
    if len(words) % 3 or not declared.strip():
        raise InputError(f"{where}: {right}, not '{declared[:80]}'")
    place = 0
    found: dict[str, tuple[str, int, int]] = {}
    for name, kind, width in zip(words[::3], words[1::3], words[2::3], strict=True):
        if not name or kind.upper() not in ("S", "R", "I", "L") or not re.fullmatch(r"[1-9][0-9]{0,3}", width):
            raise InputError(f"{where}: {right} (S text, R number, I integer, L logical), not '{name}:{kind}:{width}'")
        if name.lower() in found:
            raise InputError(f"{where}: Properties= declares the column '{name}' twice")
        found[name.lower()] = (kind.upper(), place, int(width))
        place += int(width)
    position = _one(found, POSITIONS, "positions (pos:R:3)", where)
    species = [name for name in found if name in SPECIES]
    numbers = [name for name in found if name in NUMBERS and found[name][0] == "I"]
    element = _one(found, SPECIES if species else tuple(numbers), "elements (species:S:1)", where)
    for name in found:
        if name not in (position, *numbers) and _LIKE_POSITIONS.fullmatch(name):
            raise InputError(f"{where}: both '{position}' and '{name}' may be the positions; leave one column out")
        if _LIKE_NUCLEI.fullmatch(name):
            raise InputError(f"{where}: the column '{name}' may be about the nuclei and is not read; leave it out")
    if found[position][::2] not in (("R", 3), ("I", 3)):
        raise InputError(f"{where}: '{position}' is three numbers: {position}:R:3")
    if found[element][0] not in ("S", "I") or found[element][2] != 1:
        raise InputError(f"{where}: '{element}' is one word: {element}:S:1")
    number = _one(found, tuple(numbers), "atomic numbers (Z:I:1)", where) if species and numbers else None
    return Columns(found[element][1], found[position][1], place, found[number][1] if number else None)


def _one(found: dict[str, tuple[str, int, int]], names: tuple[str, ...], what: str, where: str) -> str:
    """The one declared column with one of these names."""
    there = [name for name in found if name in names]
    if len(there) != 1:
        said = f"two columns of {what}: {' and '.join(there)}" if there else f"no column of {what}"
        raise InputError(f"{where}: Properties= declares {said}")
    return there[0]
