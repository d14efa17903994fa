"""Which entries are about the same molecule, and of the same kind: what is left out together, and what is alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from qmbench.domain.errors import QmbenchError
from qmbench.domain.systems.molecule import Molecule

LEAST_CLASS = 30
"""With fewer entries one wild error in a class hides the next, and its level's whole record says more."""

NO_ISOMERS = 2
"""Atoms of which elements and charge alone say which molecule it is."""

SAME_PLACE = 0.05
"""Bohr that each distance between two atoms may differ by in one geometry: levels of theory differ by so much in their
equilibria, isomers and other complexes by several times that."""


def molecules(benchmark: Any, entries: Iterable[str] | None = None) -> dict[str, str]:
    """entry -> a name that entries of one molecule have in common.

    Of one molecule are: the points of a curve; entries with the same largest system, as the complex of an interaction,
    the transition state of a barrier there and back, the atom of several excitations; entries whose largest systems are
    atoms or diatomic molecules of the same elements and charge, which have no isomers; entries whose largest systems
    have the same geometry under two names, within SAME_PLACE; and a curve and what has a geometry between two of its
    points, as its minimum. What shares one of these with something that shares another with a third is of one molecule
    with all three. Larger systems of the same composition alone are not: they may be isomers, or other complexes of the
    same parts. Entries of which nothing is known have their own name.
    """
    wanted = None if entries is None else set(entries)
    mine = [e for e in getattr(benchmark, "entries", ()) if wanted is None or e.id in wanted]
    largest = {e.id: _largest(benchmark, e) for e in mine}
    groups = _Groups()
    for e in mine:
        if e.curve:
            groups.join(("entry", e.id), ("curve", e.curve))
        if largest[e.id]:
            groups.join(("entry", e.id), ("system", largest[e.id]))
    known = {name: system for name in largest.values() if isinstance(system := _read(benchmark, name), Molecule)}
    for name, system in known.items():
        if system.n_parts <= NO_ISOMERS:
            groups.join(("system", name), ("atoms", tuple(sorted(system.elements)), system.charge))
    for a, b in _alike(known, _neighbours(mine, largest)):
        groups.join(("system", a), ("system", b))
    names: dict[Hashable, str] = {}
    size = Counter(groups.root(("entry", e.id)) for e in mine)
    found = {}
    for e in mine:
        root = groups.root(("entry", e.id))
        alone = size[root] == 1 and len({t.system for t in e.terms}) != 1
        name = f"curve {e.curve}" if e.curve else e.id if alone else f"system {largest[e.id]}"
        found[e.id] = names.setdefault(root, name)
    return found


class _Groups:
    """Things that are joined, directly or by others."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def root(self, x: Hashable) -> Hashable:
        """One that stands for all that are joined with `x`."""
        while (parent := self._parent.setdefault(x, x)) != x:
            self._parent[x] = self._parent[parent]
            x = parent
        return x

    def join(self, a: Hashable, b: Hashable) -> None:
        """Of `a` and `b`, and all that is joined with either, one group."""
        self._parent[self.root(b)] = self.root(a)


def _largest(benchmark: Any, entry: Any) -> str:
    """The name of its system with the most parts, the first of several; empty where it has none."""
    systems = list(dict.fromkeys(t.system for t in entry.terms))
    if len(systems) < 2:
        return systems[0] if systems else ""
    return max(systems, key=lambda s: (_size(benchmark, s), -systems.index(s)))


def _read(benchmark: Any, system: str) -> Any:
    """The system, None where it can't be read."""
    try:
        return benchmark.system(system) if system else None
    except QmbenchError:
        return None


def _size(benchmark: Any, system: str) -> int:
    """Number of atoms or sites; 0 of a system that can't be read."""
    found = _read(benchmark, system)
    return 0 if found is None else int(found.n_parts)


def _neighbours(mine: Iterable[Any], largest: Mapping[str, str]) -> set[tuple[str, str]]:
    """The largest systems of two points of a curve that are next to each other."""
    points: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for e in mine:
        if e.curve and largest[e.id] and e.coordinate is not None:
            points[e.curve].append((e.coordinate, largest[e.id]))
    return {pair for found in points.values() for pair in pairwise(name for _, name in sorted(found))}


def _alike(known: Mapping[str, Molecule], neighbours: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Pairs of names of larger systems whose geometries are the same, or one of which is between the other and a third
    of the `neighbours`: each distance of two atoms is, or nearly.

    Atoms have to come in one order. The distances without the atoms that they are of, which are the same in any order,
    may be those of another complex: two trimers of the same three dimers, for instance.
    """
    alike: defaultdict[Hashable, list[str]] = defaultdict(list)
    for name, system in known.items():
        if system.n_parts > NO_ISOMERS:
            alike[system.elements, system.charge].append(name)
    for names in alike.values():
        if len(names) < 2:
            continue
        distances = np.array([_distances(known[name]) for name in names])
        # The distance that tells most of them apart is asked first: there may be thousands of geometries.
        telling = distances[:, np.argmax(np.ptp(distances, axis=0))]
        at = {name: k for k, name in enumerate(names)}
        ends = {(at[a], at[b]) for a, b in neighbours if a in at and b in at} | {(k, k) for k in range(len(names))}
        for i, j in sorted(ends):
            low = np.minimum(distances[i], distances[j]) - SAME_PLACE
            high = np.maximum(distances[i], distances[j]) + SAME_PLACE
            c = np.flatnonzero(
                (telling > min(telling[i], telling[j]) - SAME_PLACE)
                & (telling < max(telling[i], telling[j]) + SAME_PLACE)
            )
            between = ((distances[c] > low) & (distances[c] < high)).all(axis=1)
            yield from ((names[i], names[k]) for k in c[between] if k != i)


def _distances(molecule: Molecule) -> np.ndarray:
    """All distances between its atoms, bohr."""
    first, second = np.triu_indices(molecule.n_parts, 1)
    places = molecule.part_positions
    return np.asarray(np.linalg.norm(places[first] - places[second], axis=1))


def molecules_of(benchmarks: Mapping[str, Any], keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(benchmark, entry) -> its molecule, for the entries that are asked for."""
    asked: dict[str, list[str]] = {}
    for benchmark, entry in keys:
        asked.setdefault(benchmark, []).append(entry)
    return {
        (name, entry): molecule
        for name, entries in asked.items()
        for entry, molecule in molecules(benchmarks.get(name), entries).items()
    }


def classes(subsets: Iterable[tuple[str, ...]], tags: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The class of each entry: its first subset, or without one its first tag that is a word; empty: none.

    Classes of fewer than LEAST_CLASS entries are taken together.
    """
    words = [s[0] if s else next((t for t in own if ":" not in t), "") for s, own in zip(subsets, tags, strict=True)]
    size = Counter(words)
    return tuple(word if size[word] >= LEAST_CLASS else "" for word in words)
