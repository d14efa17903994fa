"""Optimization of a trial wave function by stochastic reconfiguration, with PyQMC's pieces.

S. Sorella, Phys. Rev. B 64, 024512 (2001). Each step measures gradient and overlap, moves along the natural gradient
by the length at which correlated sampling finds the lowest energy (with a small share of its spread), and the
parameters of the last half of the steps are averaged: their noise is not that of the energy they give.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Sweeps in which one step's gradient is measured, and lengths that its line search tries.
SWEEPS = 20
LENGTHS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
# Configurations that the lengths are compared on, at least: with few, the lowest energy is the luckiest one.
CONFIGURATIONS = 800
# Share of the local energy's standard deviation in what is minimized: it is what a runaway shows in first.
SPREAD = 0.5


def stochastic_reconfiguration(
    mole: Any, wavefunction: Any, free: dict[str, np.ndarray], walkers: Any, *, steps: int, timestep: float
) -> list[float]:
    """Optimize the `free` parameters of `wavefunction` in place; the energy (hartree) before each step.

    Draws from NumPy's global generator.
    """
    import pyqmc.method.mc as mc
    from pyqmc.method.linemin import correlated_compute, set_wf_params
    from pyqmc.observables.accumulators import gradient_generator

    gradients = gradient_generator(mole, wavefunction, free)
    _, walkers = mc.vmc(wavefunction, walkers, tstep=timestep, nblocks=1, nsteps_per_block=2 * SWEEPS, accumulators={})
    energies, visited = [], []
    for _ in range(steps):
        start = gradients.transform.serialize_parameters(wavefunction.parameters)
        found, walkers = mc.vmc(
            wavefunction, walkers, tstep=timestep, nblocks=1, nsteps_per_block=SWEEPS, accumulators={"pgrad": gradients}
        )
        data = {
            key.removeprefix("pgrad"): np.mean(rows, axis=0) for key, rows in found.items() if key.startswith("pgrad")
        }
        energies.append(float(np.real(data["total"])))
        candidates = [start + change for change in gradients.delta_p(LENGTHS, data)[0]]
        # Sampling the sum of the densities at both ends keeps every candidate's weights near one.
        sampled = correlated_compute(
            wavefunction, _many(walkers), candidates, gradients, ref_wfs=[0, 1], nsteps=5, nblocks=1
        )
        best = candidates[_lowest(sampled)]
        set_wf_params(wavefunction, best, gradients)
        visited.append(best)
    if visited:
        set_wf_params(wavefunction, np.mean(visited[len(visited) // 2 :], axis=0), gradients)
    return energies


def _many(walkers: Any) -> Any:
    """Copies of the walkers, so many that there are CONFIGURATIONS; the sampling that follows parts them."""
    from pyqmc.configurations.coord import OpenConfigs

    copies = -(-CONFIGURATIONS // len(walkers.configs))
    return OpenConfigs(np.tile(walkers.configs, (copies, 1, 1)))


def _lowest(sampled: dict[str, np.ndarray]) -> int:
    """Index of the candidate whose reweighted energy, with a share of its spread, is lowest."""
    weights = sampled["weight"] / np.sum(sampled["weight"], axis=1, keepdims=True)
    totals = np.real(sampled["total"])
    mean = np.sum(weights * totals, axis=1)
    spread = np.sqrt(np.sum(weights * (totals - mean[:, None]) ** 2, axis=1))
    # A candidate that lives on a few walkers has not been seen.
    unseen = 1 / np.sum(weights**2, axis=1) < 0.6 * weights.shape[1]
    goal = np.where(np.isfinite(mean), mean + SPREAD * spread, np.inf)
    return int(np.argmin(np.where(unseen, np.inf, goal))) if not unseen.all() else 0
