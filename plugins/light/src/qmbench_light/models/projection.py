"""Nakajima–Zwanzig equations to second and fourth order in the coupling, without and with convolution.

With C(t) a sum of exponentials the expansion in the coupling is a chain of linear equations: density matrices of first,
second, third … order in the bath, each driven by the one before. Orders are kept apart, so that nothing beyond the
order asked for comes in, as it would with a hierarchy that is merely cut off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qmbench_light.models.baths import couplings
from qmbench_light.models.generators import decays, left, local, right
from qmbench_light.models.open_system import OpenSystem


class Chain:
    """The superoperators of the expansion: n of them, one for each exponential and each side of ρ.

    free: (d², d²) L₀. rates: (n,) ν of each. up: what creates it, c S ρ or c* ρ S†. down: what ends it, ∓[S†, ·].
    """

    def __init__(self, system: OpenSystem, terms: int) -> None:
        self.free = local(system.hamiltonian_matrix, decays(system))
        rates: list[complex] = []
        self.up: list[np.ndarray] = []
        self.down: list[np.ndarray] = []
        for coupling in couplings(system, terms):
            s, later = coupling.operator, coupling.operator.conj().T
            for weight, rate in zip(coupling.weights, coupling.rates, strict=True):
                rates += [rate, rate.conjugate()]
                self.up += [weight * left(s), weight.conjugate() * right(later)]
                self.down += [right(later) - left(later), left(s) - right(s)]
        self.rates = np.array(rates)
        self.size = len(self.free)
        n = len(rates)
        self.pairs = [(i, j) for i in range(n) for j in range(i, n)]

    def matrix(self, order: int, convolution: bool) -> Any:
        """The generator of the chain, sparse: blocks (d², d²), see `blocks`."""
        from scipy.sparse import block_array, csr_array, eye_array

        n, pairs = len(self.rates), self.pairs
        one = eye_array(self.size, format="csr")
        free = csr_array(self.free)
        names = self.blocks(order, convolution)
        place = {name: k for k, name in enumerate(names)}
        grid: list[list[Any]] = [[None] * len(names) for _ in names]

        def put(to: Any, source: Any, block: Any) -> None:
            if to in place and source in place:
                old = grid[place[to]][place[source]]
                grid[place[to]][place[source]] = csr_array(block) if old is None else old + csr_array(block)

        for name in names:
            kind, *index = name
            rate = sum((self.rates[k] for k in index), 0j)
            put(name, name, free - rate * one)
        # With convolution the second and fourth order act on one ρ, and the chain returns to it.
        rho2, rho4 = (("rho",), ("rho",)) if convolution else (("second",), ("fourth",))
        for k in range(n):
            put(("first", k), ("rho",), self.up[k])
            put(rho2, ("first", k), self.down[k])
            put(rho4, ("third", k), self.down[k])
            if not convolution:
                put(("third", k), ("second",), self.up[k])
        for i, j in pairs:
            for new, old in {(i, j), (j, i)}:
                put(("two", i, j), ("first", old), self.up[new])
                put(("third", old), ("two", i, j), self.down[new] * (2 if i == j else 1))
        return block_array(grid, format="csr")

    def blocks(self, order: int, convolution: bool) -> list[tuple[Any, ...]]:
        """Names of the blocks, the density matrix first."""
        firsts: list[tuple[Any, ...]] = [("first", k) for k in range(len(self.rates))]
        names: list[tuple[Any, ...]] = [("rho",)] + ([] if convolution else [("second",)]) + firsts
        if order == 4:
            names += [] if convolution else [("fourth",)]
            names += [("two", i, j) for i, j in self.pairs] + [("third", k) for k in range(len(self.rates))]
        return names


def convolved(system: OpenSystem, order: int, terms: int) -> np.ndarray:
    """(times, d, d) dρ/dt = L₀ρ + ∫ ds K(s) ρ(t − s), K to the order. Breuer, Petruccione (2002), sec. 9.1."""
    from scipy.sparse.linalg import expm_multiply

    chain = Chain(system, terms)
    generator = chain.matrix(order, convolution=True)
    vector = np.zeros(generator.shape[0], dtype=complex)
    vector[: chain.size] = system.state.ravel()
    now, found = 0.0, []
    for time in system.times:
        if time > now:
            vector = expm_multiply((time - now) * generator, vector)
        now = time
        found.append(vector[: chain.size].reshape(system.state.shape))
    return np.array(found)


def kernel_norms(system: OpenSystem, order: int, terms: int) -> np.ndarray:
    """(times,) Frobenius norm of K(t) in E0²: what the chain that starts by one coupling gives back by another one."""
    from scipy.sparse.linalg import expm_multiply

    chain = Chain(system, terms)
    names = chain.blocks(order, convolution=True)
    full = chain.matrix(order, convolution=True)
    size = chain.size
    # Without ρ itself the chain goes from its first to its last coupling and no further.
    inner = full[size:, size:]
    vector = full[size:, :size].toarray()
    back = full[:size, size:]
    assert names[0] == ("rho",)
    now, found = 0.0, []
    for time in system.times:
        if time > now:
            vector = expm_multiply((time - now) * inner, vector)
        now = time
        found.append(float(np.linalg.norm(back @ vector)))
    return np.array(found)


def time_local_generator(system: OpenSystem, order: int, terms: int, times: np.ndarray) -> np.ndarray:
    """(times, d², d²) the generator K(t) of dρ/dt = K(t)ρ to the order, on a grid that ascends from 0.

    From E = E₀ + E₂ + E₄ of the expansion of the propagator, K = Ė E⁻¹ order by order:
    K₂ = Ḋ₂E₀⁻¹, K₄ = (Ḋ₄ − K₂E₂)E₀⁻¹, Ḋ what the bath adds to Ė. Breuer, Petruccione (2002), sec. 9.2.2.
    """
    from scipy.linalg import expm
    from scipy.sparse.linalg import expm_multiply

    chain = Chain(system, terms)
    generator = chain.matrix(order, convolution=False)
    names = chain.blocks(order, convolution=False)
    size = chain.size
    at = {name: slice(k * size, (k + 1) * size) for k, name in enumerate(names)}
    start = np.zeros((generator.shape[0], size), dtype=complex)
    start[:size] = np.eye(size)
    path, now = [start], 0.0
    for time in times[1:]:
        path.append(expm_multiply((time - now) * generator, path[-1]))
        now = time
    found = []
    n = len(chain.rates)
    for time, state in zip(times, path, strict=True):
        back = expm(-chain.free * time)
        second = sum(chain.down[k] @ state[at["first", k]] for k in range(n)) @ back
        total = chain.free + second
        if order == 4:
            fourth = sum(chain.down[k] @ state[at["third", k]] for k in range(n))
            total = total + (fourth - second @ state[at["second",]]) @ back
        found.append(total)
    return np.array(found)


def time_local(system: OpenSystem, order: int, terms: int, points: int) -> np.ndarray:
    """(times, d, d) by the time-local equation; fourth-order Magnus steps, `points` of them and the system's times.

    Steps are short at first, where the fastest part of the memory builds up: t ~ k³. Magnus to fourth order from the
    generator at both ends and the middle (Blanes et al., Phys. Rep. 470, 151 (2009)).
    """
    from scipy.linalg import expm

    last = system.times[-1]
    if not last:
        return np.array([system.state])
    ends = np.union1d(last * (np.arange(points + 1) / points) ** 3, system.times)
    grid = np.empty(2 * len(ends) - 1)
    grid[::2], grid[1::2] = ends, (ends[1:] + ends[:-1]) / 2
    generators = time_local_generator(system, order, terms, grid)
    vector = system.state.ravel()
    path = [vector]
    for k in range(len(ends) - 1):
        h = ends[k + 1] - ends[k]
        a, b, c = generators[2 * k : 2 * k + 3]
        slope = (c - a) / h
        vector = expm(h * (a + 4 * b + c) / 6 + h**3 / 12 * (slope @ b - b @ slope)) @ vector
        path.append(vector)
    places = np.searchsorted(ends, system.times)
    return np.array(path)[places].reshape(-1, *system.state.shape)
