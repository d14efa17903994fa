"""Eigenstates and time evolution of emitters and modes for one cutoff of the photons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import ResourceError
from qmbench_light.models.emitters import EmittersInCavity
from qmbench_light.models.space import Sector, count_states, matter_states, matters, sector
from qmbench_light.two_polaritons import check_two_absorb

LARGEST_DENSE = 2500
"""Above this many states in one block Lanczos iterations find the lowest few."""
LARGEST_SPARSE = 200_000
_FEW = 400
"""From here on, the lowest state alone is found by Lanczos iterations."""


@dataclass(frozen=True)
class Found:
    """Everything that a cutoff gives, in the units of the system. energies, degeneracies: (states,), ascending."""

    energies: np.ndarray
    degeneracies: tuple[int, ...] = ()
    photon_number: float = 0.0
    entropy: float = 0.0
    splitting: float = 0.0
    gap: float = np.inf
    population: np.ndarray | None = None
    photons_in_time: np.ndarray | None = None


def size_of(system: EmittersInCavity, photons: int, phonons: int = 0) -> int:
    """States of the largest sector with these cutoffs."""
    return matter_states(system, phonons) * count_states(len(system.modes), photons)


def solve(
    system: EmittersInCavity,
    photons: int,
    counter_rotating: bool,
    properties: frozenset[str],
    states: int,
    phonons: int = 0,
) -> Found:
    """The properties with at most `photons` photons, and `phonons` phonons of each emitter; ResourceError where that is
    too many states."""
    size = size_of(system, photons, phonons)
    if size > LARGEST_SPARSE:
        raise ResourceError(f"{size} states of emitters and light, more than {LARGEST_SPARSE}")
    symmetric: Sector | None = None
    levels: list[tuple[float, int]] = []
    for matter in matters(system, phonons):
        block = sector(system, matter, photons, counter_rotating)
        symmetric = symmetric or block
        # With the coupling σ_x the lowest state of all is symmetric under exchange; only `energies` ask for the others.
        if "energies" in properties or symmetric is block:
            levels += [(energy, matter.copies) for energy in _lowest(block, states)]
    assert symmetric is not None  # there is always one
    levels = sorted(levels)[:states]
    found: dict[str, Any] = {
        "energies": np.array([energy for energy, _ in levels]),
        "degeneracies": tuple(copies for _, copies in levels),
        "gap": levels[1][0] - levels[0][0] if len(levels) > 1 else np.inf,
    }
    if properties & {"photon_number", "entanglement_entropy", "polariton_splitting"}:
        found |= _of_ground_state(symmetric, "polariton_splitting" in properties)
    if properties & {"population", "photon_number_in_time"}:
        found |= _in_time(system, symmetric)
    return Found(**found)


def _blocks(block: Sector) -> Iterator[np.ndarray]:
    """Indices of states that the Hamiltonian connects: parities, or numbers of excitations."""
    from scipy.sparse.csgraph import connected_components

    count, labels = connected_components(block.hamiltonian, directed=False)
    order = np.argsort(labels, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(labels, minlength=count))[:-1])


def _lowest(block: Sector, states: int) -> list[float]:
    """The lowest energies of a sector, at most `states` from each block."""
    found: list[float] = []
    for index in _blocks(block):
        found += _eigen(block.hamiltonian[index][:, index], states, vectors=False)[0].tolist()
    return sorted(found)[:states]


def _eigen(h: Any, states: int, vectors: bool) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg import eigh
    from scipy.sparse.linalg import eigsh

    size = h.shape[0]
    if size <= (_FEW if states == 1 else LARGEST_DENSE):
        if vectors:
            values, found = eigh(h.toarray())
            return values, found
        values = eigh(h.toarray(), eigvals_only=True)
        return values[:states], np.zeros((0, 0))
    # Seeded, so that the same question has the same digits.
    start = np.random.default_rng(7).standard_normal(size)
    values, found = eigsh(h, k=min(states, size - 2), which="SA", v0=start, tol=0)
    order = np.argsort(values)
    return values[order], found[:, order]


def _of_ground_state(block: Sector, splitting: bool) -> dict[str, float]:
    """Photons and entropy of the lowest state; polariton splitting from the light that it absorbs."""
    size = block.hamiltonian.shape[0]
    solved = []
    for index in _blocks(block):
        values, vectors = _eigen(block.hamiltonian[index][:, index], 1 if not splitting else 40, vectors=True)
        solved.append((index, values, vectors))
    index, values, vectors = min(solved, key=lambda one: one[1][0])
    ground = np.zeros(size)
    ground[index] = vectors[:, 0]
    schmidt = np.linalg.svd(ground.reshape(len(block.matter.energies), -1), compute_uv=False) ** 2
    schmidt = schmidt[schmidt > 1e-300]
    found = {
        "photon_number": float(block.photons @ ground**2),
        "entropy": max(0.0, float(-np.sum(schmidt * np.log(schmidt)))),
    }
    if splitting:
        absorbed = block.light @ ground
        lines: list[tuple[float, float]] = []
        for index, values, vectors in solved:
            weights = (vectors.T @ absorbed[index]) ** 2
            lines += zip(weights.tolist(), values.tolist(), strict=True)
        (_, one), (weight, other) = sorted(lines, reverse=True)[:2]
        check_two_absorb(weight, float(absorbed @ absorbed))
        found["splitting"] = abs(one - other)
    return found


def _in_time(system: EmittersInCavity, block: Sector) -> dict[str, np.ndarray]:
    """Excited emitters (each) and photons at the system's times, from its state at time 0."""
    from scipy.sparse.linalg import expm_multiply

    assert block.matter.start is not None  # the first sector is the symmetric one
    field = (block.field == [mode.photons for mode in system.modes]).all(axis=1).astype(float)
    start = np.kron(block.matter.start, field)
    excited = np.repeat(block.matter.excitations, len(block.field)) / system.emitters
    times = np.array(system.times)
    population, photons = np.zeros(len(times)), np.zeros(len(times))
    for index in _blocks(block):
        part = start[index]
        if not part.any():
            continue
        h = block.hamiltonian[index][:, index]
        if len(index) <= LARGEST_DENSE:
            values, vectors = _eigen(h, len(index), vectors=True)
            amplitudes = np.exp(-1j * times[:, None] * values) * (vectors.T @ part)
            states = amplitudes @ vectors.T
        else:
            states = np.array([expm_multiply(-1j * time * h, part.astype(complex)) for time in times])
        population += np.abs(states) ** 2 @ excited[index]
        photons += np.abs(states) ** 2 @ block.photons[index]
    return {"population": population, "photons_in_time": photons}
