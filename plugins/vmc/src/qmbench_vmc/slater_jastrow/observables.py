"""What is measured on walkers beside the energy: dipole, radial density, and energies in electric fields."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from qmbench import Resources
from qmbench_vmc import statistics
from qmbench_vmc.driver import Estimate
from qmbench_vmc.options import VmcOptions
from qmbench_vmc.slater_jastrow.trial import Trial, assemble

# What walkers (PyQMC's configurations) and the wave function there give: an array (walkers or groups, …).
Measurement = Callable[[Any, Any], np.ndarray]

# Shells of the radial density, bohr: fine near the nucleus; the last one is everything beyond.
RADII = np.concatenate([[0.0], np.geomspace(0.05, 12.0, 40), [np.inf]])
# Walkers are averaged in groups where one number per walker and shell would be too many.
GROUPS = 16
# Fields along which energies are differentiated: three axes, three diagonals.
DIRECTIONS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=float)


def dipole(trial: Trial) -> Measurement:
    """Dipole moment about the origin of the coordinates, e bohr: (walkers, 3)."""
    nuclear = trial.mole.atom_charges() @ trial.mole.atom_coords()

    def measure(configs: Any, wavefunction: Any) -> np.ndarray:
        return nuclear - configs.configs.sum(axis=1)

    return measure


def radial_density(trial: Trial) -> Measurement:
    """Electrons in each shell of RADII about the (only) nucleus, averaged over groups of walkers: (groups, shells)."""
    real = next(i for i in range(trial.mole.natm) if trial.mole.atom_charge(i) > 0)
    center = trial.mole.atom_coord(real)

    def measure(configs: Any, wavefunction: Any) -> np.ndarray:
        distance = np.linalg.norm(configs.configs - center, axis=2)
        shell = np.searchsorted(RADII, distance, side="right") - 1
        groups = np.array_split(np.arange(len(distance)), GROUPS)
        shells = len(RADII) - 1
        return np.array([np.bincount(shell[g].ravel(), minlength=shells)[:shells] / len(g) for g in groups])

    return measure


def in_fields(trial: Trial, options: VmcOptions, resources: Resources) -> dict[str, Measurement]:
    """Weight and weighted local energy of the wave function in each field, on the same walkers: name -> (walkers, 2).

    In a field the orbitals are those of the mean field in it; the Jastrow factor stays. Reweighting makes the
    differences of energies far less noisy than the energies.
    """
    from pyqmc.observables.accumulators import EnergyAccumulator

    energy = EnergyAccumulator(trial.mole)
    nuclear = trial.mole.atom_charges() @ trial.mole.atom_coords()
    found = {}
    for number, direction in enumerate(DIRECTIONS):
        for sense in (1, -1):
            strength = sense * options.field_strength * direction
            found[f"field{number}{'+' if sense > 0 else '-'}"] = _in_field(
                _wavefunction(trial, options, resources, strength), strength, energy, nuclear
            )
    return found


def _wavefunction(trial: Trial, options: VmcOptions, resources: Resources, strength: np.ndarray) -> Any:
    from qmbench_pyscf import converged_scf

    mf = converged_scf(trial.molecule, options.specification(field=tuple(strength.tolist())), resources)
    plain = copy.copy(trial.mean_field)
    plain.mo_coeff, plain.mo_occ = mf.mo_coeff, mf.mo_occ
    wavefunction, _, _ = assemble(plain, None, None, options)
    for name, value in trial.wavefunction.parameters.items():
        if name.startswith("wf2"):
            wavefunction.parameters[name] = np.array(value)
    return wavefunction


def _in_field(field_function: Any, strength: np.ndarray, energy: Any, nuclear: np.ndarray) -> Measurement:
    def measure(configs: Any, wavefunction: Any) -> np.ndarray:
        _, log_field = field_function.recompute(configs)
        _, log_free = wavefunction.value()
        # The same random rotations of the pseudopotential's quadrature for all fields.
        before = np.random.get_state()  # noqa: NPY002
        local = np.real(energy(configs, field_function)["total"])
        np.random.set_state(before)  # noqa: NPY002
        local = local - (nuclear - configs.configs.sum(axis=1)) @ strength
        return np.stack([np.exp(2 * (log_field - log_free)), local], axis=1)

    return measure


def polarizability(estimate: Estimate, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """(3, 3) -d²E/dF² in bohr³ and its standard errors, from energies at ± the field along the axes and diagonals.

    All energies come from the same walkers, and the error is that of the difference quotient (first order, Wolff
    2004), not of its energies.
    """
    curvature, series = [], []
    free = estimate.series["energy"]
    for number in range(len(DIRECTIONS)):
        plus, minus = (estimate.series[f"field{number}{sign}"] for sign in "+-")
        value, deviations = statistics.linearized(
            lambda e0, w1, e1, w2, e2: -(e1 / w1 + e2 / w2 - 2 * e0) / strength**2,
            [free, plus[..., 0], plus[..., 0] * plus[..., 1], minus[..., 0], minus[..., 0] * minus[..., 1]],
        )
        curvature.append(value)
        series.append(deviations)
    alpha, error = np.zeros((3, 3)), np.zeros((3, 3))
    for i in range(3):
        alpha[i, i], error[i, i] = curvature[i], statistics.mean_error(series[i]).error
    for number, (i, j) in ((3, (0, 1)), (4, (0, 2)), (5, (1, 2))):
        alpha[i, j] = alpha[j, i] = (curvature[number] - curvature[i] - curvature[j]) / 2
        mixed = (series[number] - series[i] - series[j]) / 2
        error[i, j] = error[j, i] = statistics.mean_error(mixed).error
    return alpha, error
