"""Samples of an optimized wavefunction, for the driver: parameters frozen, energies as they are, double precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from qmbench_vmc.neural import metropolis
from qmbench_vmc.neural.ansatz import Ansatz
from qmbench_vmc.neural.hamiltonian import local_energy
from qmbench_vmc.neural.optimization import EQUILIBRATION, SAMPLING, in_chunks, random_key

STEPS_PER_BLOCK = 10
EQUILIBRATION_SWEEPS = 300


class NeuralSampler:
    """The driver's `Sampler` of |ψ|²: each walker is a chain of its own; `sweeps` moves lie between measurements.

    facts: JSON-ready settings and what the optimization reached; history: (iterations, 3) energy, variance and
    acceptance of each iteration. A block has `energy` (steps, chains) in hartree,
    `acceptance` (steps,), and `dipole` (steps, chains, 3) in atomic units (about the origin for ions).
    """

    walkers_per_chain = 1

    def __init__(
        self,
        ansatz: Ansatz,
        parameters: Any,
        walkers: np.ndarray,
        step_size: float,
        seed: int,
        sweeps: int,
        facts: Mapping[str, Any],
    ):
        self.ansatz, self.parameters, self.seed = ansatz, parameters, seed
        self.chains = len(walkers)
        self.facts = dict(facts)
        self.history = np.empty((0, 3))
        self._walkers = jnp.asarray(walkers, jnp.float64)
        self._step_size, self._sweeps = step_size, sweeps
        self._measure = jax.jit(self._steps)

    def block(self, number: int) -> dict[str, np.ndarray]:
        key = random_key(self.seed, SAMPLING, number)
        self._walkers, measured = self._measure(self.parameters, self._walkers, key)
        return {name: np.asarray(values) for name, values in measured.items()}

    def state(self) -> dict[str, np.ndarray]:
        return {"walkers": np.asarray(self._walkers)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._walkers = jnp.asarray(state["walkers"], jnp.float64)

    def _steps(self, parameters: Any, walkers: Array, key: Array) -> tuple[Array, dict[str, Array]]:
        nuclei = jnp.asarray(self.ansatz.charges) @ jnp.asarray(self.ansatz.positions)

        def step(walkers: Array, key: Array) -> tuple[Array, dict[str, Array]]:
            walkers, acceptance = metropolis.walk(
                self.ansatz,
                in_chunks(lambda r: self.ansatz.log_psi(parameters, r)),
                walkers,
                key,
                jnp.asarray(self._step_size),
                self._sweeps,
            )
            energy = in_chunks(lambda r: local_energy(self.ansatz, parameters, r))(walkers)
            dipole = nuclei - jnp.sum(walkers, axis=1)
            return walkers, {"energy": energy, "acceptance": acceptance, "dipole": dipole}

        return jax.lax.scan(step, walkers, jax.random.split(key, STEPS_PER_BLOCK))


def equilibrated(
    ansatz: Ansatz, parameters: Any, walkers: np.ndarray, step_size: float, seed: int
) -> tuple[np.ndarray, float]:
    """Walkers after `EQUILIBRATION_SWEEPS` moves in |ψ|² of the final parameters, and the step size to go on with."""
    few = 20

    @jax.jit
    def move(parameters: Any, walkers: Array, step_size: Array, key: Array) -> tuple[Array, Array]:
        log_psi = in_chunks(lambda r: ansatz.log_psi(parameters, r))
        walkers, acceptance = metropolis.walk(ansatz, log_psi, walkers, key, step_size, few)
        return walkers, metropolis.adapted(step_size, acceptance)

    r, size = jnp.asarray(walkers, jnp.float64), jnp.asarray(step_size, jnp.float64)
    for number in range(EQUILIBRATION_SWEEPS // few):
        key = random_key(seed, EQUILIBRATION, number)
        r, size = move(parameters, r, size, key)
    return np.asarray(r), float(size)
