"""Error bars that cover as they say: from deviations of a Gaussian process to those of held-out geometries.

A function smoother than the kernel is learned faster than the process thinks: errors fall as a power of its standard
deviations d. An error bar is a dᵖ, the exponent p (1 to 2) the most likely one for normal errors, the factor a such
that INTERVAL error bars hold the share COVERED of the held-out errors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qmbench import InputError
from qmbench_ml.gdml.kernel import Array
from qmbench_ml.gdml.labels import Labels
from qmbench_ml.gdml.model import ForceField
from qmbench_ml.gdml.permutations import bond_angles, bonded_triples

# Errors have longer tails than a normal distribution: were it one error bar, the tails would be far outside.
COVERED, INTERVAL = 0.9, 1.6448536269514722
LARGEST_EXPONENT = 2
# A model whose errors of the energy are more than this share of their spread was trained on something else.
USELESS = 0.5


def calibrated(model: ForceField, held_out: Labels) -> ForceField:
    """`model` with error bars that cover as they say on `held_out`, and a reach that ends there.

    InputError where its energies are not those of `held_out`.
    """
    held_out = held_out.turned()  # along fixed axes a planar molecule has forces that are zero without error
    positions = held_out.positions
    energy_errors, force_errors = _errors(model, held_out)
    if np.sqrt(np.mean(energy_errors**2)) > USELESS * held_out.energies.std():
        raise InputError("energies and forces do not belong together: look at their units, and at the sign of forces")
    energy_deviations, force_deviations = model.deviations(positions)
    model = replace(
        model,
        energy_scaling=_scaling(energy_errors, energy_deviations),
        force_scaling=_scaling(force_errors.ravel(), np.repeat(force_deviations, 3)),
    )
    return replace(
        model,
        reach=float(model.distances(positions).min(axis=1).max()),
        largest_bar=float(model.errors(positions)[0].max()),
        angle_range=_angle_range(model, positions),
    )


def coverage(model: ForceField, labels: Labels, factor: float = INTERVAL) -> tuple[float, float]:
    """Fractions of energies and of force components whose errors are within `factor` error bars."""
    labels = labels.turned()
    bars = model.errors(labels.positions)
    energies, forces = (
        float(np.mean(errors <= factor * bar)) for errors, bar in zip(_errors(model, labels), bars, strict=True)
    )
    return energies, forces


def _errors(model: ForceField, labels: Labels) -> tuple[Array, Array]:
    """Absolute errors of energies (M,) and forces (M, N, 3)."""
    return (
        np.abs(model.energies(labels.positions) - labels.energies),
        np.abs(model.forces(labels.positions) - labels.forces),
    )


def _scaling(errors: Array, deviations: Array) -> tuple[float, float, float]:
    """Factor a, exponent p and least deviation, as `model.scaled` takes them, from absolute `errors` (n,)."""
    from scipy.optimize import minimize_scalar

    logs = np.log(deviations)

    def cost(p: float) -> float:
        """Minus the mean log likelihood of normal errors of standard deviations a dᵖ, for the best a."""
        return float(np.log(np.mean((errors / np.exp(p * logs)) ** 2)) / 2 + p * logs.mean())

    p = float(minimize_scalar(cost, bounds=(1, LARGEST_EXPONENT), method="bounded").x)
    a = float(np.quantile(errors / deviations**p, COVERED)) / INTERVAL
    return a, p, float(deviations.min())


def _angle_range(model: ForceField, positions: Array) -> Array:
    """(T, 2) least and largest of every bond angle in the geometries `positions` (M, N, 3) and their permutations."""
    triples = bonded_triples(model.graph)
    angles = np.concatenate([bond_angles(triples, positions[:, order]) for order in model.permutations])
    return np.stack([angles.min(axis=0), angles.max(axis=0)], axis=1)
