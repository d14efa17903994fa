"""Crystals: nuclei in a cell that repeats in three directions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.systems.base import Change, KindCheck, System, same
from qmbench.domain.systems.fields import FieldError, check_spin, numbers, sequence, whole
from qmbench.domain.systems.nuclei import check_nuclei, hill, labels, oddities, read_only, rows_of, spin_name, thickness
from qmbench.domain.systems.xyz import parse_xyz

# Lattice planes nearer than this (bohr) leave no room for an atom between them.
THIN_CELL = 1.0

# A cell without any symmetry but that of a lattice.
_CELL = ((6.9, 0.3, -0.4), (0.8, 7.4, 0.5), (-0.6, 1.1, 8.1))
_CRYSTAL = ((0.2, -0.1, 0.4), (3.6, 4.1, 4.7))


@dataclass(frozen=True)
class Crystal(System):
    """Nuclei at `positions` (n × 3, bohr) repeated by the lattice vectors in the rows of `cell` (3 × 3, bohr).

    charge and multiplicity 2S+1 are those of one cell. Nothing is wrapped or reduced: the same crystal in another
    cell is another system. InputError as for a molecule, and for a cell without volume.
    """

    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]
    cell: tuple[tuple[float, float, float], ...]
    charge: int
    multiplicity: int
    name: str = field(default="", compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    kind: ClassVar[str] = "crystal"
    table_kind: ClassVar[str | None] = ""
    endings: ClassVar[tuple[str, ...]] = (".xyz", ".extxyz")
    parts: ClassVar[str] = "atoms"

    def __post_init__(self) -> None:
        what = self.name or "crystal"
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "notes", tuple(self.notes))
        for key in ("positions", "cell"):
            rows = tuple(numbers(row, key, what) for row in sequence(getattr(self, key), key, what))
            object.__setattr__(self, key, rows)
        self.coerce(whole, "charge", "multiplicity")
        _check(self, what)

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Positions as an (n, 3) array in bohr (read-only)."""
        return read_only(self.positions)

    @cached_property
    def lattice_vectors(self) -> np.ndarray:
        """The cell as a (3, 3) array in bohr, one vector a row (read-only)."""
        return read_only(self.cell)

    @property
    def volume(self) -> float:
        """Volume of the cell in bohr³."""
        return float(abs(np.linalg.det(self.lattice_vectors)))

    @cached_property
    def atomic_numbers(self) -> np.ndarray:
        """(n,) nuclear charges."""
        return np.array([ATOMIC_NUMBERS[s] for s in self.symbols])

    @property
    def n_electrons(self) -> int:
        """Electrons of one cell."""
        return int(self.atomic_numbers.sum()) - self.charge

    @property
    def n_parts(self) -> int:
        return len(self.symbols)

    @property
    def part_labels(self) -> Sequence[str]:
        return labels(self.symbols)

    @property
    def part_positions(self) -> np.ndarray:
        return self.coordinates

    @property
    def composition(self) -> Mapping[str, float]:
        return Counter(self.symbols)

    @property
    def formula(self) -> str:
        """Hill formula of one cell, with the charge."""
        return hill(self.symbols, self.charge)

    def to_json(self) -> dict[str, Any]:
        return ({"notes": list(self.notes)} if self.notes else {}) | {
            "kind": self.kind,
            "name": self.name,
            "symbols": list(self.symbols),
            "positions_bohr": [list(p) for p in self.positions],
            "cell_bohr": [list(v) for v in self.cell],
            "charge": self.charge,
            "multiplicity": self.multiplicity,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        data = {key: value for key, value in data.items() if key != "kind"}
        return cls(positions=data.pop("positions_bohr"), cell=data.pop("cell_bohr"), **data)

    @classmethod
    def from_text(cls, text: str, where: str, name: str) -> Self | None:
        """A crystal from extended XYZ text; None where it is of a molecule."""
        xyz = parse_xyz(text, where, name)
        return xyz.make(cls, cell=xyz.cell) if xyz.cell else None

    def oddities(self) -> Iterable[str]:
        return oddities(self)

    def describe(self) -> str:
        """`ClNa, 28 electrons, singlet, cell of 302 bohr3`."""
        state = f"{self.n_electrons} electrons, {spin_name(self.multiplicity)}"
        return f"{self.formula}, {state}, cell of {self.volume:.4g} bohr3"

    def figure(self) -> str | None:
        from qmbench.domain.systems.drawing import crystal_picture

        return crystal_picture(self.symbols, self.coordinates, self.lattice_vectors)

    # --- for the conformance kit --------------------------------------------------------------------------------------

    @classmethod
    def samples(cls) -> Sequence[System]:
        return [cls(("Ne", "He"), _CRYSTAL, _CELL, 0, 1, name="mixed crystal")]

    def variants(self) -> Iterable[tuple[str, System]]:
        from qmbench.domain.systems.nuclear_changes import states

        return states(self)

    @classmethod
    def checks(cls) -> Mapping[str, KindCheck]:
        from qmbench.domain.systems.nuclear_changes import NUCLEAR_CHECKS

        return {
            **NUCLEAR_CHECKS,
            "crystal_images": KindCheck(
                "An atom of a crystal may be named by any of its periodic images: nothing changes.", _other_images
            ),
            "crystal_cell_used": KindCheck(
                "A crystal with one longer lattice vector gives other numbers: no cell is ignored.", _stretched
            ),
        }

    def moved(self, rotation: np.ndarray | None = None, shift: np.ndarray | None = None) -> Crystal:
        """Turned about the origin by `rotation` (3, 3), its cell too, then shifted (bohr)."""
        if rotation is not None:
            turned = rows_of(self.coordinates @ rotation.T), rows_of(self.lattice_vectors @ rotation.T)
            return replace(self, positions=turned[0], cell=turned[1]).moved(shift=shift)
        return self if shift is None else replace(self, positions=rows_of(self.coordinates + shift))

    def reordered(self) -> tuple[Crystal, Sequence[int]]:
        """The same with its atoms in reverse order, and where each new atom was before."""
        turned = replace(self, symbols=self.symbols[::-1], positions=self.positions[::-1])
        return turned, list(range(self.n_parts))[::-1]

    def in_state(self, charge: int, multiplicity: int, name: str) -> Crystal:
        """The same nuclei with another charge and multiplicity."""
        return replace(self, charge=charge, multiplicity=multiplicity, name=name)


def _other_images(c: Crystal) -> Iterable[Change]:
    """Every second atom named by another of its images."""
    steps = np.array([(1, -1, 2), (0, 0, 0)] * c.n_parts)[: c.n_parts]
    other = replace(c, positions=rows_of(c.coordinates + steps @ c.lattice_vectors))
    yield Change("given by other images of its atoms", other, expected=same)


def _stretched(c: Crystal) -> Iterable[Change]:
    """One lattice vector a tenth longer, and every atom where it was."""
    for axis in range(3):
        scale = np.ones((3, 1))
        scale[axis] = 1.1
        longer = replace(c, cell=rows_of(c.lattice_vectors * scale), name="longer cell")
        yield Change(f"a cell that is longer along vector {axis + 1}", longer)


def _check(c: Crystal, what: str) -> None:
    n = len(c.symbols)
    if n == 0:
        raise FieldError(f"{what}: no atoms", "symbols")
    if len(c.positions) != n or any(len(p) != 3 for p in c.positions):
        raise FieldError(f"{what}: {n} symbols need {n} positions of three numbers", "positions")
    if len(c.cell) != 3 or any(len(v) != 3 for v in c.cell) or not np.all(np.isfinite(c.lattice_vectors)):
        raise FieldError(f"{what}: the cell is three lattice vectors of three finite numbers", "cell")
    if thickness(c.lattice_vectors) < THIN_CELL:
        raise FieldError(f"{what}: the cell has no room: its faces are less than {THIN_CELL} bohr apart", "cell")
    check_nuclei(c, what)
    check_spin(c.n_electrons, c.multiplicity, c.charge, what)
