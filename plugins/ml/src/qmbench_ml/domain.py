"""Where a model may be asked: ranges of bonds, angles, contacts, neighbours in its training data; what is outside.

A feature is what a geometry has of one kind: the length of a bond C-H, an angle H-C-O, the distance H-O of two atoms
that no bond and no angle joins ("contact"), the number of an atom's bonded neighbours, and the bonded neighbours
themselves. Of each the training data have a range, which the model file holds. A feature outside it has an excess: how
far outside, as a logarithm of distances, in radians, or in neighbours. Error bars grow with the excess at a rate that
was fitted to labelled geometries outside the range, and beyond the largest excess among these a geometry is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import ATOMIC_NUMBERS, Molecule, Unsupported, require_elements, units
from qmbench_ml.bonds import bond_graph, components, covalent_radii

KINDS = ("bond", "angle", "contact", "neighbours", "environment")
"""Kinds of features; the excess of the first three has a size, an environment is known (0) or not (1)."""

COVERED = 2.25
"""Every labelled error outside the ranges is within so many widened error bars; those without labels may be larger."""

# A contact has no upper end: only what is too near is outside.
_ENDLESS = ("contact",)
ANY = "*"  # the name of contacts of elements that the training data have none of
FARTHEST = 10.0  # bohr; contacts beyond are too many to look at, and none is the shortest of its kind
_TOLD = ("bond", "contact", "angle", "neighbours", "environment")  # what is told first
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Feature:
    """One feature of a geometry: its kind, its name ("H-C-O"), its size (bohr, degrees, a count) and its atoms."""

    kind: str
    name: str
    size: float
    atoms: tuple[int, ...]


@dataclass(frozen=True)
class Outside:
    """A feature outside the training range (low, high), by `excess`; low is nan where the training data have none."""

    feature: Feature
    low: float
    high: float
    excess: float

    def told(self, symbols: Sequence[str]) -> str:
        """What is outside, with the range, in words."""
        kind, name, size = self.feature.kind, self.feature.name, self.feature.size
        atoms = " and ".join(f"{symbols[i]}{i + 1}" for i in (self.feature.atoms[0], self.feature.atoms[-1]))
        if kind == "neighbours":
            known = f"{self.low:.0f}" if self.low == self.high else f"{self.low:.0f} to {self.high:.0f}"
            return f"atom {self.feature.atoms[0] + 1} ({name}) has {size:.0f} bonded neighbours; in training {known}"
        if kind == "environment":
            own, *others = self.feature.atoms
            near = ", ".join(f"{symbols[i]}{i + 1}" for i in others) or "nothing"
            where = f"atom {own + 1} ({symbols[own]}), bonded to {near}, has surroundings"
            return f"{where} that no training molecule has"
        unit, scale = ("°", 1.0) if kind == "angle" else (" Å", units.BOHR_IN_ANGSTROM)
        digits = 0 if kind == "angle" else 2
        where = f"the {kind} {name} of {scale * size:.{digits}f}{unit} (atoms {atoms})"
        if np.isnan(self.low):
            return f"{where}: no training molecule has such {'an' if kind == 'angle' else 'a'} {kind}"
        if kind in _ENDLESS:
            return f"{where} is shorter than any in the training data ({scale * self.low:.{digits}f}{unit} and more)"
        least, most = (f"{scale * end:.{digits}f}" for end in (self.low, self.high))
        ends = f"{least}{unit} alone" if least == most else f"{least} to {most}{unit}"
        return f"{where} is outside the training data ({ends})"


def features(symbols: Sequence[str], positions: np.ndarray, radii: np.ndarray, reach: float) -> Iterator[Feature]:
    """The features of a geometry (n, 3); bonds are shorter than `reach` sums of the covalent radii (n,); in bohr."""
    bonds = bond_graph(radii, positions, reach)
    near = [np.flatnonzero(row).tolist() for row in bonds]
    apart = np.linalg.norm(positions[:, None] - positions, axis=-1)
    steps = bonds.astype(float)
    apart_only = (steps + steps @ steps == 0) & (apart < FARTHEST)  # joined neither by a bond nor by an angle
    for i, own in enumerate(near):
        yield Feature("neighbours", symbols[i], float(len(own)), (i,))
        yield Feature("environment", environment(symbols, near, i), 0.0, (i, *own))
        for place, j in enumerate(own):
            if i < j:
                yield Feature("bond", "-".join(sorted((symbols[i], symbols[j]))), float(apart[i, j]), (i, j))
            for k in own[place + 1 :]:
                ends = sorted((symbols[j], symbols[k]))
                yield Feature("angle", f"{ends[0]}-{symbols[i]}-{ends[1]}", _angle(positions[[j, i, k]]), (j, i, k))
    for i, j in zip(*np.nonzero(np.triu(apart_only, 1)), strict=True):
        name = "-".join(sorted((symbols[i], symbols[j])))
        yield Feature("contact", name, float(apart[i, j]), (int(i), int(j)))


def environment(symbols: Sequence[str], near: Sequence[Sequence[int]], atom: int) -> str:
    """An atom with its bonded neighbours and theirs, as "C(C(CHH)HN)"-like text that knows no order."""
    shells = sorted(f"{symbols[j]}[{''.join(sorted(symbols[k] for k in near[j]))}]" for j in near[atom])
    return f"{symbols[atom]}({' '.join(shells)})"


def _angle(three: np.ndarray) -> float:
    """Degrees at the second of three positions (3, 3)."""
    one, two = three[0] - three[1], three[2] - three[1]
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, two)), one @ two)))


@dataclass(frozen=True)
class Ranges:
    """Least and largest size (m,) of features with `kinds` and `names` (m,) in training data of `elements` (k,).

    Bonds are shorter than `reach` sums of the covalent `radii` (k,), bohr, kept here so that asking imports no program.
    growth and limit (5,), by KINDS: how fast an error bar grows with the excess, and the largest excess that is
    answered, as `fitted_growth` makes them; by default nothing outside is answered.
    """

    kinds: np.ndarray
    names: np.ndarray
    low: np.ndarray
    high: np.ndarray
    reach: float
    elements: np.ndarray
    radii: np.ndarray
    growth: np.ndarray
    limit: np.ndarray

    @classmethod
    def of(cls, geometries: Iterable[tuple[Sequence[str], np.ndarray]], reach: float) -> Ranges:
        """The ranges in geometries, each of symbols and positions (n, 3) in bohr."""
        found: dict[tuple[str, str], tuple[float, float]] = {}
        for symbols, positions in geometries:
            for f in features(symbols, positions, covalent_radii(symbols), reach):
                low, high = found.get((f.kind, f.name), (np.inf, -np.inf))
                found[f.kind, f.name] = (min(low, f.size), max(high, f.size))
        found |= _strangers(found)
        keys = sorted(found)
        ends = np.array([found[key] for key in keys]).reshape(-1, 2)
        none = np.zeros(len(KINDS))
        elements = sorted({name for kind, name in keys if kind == "neighbours"}, key=ATOMIC_NUMBERS.__getitem__)
        kinds, names = (np.array([key[i] for key in keys], dtype=str) for i in (0, 1))
        radii = covalent_radii(elements)
        return cls(kinds, names, ends[:, 0], ends[:, 1], reach, np.array(elements), radii, none, none)

    @cached_property
    def _ends(self) -> dict[tuple[str, str], tuple[float, float]]:
        rows = zip(self.kinds.tolist(), self.names.tolist(), self.low.tolist(), self.high.tolist(), strict=True)
        return {(kind, name): (low, high) for kind, name, low, high in rows}

    @cached_property
    def _known_radii(self) -> dict[str, float]:
        return dict(zip(self.elements.tolist(), self.radii.tolist(), strict=True))

    def _radius(self, symbol: str) -> float:
        return self._known_radii[symbol] if symbol in self._known_radii else float(covalent_radii([symbol])[0])

    def only(self, *kinds: str) -> Ranges:
        """Those of some kinds; the others are not looked at."""
        kept = np.isin(self.kinds, kinds)
        return replace(self, kinds=self.kinds[kept], names=self.names[kept], low=self.low[kept], high=self.high[kept])

    def joined(self, other: Ranges) -> Ranges:
        """With the kinds of features of `other`, whose training data are part of those of these ranges."""
        both: dict[str, Any] = {
            name: np.append(getattr(self, name), getattr(other, name)) for name in ("kinds", "names", "low", "high")
        }
        return replace(self, **both)

    def with_any_bond(self) -> Ranges:
        """With a range of bonds that the training data do not have: that of all bonds, in sums of covalent radii."""
        own = self.kinds == "bond"
        sums = np.array([sum(self._radius(s) for s in name.split("-")) for name in self.names[own].tolist()])
        return replace(
            self,
            kinds=np.append(self.kinds, "bond"),
            names=np.append(self.names, ANY),
            low=np.append(self.low, (self.low[own] / sums).min()),
            high=np.append(self.high, (self.high[own] / sums).max()),
        )

    def pieces(self, symbols: Sequence[str], positions: np.ndarray) -> list[list[int]]:
        """The atoms of each part of a geometry (n, 3) in bohr that no bond joins to another."""
        return components(bond_graph(np.array([self._radius(s) for s in symbols]), positions, self.reach))

    def check_elements(self, method: str, molecule: Molecule) -> None:
        """Unsupported, in the name of `method`, for a molecule with other nuclei."""
        require_elements(molecule, tuple(self.elements.tolist()), method, "was not trained on")

    def check(self, method: str, molecule: Molecule) -> list[Outside]:
        """What of a molecule, ghosts left out, is outside; Unsupported where it is too far outside."""
        real = list(molecule.real)
        symbols = [molecule.symbols[i] for i in real]
        found = self.outside(symbols, molecule.coordinates[real])
        self.refuse(method, symbols, found)
        return found

    def outside(self, symbols: Sequence[str], positions: np.ndarray) -> list[Outside]:
        """What of a geometry, positions (n, 3) in bohr, is outside; an unknown environment, and what has no range.

        An unknown bond, and an angle or neighbours of an element that has none, are outside by an infinite excess.
        """
        found = []
        radii = np.array([self._radius(s) for s in symbols])
        looked_at = set(self.kinds.tolist())
        for f in features(symbols, positions, radii, self.reach):
            if f.kind not in looked_at:
                continue
            low, high = self._range(f)
            excess = _excess(f, low, high)
            if excess > _ROUNDING:
                found.append(Outside(f, low, high, excess))
        return found

    def _range(self, f: Feature) -> tuple[float, float]:
        """The range of a feature; what the training data have none of goes by others of its kind, see `_strangers`."""
        none = (np.nan, np.nan)
        if (f.kind, f.name) in self._ends or f.kind in ("neighbours", "environment"):
            return self._ends.get((f.kind, f.name), none)
        low, high = self._ends.get((f.kind, _class(f.kind, f.name)), none)
        scale = 1.0 if f.kind == "angle" else sum(self._radius(s) for s in f.name.split("-"))
        return scale * low, scale * high

    def refuse(self, method: str, symbols: Sequence[str], outside: Sequence[Outside]) -> None:
        """Unsupported, in the name of `method`, where an excess is larger than the limit of its kind."""
        beyond = [o for o in outside if o.excess > self.limit[KINDS.index(o.feature.kind)] + _ROUNDING]
        if beyond:
            # A length says more to a reader than an angle, and this more than the neighbours that it makes or unmakes.
            worst = min(beyond, key=lambda o: (_TOLD.index(o.feature.kind), -o.excess))
            atom = worst.feature.atoms[0]
            if worst.feature.kind == "neighbours":
                near = [o for o in outside if o.feature.kind in ("bond", "contact") and atom in o.feature.atoms]
                worst = max(near, key=lambda o: o.excess, default=worst)
            raise Unsupported(f"{method}: {worst.told(symbols)}")

    def excesses(self, atoms: int, outside: Sequence[Outside]) -> np.ndarray:
        """(n, 5) the largest excess of each kind that every atom has a part in."""
        found = np.zeros((atoms, len(KINDS)))
        for o in outside:
            column = KINDS.index(o.feature.kind)
            for atom in o.feature.atoms:
                found[atom, column] = max(found[atom, column], o.excess)
        return found

    def totals(self, outside: Sequence[Outside]) -> np.ndarray:
        """(5,) sum of the excesses of each kind: for a number that is of the whole system."""
        found = np.zeros(len(KINDS))
        for o in outside:
            found[KINDS.index(o.feature.kind)] += o.excess
        return found

    def added(self, atoms: int, outside: Sequence[Outside]) -> np.ndarray:
        """(n,) standard deviations that what is outside adds for each atom."""
        return self.excesses(atoms, outside) @ self.growth

    def with_growth(self, excesses: np.ndarray, wanted: np.ndarray, single: np.ndarray | None = None) -> Ranges:
        """With the growth that adds deviations of `wanted` (n,) at `excesses` (n, 5), and the largest as the limit.

        single (n, 5): the largest excess of one feature, where `excesses` are sums. Infinite excesses, and unknown
        numbers of neighbours, stay refused: they say nothing here.
        """
        usable = np.isfinite(excesses).all(axis=1) & (excesses[:, KINDS.index("neighbours")] == 0)
        growth = fitted_growth(excesses[usable], wanted[usable])
        limit = (excesses if single is None else single)[usable].max(axis=0, initial=0.0)
        return replace(self, growth=growth, limit=limit)

    def arrays(self, prefix: str = "ranges_") -> dict[str, Any]:
        """What a model file holds of it."""
        return {f"{prefix}{name}": np.asarray(value) for name, value in vars(self).items() if not name.startswith("_")}

    @classmethod
    def from_arrays(cls, data: Mapping[str, np.ndarray], prefix: str = "ranges_") -> Ranges:
        held: dict[str, Any] = {name: data[f"{prefix}{name}"] for name in cls.__dataclass_fields__}
        return cls(**{**held, "reach": float(held["reach"])})


@cache
def ranges_in(path: Path) -> Ranges:
    """The ranges in a model file, without the rest of it."""
    with np.load(path, allow_pickle=False) as data:
        return Ranges.from_arrays(data)


def deviations_wanted(errors: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """(n,) what has to be added, in squares, to deviations (n,) for COVERED of them to hold the errors (n,)."""
    return np.sqrt(np.maximum((errors / COVERED) ** 2 - deviations**2, 0.0))


def _class(kind: str, name: str) -> str:
    """The name under which features of `kind` without a range go: angles at the same atom, any contact."""
    return f"{ANY}-{name.split('-')[1]}-{ANY}" if kind == "angle" else ANY


def _strangers(found: Mapping[tuple[str, str], tuple[float, float]]) -> dict[tuple[str, str], tuple[float, float]]:
    """Ranges for names that the training data do not have.

    Of angles: those of all angles at such an atom. Of contacts: the largest of the lower ends there are, in sums of
    covalent radii. Bonds have none but `with_any_bond`: one between elements that were never bonded is outside.
    """
    rows: dict[tuple[str, str], tuple[float, float]] = {}
    for (kind, name), (low, high) in found.items():
        key = (kind, _class(kind, name))
        if kind == "angle":
            old = rows.get(key, (np.inf, -np.inf))
            rows[key] = (min(low, old[0]), max(high, old[1]))
        elif kind == "contact":
            rows[key] = (max(low / float(covalent_radii(name.split("-")).sum()), rows.get(key, (0.0,))[0]), np.inf)
    return rows


def _excess(f: Feature, low: float, high: float) -> float:
    """How far a feature is outside its range; infinite for a bond, an angle or an element that has none."""
    if f.kind == "environment":
        return float(np.isnan(low))
    if np.isnan(low):
        return 0.0 if f.kind == "contact" else np.inf
    if f.kind in ("bond", "contact"):
        over = 0.0 if f.kind in _ENDLESS else np.log(f.size / high)
        return float(max(np.log(low / f.size), over, 0.0))
    scale = np.radians(1.0) if f.kind == "angle" else 1.0
    return float(scale * max(low - f.size, f.size - high, 0.0))


def fitted_growth(excesses: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The least growth (k,) by which excesses (n, k) add deviations of at least `wanted` (n,).

    A linear programme: of all rates that cover, those whose deviations have the smallest sum.
    """
    from scipy.optimize import linprog

    rows = excesses.any(axis=1)
    size = float(wanted[rows].max(initial=0.0))  # the solver's tolerance is for numbers of about one
    if size == 0:
        return np.zeros(excesses.shape[1])
    found = linprog(excesses[rows].sum(axis=0), A_ub=-excesses[rows], b_ub=-wanted[rows] / size, bounds=(0, None))
    if not found.success:
        raise ValueError(f"no growth of error bars covers: {found.message}")
    return size * np.asarray(found.x)
