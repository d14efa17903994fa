"""What is computed: a molecule (nuclei, charge, multiplicity, fragments, ghosts), a crystal, or a lattice model.

Systems are frozen and hashable. Lengths are in bohr; the coordinates are those of the input, never moved.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from qmbench.domain.elements import ATOMIC_NUMBERS, ELEMENTS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.rules import check_crystal, check_lattice, check_molecule, number, numbers, sequence, whole

__all__ = [
    "ATOMIC_NUMBERS",
    "ELEMENTS",
    "Crystal",
    "Fragment",
    "LatticeModel",
    "Molecule",
    "System",
    "system_from_json",
]


class System:
    """Base of everything that can be computed. `name` is a label for people and is not part of the hash."""

    kind: ClassVar[str]
    name: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which `system_from_json` rebuilds an equal system."""
        raise NotImplementedError

    @cached_property
    def hash(self) -> str:
        """SHA-256 (first 24 hex digits) of what defines the system; the name is left out."""
        data = {key: value for key, value in self.to_json().items() if key != "name"}
        return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:24]

    @property
    def n_parts(self) -> int:
        """Number of real nuclei, or of lattice sites."""
        raise NotImplementedError


@dataclass(frozen=True)
class Fragment:
    """Part of a molecule with its own charge and multiplicity. `atoms` are indices from 0."""

    atoms: tuple[int, ...]
    charge: int
    multiplicity: int


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
    kind: ClassVar[str] = "molecule"

    def __post_init__(self) -> None:
        positions = tuple(tuple(float(x) + 0.0 for x in row) for row in self.positions)  # + 0.0: -0.0 is 0.0
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "fragments", tuple(self.fragments))
        for key in ("charge", "multiplicity"):
            object.__setattr__(self, key, whole(getattr(self, key), key, self.name or "molecule"))
        object.__setattr__(self, "ghosts", tuple(bool(g) for g in self.ghosts) or (False,) * len(self.symbols))
        check_molecule(self)

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Positions as an (n, 3) array in bohr (read-only)."""
        return _read_only(self.positions)

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
        return int(self.atomic_numbers.sum()) - self.charge

    @property
    def n_alpha_beta(self) -> tuple[int, int]:
        """Numbers of spin-up and spin-down electrons at M_S = S."""
        unpaired = self.multiplicity - 1
        return (self.n_electrons + unpaired) // 2, (self.n_electrons - unpaired) // 2

    @property
    def n_parts(self) -> int:
        return len(self.real)

    @property
    def formula(self) -> str:
        """Hill formula of the real nuclei, with the charge: `C2H4`, `Li+`, `Be2+`."""
        return _hill(self.elements, self.charge)

    def fragment(self, number: int | Sequence[int], ghosts: bool) -> Molecule:
        """Fragment `number` (from 1), or several of them together, alone or with the other centres as ghosts.

        A single bare atom is placed at the origin: its energy does not know where it stands, and so every point of a
        curve shares one calculation. All other coordinates stay as they are. InputError for several fragments of which
        more than one has unpaired electrons: how they couple is not for anybody to guess.
        """
        chosen = sorted({number} if isinstance(number, int) else set(number))
        for n in chosen:
            if not 1 <= n <= len(self.fragments):
                raise InputError(
                    f"{self.name or self.formula} has {len(self.fragments)} fragments; there is no fragment {n}"
                )
        parts = [self.fragments[n - 1] for n in chosen]
        if sum(part.multiplicity > 1 for part in parts) > 1:
            raise InputError(
                f"{self.name or self.formula}: fragments {'+'.join(map(str, chosen))} have unpaired electrons that may "
                "couple in several ways; give them together as a system of their own"
            )
        atoms = {i for part in parts for i in part.atoms}
        keep = range(len(self.symbols)) if ghosts else sorted(atoms)
        positions = tuple(self.positions[i] for i in keep)
        if len(positions) == 1:
            positions = ((0.0, 0.0, 0.0),)
        return Molecule(
            symbols=tuple(self.symbols[i] for i in keep),
            positions=positions,
            charge=sum(part.charge for part in parts),
            multiplicity=max(part.multiplicity for part in parts),
            ghosts=tuple(self.ghosts[i] or i not in atoms for i in keep),
            name=f"{self.name}@{'+'.join(map(str, chosen))}" + ("+ghosts" if ghosts else ""),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "symbols": list(self.symbols),
            "positions_bohr": [list(p) for p in self.positions],
            "charge": self.charge,
            "multiplicity": self.multiplicity,
            "ghosts": list(self.ghosts),
            "fragments": [[list(f.atoms), f.charge, f.multiplicity] for f in self.fragments],
        }


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
    kind: ClassVar[str] = "crystal"

    def __post_init__(self) -> None:
        what = self.name or "crystal"
        object.__setattr__(self, "symbols", tuple(self.symbols))
        for key in ("positions", "cell"):
            rows = tuple(numbers(row, key, what) for row in sequence(getattr(self, key), key, what))
            object.__setattr__(self, key, rows)
        for key in ("charge", "multiplicity"):
            object.__setattr__(self, key, whole(getattr(self, key), key, what))
        check_crystal(self)

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Positions as an (n, 3) array in bohr (read-only)."""
        return _read_only(self.positions)

    @cached_property
    def lattice_vectors(self) -> np.ndarray:
        """The cell as a (3, 3) array in bohr, one vector a row (read-only)."""
        return _read_only(self.cell)

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
    def formula(self) -> str:
        """Hill formula of one cell, with the charge."""
        return _hill(self.symbols, self.charge)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "symbols": list(self.symbols),
            "positions_bohr": [list(p) for p in self.positions],
            "cell_bohr": [list(v) for v in self.cell],
            "charge": self.charge,
            "multiplicity": self.multiplicity,
        }


def _read_only(rows: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    array = np.array(rows, dtype=float).reshape(-1, 3)
    array.setflags(write=False)
    return array


def _hill(symbols: Iterable[str], charge: int) -> str:
    counts: dict[str, int] = {}
    for symbol in symbols:
        counts[symbol] = counts.get(symbol, 0) + 1
    first = [s for s in ("C", "H") if s in counts] if "C" in counts else []
    order = first + sorted(s for s in counts if s not in first)
    text = "".join(s + (str(counts[s]) if counts[s] > 1 else "") for s in order)
    if charge:
        text += (str(abs(charge)) if abs(charge) > 1 else "") + ("+" if charge > 0 else "-")
    return text


@dataclass(frozen=True)
class LatticeModel(System):
    """A one-band Hubbard model on a hypercubic lattice; energies in units of the hopping scale `t` given.

    H = −t Σ_{bonds,σ} (c†_i c_j + h.c.) + U Σ_i n_i↑ n_i↓ + Σ_i ε_i n_i, every site having one bond to its
    neighbour in the positive sense of each direction (so a periodic direction of length 2 has two bonds
    between its sites). `antiperiodic` flips the sign of the bonds that cross the boundary. `twist`
    (optional, one per direction, in units of 2π) multiplies them by exp(2πi·twist).
    Hubbard, Proc. R. Soc. A 276, 238 (1963).
    """

    lattice: tuple[int, ...]
    boundary: tuple[str, ...]
    t: float
    u: float
    electrons: int
    multiplicity: int
    onsite: tuple[float, ...] = ()
    twist: tuple[float, ...] = ()
    name: str = field(default="", compare=False)
    kind: ClassVar[str] = "lattice"

    def __post_init__(self) -> None:
        what = self.name or "lattice"
        lengths = tuple(whole(n, "lattice", what) for n in sequence(self.lattice, "lattice", what))
        object.__setattr__(self, "lattice", lengths)
        object.__setattr__(self, "boundary", tuple(sequence(self.boundary, "boundary", what)))
        for key in ("electrons", "multiplicity"):
            object.__setattr__(self, key, whole(getattr(self, key), key, what))
        for key in ("t", "u"):
            object.__setattr__(self, key, number(getattr(self, key), key, what))
        for key, right in (("onsite", self.n_sites), ("twist", len(lengths))):
            values = numbers(getattr(self, key), key, what)
            # All zeros, if they are as many as they should be, are the same as none.
            object.__setattr__(self, key, values if any(values) or len(values) != right else ())
        check_lattice(self)

    @property
    def n_sites(self) -> int:
        return math.prod(self.lattice)

    @property
    def n_parts(self) -> int:
        return self.n_sites

    @property
    def n_electrons(self) -> int:
        return self.electrons

    @property
    def n_alpha_beta(self) -> tuple[int, int]:
        """Numbers of spin-up and spin-down electrons at M_S = S."""
        unpaired = self.multiplicity - 1
        return (self.electrons + unpaired) // 2, (self.electrons - unpaired) // 2

    def hopping_matrix(self) -> np.ndarray:
        """One-particle Hamiltonian (n_sites, n_sites), units of energy as `t`; complex only with a twist.

        Sites are numbered with the last direction fastest (C order of `lattice`).
        """
        n = self.n_sites
        h = np.zeros((n, n), dtype=complex if any(self.twist) else float)
        index = np.arange(n).reshape(self.lattice)
        for axis, (length, boundary) in enumerate(zip(self.lattice, self.boundary, strict=True)):
            left = np.moveaxis(index, axis, 0)
            phase = np.exp(2j * np.pi * self.twist[axis]) if any(self.twist) else 1.0
            wrap = {"periodic": 1.0, "antiperiodic": -1.0, "open": 0.0}[boundary] * phase
            for k in range(length):
                amplitude = -self.t * (1.0 if k + 1 < length else wrap)
                for i, j in zip(left[k].ravel(), left[(k + 1) % length].ravel(), strict=True):
                    h[i, j] += amplitude
                    h[j, i] += np.conj(amplitude)
        if self.onsite:
            h[np.diag_indices(n)] += np.array(self.onsite)
        return h

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "model": "hubbard",
            "lattice": list(self.lattice),
            "boundary": list(self.boundary),
            "t": self.t,
            "u": self.u,
            "electrons": self.electrons,
            "multiplicity": self.multiplicity,
            "onsite": list(self.onsite),
            "twist": list(self.twist),
        }


def system_from_json(data: Mapping[str, Any]) -> System:
    """Rebuild a system from `System.to_json`."""
    data = dict(data)
    kind = data.pop("kind", None)
    if kind == "molecule":
        data["positions"] = tuple(tuple(p) for p in data.pop("positions_bohr"))
        data["fragments"] = tuple(Fragment(tuple(a), c, m) for a, c, m in data["fragments"])
        return Molecule(**data)
    if kind == "crystal":
        return Crystal(positions=data.pop("positions_bohr"), cell=data.pop("cell_bohr"), **data)
    if kind == "lattice":
        data.pop("model", None)
        return LatticeModel(**data)
    raise InputError(f"unknown kind of system '{kind}'; there is molecule, crystal, lattice")
