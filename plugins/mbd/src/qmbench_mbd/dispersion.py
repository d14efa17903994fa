"""From oscillators to the properties of a record: what levels with a density and the models alone have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from qmbench import Crystal, Curve, InputError, Molecule, Quantity
from qmbench_mbd.families import QUANTA, RESPONSE
from qmbench_mbd.models import (
    COUPLING_OF_VARIANT,
    combined_c6,
    coupled_energy,
    mbd_gradient,
    screened,
    ts_energy,
    ts_gradient,
)
from qmbench_mbd.oscillators import Array, Gradient, Oscillators, frequency_grid
from qmbench_mbd.parameters import Damping
from qmbench_mbd.quanta import (
    Bogoliubov,
    bogoliubov,
    entanglement_entropy,
    mode_energies,
    pair_correlations,
    pair_energies,
    participation,
    virtual_quanta,
)
from qmbench_mbd.response import molecular_c6, polarizability, spectrum

# Model, if it is no pairwise sum -> variant of MBD; MBD-NL differs from MBD@TS in where its oscillators come from.
VARIANT_OF_MODEL = {"mbd": "rsscs", "mbd-scs": "scs", "mbd-ts": "plain", "mbd-nl": "plain"}


def damping_settings(model: str, damping: Damping) -> dict[str, Any]:
    """Which model with which published parameter, as settings of a record."""
    return {
        "dispersion_model": model,
        "damping_parameter": damping.value,
        "damping_steepness": damping.steepness,
        "damping_doi": damping.doi,
    }


def dispersion_properties(
    molecule: Molecule, o: Oscillators, model: str, damping: Damping, properties: frozenset[str]
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """Properties of a dispersion model on given oscillators (of the real atoms), and JSON-ready settings.

    `dispersion_energy` is among the settings. Raises PolarizationCatastrophe.
    """
    found: dict[str, Quantity] = {}
    if model == "ts":
        energy = ts_energy(o, damping.value, damping.steepness)
        if properties & RESPONSE:
            found |= _pairwise_response(o)
    else:
        variant = VARIANT_OF_MODEL[model]
        coupled = screened(o, damping.value, damping.steepness, variant)
        coupling = damping.value, damping.steepness, COUPLING_OF_VARIANT[variant]
        energy = coupled_energy(coupled, *coupling)
        if properties & (RESPONSE | {"dispersion_modes"}):
            found |= _coupled_response(*spectrum(coupled, *coupling))
        if properties & QUANTA:
            b = bogoliubov(coupled, *coupling)
            found |= _quanta(b)
            if "fragment_entanglement" in properties:
                found["fragment_entanglement"] = Quantity(_entropies(molecule, b), "")
    found["dispersion_energy"] = Quantity(energy, "hartree")
    settings = damping_settings(model, damping) | {"dispersion_energy": energy}
    if properties & RESPONSE:
        settings["imaginary_frequencies_hartree"] = frequency_grid()[0].tolist()
    return found, settings


def _pairwise_response(o: Oscillators) -> dict[str, Quantity]:
    """Sums over atoms that do not see one another."""
    alpha = o.polarizability(frequency_grid()[0]).sum(1)
    return _response(float(combined_c6(o.alpha, o.c6).sum()), alpha[0] * np.eye(3), alpha)


def _coupled_response(modes: Array, strengths: Array) -> dict[str, Quantity]:
    """From the coupled modes and their squared transition dipoles."""
    tensors = polarizability(modes, strengths, frequency_grid()[0])
    found = _response(molecular_c6(modes, strengths), tensors[0], tensors.trace(axis1=1, axis2=2) / 3)
    return found | {"dispersion_modes": Quantity(modes, "hartree")}


def _response(c6: float, static: Array, isotropic: Array) -> dict[str, Quantity]:
    return {
        "c6": Quantity(c6, "hartree bohr6"),
        "polarizability": Quantity(static, "bohr3"),
        "dynamic_polarizability": Quantity(Curve(frequency_grid()[0], isotropic, "hartree"), "bohr3"),
    }


def _quanta(b: Bogoliubov) -> dict[str, Quantity]:
    return {
        "dispersion_mode_atoms": Quantity(participation(b), ""),
        "dispersion_mode_energies": Quantity(mode_energies(b).sum(1), "hartree"),
        "virtual_quanta": Quantity(virtual_quanta(b), ""),
        "dispersion_pair_energies": Quantity(pair_energies(b), "hartree"),
        "dispersion_correlations": Quantity(pair_correlations(b), ""),
    }


def _entropies(molecule: Molecule, b: Bogoliubov) -> Array:
    """Entanglement entropy of every fragment's real atoms with the rest, (fragments,)."""
    number = {atom: k for k, atom in enumerate(np.flatnonzero(molecule.atomic_numbers > 0).tolist())}
    parts = [[number[i] for i in fragment.atoms if i in number] for fragment in molecule.fragments]
    return np.array([entanglement_entropy(b, part) if part else 0.0 for part in parts])


def dispersion_gradient(o: Oscillators, model: str, damping: Damping) -> Gradient:
    """Derivatives of the model's energy by positions at fixed ratios, and by the oscillators' parameters."""
    if model == "ts":
        return ts_gradient(o, damping.value, damping.steepness)[1]
    return mbd_gradient(o, damping.value, damping.steepness, VARIANT_OF_MODEL[model])[1]


def stochastic_properties(
    o: Oscillators, model: str, damping: Damping, probes: int, seed: int
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """The dispersion energy with its statistical uncertainty, in memory proportional to the number of atoms."""
    from qmbench_mbd.large import screen_sparse, stochastic_energy

    if model == "mbd":
        o = screen_sparse(o, damping.value, damping.steepness)
    e = stochastic_energy(o, damping.value, damping.steepness, probes=probes, seed=seed)
    settings = damping_settings(model, damping) | {
        "dispersion_energy": e.energy,
        "lanczos_steps": e.steps,
        "error_without_control_variates": e.uncontrolled_error,
    }
    return {"dispersion_energy": Quantity(e.energy, "hartree", e.error, "statistical")}, settings


def crystal_properties(
    crystal: Crystal,
    o: Oscillators,
    k_grid: tuple[int, int, int] | None,
    model: str,
    damping: Damping,
    properties: frozenset[str],
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """Energy per cell, forces and stress of a crystal at fixed ratios, and JSON-ready settings."""
    from qmbench_mbd.crystal import crystal_mbd_energy, crystal_mbd_gradient, crystal_ts_gradient
    from qmbench_mbd.ewald import PeriodicOscillators, k_points

    cell = PeriodicOscillators(o, crystal.lattice_vectors, k_grid or (1, 1, 1))
    derivatives = properties & {"forces", "stress"}
    if model == "ts":
        energy, positions, strain = crystal_ts_gradient(cell, damping.value, damping.steepness)
    else:
        if k_grid is None:
            raise InputError(
                "a crystal needs k_grid, the numbers of k points along the reciprocal vectors: k_grid=4,4,4"
            )
        given = (cell, damping.value, damping.steepness, VARIANT_OF_MODEL[model])
        if derivatives:
            energy, g = crystal_mbd_gradient(*given)
            positions, strain = g.positions, g.strain
        else:
            energy = crystal_mbd_energy(*given)
    found = {"dispersion_energy": Quantity(energy, "hartree")}
    if derivatives:
        found["forces"] = Quantity(-positions, "hartree/bohr")
        found["stress"] = Quantity(strain / crystal.volume, "hartree/bohr3")
    settings = damping_settings(model, damping) | {"dispersion_energy": energy}
    if model != "ts":
        settings["n_k_points"] = len(k_points(cell.k_grid))
    return found, settings
