"""What an entry compares, and how it is made from primitive properties.

Pure functions: an entry's terms become (coefficient, system, property) triples, and the quantities of those
become one value with its uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qmbench.domain.errors import InputError, Unsupported, did_you_mean
from qmbench.domain.properties import Property, Shape
from qmbench.domain.quantity import Quantity, combine

How = Literal["linear", "value", "trace", "anisotropy", "norm", "state"]

# how -> the shape that the property must have
SHAPES: dict[str, Shape] = {
    "linear": (),
    "value": (),
    "trace": (3, 3),
    "anisotropy": (3, 3),
    "norm": (3,),
    "state": "states",
}


@dataclass(frozen=True)
class Observable:
    """What an entry compares. `prop` is the primitive property it is made of; `how` says by which formula.

    how: linear, Σ coefficient × property over the entry's terms, nuclei balanced; value, the property of one system as
    it is; of one system as well: trace (a third of it), anisotropy, norm, and state, the one that the entry names.
    """

    name: str
    prop: str
    how: How
    description: str


class ObservableRegistry(dict[str, Observable]):
    """name -> Observable. Reading an unknown name raises InputError naming the nearest right ones."""

    def __missing__(self, name: str) -> Observable:
        raise InputError(f"unknown observable '{name}'{did_you_mean(name, self)}")

    def add(self, observable: Observable, prop: Property) -> None:
        """Register one that is made of `prop`; InputError when the name is taken or the formula does not fit."""
        if observable.how not in SHAPES:
            right = did_you_mean(observable.how, SHAPES)
            raise InputError(f"observable '{observable.name}': there is no formula '{observable.how}'{right}")
        if prop.shape != SHAPES[observable.how]:
            raise InputError(
                f"observable '{observable.name}' is a {observable.how} of '{prop.name}', which must have the shape "
                f"{SHAPES[observable.how]}, not {prop.shape}"
            )
        if dict.get(self, observable.name, observable) != observable:
            raise InputError(f"observable '{observable.name}' is defined twice with different formulas or texts")
        dict.__setitem__(self, observable.name, observable)


OBSERVABLES = ObservableRegistry(
    (o.name, o)
    for o in (
        Observable("total_energy", "energy", "value", "total energy of one system"),
        Observable("interaction_energy", "energy", "linear", "E(complex) - sum E(fragments); negative: bound"),
        Observable("dissociation_energy", "energy", "linear", "sum E(fragments) - E(molecule); positive: bound"),
        Observable("atomization_energy", "energy", "linear", "sum E(atoms) - E(molecule); positive: bound"),
        Observable("ionization_energy", "energy", "linear", "E(cation) - E(neutral), vertical or as the systems say"),
        Observable("electron_affinity", "energy", "linear", "E(neutral) - E(anion); positive: the anion is bound"),
        Observable("reaction_energy", "energy", "linear", "sum E(products) - sum E(reactants)"),
        Observable("energy_per_site", "energy_per_site", "value", "energy of a lattice model per site"),
        Observable(
            "particle_number_error",
            "particle_number_error",
            "value",
            "electrons that an embedding gains or loses; 0 is right",
        ),
        Observable("polarizability", "polarizability", "trace", "isotropic polarizability, trace/3"),
        Observable(
            "polarizability_anisotropy",
            "polarizability",
            "anisotropy",
            "sqrt of half the sum of squared differences of principal polarizabilities",
        ),
        Observable("dipole_moment", "dipole", "norm", "length of the dipole moment"),
        Observable("excitation_energy", "excitation_energies", "state", "vertical excitation energy to `state`"),
        Observable("c6", "c6", "value", "isotropic dispersion coefficient"),
    )
)
"""The core's own; plugins add to a copy of it, `plugins().observables`."""


def evaluate(observable: Observable | str, state: str, terms: Sequence[tuple[float, Quantity]]) -> Quantity:
    """The observable (one of the core's by name) from its terms' quantities, uncertainties propagated to first order.

    Unsupported when the state asked for is not among those computed; InputError when the terms do not fit.
    """
    if isinstance(observable, str):
        observable = OBSERVABLES[observable]
    how = observable.how
    if how == "linear":
        return combine(terms)
    if len(terms) != 1 or terms[0][0] != 1:
        raise InputError(f"{observable.name} belongs to one system, with coefficient 1")
    quantity = terms[0][1]
    if how == "value":
        return combine(terms)
    if how == "state":
        return _state(quantity, state)
    formula: Callable[[np.ndarray], float] = {"trace": _trace, "anisotropy": _anisotropy, "norm": _norm}[how]
    return _propagate(formula, quantity)


def _state(quantity: Quantity, state: str) -> Quantity:
    values = quantity.value
    if not isinstance(values, dict):
        raise InputError("excitation energies must be given by state")
    if state not in values:
        raise Unsupported(f"state '{state}' was not computed; there is {', '.join(values)}")
    u = quantity.uncertainty
    uncertainty = u.get(state) if isinstance(u, dict) else None
    return Quantity(
        values[state], quantity.unit, uncertainty, None if uncertainty is None else quantity.uncertainty_kind
    )


def _trace(alpha: np.ndarray) -> float:
    return float(np.trace(alpha)) / 3.0


def _anisotropy(alpha: np.ndarray) -> float:
    """Barron, Molecular Light Scattering and Optical Activity, 2nd ed., eq. 2.6.3 (2004), basis-independent form."""
    symmetric = (alpha + alpha.T) / 2
    return math.sqrt(max(0.0, (3 * float(np.sum(symmetric**2)) - float(np.trace(symmetric)) ** 2) / 2))


def _norm(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector))


def _propagate(formula: Callable[[np.ndarray], float], quantity: Quantity) -> Quantity:
    x = np.asarray(quantity.value, dtype=float)
    if quantity.uncertainty is None:
        return Quantity(formula(x), quantity.unit)
    u = np.asarray(quantity.uncertainty, dtype=float)
    variance = 0.0
    for index in np.ndindex(x.shape):
        # A one-sigma central difference: exact for linear formulas, and finite where they have a cusp.
        step = np.zeros_like(x)
        step[index] = u[index]
        variance += ((formula(x + step) - formula(x - step)) / 2) ** 2
    return Quantity(formula(x), quantity.unit, math.sqrt(variance), quantity.uncertainty_kind)
