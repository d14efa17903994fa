"""Hamiltonians of emitters and modes as sparse matrices, one for each way in which emitters behave under exchange.

Two-level emitters are spins one half: the Hamiltonian knows only their total, J = N/2, N/2 − 1, …, so that N spins have
about N²/4 states instead of 2^N (Dicke, Phys. Rev. 93, 99 (1954)). Emitters with more levels are in their full product
space. Of several modes all numbers of photons are kept whose sum is at most the cutoff.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from qmbench import Unsupported
from qmbench_light.models.emitters import EmittersInCavity

LARGEST_MATTER = 4096
"""States of emitters of three levels or more together, at most."""


@dataclass(frozen=True)
class Matter:
    """States of the emitters that are closed under the Hamiltonian, `copies` times there.

    energies: (n,), of H without light. raising: (n, n) sparse, what goes with a: all Σ μ|j><i|, i < j.
    excitations: (n,), emitters not in level 1, in all. start: (n,) the state at time 0, None where it is elsewhere.
    """

    copies: int
    energies: np.ndarray
    raising: Any
    excitations: np.ndarray
    start: np.ndarray | None


def matters(system: EmittersInCavity) -> Iterator[Matter]:
    """The sectors of the emitters, the one that is symmetric under exchange first."""
    if len(system.level_energies) == 2:
        yield from _spins(system)
    else:
        yield _levels(system)


def _spins(system: EmittersInCavity) -> Iterator[Matter]:
    from scipy.sparse import diags

    n = system.emitters
    low, high = system.level_energies
    moment = float(system.transition[0, 1])
    for down in range(n // 2 + 1):
        j = n / 2 - down
        m = np.arange(2 * down, 2 * (n - down) + 1, 2) / 2 - n / 2  # −J … J
        excited = m + n / 2
        raising = moment * np.sqrt(np.maximum(0.0, j * (j + 1) - m[:-1] * (m[:-1] + 1)))
        start = None
        if down == 0:
            start = np.zeros(len(m))
            start[system.excited] = 1.0
        copies = math.comb(n, down) - (math.comb(n, down - 1) if down else 0)
        # The midpoint of each emitter's two levels counts once for each emitter, whatever J.
        energies = n * (low + high) / 2 + (high - low) * m
        yield Matter(copies, energies, diags(raising, -1, shape=(len(m), len(m)), format="csr"), excited, start)


def _levels(system: EmittersInCavity) -> Matter:
    from scipy.sparse import csr_array, identity, kron

    n, size = system.emitters, len(system.level_energies)
    if size**n > LARGEST_MATTER:
        raise Unsupported(
            f"{n} emitters of {size} levels have {size**n} states, more than {LARGEST_MATTER}; two levels have no limit"
        )
    upward = csr_array(np.tril(system.transition, -1))
    states = np.array(list(product(range(size), repeat=n)))
    raising = csr_array((size**n, size**n))
    for k in range(n):
        left, right = identity(size**k, format="csr"), identity(size ** (n - k - 1), format="csr")
        raising = raising + kron(kron(left, upward), right)
    start = ((states <= 1).all(axis=1) & ((states == 1).sum(axis=1) == system.excited)).astype(float)
    start /= np.linalg.norm(start)
    energies = system.level_energies[states].sum(axis=1)
    return Matter(1, energies, csr_array(raising), (states > 0).sum(axis=1).astype(float), start)


@lru_cache(maxsize=32)
def occupations(modes: int, photons: int) -> np.ndarray:
    """(states, modes) all numbers of photons with a sum up to `photons`."""
    if modes == 1:
        return np.arange(photons + 1)[:, None]
    return np.array([(n, *rest) for n in range(photons + 1) for rest in occupations(modes - 1, photons - n).tolist()])


def count_states(modes: int, photons: int) -> int:
    """Rows of `occupations`."""
    return math.comb(photons + modes, modes)


def lowering(modes: int, photons: int, mode: int) -> Any:
    """a of a mode, sparse, in the states of `occupations`."""
    from scipy.sparse import coo_array

    states = occupations(modes, photons)
    place = {tuple(state): n for n, state in enumerate(states.tolist())}
    columns = np.nonzero(states[:, mode])[0]
    less = states[columns].copy()
    less[:, mode] -= 1
    rows = [place[tuple(state)] for state in less.tolist()]
    values = np.sqrt(states[columns, mode])
    return coo_array((values, (rows, columns)), shape=(len(states), len(states))).tocsr()


@dataclass(frozen=True)
class Sector:
    """H (n, n) sparse of one `Matter` and the field, matter first; field: (states, modes) as in `occupations`."""

    matter: Matter
    field: np.ndarray
    hamiltonian: Any
    light: Any

    @property
    def photons(self) -> np.ndarray:
        """(n,) photons in each state, all modes together."""
        return np.tile(self.field.sum(axis=1), len(self.matter.energies)).astype(float)


def sector(system: EmittersInCavity, matter: Matter, photons: int, counter_rotating: bool) -> Sector:
    """The Hamiltonian with up to `photons` photons. light: Σ_m (a_m + a†_m) in the same states, which light absorbs."""
    from scipy.sparse import csr_array, diags, identity, kron

    modes = len(system.modes)
    field = occupations(modes, photons)
    count, size = len(field), len(matter.energies)
    one_field, one_matter = identity(count, format="csr"), identity(size, format="csr")
    energies = matter.energies[:, None] + (field @ np.array([mode.frequency for mode in system.modes]))[None, :]
    h = csr_array(diags(energies.ravel(), format="csr"))
    amplitude = csr_array((count, count))
    total = csr_array((count, count))
    for n, mode in enumerate(system.modes):
        a = lowering(modes, photons, n)
        amplitude = amplitude + mode.coupling * a
        total = total + a
    up = matter.raising
    coupling = kron(up, amplitude)
    if counter_rotating:
        coupling = coupling + kron(up, amplitude.T)
    h = h + coupling + coupling.T
    if system.diamagnetic_strength:
        # The square of a truncated position would be wrong in its last row: normal order is not.
        square = amplitude.T @ amplitude * 2
        if counter_rotating:
            square = square + amplitude @ amplitude + (amplitude @ amplitude).T
        constant = sum(mode.coupling**2 for mode in system.modes)
        square = square + constant * one_field
        h = h + system.diamagnetic_strength * kron(one_matter, square)
    return Sector(matter, field, csr_array(h), csr_array(kron(one_matter, total + total.T)))
