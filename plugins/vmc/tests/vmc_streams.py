"""Streams whose exact error is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def autoregressive(phi: float, steps: int, chains: int, rng: np.random.Generator) -> np.ndarray:
    """Stationary AR(1) series of unit variance and zero mean: τ = (1 + φ)/(1 - φ)/2."""
    from scipy.signal import lfilter

    noise = rng.standard_normal((steps, chains)) * np.sqrt(1 - phi**2)
    start = rng.standard_normal((1, chains))
    return lfilter([1.0], [1.0, -phi], noise, axis=0, zi=phi * start)[0]


class AutoregressiveSampler:
    """An AR(1) stream as a sampler: mean -2, variance 0.25, random numbers by (seed, block)."""

    walkers_per_chain = 1

    def __init__(self, seed: int = 1, phi: float = 0.7, steps: int = 50, chains: int = 16, shifts: tuple = ()):
        self.seed, self.phi, self.steps, self.chains = seed, phi, steps, chains
        self.shift = np.zeros(chains)
        self.shift[: len(shifts)] = shifts
        self.position = np.random.default_rng([seed, 10**6]).standard_normal(chains)
        self.calls: list[int] = []

    def block(self, number: int) -> Mapping[str, np.ndarray]:
        self.calls.append(number)
        rng = np.random.default_rng([self.seed, number])
        energies = np.empty((self.steps, self.chains))
        for step in range(self.steps):
            kick = rng.standard_normal(self.chains) * np.sqrt(1 - self.phi**2)
            self.position = self.phi * self.position + kick
            energies[step] = -2 + 0.5 * self.position + self.shift
        return {"energy": energies, "acceptance": np.full(self.steps, 0.6)}

    def state(self) -> Mapping[str, np.ndarray]:
        return {"position": self.position}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.position = state["position"]
