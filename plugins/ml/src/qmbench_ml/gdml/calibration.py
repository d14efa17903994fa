"""Error bars that cover as they say: from deviations of a Gaussian process to those of held-out geometries.

A function smoother than the kernel is learned faster than the process thinks: errors fall as a power of its standard
deviations d. An error bar is a dᵖ, the exponent p (1 to 2) the most likely one for normal errors, the factor a such
that INTERVAL error bars hold the share COVERED of the held-out errors.

That is an average over the held-out geometries. Where those around a geometry have larger errors than their bars, as at
the edges of a sample, its bar is widened by the root mean square of what they needed; and all bars together, where
TAIL_INTERVAL of them do not hold the share TAIL. What lies outside the held-out geometries is refused.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qmbench import InputError
from qmbench_ml.domain import Ranges
from qmbench_ml.gdml.kernel import Array
from qmbench_ml.gdml.labels import Labels
from qmbench_ml.gdml.model import NEIGHBOURS, ForceField, widening
from qmbench_ml.gdml.permutations import BOND

# Errors have longer tails than a normal distribution: were it one error bar, the tails would be far outside.
COVERED, INTERVAL = 0.9, 1.6448536269514722
TAIL, TAIL_INTERVAL = 0.995, 2.8070337683438042
LARGEST_EXPONENT = 2
# This share of the held-out geometries are no farther from the others than what is answered.
INSIDE = 0.98
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
    energy_bars, force_bars = model.errors(positions)
    force_ratios = force_errors / force_bars
    ratios = np.stack([energy_errors / energy_bars, np.sqrt((force_ratios**2).mean(axis=(1, 2)))], axis=1)
    model = replace(model, held_positions=positions, held_ratios=ratios)
    distances = model.held_distances(positions)
    np.fill_diagonal(distances, np.inf)  # each by the others
    wider = widening(distances, ratios)
    worst = force_ratios.max(axis=(1, 2))  # the component that is farthest off: one of a geometry is enough to be wrong
    tails = (_tail(ratios[:, 0] / wider[:, 0]), _tail(worst / wider[:, 1]))
    model = replace(
        model,
        energy_scaling=(tails[0] * model.energy_scaling[0], *model.energy_scaling[1:]),
        force_scaling=(tails[1] * model.force_scaling[0], *model.force_scaling[1:]),
        ranges=Ranges.of(((model.symbols, x) for x in positions), BOND),
    )
    crowding = np.sort(distances, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    return replace(
        model,
        reach=float(np.quantile(crowding, INSIDE)),
        largest_bar=float(model.errors(positions)[0].max()),
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


def _tail(ratios: Array) -> float:
    """The factor, 1 or more, on error bars with which TAIL_INTERVAL of them hold the share TAIL of the `ratios`."""
    return max(1.0, float(np.quantile(ratios, TAIL)) / TAIL_INTERVAL)
