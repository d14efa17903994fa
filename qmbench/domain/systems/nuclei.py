"""What molecules and crystals share: nuclei at positions, and the rules for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Protocol

import numpy as np

from qmbench.domain.elements import ATOMIC_NUMBERS, ELEMENTS
from qmbench.domain.errors import did_you_mean
from qmbench.domain.systems.fields import FieldError

# Two centres nearer than this (bohr) are one spot written twice, not a molecule.
COINCIDENT = 0.1

# Shorter than any bond: that of H2 compressed to two thirds (bohr).
TOO_CLOSE = 0.9

# Up to so many atoms, looking at all pairs is faster than making a tree.
FEW = 16

Vector = tuple[float, float, float]
SPIN_NAMES = ("", "singlet", "doublet", "triplet", "quartet", "quintet", "sextet", "septet")


_ISOTOPES = {"D": "deuterium", "T": "tritium"}


def nucleus(word: str) -> tuple[str, str]:
    """(symbol, note) of an element as files write it: `O`, `o`, `CL`, `8`; a word that is none is given back.

    `D` and `T` are hydrogen, with a note, which is empty otherwise: electrons do not know the mass of a fixed nucleus.
    """
    if word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= len(ELEMENTS) and len(word) < 4:
        return ELEMENTS[int(word) - 1], ""
    symbol = word.capitalize()
    if symbol in _ISOTOPES:
        return "H", f"{_ISOTOPES[symbol]} ({symbol}) is computed as hydrogen: the masses of nuclei are not used"
    return (symbol if symbol in ATOMIC_NUMBERS else word), ""


class Nuclei(Protocol):
    """Anything with elements at positions in bohr, coordinates (n, 3) as an array; a crystal has `lattice_vectors` as
    well."""

    @property
    def symbols(self) -> tuple[str, ...]: ...

    @property
    def positions(self) -> tuple[Vector, ...]: ...

    @property
    def coordinates(self) -> np.ndarray: ...


def check_nuclei(m: Nuclei, what: str) -> None:
    """FieldError for unknown elements, positions that are not finite, and atoms on one spot."""
    for index, symbol in enumerate(m.symbols):
        if symbol not in ATOMIC_NUMBERS:
            hint = did_you_mean(symbol, ATOMIC_NUMBERS)
            raise FieldError(f"{what}: unknown element '{symbol}'{hint}", "symbols", index)
    for index, (x, y, z) in enumerate(m.positions):
        if not (isfinite(x) and isfinite(y) and isfinite(z)):
            raise FieldError(f"{what}: the position of atom {index + 1} is not a finite number", "positions", index)
    pair = close_pair(m, COINCIDENT)
    if pair is not None:
        i, j, _ = pair
        spot = f"atoms {i + 1} and {j + 1} are on one spot (nearer than {COINCIDENT} bohr)"
        raise FieldError(f"{what}: {spot}", "positions", j)


def thickness(lattice: np.ndarray) -> float:
    """Smallest distance between opposite faces of the cell with vectors in the rows of `lattice`; 0 if it is flat."""
    volume = abs(float(np.linalg.det(lattice)))
    areas = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    return volume / float(areas.max()) if areas.max() > 0 else 0.0


def close_pair(m: Nuclei, within: float) -> tuple[int, int, float] | None:
    """The nearest two of the atoms that are nearer than `within` bohr, from 0, and their distance; None if none are.

    In a crystal, across the faces of the cell as well.
    """
    if len(m.symbols) < 2:
        return None
    lattice = getattr(m, "lattice_vectors", None)
    if lattice is None and len(m.symbols) <= FEW and _clearly_apart(m.positions, within):
        return None
    from scipy.spatial import cKDTree

    x = m.coordinates
    if lattice is None:
        pairs = cKDTree(x).query_pairs(within, output_type="ndarray")
        vectors = x[pairs[:, 0]] - x[pairs[:, 1]]
    else:
        fractional = x @ np.linalg.inv(lattice)
        wrapped = fractional % 1.0 % 1.0  # the second for -1e-17, which the first makes 1.0
        pairs = cKDTree(wrapped, boxsize=1.0).query_pairs(within / thickness(lattice) * 3**0.5, output_type="ndarray")
        vectors = fractional[pairs[:, 0]] - fractional[pairs[:, 1]]
        vectors = (vectors - np.round(vectors)) @ lattice
    distances = np.linalg.norm(vectors, axis=1)
    if not len(distances) or distances.min() > within:
        return None
    nearest = int(np.argmin(distances))
    i, j = sorted(map(int, pairs[nearest]))
    return i, j, float(distances[nearest])


def _clearly_apart(positions: Sequence[Vector], within: float) -> bool:
    """Whether no two points come near `within` of each other, beyond any doubt by rounding."""
    square = (1.0 + 1e-9) * within**2
    for i, (x, y, z) in enumerate(positions):
        for a, b, c in positions[:i]:
            if not (x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 > square:
                return False
    return True


def oddities(m: Nuclei) -> Iterable[str]:
    """Atoms nearer than in any molecule at rest."""
    pair = close_pair(m, TOO_CLOSE)
    if pair is not None:
        yield f"two atoms are only {pair[2]:.2f} bohr apart"


def labels(symbols: Iterable[str]) -> list[str]:
    """`O1`, `H2` …: symbol and number (from 1)."""
    return [f"{symbol}{number}" for number, symbol in enumerate(symbols, start=1)]


def hill(symbols: Iterable[str], charge: int) -> str:
    """Hill formula with the charge: `C2H4`, `Li+`, `Be2+`."""
    counts = Counter(symbols)
    first = [s for s in ("C", "H") if s in counts] if "C" in counts else []
    order = first + sorted(s for s in counts if s not in first)
    text = "".join(s + (str(counts[s]) if counts[s] > 1 else "") for s in order)
    if charge:
        text += (str(abs(charge)) if abs(charge) > 1 else "") + ("+" if charge > 0 else "-")
    return text


def spin_name(multiplicity: int) -> str:
    """`singlet`, `doublet` …"""
    return SPIN_NAMES[multiplicity] if multiplicity < len(SPIN_NAMES) else f"multiplicity {multiplicity}"


def read_only(rows: tuple[Vector, ...]) -> np.ndarray:
    """The rows as an (n, 3) array that can't be written."""
    array = np.array(rows, dtype=float).reshape(-1, 3)
    array.setflags(write=False)
    return array


def rows_of(array: np.ndarray) -> tuple[Vector, ...]:
    """An (n, 3) array as the fields of a system hold it."""
    return tuple((float(x), float(y), float(z)) for x, y, z in array)
