"""What the shipped models were trained on, and whether a system is among it.

A molecule is told by its formula and its bonds, a geometry by the distances between its atoms, sorted for every pair
of elements: neither knows of the order of the atoms, of where the molecule stands, or of its mirror image.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import Molecule, TrainingOverlap
from qmbench_ml.bonds import bond_graph, components, covalent_radii

FILE = Path(__file__).parent / "models" / "training_set.npz"
SAME_GEOMETRY = 0.02
"""Root mean square difference of the distances (bohr) below which two geometries count as one."""

BOND = 1.3
"""Atoms are bonded when they are closer than this times the sum of their covalent radii."""


@dataclass(frozen=True)
class TrainingSet:
    """Names, part (which data), formulas and bond structures (n,) of n training systems, and their distances.

    The distances of system i, as `sorted_distances` gives them, are distances[starts[i] : starts[i + 1]], in bohr.
    """

    names: np.ndarray
    parts: np.ndarray
    formulas: np.ndarray
    structures: np.ndarray
    distances: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, systems: Mapping[str, Sequence[Molecule]]) -> TrainingSet:
        """The training set of molecules by part; the separate molecules of a complex are systems as well."""
        rows: dict[tuple[str, str, str, bytes], str] = {}
        for part, molecules in systems.items():
            for molecule in molecules:
                for symbols, positions in pieces(molecule):
                    distances = sorted_distances(symbols, positions).astype(np.float32)
                    key = (part, formula(symbols), structure(symbols, positions), distances.tobytes())
                    whole = len(symbols) == len(molecule.symbols)
                    rows.setdefault(key, molecule.name if whole else f"{key[1]} in {molecule.name}")
        found = [np.frombuffer(key[3], dtype=np.float32) for key in rows]
        return cls(
            names=np.array(list(rows.values()), dtype=str),
            parts=np.array([key[0] for key in rows], dtype=str),
            formulas=np.array([key[1] for key in rows], dtype=str),
            structures=np.array([key[2] for key in rows], dtype=str),
            distances=np.concatenate([np.empty(0, np.float32), *found]),
            starts=np.cumsum([0, *map(len, found)]),
        )

    def save(self, path: Path = FILE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: Path = FILE) -> TrainingSet:
        with np.load(path, allow_pickle=False) as data:
            return cls(*(data[name] for name in cls.__dataclass_fields__))

    def overlap(self, molecule: Molecule, parts: Collection[str] | None = None) -> TrainingOverlap | None:
        """The gravest overlap of a system, or of one of its separate molecules, with the training data; or None.

        distance: root mean square difference of distances in bohr. Of a part of the system it is always of the kind
        "same molecule": the whole has another geometry. Ghost centres are no atoms. parts: the parts of the data that
        a model was trained on; all of them when None.
        """
        chosen = np.ones(len(self.names), bool) if parts is None else np.isin(self.parts, list(parts))
        found = [
            hit | ({} if len(piece[0]) == molecule.n_parts else {"kind": "same molecule"})
            for piece in pieces(molecule)
            for hit in self._hits(*piece, chosen)
        ]
        if not found:
            return None
        return TrainingOverlap(**min(found, key=lambda hit: (hit["kind"], hit["distance"])))  # "same g…" < "same m…"

    def _hits(self, symbols: Sequence[str], positions: np.ndarray, chosen: np.ndarray) -> list[dict[str, Any]]:
        rows = np.flatnonzero(chosen & (self.formulas == formula(symbols)))
        if not len(rows):
            return []
        own, bonds = sorted_distances(symbols, positions), structure(symbols, positions)
        found = []
        for row in rows:
            other = self.distances[self.starts[row] : self.starts[row + 1]]
            apart = float(np.sqrt(np.mean((own - other) ** 2))) if len(own) else 0.0
            if apart < SAME_GEOMETRY or self.structures[row] == bonds:
                kind = "same geometry" if apart < SAME_GEOMETRY else "same molecule"
                found.append({"molecule": str(self.names[row]), "distance": apart, "kind": kind})
        return found


@cache
def shipped() -> TrainingSet:
    """The training set of the shipped models."""
    return TrainingSet.load()


def pieces(molecule: Molecule) -> list[tuple[tuple[str, ...], np.ndarray]]:
    """Symbols and positions (n, 3) in bohr of the system without its ghosts, and of every separate molecule in it.

    Separate are the connected parts of the bond graph, and the fragments that the system declares.
    """
    real = list(molecule.real)
    declared = [[i for i in f.atoms if not molecule.ghosts[i]] for f in molecule.fragments]
    symbols, positions = molecule.elements, molecule.coordinates[real]
    connected = [[real[i] for i in part] for part in components(bonded(symbols, positions))]
    groups = {tuple(sorted(g)) for g in [real, *declared, *connected] if g}
    return [(tuple(molecule.symbols[i] for i in g), molecule.coordinates[list(g)]) for g in sorted(groups)]


def formula(symbols: Sequence[str]) -> str:
    """Elements in alphabetical order with their counts."""
    return "".join(f"{s}{n if n > 1 else ''}" for s, n in sorted(Counter(symbols).items()))


def sorted_distances(symbols: Sequence[str], positions: np.ndarray) -> np.ndarray:
    """Distances (n (n - 1) / 2,) in bohr between atoms, sorted within each pair of elements, pairs in order."""
    i, j = np.triu_indices(len(symbols), 1)
    apart = np.linalg.norm(positions[i] - positions[j], axis=1)
    kinds, place = np.unique(np.array(symbols), return_inverse=True)
    low, high = np.minimum(place[i], place[j]), np.maximum(place[i], place[j])
    return apart[np.lexsort((apart, low * len(kinds) + high))]


def bonded(symbols: Sequence[str], positions: np.ndarray) -> np.ndarray:
    """(n, n) whether two atoms are bonded."""
    return bond_graph(covalent_radii(symbols), positions, BOND)


def structure(symbols: Sequence[str], positions: np.ndarray) -> str:
    """A digest of the bond graph that does not know the order of the atoms.

    Colours of the atoms are refined by those of their neighbours (Weisfeiler and Leman, 1968). Graphs that this
    does not tell apart count as one molecule.
    """
    bonds = bonded(symbols, positions)
    colours = list(symbols)
    for _ in symbols:
        near = [",".join(sorted(colours[j] for j in np.flatnonzero(row))) for row in bonds]
        colours = [_digest(f"{own}:{others}") for own, others in zip(colours, near, strict=True)]
    return _digest(" ".join(sorted(colours)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
