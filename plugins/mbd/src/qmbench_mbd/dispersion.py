"""From oscillators to the properties of a record: what levels with a density and the models alone have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench import Crystal, InputError, Molecule, Quantity
from qmbench_mbd import models, quanta, response, screening
from qmbench_mbd.families import QUANTA, RESPONSE
from qmbench_mbd.parameters import Array, Damping, Oscillators

if TYPE_CHECKING:
    from qmbench_mbd.screening import Gradient

# model -> `variant` of `models.mbd_energy`, for the models that are no pairwise sum
VARIANTS = {"mbd": "rsscs", "mbd-scs": "scs", "mbd-ts": "plain", "mbd-nl": "plain"}


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
    u, _ = screening.frequency_grid()
    found: dict[str, Quantity] = {}
    coupling = "exponential" if model == "mbd-scs" else "fermi"
    if model == "ts":
        energy = models.ts_energy(o, damping.value, damping.steepness)
    else:
        if model in ("mbd", "mbd-scs"):
            o = screening.screen(o, (damping.value, damping.steepness) if model == "mbd" else None).oscillators
        energy = models.coupled_energy(o, damping.value, damping.steepness, coupling)
    if properties & RESPONSE or "dispersion_modes" in properties:
        if model == "ts":
            alpha = screening.dynamic_polarizability(o.alpha, o.omega, u).sum(1)
            c6 = float(models.combined_c6(o.alpha, o.c6).sum())
            tensor = alpha[0] * np.eye(3)
        else:
            modes, strengths = response.spectrum(o, damping.value, damping.steepness, coupling)
            tensors = response.polarizability(modes, strengths, u)
            alpha, tensor = tensors.trace(axis1=1, axis2=2) / 3, tensors[0]
            c6 = response.molecular_c6(modes, strengths)
            found["dispersion_modes"] = Quantity(modes, "hartree")
        found |= {
            "c6": Quantity(c6, "hartree bohr6"),
            "polarizability": Quantity(tensor, "bohr3"),
            "dynamic_polarizability": Quantity(alpha, "bohr3"),
        }
    if properties & QUANTA and model != "ts":
        b = quanta.bogoliubov(o, damping.value, damping.steepness, coupling)
        found |= {
            "dispersion_mode_atoms": Quantity(quanta.participation(b), ""),
            "dispersion_mode_energies": Quantity(quanta.mode_energies(b).sum(1), "hartree"),
            "virtual_quanta": Quantity(quanta.virtual_quanta(b), ""),
            "dispersion_pair_energies": Quantity(quanta.pair_energies(b), "hartree"),
            "dispersion_correlations": Quantity(quanta.pair_correlations(b), ""),
        }
        if "fragment_entanglement" in properties:
            found["fragment_entanglement"] = Quantity(_entropies(molecule, b), "")
    found["dispersion_energy"] = Quantity(energy, "hartree")
    settings = damping_settings(model, damping) | {"dispersion_energy": energy}
    if properties & RESPONSE:
        settings["imaginary_frequencies_hartree"] = u.tolist()
    return {name: quantity for name, quantity in found.items() if name in properties}, settings


def dispersion_gradient(o: Oscillators, model: str, damping: Damping) -> Gradient:
    """Derivatives of the model's energy by positions at fixed ratios, and by the oscillators' parameters."""
    if model == "ts":
        return models.ts_gradient(o, damping.value, damping.steepness)[1]
    return models.mbd_gradient(o, damping.value, damping.steepness, VARIANTS[model])[1]


def stochastic_properties(
    o: Oscillators, model: str, damping: Damping, probes: int, seed: int
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """The dispersion energy with its statistical uncertainty, in memory proportional to the number of atoms."""
    from qmbench_mbd import large

    if model == "mbd":
        o = large.screen_sparse(o, damping.value, damping.steepness)
    e = large.stochastic_energy(o, damping.value, damping.steepness, probes=probes, seed=seed)
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
    from qmbench_mbd import crystal as sums
    from qmbench_mbd import ewald

    cell = ewald.Crystal(o, crystal.lattice_vectors, k_grid or (1, 1, 1))
    derivatives = properties & {"forces", "stress"}
    if model == "ts":
        energy, positions, strain = sums.crystal_ts_gradient(cell, damping.value, damping.steepness)
    else:
        if k_grid is None:
            raise InputError(
                "a crystal needs k_grid, the numbers of k points along the reciprocal vectors: k_grid=4,4,4"
            )
        given = (cell, damping.value, damping.steepness, VARIANTS[model])
        if derivatives:
            energy, g = sums.crystal_mbd_gradient(*given)
            positions, strain = g.positions, g.strain
        else:
            energy = sums.crystal_mbd_energy(*given)
    found = {"dispersion_energy": Quantity(energy, "hartree")}
    if derivatives:
        found["forces"] = Quantity(-positions, "hartree/bohr")
        found["stress"] = Quantity(strain / crystal.volume, "hartree/bohr3")
    settings = damping_settings(model, damping) | {"dispersion_energy": energy}
    if model != "ts":
        settings["n_k_points"] = len(ewald.k_points(cell.k_grid))
    return {name: quantity for name, quantity in found.items() if name in properties}, settings


def _entropies(molecule: Molecule, b: quanta.Bogoliubov) -> Array:
    """Entanglement entropy of every fragment's real atoms with the rest, (fragments,)."""
    number = {atom: k for k, atom in enumerate(np.flatnonzero(molecule.atomic_numbers > 0).tolist())}
    parts = [[number[i] for i in fragment.atoms if i in number] for fragment in molecule.fragments]
    return np.array([quanta.entanglement_entropy(b, part) if part else 0.0 for part in parts])
