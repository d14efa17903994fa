"""Molecules: nuclei, charge, multiplicity, fragments, ghosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.base import KindCheck, System
from qmbench.domain.systems.fields import FieldError, check_spin, whole
from qmbench.domain.systems.nuclei import check_nuclei, hill, labels, oddities, read_only, rows_of, spin_name
from qmbench.domain.systems.xyz import Fragment, parse_xyz

# Experimental-like geometries turned to no axis, so that a method that assumes a standard orientation shows.
_WATER = ((0.11, -0.07, 0.19), (1.72, 0.41, -0.36), (-0.68, 1.51, 0.52))
_HYDROXYL = ((0.0, 0.0, 0.0), (0.87, -1.02, 1.25))


@dataclass(frozen=True)
class Molecule(System):
    """Nuclei at `positions` (n × 3, bohr) with total charge and multiplicity 2S+1.

    `ghosts[i]` is true where centre i carries basis functions but neither nucleus nor electrons.
    InputError for an unknown element, an impossible multiplicity, coincident or non-finite positions, or
    fragments that overlap or whose charges do not add up.
    """

    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]
    charge: int
    multiplicity: int
    fragments: tuple[Fragment, ...] = ()
    ghosts: tuple[bool, ...] = ()
    name: str = field(default="", compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    kind: ClassVar[str] = "molecule"
    table_kind: ClassVar[str | None] = ""
    endings: ClassVar[tuple[str, ...]] = (".xyz", ".extxyz")
    parts: ClassVar[str] = "atoms"

    def __post_init__(self) -> None:
        positions = tuple([tuple([float(x) + 0.0 for x in row]) for row in self.positions])  # + 0.0: -0.0 is 0.0
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "fragments", tuple(self.fragments))
        self.coerce(whole, "charge", "multiplicity")
        object.__setattr__(self, "ghosts", tuple(map(bool, self.ghosts)) or (False,) * len(self.symbols))
        _check(self, self.name or "molecule")

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Positions as an (n, 3) array in bohr (read-only)."""
        return read_only(self.positions)

    @cached_property
    def atomic_numbers(self) -> np.ndarray:
        """(n,) nuclear charges; 0 for ghosts."""
        return np.array([0 if g else ATOMIC_NUMBERS[s] for s, g in zip(self.symbols, self.ghosts, strict=True)])

    @cached_property
    def real(self) -> tuple[int, ...]:
        """Indices, from 0, of the atoms that are not ghosts."""
        return tuple(i for i, ghost in enumerate(self.ghosts) if not ghost)

    @property
    def elements(self) -> tuple[str, ...]:
        """Symbols of the atoms that are not ghosts, in input order."""
        return tuple(self.symbols[i] for i in self.real)

    @property
    def n_electrons(self) -> int:
        """Electrons of the real nuclei less the charge."""
        numbers = [ATOMIC_NUMBERS[s] for s, ghost in zip(self.symbols, self.ghosts, strict=True) if not ghost]
        return sum(numbers) - self.charge

    @property
    def n_alpha_beta(self) -> tuple[int, int]:
        """Numbers of spin-up and spin-down electrons at M_S = S."""
        unpaired = self.multiplicity - 1
        return (self.n_electrons + unpaired) // 2, (self.n_electrons - unpaired) // 2

    @property
    def n_parts(self) -> int:
        return len(self.real)

    @property
    def part_labels(self) -> Sequence[str]:
        return labels(self.elements)

    @property
    def part_positions(self) -> np.ndarray:
        return self.coordinates[list(self.real)]

    @property
    def composition(self) -> Mapping[str, float]:
        return Counter(self.elements)

    @property
    def formula(self) -> str:
        """Hill formula of the real nuclei, with the charge: `C2H4`, `Li+`, `Be2+`."""
        return hill(self.elements, self.charge)

    def fragment(self, number: int | Sequence[int], ghosts: bool) -> Molecule:
        """Fragment `number` (from 1), or several of them together, alone or with the other centres as ghosts.

        A single bare atom is placed at the origin: its energy does not know where it stands, and so every point of a
        curve shares one calculation. All other coordinates stay as they are. InputError for several fragments of which
        more than one has unpaired electrons: how they couple is not for anybody to guess.
        """
        chosen = self._numbers(number)
        every = range(1, len(self.fragments) + 1)
        return self._part(chosen, every if ghosts else chosen, "+ghosts" if ghosts else "")

    def fragment_in(self, numbers: Sequence[int], basis: Sequence[int]) -> Molecule:
        chosen, carrying = self._numbers(numbers), self._numbers((*numbers, *basis))
        others = "" if carrying == chosen else f"({'+'.join(map(str, carrying))})"
        return self._part(chosen, carrying, others)

    def fragment_composition(self, numbers: Sequence[int]) -> Mapping[str, float]:
        parts = self._together(self._numbers(numbers))
        return Counter(self.symbols[i] for part in parts for i in part.atoms if not self.ghosts[i])

    def _numbers(self, number: int | Sequence[int]) -> list[int]:
        """Numbers of fragments in order; InputError where there is no such fragment."""
        found = sorted({number} if isinstance(number, int) else set(number))
        for n in found:
            if not 1 <= n <= len(self.fragments):
                raise InputError(
                    f"{self.name or self.formula} has {len(self.fragments)} fragments; there is no fragment {n}"
                )
        return found

    def _together(self, chosen: Sequence[int]) -> list[Fragment]:
        """The fragments of these numbers; InputError where more than one has unpaired electrons."""
        parts = [self.fragments[n - 1] for n in chosen]
        if sum(part.multiplicity > 1 for part in parts) > 1:
            raise InputError(
                f"{self.name or self.formula}: fragments {'+'.join(map(str, chosen))} have unpaired electrons that may "
                "couple in several ways; give them together as a system of their own"
            )
        return parts

    def _part(self, chosen: Sequence[int], carrying: Iterable[int], suffix: str) -> Molecule:
        """The fragments `chosen`, with basis functions on the centres of those in `carrying`; all centres where these
        are all the fragments.

        It is made of nuclei, charges and spins that were checked as parts of a whole, and not checked again: a plan
        makes tens of thousands of them, and the checks are what making one costs.
        """
        parts = self._together(chosen)
        atoms = {i for part in parts for i in part.atoms}
        keep = sorted(i for n in carrying for i in self.fragments[n - 1].atoms)
        if suffix == "+ghosts":
            keep = list(range(len(self.symbols)))
        positions = tuple(self.positions[i] for i in keep)
        if len(positions) == 1:
            positions = ((0.0, 0.0, 0.0),)
        made = object.__new__(type(self))
        known: dict[str, Any] = {
            "symbols": tuple(self.symbols[i] for i in keep),
            "positions": positions,
            "charge": sum(part.charge for part in parts),
            "multiplicity": max(part.multiplicity for part in parts),
            "fragments": (),
            "ghosts": tuple(self.ghosts[i] or i not in atoms for i in keep),
            "name": f"{self.name}@{'+'.join(map(str, chosen))}{suffix}",
            "notes": self.notes,
        }
        for key, value in known.items():
            object.__setattr__(made, key, value)
        return made

    def to_json(self) -> dict[str, Any]:
        return ({"notes": list(self.notes)} if self.notes else {}) | {
            "kind": self.kind,
            "name": self.name,
            "symbols": list(self.symbols),
            "positions_bohr": [list(p) for p in self.positions],
            "charge": self.charge,
            "multiplicity": self.multiplicity,
            "ghosts": list(self.ghosts),
            "fragments": [[list(f.atoms), f.charge, f.multiplicity] for f in self.fragments],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        data = {key: value for key, value in data.items() if key != "kind"}
        data["positions"] = tuple(tuple(p) for p in data.pop("positions_bohr"))
        data["fragments"] = tuple(Fragment(tuple(a), c, m) for a, c, m in data["fragments"])
        return cls(**data)

    @classmethod
    def from_text(cls, text: str, where: str, name: str) -> Self | None:
        """A molecule from extended XYZ text; None where it is of a crystal."""
        xyz = parse_xyz(text, where, name)
        return None if xyz.cell else xyz.make(cls, fragments=xyz.fragments)

    def oddities(self) -> Iterable[str]:
        return oddities(self)

    def cut_bonds(self) -> list[tuple[int, int]]:
        """Pairs of atoms (from 0) of two fragments that are as near as bonded ones."""
        from qmbench.domain.systems.drawing import bonds

        of = {i: number for number, fragment in enumerate(self.fragments) for i in fragment.atoms}
        near = bonds(self.symbols, self.coordinates) if self.fragments else []
        return [(i, j) for i, j in near if of[i] != of[j]]

    def describe(self) -> str:
        """`H2O, 10 electrons, singlet`."""
        text = f"{self.formula}, {self.n_electrons} electrons, {spin_name(self.multiplicity)}"
        ghosts = sum(self.ghosts)
        text += f", {len(self.fragments)} fragments" if self.fragments else ""
        return text + (f", {ghosts} ghost{'s' * (ghosts > 1)}" if ghosts else "")

    def figure(self) -> str | None:
        from qmbench.domain.systems.drawing import molecule_picture

        return molecule_picture(self.symbols, self.coordinates, self.ghosts)

    # --- for the conformance kit --------------------------------------------------------------------------------------

    @classmethod
    def samples(cls) -> Sequence[System]:
        return [
            cls(("O", "H", "H"), _WATER, 0, 1, name="water"),
            cls(("O", "H"), _HYDROXYL, 0, 2, name="hydroxyl"),
            cls(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="helium"),
        ]

    def variants(self) -> Iterable[tuple[str, System]]:
        from qmbench.domain.systems.nuclear_changes import states

        return states(self)

    @classmethod
    def checks(cls) -> Mapping[str, KindCheck]:
        from qmbench.domain.systems.nuclear_changes import NUCLEAR_CHECKS

        return NUCLEAR_CHECKS

    def moved(self, rotation: np.ndarray | None = None, shift: np.ndarray | None = None) -> Molecule:
        """Turned about the origin by `rotation` (3, 3), then shifted (bohr)."""
        positions = self.coordinates if rotation is None else self.coordinates @ rotation.T
        return replace(self, positions=rows_of(positions if shift is None else positions + shift))

    def reordered(self) -> tuple[Molecule, Sequence[int]]:
        """The same with its centres in reverse order, and where each new centre was before."""
        order = list(range(len(self.symbols)))[::-1]
        fragments = tuple(replace(f, atoms=tuple(sorted(order.index(i) for i in f.atoms))) for f in self.fragments)
        turned = replace(
            self,
            symbols=self.symbols[::-1],
            positions=self.positions[::-1],
            ghosts=self.ghosts[::-1],
            fragments=fragments,
        )
        return turned, order

    def in_state(self, charge: int, multiplicity: int, name: str) -> Molecule:
        """The same nuclei with another charge and multiplicity."""
        # Fragments have charges and multiplicities of their own, which would not add up any more.
        return replace(self, charge=charge, multiplicity=multiplicity, fragments=(), name=name)


def _check(m: Molecule, what: str) -> None:
    n = len(m.symbols)
    if n == 0:
        raise FieldError(f"{what}: no atoms", "symbols")
    if len(m.positions) != n or len(m.ghosts) != n or set(map(len, m.positions)) != {3}:
        raise FieldError(f"{what}: {n} symbols need {n} positions of three numbers and {n} ghost flags", "positions")
    check_nuclei(m, what)
    check_spin(m.n_electrons, m.multiplicity, m.charge, what)
    _check_fragments(m, what)


def _check_fragments(m: Molecule, what: str) -> None:
    if not m.fragments:
        return
    atoms = sorted(i for f in m.fragments for i in f.atoms)
    if atoms != list(range(len(m.symbols))):
        raise FieldError(
            f"{what}: the fragments must hold each of the {len(m.symbols)} atoms exactly once", "fragments"
        )
    total = sum(f.charge for f in m.fragments)
    if total != m.charge:
        raise FieldError(f"{what}: the fragments' charges add up to {total}, the system's is {m.charge}", "fragments")
    for number, f in enumerate(m.fragments, start=1):
        electrons = int(sum(m.atomic_numbers[list(f.atoms)])) - f.charge
        check_spin(electrons, f.multiplicity, f.charge, f"{what}, fragment {number}")
