"""Hamiltonians of emitters and modes as sparse matrices, one for each way in which emitters behave under exchange.

Two-level emitters are spins one half: the Hamiltonian knows only their total, J = N/2, N/2 − 1, …, so that N spins have
about N²/4 states instead of 2^N (Dicke, Phys. Rev. 93, 99 (1954)). Emitters with more levels, or with vibrations, are
in their full product space. Of several modes all numbers of photons are kept whose sum is at most the cutoff, and of
several vibrations of an emitter all numbers of phonons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from qmbench import Unsupported
from qmbench_light.models.emitters import EmittersInCavity

LARGEST_MATTER = 4096
"""States of emitters of three levels or more together, at most."""


@dataclass(frozen=True)
class Matter:
    """States of the emitters that are closed under the Hamiltonian, `copies` times there.

    energies: (n,), diagonal of H without light. vibronic: (n, n) sparse, the rest of it, None for none.
    raising: (n, n) sparse, what goes with a: all Σ μ|j><i|, i < j.
    excitations: (n,), emitters not in level 1, in all. start: (n,) the state at time 0, None where it is elsewhere.
    """

    copies: int
    energies: np.ndarray
    raising: Any
    excitations: np.ndarray
    start: np.ndarray | None
    vibronic: Any = None


def matters(system: EmittersInCavity, phonons: int = 0) -> Iterator[Matter]:
    """The sectors of the emitters, the one that is symmetric under exchange first. phonons: cutoff of each emitter."""
    if by_total_spin(system):
        yield from _spins(system)
    else:
        yield _product(system, phonons)


def by_total_spin(system: EmittersInCavity) -> bool:
    """Whether the emitters are spins, of which only the total matters."""
    return len(system.level_energies) == 2 and not system.vibrations


def matter_states(system: EmittersInCavity, phonons: int) -> int:
    """States of the largest sector of the emitters."""
    if by_total_spin(system):
        return system.emitters + 1
    one = len(system.level_energies) * count_states(len(system.vibrations), phonons)
    return int(one**system.emitters)


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


def _product(system: EmittersInCavity, phonons: int) -> Matter:
    """All products of states of each emitter, which are level first, numbers of phonons second."""
    from scipy.sparse import csr_array, diags, identity, kron

    n, levels, count = system.emitters, len(system.level_energies), len(system.vibrations)
    if not system.vibrations and levels**n > LARGEST_MATTER:
        raise Unsupported(
            f"{n} emitters of {levels} levels have {levels**n} states, more than {LARGEST_MATTER}; two levels have no "
            "limit"
        )
    inner = occupations(count, phonons)
    size = levels * len(inner)
    level = np.repeat(np.arange(levels), len(inner))
    own = system.level_energies[level] + np.tile(inner @ np.array([v.frequency for v in system.vibrations]), levels)
    upward = kron(csr_array(np.tril(system.transition, -1)), identity(len(inner)), format="csr")
    excited = diags((np.arange(levels) > 0).astype(float))
    shift = csr_array((size, size))
    for place, v in enumerate(system.vibrations):
        c = lowering(count, phonons, place)
        shift = shift + v.frequency * math.sqrt(v.huang_rhys) * kron(excited, c + c.T)
    energies, raising, vibronic = np.zeros(size**n), csr_array((size**n,) * 2), csr_array((size**n,) * 2)
    excitations, start_levels, vacuum = np.zeros(size**n), np.zeros(size**n), np.ones(size**n, dtype=bool)
    for k in range(n):
        before, after = size**k, size ** (n - k - 1)
        left, right = identity(before, format="csr"), identity(after, format="csr")
        raising = raising + kron(kron(left, upward), right)
        vibronic = vibronic + kron(kron(left, shift), right)

        def spread(values: np.ndarray, before: int = before, after: int = after) -> np.ndarray:
            return np.tile(np.repeat(values, after), before)

        energies += spread(own)
        excitations += spread((level > 0).astype(float))
        start_levels += spread((level == 1).astype(float))
        vacuum &= spread((level <= 1) & (np.tile(inner.sum(axis=1), levels) == 0)).astype(bool)
    start = (vacuum & (start_levels == system.excited)).astype(float)
    start /= np.linalg.norm(start)
    coupled = csr_array(vibronic) if system.vibrations else None
    return Matter(1, energies, csr_array(raising), excitations, start, coupled)


@lru_cache(maxsize=32)
def occupations(modes: int, photons: int) -> np.ndarray:
    """(states, modes) all numbers of photons with a sum up to `photons`."""
    if not modes:
        return np.zeros((1, 0), dtype=int)
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
    if matter.vibronic is not None:
        h = h + kron(matter.vibronic, one_field)
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
