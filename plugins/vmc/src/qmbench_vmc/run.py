"""From a molecule and the options of `vmc` or `dmc` to a result: trial functions, streams, properties."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Quantity, Resources, Result
from qmbench_vmc import driver, extrapolation
from qmbench_vmc.options import DmcOptions, TrialOptions, VmcOptions
from qmbench_vmc.slater_jastrow import excited, observables
from qmbench_vmc.slater_jastrow.observables import Observable
from qmbench_vmc.slater_jastrow.sampling import DmcSampler, VmcSampler
from qmbench_vmc.slater_jastrow.trial import Trial, identity, make_trial

# Part of a time limit that is spent before a run stops by itself, checkpoint written.
SHARE_OF_TIME = 0.85
_log = logging.getLogger("qmbench_vmc")

Energy = Callable[[Trial, str, float], tuple[float, float, dict[str, Any]]]


class Clock:
    """What is left of a task's time limit."""

    def __init__(self, resources: Resources):
        self.end = None if resources.time_s is None else time.monotonic() + SHARE_OF_TIME * resources.time_s

    def left(self) -> float | None:
        """Seconds, None without a limit."""
        return None if self.end is None else max(self.end - time.monotonic(), 0.0)


def vmc_result(
    molecule: Molecule,
    options: VmcOptions,
    properties: frozenset[str],
    resources: Resources,
    warnings: tuple[str, ...],
) -> Result:
    """`properties` of `molecule` by variational Monte Carlo."""
    clock = Clock(resources)
    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}
    trial = make_trial(molecule, options, resources)
    measured: dict[str, Observable] = {}
    if "dipole" in properties:
        measured["dipole"] = observables.dipole(trial)
    if "radial_density" in properties:
        measured["radial_density"] = observables.radial_density(trial)
    if "polarizability" in properties:
        measured |= observables.in_fields(trial, options, resources)
    if properties - {"excitation_energies"}:
        estimate = _vmc_stream(trial, options, resources, clock, measured)
        settings |= trial.settings | {"vmc_timestep": trial.timestep, "walkers": options.walkers} | estimate.settings()
        found["energy"] = Quantity(estimate.value, "hartree", estimate.error, "statistical")
        if "dipole" in properties:
            found["dipole"] = _quantity(*estimate.expectation("dipole"), "e bohr")
        if "radial_density" in properties:
            found["radial_density"] = _quantity(*estimate.expectation("radial_density"), "electrons")
            settings["radial_density_inner_radii"] = observables.RADII[:-1].tolist()
        if "polarizability" in properties:
            found["polarizability"] = _quantity(*observables.polarizability(estimate, options.field_strength), "bohr3")
            settings["field_strength"] = options.field_strength
            settings["polarizability"] = "second derivative of the reweighted energy; Jastrow factor that of zero field"
    if "excitation_energies" in properties:

        def energy(state: Trial, label: str, target: float) -> tuple[float, float, dict[str, Any]]:
            own = _vmc_stream(state, options, resources, clock, {}, label, target)
            return own.value, own.error, own.settings()

        found["excitation_energies"], more = _excitations(trial, options, resources, energy)
        settings |= more
    return Result({name: found[name] for name in properties}, settings, warnings)


def _vmc_stream(
    trial: Trial,
    options: VmcOptions,
    resources: Resources,
    clock: Clock,
    measured: Mapping[str, Observable],
    label: str = "",
    target: float | None = None,
) -> driver.Estimate:
    key = identity(trial, options, label) | {"what": "vmc walkers", "measured": sorted(measured)}
    if any(name.startswith("field") for name in measured):
        key["field_strength"] = options.field_strength
    sampler = VmcSampler(trial, options.walkers, options.seed, measured)
    name = f"vmc, {_name(trial)}{label and ', ' + label}"
    return _sample(sampler, key, trial, options, resources, clock, target or 1e-3 * options.target_error, name)


def _sample(
    sampler: driver.Sampler,
    key: Mapping[str, Any],
    trial: Trial,
    options: TrialOptions,
    resources: Resources,
    clock: Clock,
    target: float,
    name: str,
) -> driver.Estimate:
    """The stream of `sampler`, which `key` names, to the error `target` (hartree), from its checkpoint on."""
    with resources.checkpoint(json.dumps(key, sort_keys=True)) as folder:
        return driver.sample(
            sampler,
            target_error=target,
            max_blocks=options.max_blocks,
            checkpoint=folder,
            electrons=trial.electrons,
            time_s=clock.left(),
            name=name,
            progress=_log.info,
        )


def dmc_result(
    molecule: Molecule,
    options: DmcOptions,
    properties: frozenset[str],
    resources: Resources,
    warnings: tuple[str, ...],
) -> Result:
    """`properties` of `molecule` by fixed-node diffusion Monte Carlo."""
    clock = Clock(resources)
    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}
    trial = make_trial(molecule, options, resources)

    def energy(state: Trial, label: str, target: float) -> tuple[float, float, dict[str, Any]]:
        return _dmc_energy(state, options, resources, clock, label, target)

    if "energy" in properties:
        value, error, more = energy(trial, "", 1e-3 * options.target_error)
        settings |= trial.settings | more
        found["energy"] = Quantity(value, "hartree", error, "statistical")
    if "excitation_energies" in properties:
        found["excitation_energies"], more = _excitations(trial, options, resources, energy)
        settings |= more
    if len(options.timestep) == 1:
        warnings = (
            *warnings,
            f"at the time step {options.timestep[0]:g}, not extrapolated: write timestep=0.01,0.02,0.04",
        )
    return Result({name: found[name] for name in properties}, settings, warnings)


def _dmc_energy(
    trial: Trial, options: DmcOptions, resources: Resources, clock: Clock, label: str, target: float
) -> tuple[float, float, dict[str, Any]]:
    """Energy at the time step, or extrapolated to zero when there are several; hartree."""
    degree = extrapolation.degree(options.timestep, options.extrapolation)
    each = target / extrapolation.amplification(options.timestep, degree)
    series: list[driver.Estimate] = []
    for number, timestep in enumerate(options.timestep):
        key = identity(trial, options, label) | {"what": "dmc populations", "timestep": timestep}
        key |= {"populations": options.populations, "stream": number}
        sampler = DmcSampler(trial, options.walkers, options.populations, timestep, options.seed, number)
        name = f"dmc, {_name(trial)}{label and ', ' + label}, time step {timestep:g}"
        series.append(_sample(sampler, key, trial, options, resources, clock, each, name))
    settings: dict[str, Any] = {
        "timestep": list(options.timestep),
        "populations": options.populations,
        "walkers_per_population": max(options.walkers // options.populations, 2),
        "nonlocal": "T-moves" if trial.mole.has_ecp() else "none",
    }
    if len(series) == 1:
        only = series[0]
        return only.value, only.error, settings | only.settings()
    values, errors = np.array([s.value for s in series]), np.array([s.error for s in series])
    fit = extrapolation.to_zero(np.array(options.timestep), values, errors, degree)
    if fit.p_value < driver.P_VALUE:
        raise NotConverged(
            f"dmc, {_name(trial)}: energies at the time steps {', '.join(f'{t:g}' for t in options.timestep)} are on no"
            f" polynomial of degree {degree} (chi2/dof {fit.chi2_per_dof:.1f}); use smaller ones, or"
            " extrapolation=quadratic"
        )
    settings |= {
        "extrapolation": options.extrapolation,
        "timestep_energies": values.tolist(),
        "timestep_errors": errors.tolist(),
        "extrapolation_coefficients": fit.coefficients,
        "extrapolation_chi2_per_dof": fit.chi2_per_dof,
        "by_timestep": [s.settings() for s in series],
        "energy_variance": series[0].settings()["energy_variance"],
        "v_score": series[0].settings()["v_score"],
    }
    return fit.value, fit.error, settings


def _excitations(
    trial: Trial, options: TrialOptions, resources: Resources, energy: Energy
) -> tuple[Quantity, dict[str, Any]]:
    """Differences to the lowest states of other symmetries; each energy to 1/√2 of the target."""
    target = 1e-3 * options.target_error / np.sqrt(2)
    ground, ground_error, _ = energy(trial, "ground state for excitations", target)
    values, errors = {}, {}
    settings: dict[str, Any] = {"ground_state_energy": ground, "seed": options.seed, "excited_states": {}}
    for state in excited.states(trial, options, resources):
        value, error, more = energy(state.trial, state.label, target)
        values[state.label] = value - ground
        errors[state.label] = float(np.hypot(error, ground_error))
        settings["excited_states"][state.label] = more | {"energy": value, "symmetry": state.why}
    return Quantity(values, "hartree", errors, "statistical"), settings


def _quantity(value: np.ndarray, error: np.ndarray, unit: str) -> Quantity:
    return Quantity(np.asarray(value), unit, np.asarray(error), "statistical")


def _name(trial: Trial) -> str:
    return trial.molecule.name or trial.molecule.formula
