"""Many-body dispersion on predicted ratios, asked of the MBD plugin as a level of theory, with the error of the ratios.

The covariance C of the ratios goes through the derivative g of a number by them: its variance is gᵀ C g.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench import Molecule, Quantity, Resources, Result, single_level

if TYPE_CHECKING:
    from qmbench_ml.hirshfeld.model import Prediction
    from qmbench_ml.hirshfeld.options import LearnedDispersionOptions

_RESPONSE = ("c6", "polarizability")
_FORCES = ("forces", "dispersion_forces")


def dispersion(
    molecule: Molecule,
    prediction: Prediction,
    options: LearnedDispersionOptions,
    properties: frozenset[str],
    resources: Resources,
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """Properties of the coupled oscillators with the predicted ratios, and the settings of the MBD plugin."""
    if options.solver == "stochastic":
        return _stochastic(molecule, prediction, options, resources)
    asked = frozenset({"dispersion_energy", "dispersion_ratio_gradient"}) | (properties & {*_RESPONSE})
    if properties & {*_FORCES}:
        asked |= {"forces"}
    result = _ask("mbd", molecule, prediction.ratios, asked, resources, dict(options))
    given = result.properties
    by_ratios = np.asarray(given["dispersion_ratio_gradient"].value)
    found = {
        "dispersion_energy": _with_error(given["dispersion_energy"], by_ratios @ prediction.covariance @ by_ratios)
    }
    if properties & {*_FORCES}:
        forces = np.asarray(given["forces"].value) - _through_ratios(molecule, prediction, by_ratios)
        found |= dict.fromkeys(_FORCES, Quantity(forces, "hartree/bohr"))
    if response := properties & {*_RESPONSE}:
        found |= _response_errors(molecule, prediction, options, result, response, resources)
    return found, dict(result.settings)


def _ask(
    model: str,
    molecule: Molecule,
    ratios: np.ndarray,
    properties: frozenset[str],
    resources: Resources,
    options: Mapping[str, Any],
) -> Result:
    """What the level of theory `model` gives at these ratios with `options`."""
    method = single_level(model, ratios=tuple(ratios.tolist()), **options).make()
    return method.run(molecule, properties, resources)


def _with_error(quantity: Quantity, variance: Any) -> Quantity:
    return Quantity(quantity.value, quantity.unit, np.sqrt(np.maximum(variance, 0.0))[()], "model")


def _through_ratios(molecule: Molecule, prediction: Prediction, by_ratios: np.ndarray) -> np.ndarray:
    from qmbench_ml.hirshfeld.model import shipped

    return shipped().pull_back(molecule.atomic_numbers, prediction, by_ratios)


def _response_errors(
    molecule: Molecule,
    prediction: Prediction,
    options: LearnedDispersionOptions,
    result: Result,
    properties: frozenset[str],
    resources: Resources,
) -> dict[str, Quantity]:
    """C6 and polarizability with their errors; derivatives by forward differences of a hundredth in one ratio, exact
    to about a hundredth of themselves, which is enough for an error."""
    step, n = 0.01, len(prediction.ratios)
    changes: dict[str, list[np.ndarray]] = {name: [] for name in properties}
    for atom in range(n):
        moved = prediction.ratios.copy()
        moved[atom] += step
        other = _ask("mbd", molecule, moved, properties, resources, dict(options)).properties
        for name in properties:
            value = np.asarray(other[name].value) - np.asarray(result.properties[name].value)
            changes[name].append(value / step)
    found = {}
    for name, by_ratios in changes.items():
        g = np.array(by_ratios)
        variance = np.einsum("i...,ij,j...->...", g, prediction.covariance, g)
        found[name] = _with_error(result.properties[name], variance)
    return found


def _stochastic(
    molecule: Molecule, prediction: Prediction, options: LearnedDispersionOptions, resources: Resources
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """The energy from random vectors. Its derivative by the ratios, which only its error needs, is that of the
    pairwise energy, scaled to the energy."""
    ratios = prediction.ratios
    result = _ask("mbd", molecule, ratios, frozenset({"dispersion_energy"}), resources, dict(options))
    energy = result.properties["dispersion_energy"]
    asked = frozenset({"dispersion_energy", "dispersion_ratio_gradient"})
    pairwise = _ask("ts", molecule, ratios, asked, resources, {"damping": options.damping}).properties
    pairs = _number(pairwise["dispersion_energy"].value)
    scale = _number(energy.value) / pairs if pairs else 0.0
    g = scale * np.asarray(pairwise["dispersion_ratio_gradient"].value)
    of_ratios = math.sqrt(max(float(g @ prediction.covariance @ g), 0.0))
    error = math.hypot(_number(energy.uncertainty or 0.0), of_ratios)
    return {"dispersion_energy": Quantity(energy.value, "hartree", error, "combined")}, dict(result.settings)


def _number(value: Any) -> float:
    return float(value)
