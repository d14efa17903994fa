"""From a molecule and the options of `vmc` or `dmc` to a result: a trial function, streams of samples, properties.

A stream is a function of its key alone (molecule, options, seed, label); it goes on from its checkpoint until the
error bar is as small as asked.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Quantity, Resources, Result
from qmbench_vmc import driver, extrapolation
from qmbench_vmc.clock import Clock
from qmbench_vmc.options import DmcOptions, MonteCarloOptions, VmcOptions
from qmbench_vmc.slater_jastrow import excited, observables
from qmbench_vmc.slater_jastrow.observables import Measurement
from qmbench_vmc.slater_jastrow.sampling import DmcSampler, VmcSampler
from qmbench_vmc.slater_jastrow.trial import Trial, identity, make_trial

MILLIHARTREE = 1e-3
_log = logging.getLogger("qmbench_vmc")


@dataclass(frozen=True)
class Energy:
    """An energy with one standard error (hartree), and what the record keeps of its samples."""

    value: float
    error: float
    settings: dict[str, Any]


# The energy of a trial function, whose stream a label tells from others, to the error asked for (hartree).
Sampling = Callable[[Trial, str, float], Energy]


class Streams:
    """Samples each stream of one calculation from its checkpoint on, as long as there is time."""

    def __init__(self, options: MonteCarloOptions, resources: Resources):
        self.options, self.resources, self.clock = options, resources, Clock(resources)

    def estimate(
        self, sampler: driver.Sampler, key: Mapping[str, Any], trial: Trial, target: float, name: str
    ) -> driver.Estimate:
        """The stream that `key` names, to the error `target` (hartree). `name` starts messages."""
        with self.resources.checkpoint(json.dumps(key, sort_keys=True)) as folder:
            return driver.sample(
                sampler,
                target_error=target,
                max_blocks=self.options.max_blocks,
                checkpoint=folder,
                electrons=trial.electrons,
                time_s=self.clock.left(),
                name=name,
                progress=_log.info,
            )


def vmc_result(
    molecule: Molecule,
    options: VmcOptions,
    properties: frozenset[str],
    resources: Resources,
    warnings: tuple[str, ...],
) -> Result:
    """`properties` of `molecule` by variational Monte Carlo."""
    streams = Streams(options, resources)
    trial = make_trial(molecule, options, resources)
    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}
    if of_ground_state := properties - {"excitation_energies"}:
        measurements = _measurements(trial, options, of_ground_state, resources)
        target = MILLIHARTREE * options.target_error
        estimate = _vmc_estimate(streams, options, trial, "", target, measurements)
        settings |= trial.settings | {"vmc_timestep": trial.timestep, "walkers": options.walkers} | estimate.settings()
        found, more = _expectations(estimate, options, of_ground_state)
        settings |= more
    if "excitation_energies" in properties:

        def energy(state: Trial, label: str, target: float) -> Energy:
            own = _vmc_estimate(streams, options, state, label, target, {})
            return Energy(own.value, own.error, own.settings())

        found["excitation_energies"], more = _excitations(trial, options, resources, energy)
        settings |= more
    return Result(found, settings, warnings)


def dmc_result(
    molecule: Molecule,
    options: DmcOptions,
    properties: frozenset[str],
    resources: Resources,
    warnings: tuple[str, ...],
) -> Result:
    """`properties` of `molecule` by fixed-node diffusion Monte Carlo."""
    streams = Streams(options, resources)
    trial = make_trial(molecule, options, resources)
    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}

    def energy(state: Trial, label: str, target: float) -> Energy:
        return _dmc_energy(streams, options, state, label, target)

    if "energy" in properties:
        own = energy(trial, "", MILLIHARTREE * options.target_error)
        settings |= trial.settings | own.settings
        found["energy"] = Quantity(own.value, "hartree", own.error, "statistical")
    if "excitation_energies" in properties:
        found["excitation_energies"], more = _excitations(trial, options, resources, energy)
        settings |= more
    if len(options.timestep) == 1:
        warnings = (
            *warnings,
            f"at the time step {options.timestep[0]:g}, not extrapolated: write timestep=0.01,0.02,0.04",
        )
    return Result(found, settings, warnings)


def _measurements(
    trial: Trial, options: VmcOptions, properties: frozenset[str], resources: Resources
) -> dict[str, Measurement]:
    """What the walkers are asked for beside the energy: name of the series → measurement."""
    measurements: dict[str, Measurement] = {}
    if "dipole" in properties:
        measurements["dipole"] = observables.dipole(trial)
    if "radial_density" in properties:
        measurements["radial_density"] = observables.radial_density(trial)
    if "polarizability" in properties:
        measurements |= observables.in_fields(trial, options, resources)
    return measurements


def _expectations(
    estimate: driver.Estimate, options: VmcOptions, properties: frozenset[str]
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """The energy and the `properties` of the ground state from the series of one stream, and their settings."""
    found = {"energy": Quantity(estimate.value, "hartree", estimate.error, "statistical")}
    settings: dict[str, Any] = {}
    if "dipole" in properties:
        found["dipole"] = _quantity(*estimate.expectation("dipole"), "e bohr")
    if "radial_density" in properties:
        found["radial_density"] = _quantity(*estimate.expectation("radial_density"), "electrons")
        settings["radial_density_inner_radii"] = observables.RADII[:-1].tolist()
    if "polarizability" in properties:
        found["polarizability"] = _quantity(*observables.polarizability(estimate, options.field_strength), "bohr3")
        settings["field_strength"] = options.field_strength
        settings["polarizability"] = "second derivative of the reweighted energy; Jastrow factor that of zero field"
    return found, settings


def _vmc_estimate(
    streams: Streams,
    options: VmcOptions,
    trial: Trial,
    label: str,
    target: float,
    measurements: Mapping[str, Measurement],
) -> driver.Estimate:
    """|ψ|² of one trial function sampled until its energy has the error `target` (hartree)."""
    key = identity(trial.molecule, options, label) | {"what": "vmc walkers", "measured": sorted(measurements)}
    if any(name.startswith("field") for name in measurements):
        key["field_strength"] = options.field_strength
    sampler = VmcSampler(trial, options.walkers, options.seed, measurements)
    return streams.estimate(sampler, key, trial, target, f"vmc, {_name(trial, label)}")


def _dmc_energy(streams: Streams, options: DmcOptions, trial: Trial, label: str, target: float) -> Energy:
    """The fixed-node energy at the time step, or extrapolated to zero when there are several."""
    degree = extrapolation.polynomial_degree(options.timestep, options.extrapolation)
    each = target / extrapolation.amplification(options.timestep, degree)
    name = _name(trial, label)
    estimates: list[driver.Estimate] = []
    for number, timestep in enumerate(options.timestep):
        key = identity(trial.molecule, options, label) | {
            "what": "dmc populations",
            "timestep": timestep,
            "populations": options.populations,
            "stream": number,
        }
        sampler = DmcSampler(trial, options.walkers, options.populations, timestep, options.seed, number)
        estimates.append(streams.estimate(sampler, key, trial, each, f"dmc, {name}, time step {timestep:g}"))
    settings: dict[str, Any] = {
        "timestep": list(options.timestep),
        "populations": options.populations,
        "walkers_per_population": max(options.walkers // options.populations, 2),
        "nonlocal": "T-moves" if trial.mole.has_ecp() else "none",
    }
    if len(estimates) == 1:
        only = estimates[0]
        return Energy(only.value, only.error, settings | only.settings())
    values, errors = np.array([e.value for e in estimates]), np.array([e.error for e in estimates])
    limit = extrapolation.to_zero(np.array(options.timestep), values, errors, degree)
    if limit.p_value < driver.P_VALUE:
        raise NotConverged(
            f"dmc, {_name(trial)}: energies at the time steps {', '.join(f'{t:g}' for t in options.timestep)} are on no"
            f" polynomial of degree {degree} (chi2/dof {limit.chi2_per_dof:.1f}); use smaller ones, or"
            " extrapolation=quadratic"
        )
    by_timestep = [e.settings() for e in estimates]
    settings |= {
        "extrapolation": options.extrapolation,
        "timestep_energies": values.tolist(),
        "timestep_errors": errors.tolist(),
        "extrapolation_coefficients": limit.coefficients,
        "extrapolation_chi2_per_dof": limit.chi2_per_dof,
        "by_timestep": by_timestep,
        "energy_variance": by_timestep[0]["energy_variance"],
        "v_score": by_timestep[0]["v_score"],
    }
    return Energy(limit.value, limit.error, settings)


def _excitations(
    ground: Trial, options: MonteCarloOptions, resources: Resources, sampling: Sampling
) -> tuple[Quantity, dict[str, Any]]:
    """Differences to the lowest states of other symmetries; each energy to 1/√2 of the target."""
    target = MILLIHARTREE * options.target_error / np.sqrt(2)
    lowest = sampling(ground, "ground state for excitations", target)
    differences: dict[str, float] = {}
    errors: dict[str, float] = {}
    facts: dict[str, Any] = {}
    for state in excited.states(ground, options, resources):
        energy = sampling(state.trial, state.label, target)
        differences[state.label] = energy.value - lowest.value
        errors[state.label] = float(np.hypot(energy.error, lowest.error))
        facts[state.label] = energy.settings | {"energy": energy.value, "symmetry": state.why}
    settings = {"ground_state_energy": lowest.value, "seed": options.seed, "excited_states": facts}
    return Quantity(differences, "hartree", errors, "statistical"), settings


def _quantity(value: np.ndarray, error: np.ndarray, unit: str) -> Quantity:
    return Quantity(np.asarray(value), unit, np.asarray(error), "statistical")


def _name(trial: Trial, label: str = "") -> str:
    name = trial.molecule.name or trial.molecule.formula
    return f"{name}, {label}" if label else name
