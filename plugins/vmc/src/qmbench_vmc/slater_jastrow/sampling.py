"""PyQMC's Metropolis walkers and diffusing populations as streams of blocks for the driver."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from qmbench_vmc.slater_jastrow.observables import Measurement
from qmbench_vmc.slater_jastrow.random import DMC, START, VMC, seeded
from qmbench_vmc.slater_jastrow.trial import Trial, quiet

# Sweeps over all electrons before the first block, and between two measurements.
WARMUP, BETWEEN = 60, 3
MEASUREMENTS = 10
# Imaginary time between two measurements of DMC (1/hartree), and measurements a block.
PROJECTION = 0.1
DMC_MEASUREMENTS = 10


class _EachWalker:
    """An accumulator for PyQMC that keeps what every single walker gave."""

    def __init__(self, energy: Any, every: int, measurements: Mapping[str, Measurement]):
        self.energy, self.every, self.measurements = energy, every, measurements
        self.calls = 0
        self.rows: dict[str, list[Any]] = {name: [] for name in ("energy", "acceptance", *measurements)}
        self.before: np.ndarray | None = None

    def avg(self, configs: Any, wavefunction: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls % self.every == self.every - 1 or (self.every == 1 and self.before is None):
            self.before = configs.configs.copy()
        if self.calls % self.every == 0:
            self.rows["energy"].append(np.real(self.energy(configs, wavefunction)["total"]))
            moved = np.any(configs.configs != self.before, axis=2)
            self.rows["acceptance"].append(np.mean(moved))
            for name, measurement in self.measurements.items():
                self.rows[name].append(measurement(configs, wavefunction))
            if self.every == 1:
                self.before = configs.configs.copy()
        return {}


class VmcSampler:
    """Metropolis sampling of |ψ|², one chain per walker. measurements: name of a series -> what to
    measure for it.
    """

    walkers_per_chain = 1

    def __init__(
        self,
        trial: Trial,
        walkers: int,
        seed: int,
        measurements: Mapping[str, Measurement] | None = None,
        stream: int = 0,
    ):
        import pyqmc.method.mc as mc
        from pyqmc.observables.accumulators import EnergyAccumulator

        self.trial, self.chains, self.seed, self.stream = trial, walkers, seed, stream
        self.measurements = dict(measurements or {})
        self.energy = EnergyAccumulator(trial.mole)
        with seeded(seed, START, stream), quiet():
            self.configs = mc.initial_guess(trial.mole, walkers)

    def block(self, number: int) -> Mapping[str, np.ndarray]:
        import pyqmc.method.mc as mc

        wavefunction, timestep = self.trial.wavefunction, self.trial.timestep
        measure = _EachWalker(self.energy, BETWEEN, self.measurements)
        with seeded(self.seed, VMC, self.stream, number), quiet():
            if number == 0:
                _, self.configs = mc.vmc(
                    wavefunction, self.configs, tstep=timestep, nblocks=1, nsteps_per_block=WARMUP, accumulators={}
                )
            _, self.configs = mc.vmc(
                wavefunction,
                self.configs,
                tstep=timestep,
                nblocks=1,
                nsteps_per_block=BETWEEN * MEASUREMENTS,
                accumulators={"": measure},
            )
        return {name: np.array(rows) for name, rows in measure.rows.items()}

    def state(self) -> Mapping[str, np.ndarray]:
        return {"positions": self.configs.configs}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.configs.configs = np.array(state["positions"])


class _EachPopulation:
    """PyQMC's energy accumulator with the weights and energies of each population beside the mean over all.

    PyQMC averages every quantity over walkers with their weights: what is zero outside a population gives that
    population's share.
    """

    def __init__(self, energy: Any, members: np.ndarray):
        self.energy, self.members = energy, members

    def __call__(self, configs: Any, wavefunction: Any) -> dict[str, Any]:
        found = self.energy(configs, wavefunction)
        energies = np.real(found["total"])
        # einsum("...i,i...->...") of PyQMC wants walkers first.
        found["share"] = self.members
        found["energy"] = self.members * energies[:, None]
        found["square"] = self.members * energies[:, None] ** 2
        return found

    def has_nonlocal_moves(self) -> bool:
        return bool(self.energy.has_nonlocal_moves())

    def nonlocal_tmoves(self, configs: Any, wavefunction: Any, e: int, tau: float) -> Any:
        return self.energy.nonlocal_tmoves(configs, wavefunction, e, tau)


class DmcSampler:
    """Fixed-node diffusion Monte Carlo with T-moves for pseudopotentials; one chain per population of walkers.

    Populations share nothing: each has its trial energy and branches by itself. What is propagated, weighted and
    branched is PyQMC's; the trial energy follows the rule of its `rundmc`: the mean energy of the last three
    quarters of the run, less the logarithm of the mean weight.
    """

    def __init__(self, trial: Trial, walkers: int, populations: int, timestep: float, seed: int, stream: int = 0):
        import pyqmc.method.mc as mc
        from pyqmc.observables.accumulators import EnergyAccumulator

        self.trial, self.chains, self.timestep, self.seed, self.stream = trial, populations, timestep, seed, stream
        self.walkers_per_chain = max(walkers // populations, 2)
        total = self.walkers_per_chain * populations
        self.population = np.repeat(np.arange(populations), self.walkers_per_chain)
        self.members = (self.population[:, None] == np.arange(populations)).astype(float)
        self.energy = EnergyAccumulator(trial.mole)
        self.steps = max(1, round(PROJECTION / timestep))
        with seeded(seed, START, stream), quiet():
            self.configs = mc.initial_guess(trial.mole, total)
        self.weights = np.ones(total)
        self.history = np.zeros((0, 2, populations))
        self.spread = 0.0

    def block(self, number: int) -> Mapping[str, np.ndarray]:
        rows: dict[str, list[Any]] = {name: [] for name in ("energy", "energy_variance", "weight", "acceptance")}
        with seeded(self.seed, DMC, self.stream, number), quiet(), _calm():
            if number == 0:
                self._start()
            for _ in range(DMC_MEASUREMENTS):
                for name, value in self._project().items():
                    rows[name].append(value)
        return {name: np.array(values) for name, values in rows.items()}

    def _start(self) -> None:
        import pyqmc.method.mc as mc

        wavefunction = self.trial.wavefunction
        _, self.configs = mc.vmc(
            wavefunction,
            self.configs,
            tstep=self.trial.timestep,
            nblocks=1,
            nsteps_per_block=WARMUP,
            accumulators={},
        )
        wavefunction.recompute(self.configs)
        energies = np.real(self.energy(self.configs, wavefunction)["total"])
        means = self.members.T @ energies / self.walkers_per_chain
        self.spread = float(np.std(energies))
        self.history = np.stack([means, np.ones(self.chains)])[None]

    def _project(self) -> dict[str, Any]:
        import pyqmc.method.dmc as dmc

        late = self.history[len(self.history) // 4 :]
        estimate = np.sum(late[:, 0] * late[:, 1], axis=0) / np.sum(late[:, 1], axis=0)
        mean_weight = self.members.T @ self.weights / self.walkers_per_chain
        reference = estimate - np.log(mean_weight)
        found, self.configs, self.weights = dmc.dmc_propagate(
            self.trial.wavefunction,
            self.configs,
            self.weights,
            self.timestep,
            10.0 * self.spread,
            e_trial=reference[self.population],
            e_est=estimate[self.population],
            nsteps=self.steps,
            accumulators={"energy": _EachPopulation(self.energy, self.members)},
        )
        share = found["energyshare"]
        energy = found["energyenergy"] / share
        variance = np.maximum(found["energysquare"] / share - energy**2, 0.0)
        weight = share * found["weight"] * self.chains
        self._branch()
        self.history = np.concatenate([self.history, np.stack([energy, weight])[None]])
        return {"energy": energy, "energy_variance": variance, "weight": weight, "acceptance": found["acceptance"]}

    def _branch(self) -> None:
        """Each population by itself, by PyQMC's stochastic comb."""
        import pyqmc.method.dmc as dmc
        from pyqmc.configurations.coord import OpenConfigs

        positions = []
        for number in range(self.chains):
            own = self.population == number
            configs, weights, _ = dmc.branch(OpenConfigs(self.configs.configs[own]), self.weights[own])
            positions.append(configs.configs)
            self.weights[own] = weights
        self.configs.configs = np.concatenate(positions)

    def state(self) -> Mapping[str, np.ndarray]:
        return {
            "positions": self.configs.configs,
            "weights": self.weights,
            "history": self.history,
            "spread": np.array(self.spread),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.configs.configs = np.array(state["positions"])
        self.weights, self.history = np.array(state["weights"]), np.array(state["history"])
        self.spread = float(state["spread"])


@contextmanager
def _calm() -> Iterator[None]:
    """PyQMC warns of every weight above two; the record's weight efficiency says it once."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
