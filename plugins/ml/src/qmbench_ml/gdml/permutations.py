"""Which atoms of a molecule may be exchanged, and which atom of one geometry is which of another.

Both are graph isomorphisms of the bond graph, coloured by the elements. Like nuclei are identical, so that every such
permutation is an exact symmetry of the energy; the bond graph only keeps their number small.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from qmbench import InputError
from qmbench_ml.bonds import bond_graph, covalent_radii

# Bonded: nearer than this many sums of covalent radii. Wide enough for vibrating bonds, short of the next neighbours.
BOND = 1.45
LIMIT = 5040  # permutations; each one costs a kernel


def common_graph(symbols: Sequence[str], positions: np.ndarray) -> np.ndarray:
    """(N, N) the bonds that more than half of the geometries `positions` (M, N, 3) have."""
    radii = covalent_radii(symbols)
    return np.mean([bond_graph(radii, x, BOND) for x in positions], axis=0) > 0.5


def bonded_triples(graph: np.ndarray) -> np.ndarray:
    """(T, 3) atoms j, i, k of every bond angle j–i–k of the bond `graph` (N, N)."""
    found = [(j, i, k) for i, row in enumerate(graph) for j, k in itertools.combinations(np.flatnonzero(row), 2)]
    return np.array(found, dtype=int).reshape(-1, 3)


def bond_angles(triples: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(M, T) angles in degrees of the `triples` (T, 3) of atoms in the geometries `positions` (M, N, 3)."""
    j, i, k = triples.T
    one, two = positions[:, j] - positions[:, i], positions[:, k] - positions[:, i]
    across = np.linalg.norm(np.cross(one, two), axis=-1)
    return np.degrees(np.arctan2(across, (one * two).sum(axis=-1)))


def isomorphisms(
    symbols: Sequence[str], graph: np.ndarray, others: Sequence[str], other_graph: np.ndarray
) -> Iterator[np.ndarray]:
    """Every (N,) p with others[p[i]] = symbols[i] that carries `graph` over into `other_graph`, in a fixed order."""
    count = len(symbols)
    kinds = [(s, int(graph[i].sum())) for i, s in enumerate(symbols)]
    other_kinds = [(s, int(other_graph[i].sum())) for i, s in enumerate(others)]
    if sorted(kinds) != sorted(other_kinds):
        return
    found = np.full(count, -1)

    def extend(i: int) -> Iterator[np.ndarray]:
        if i == count:
            yield found.copy()
            return
        for j in range(count):
            free = j not in found[:i] and other_kinds[j] == kinds[i]
            if free and (graph[i, :i] == other_graph[j, found[:i]]).all():
                found[i] = j
                yield from extend(i + 1)

    yield from extend(0)


def symmetry(symbols: Sequence[str], positions: np.ndarray) -> np.ndarray:
    """(G, N) all permutations of atoms that keep the bonds of the geometries `positions` (M, N, 3), identity first."""
    graph = common_graph(symbols, positions)
    found = list(itertools.islice(isomorphisms(symbols, graph, symbols, graph), LIMIT + 1))
    if len(found) > LIMIT:
        raise InputError(f"the molecule has more than {LIMIT} permutations of atoms; give `permutations` yourself")
    return np.array(found)


def checked_group(permutations: Sequence[Sequence[int]], symbols: Sequence[str]) -> np.ndarray:
    """(G, N) given permutations (atoms from 0); InputError unless they are a group that keeps the elements."""
    given = np.asarray(permutations)
    atoms = len(symbols)
    if given.ndim != 2 or given.shape[1] != atoms or (np.sort(given, axis=1) != np.arange(atoms)).any():
        raise InputError(f"permutations: each row must hold the atoms 0 to {atoms - 1} once")
    known = {tuple(p) for p in given.tolist()}
    names = np.array(list(symbols))
    if any((names[list(p)] != names).any() for p in known):
        raise InputError("permutations: a row exchanges atoms of different elements")
    closed = all(tuple(p[i] for i in q) in known for p in known for q in known)
    if not closed:
        raise InputError("permutations: they are no group; add the products of the given ones")
    return np.array(sorted(known))
