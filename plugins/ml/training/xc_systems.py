"""Atoms and diatomics of `ml-xc`: which ones it is fitted to, which ones set its error bars, which ones it never sees.

Bond lengths are measured equilibrium distances in ångström (Huber and Herzberg, Constants of Diatomic Molecules, 1979).
`train`: parameters are fitted to these. `calibration`: one factor of the ensemble is set by these. `test`: neither.
An energy belongs to the strictest split of what it is made of: a difference with one unseen molecule is unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmbench import Molecule, units


@dataclass(frozen=True)
class Case:
    """One system and its split; atoms of a diatomic are in `symbols`, `distance` (ångström) is 0 for an atom."""

    name: str
    symbols: tuple[str, ...]
    charge: int
    multiplicity: int
    split: str
    distance: float = 0.0

    def molecule(self) -> Molecule:
        along_z = self.distance / units.BOHR_IN_ANGSTROM
        positions = ((0.0, 0.0, 0.0), (0.0, 0.0, along_z))[: len(self.symbols)]
        return Molecule(self.symbols, positions, self.charge, self.multiplicity, name=self.name)


_ATOMS = (
    ("H", 2, "train"),
    ("He", 1, "train"),
    ("Li", 2, "train"),
    ("Be", 1, "train"),
    ("B", 2, "calibration"),
    ("C", 3, "test"),
    ("N", 4, "train"),
    ("O", 3, "test"),
    ("F", 2, "train"),
    ("Ne", 1, "train"),
    ("Si", 3, "test"),
    ("P", 4, "test"),
    ("S", 3, "test"),
    ("Cl", 2, "test"),
    ("Ar", 1, "test"),
)
_CATIONS = (
    ("He", 2, "train"),
    ("Li", 1, "train"),
    ("Be", 2, "train"),
    ("B", 1, "calibration"),
    ("C", 2, "test"),
    ("N", 3, "train"),
    ("O", 4, "test"),
    ("F", 3, "train"),
    ("Ne", 2, "train"),
    ("Si", 2, "test"),
    ("P", 3, "test"),
    ("S", 4, "test"),
    ("Cl", 3, "test"),
    ("Ar", 2, "test"),
)
_DIATOMICS = (
    ("H2", ("H", "H"), 1, "train", 0.74144),
    ("LiH", ("Li", "H"), 1, "train", 1.5949),
    ("BH", ("B", "H"), 1, "calibration", 1.2324),
    ("N2", ("N", "N"), 1, "train", 1.09768),
    ("CH", ("C", "H"), 2, "test", 1.1199),
    ("CO", ("C", "O"), 1, "test", 1.12832),
    ("F2", ("F", "F"), 1, "train", 1.41193),
    ("HF", ("H", "F"), 1, "train", 0.91681),
    ("HCl", ("H", "Cl"), 1, "test", 1.27455),
    ("OH", ("O", "H"), 2, "test", 0.96966),
    ("Li2", ("Li", "Li"), 1, "test", 2.6729),
    ("BF", ("B", "F"), 1, "calibration", 1.26259),
    ("BeH", ("Be", "H"), 2, "calibration", 1.3426),
    ("LiF", ("Li", "F"), 1, "calibration", 1.56386),
)


def atoms() -> list[Case]:
    return [Case(symbol, (symbol,), 0, multiplicity, split) for symbol, multiplicity, split in _ATOMS]


def cations() -> list[Case]:
    return [Case(f"{symbol}+", (symbol,), 1, multiplicity, split) for symbol, multiplicity, split in _CATIONS]


def diatomics() -> list[Case]:
    return [Case(name, symbols, 0, m, split, distance) for name, symbols, m, split, distance in _DIATOMICS]


def cases() -> list[Case]:
    return atoms() + cations() + diatomics()
