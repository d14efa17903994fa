"""How many functions basis sets have, by their names alone: for estimates of time and memory, without PySCF.

Per element of the rows H–He, Li–Ne, Na–Ar, and later (there: of the p block of the fourth row). Exact for the families
listed, but for elements at the left of a row.
"""

from __future__ import annotations

import re

from qmbench import ATOMIC_NUMBERS, Molecule

Sizes = tuple[int, int, int, int]

CORRELATION_CONSISTENT: dict[str, Sizes] = {
    "d": (5, 14, 18, 27),
    "t": (14, 30, 34, 43),
    "q": (30, 55, 59, 68),
    "5": (55, 91, 95, 104),
}
CORE_VALENCE: dict[str, Sizes] = {
    "d": (5, 18, 27, 43),
    "t": (14, 43, 59, 84),
    "q": (30, 84, 109, 145),
    "5": (55, 145, 181, 227),
}
# What diffuse functions add to hydrogen and helium, and to others.
DIFFUSE = {"d": (4, 9), "t": (9, 16), "q": (16, 25), "5": (25, 36)}

# By the whole name.
OTHERS: dict[str, Sizes] = {
    "sto-3g": (1, 5, 9, 18),
    "sto-6g": (1, 5, 9, 18),
    "3-21g": (2, 9, 13, 22),
    "6-31g": (2, 9, 13, 29),
    "6-31g(d)": (2, 14, 18, 32),
    "6-31+g(d)": (2, 18, 22, 36),
    "6-311g(d)": (3, 18, 26, 44),
    "def2-svp": (5, 14, 18, 32),
    "def2-svpd": (8, 23, 27, 41),
    "def2-tzvp": (6, 31, 37, 48),
    "def2-tzvpd": (9, 40, 46, 57),
    "def2-tzvpp": (14, 31, 42, 48),
    "def2-tzvppd": (17, 40, 51, 57),
    "def2-qzvp": (30, 57, 70, 75),
    "def2-qzvpp": (30, 57, 70, 89),
    "def2-qzvppd": (33, 66, 79, 98),
    "def2-mtzvpp": (5, 24, 27, 36),
    "pc-1": (5, 14, 18, 27),
    "pc-2": (14, 30, 34, 43),
    "pc-3": (34, 64, 64, 68),
    "aug-pc-1": (9, 23, 27, 36),
    "aug-pc-2": (23, 46, 50, 59),
    "aug-pc-3": (50, 89, 89, 93),
}

# By what the name ends in or holds; diffuse functions make half as many more.
ROUGHLY: tuple[tuple[str, Sizes], ...] = (
    ("5z", (55, 91, 95, 140)),
    ("qz", (30, 55, 59, 110)),
    ("tz", (14, 30, 34, 70)),
    ("dz", (5, 14, 18, 40)),
    ("svp", (5, 14, 18, 40)),
    ("sto", (1, 5, 9, 25)),
    ("311", (6, 18, 22, 50)),
    ("31", (5, 14, 18, 40)),
    ("", (8, 20, 25, 50)),
)

_DUNNING = re.compile(r"(?P<diffuse>aug-|jul-|heavy-aug-|)cc-p(?P<core>w?c|)v\(?(?P<zeta>[dtq5])(\+d\))?z.*")


def sizes(basis: str | None) -> Sizes:
    """Functions on an element of each row."""
    name = basis or ""
    if found := _DUNNING.fullmatch(name):
        zeta = found["zeta"]
        first, *rest = (CORE_VALENCE if found["core"] else CORRELATION_CONSISTENT)[zeta]
        if found["diffuse"]:
            on_hydrogen, on_others = DIFFUSE[zeta]
            first += on_hydrogen if found["diffuse"] == "aug-" else 0
            rest = [count + on_others for count in rest]
        second, third, later = rest
        return first, second, third, later
    if name in OTHERS:
        return OTHERS[name]
    first, second, third, later = next(known for part, known in ROUGHLY if part in name)
    more = 3 if name.startswith("aug") else 2
    return first * more // 2, second * more // 2, third * more // 2, later * more // 2


def guess_basis_size(molecule: Molecule, basis: str | None) -> int:
    """About how many functions `basis` has for `molecule`, from its name alone (ghosts included)."""
    of_row = sizes(basis)
    charges = (ATOMIC_NUMBERS[symbol] for symbol in molecule.symbols)
    return sum(of_row[0 if z <= 2 else 1 if z <= 10 else 2 if z <= 18 else 3] for z in charges)
