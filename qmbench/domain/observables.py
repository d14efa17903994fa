"""What an entry compares, and how it is made from primitive properties.

Pure functions: an entry's terms become (coefficient, system, property) triples, and the quantities of those
become one value with its uncertainty. The formulas themselves are in `formulas`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from qmbench.domain import formulas
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.formulas import DiatomicCurve, Expression, Formula, Place, Term
from qmbench.domain.properties import Property, Shape
from qmbench.domain.quantity import Curve, Quantity, combine
from qmbench.domain.systems import System


@dataclass(frozen=True)
class Named:
    """A formula of the core under a name. make: gives it, from its parameters, if it has any.

    shape: that the property must have; None for any. many: whether it takes several systems. unit: of what it gives;
    None for the property's.
    """

    make: Callable[..., Formula]
    shape: Shape | None
    many: bool = False
    unit: str | None = None
    parameters: tuple[str, ...] = ()


FORMULAS: dict[str, Named] = {
    "linear": Named(lambda: formulas.linear, (), many=True),
    "value": Named(lambda: formulas.value, ()),
    "trace": Named(lambda: formulas.trace, (3, 3)),
    "anisotropy": Named(lambda: formulas.anisotropy, (3, 3)),
    "norm": Named(lambda: formulas.norm, (3,)),
    "distance": Named(lambda: formulas.distance, ("atoms", 3)),
    "mode": Named(lambda: formulas.mode, ("*",)),
    "state": Named(lambda: formulas.state, "states"),
    "at": Named(lambda: formulas.at, "curve"),
    "highest_minus_lowest": Named(lambda: formulas.highest_minus_lowest, None),
    "relative_to_minimum": Named(lambda: formulas.relative_to_minimum, (), many=True),
    "equilibrium_distance": Named(
        lambda **p: DiatomicCurve("equilibrium_distance", **p), (), many=True, unit="bohr", parameters=("degree",)
    ),
    "harmonic_wavenumber": Named(
        lambda **p: DiatomicCurve("harmonic_wavenumber", **p),
        (),
        many=True,
        unit="cm-1",
        parameters=("degree", "masses"),
    ),
}
"""Formulas by the names that `Observable.how` and a benchmark's `formula` may give."""


@dataclass(frozen=True)
class Observable:
    """What an entry compares. `prop` is the primitive property it is made of; `how` says by which formula.

    how: a name in FORMULAS: linear, Σ coefficient × property over the entry's terms, nuclei balanced; value, the
    property of one system as it is; of one system as well trace (a third of it), anisotropy, norm, state (the one that
    the entry names), distance (of two atoms, from positions), mode (one of the vibrations), at (a curve at the entry's
    coordinate), highest_minus_lowest; of several relative_to_minimum, equilibrium_distance and harmonic_wavenumber.
    Or `= EXPRESSION`, see `formulas.Expression`. Or a function of one's own, pure: f(value) of one system's property,
    or f(terms, place) of all terms (`Term`) and the state and coordinate (`Place`) that the entry names; it returns a
    number, and the core propagates the uncertainties through it.
    unit: of what the formula gives; None for the property's own (or, of equilibrium_distance and
    harmonic_wavenumber, bohr and cm-1). parameters: of a formula that has some.
    """

    name: str
    prop: str
    how: str | Callable[..., float]
    description: str
    unit: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @cached_property
    def formula(self) -> Formula:
        """The formula as a function of terms and place. InputError when there is none such."""
        if callable(self.how):
            return _own(self.how)
        if self.how.startswith("="):
            return Expression(self.how[1:])
        if self.how not in FORMULAS:
            right = did_you_mean(self.how, FORMULAS)
            raise InputError(f"observable '{self.name}': there is no formula '{self.how}'{right}")
        named = FORMULAS[self.how]
        for key in self.parameters:
            if key not in named.parameters:
                right = did_you_mean(key, named.parameters)
                raise InputError(f"observable '{self.name}': {self.how} has no parameter '{key}'{right}")
        return named.make(**self.parameters)

    @property
    def balanced(self) -> bool:
        """Whether every nucleus must cancel in its entries."""
        return self.how == "linear"

    @property
    def of_one_system(self) -> bool:
        """Whether its entries are of one system with coefficient 1. A function or an expression may take several."""
        return isinstance(self.how, str) and self.how in FORMULAS and not FORMULAS[self.how].many

    @property
    def needs_state(self) -> bool:
        return self.how == "state"

    @property
    def needs_coordinate(self) -> bool:
        return self.how == "at"

    def unit_from(self, property_unit: str) -> str:
        """The unit of what the formula gives for a property in `property_unit`."""
        if self.unit is not None:
            return self.unit
        named = FORMULAS.get(self.how) if isinstance(self.how, str) else None
        return named.unit if named and named.unit is not None else property_unit


def _own(function: Callable[..., float]) -> Formula:
    """A function of one's own, of a value or of terms and place, as a formula."""
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len([p for p in positional if p.default is p.empty]) >= 2:
        return function

    def of_one(terms: Sequence[Term], place: Place) -> float:
        return function(formulas._one(terms))

    return of_one


class ObservableRegistry(dict[str, Observable]):
    """name -> Observable. Reading an unknown name raises InputError naming the nearest right ones."""

    def __missing__(self, name: str) -> Observable:
        raise InputError(f"unknown observable '{name}'{did_you_mean(name, self)}")

    def add(self, observable: Observable, prop: Property) -> None:
        """Register one that is made of `prop`; InputError when the name is taken or the formula does not fit."""
        check_observable(observable, prop)
        if dict.get(self, observable.name, observable) != observable:
            raise InputError(f"observable '{observable.name}' is defined twice with different formulas or texts")
        dict.__setitem__(self, observable.name, observable)


def check_observable(observable: Observable, prop: Property) -> None:
    """InputError when there is no such formula, or when it does not fit the shape of the property."""
    _ = observable.formula
    named = FORMULAS.get(observable.how) if isinstance(observable.how, str) else None
    if named is not None and named.shape is not None and prop.shape != named.shape:
        raise InputError(
            f"observable '{observable.name}' is a {observable.how} of '{prop.name}', which must have the shape "
            f"{named.shape}, not {prop.shape}"
        )


OBSERVABLES = ObservableRegistry(
    (o.name, o)
    for o in (
        Observable("total_energy", "energy", "value", "total energy of one system"),
        Observable("interaction_energy", "energy", "linear", "E(complex) - sum E(fragments); negative: bound"),
        Observable("dissociation_energy", "energy", "linear", "sum E(fragments) - E(molecule); positive: bound"),
        Observable("atomization_energy", "energy", "linear", "sum E(atoms) - E(molecule); positive: bound"),
        Observable("ionization_energy", "energy", "linear", "E(cation) - E(neutral), vertical or as the systems say"),
        Observable("electron_affinity", "energy", "linear", "E(neutral) - E(anion); positive: the anion is bound"),
        Observable("proton_affinity", "energy", "linear", "E(base) + E(proton) - E(protonated base); electronic"),
        Observable("reaction_energy", "energy", "linear", "sum E(products) - sum E(reactants)"),
        Observable("barrier_height", "energy", "linear", "E(saddle point) - sum E(reactants)"),
        Observable("two_body_energy", "energy", "linear", "sum of the interaction energies of all pairs of fragments"),
        Observable(
            "three_body_energy", "energy", "linear", "E(trimer) - sum E(dimers) + sum E(monomers); negative: binding"
        ),
        Observable(
            "relative_energy",
            "energy",
            "relative_to_minimum",
            "energy of the first system above the lowest of all that the entry names",
        ),
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
        Observable(
            "bond_length", "energy", "equilibrium_distance", "distance of least energy of a diatomic, from its curve"
        ),
        Observable(
            "equilibrium_bond_length",
            "equilibrium_geometry",
            "distance",
            "distance of two nuclei at the level's own equilibrium; `state` names them (O1-H2) unless there are two",
        ),
        Observable(
            "harmonic_frequency",
            "harmonic_frequencies",
            "mode",
            "harmonic wavenumber of a vibration: `state` is its number from the lowest unless there is one",
        ),
        Observable("relaxation_energy", "relaxation_energy", "value", "E(as given) - E(own equilibrium geometry)"),
        Observable("zero_point_energy", "zero_point_energy", "value", "half the sum of the harmonic wavenumbers"),
        Observable(
            "adiabatic_energy", "equilibrium_energy", "linear", "sum of energies, each at its own equilibrium geometry"
        ),
    )
)
"""The core's own; plugins add to a copy of it, `plugins().observables`, and a benchmark to its own."""


@dataclass(frozen=True)
class Part:
    """One term with its quantity. key: of the record that it comes from; what has the same key has one error."""

    coefficient: float
    quantity: Quantity
    name: str = ""
    system: System | None = None
    key: str = ""


def evaluate(
    observable: Observable | str, place: Place | str, parts: Iterable[Part | tuple[float, Quantity]]
) -> Quantity:
    """The observable (one of the core's by name) from its terms' quantities, uncertainties propagated to first order.

    place: the state, or state and coordinate, that the entry names. Uncertainties of different records are taken as
    independent, those of the numbers in one record too. Unsupported when what was asked for is not among what was
    computed; InputError when the terms do not fit.
    """
    if isinstance(observable, str):
        observable = OBSERVABLES[observable]
    if isinstance(place, str):
        place = Place(place)
    terms = [p if isinstance(p, Part) else Part(*p, key=f"{i}") for i, p in enumerate(parts)]
    if not terms:
        raise InputError("there is nothing to add up")
    units = {p.quantity.unit for p in terms}
    if len(units) != 1:
        raise InputError(f"can't add quantities in different units: {', '.join(sorted(units))}")
    if observable.of_one_system and (len(terms) != 1 or terms[0].coefficient != 1):
        raise InputError(f"{observable.name} belongs to one system, with coefficient 1")
    # These exactly, and without the cost of differentiating.
    if observable.how in ("linear", "value"):
        return combine(_merged(terms))
    if observable.how == "state":
        return _of_state(terms[0].quantity, place.state)
    try:
        return _propagated(observable, place, terms, units.pop())
    except InputError as error:
        raise InputError(f"{observable.name}: {error}") from None


def _of_state(quantity: Quantity, label: str) -> Quantity:
    value = formulas.state([Term(1.0, quantity.value)], Place(label))
    u = quantity.uncertainty.get(label) if isinstance(quantity.uncertainty, dict) else None
    return Quantity(value, quantity.unit, u, None if u is None else quantity.uncertainty_kind)


def _merged(parts: Sequence[Part]) -> list[tuple[float, Quantity]]:
    """What was computed once and occurs twice has one error, not two independent ones."""
    coefficients: dict[str, float] = {}
    for p in parts:
        coefficients[p.key] = coefficients.get(p.key, 0.0) + p.coefficient
    quantities = {p.key: p.quantity for p in parts}
    return [(c, quantities[key]) for key, c in coefficients.items()]


def _propagated(observable: Observable, place: Place, parts: Sequence[Part], unit: str) -> Quantity:
    formula = observable.formula

    def value(changed: Mapping[str, Any]) -> float:
        terms = [Term(p.coefficient, changed.get(p.key, p.quantity.value), p.name, p.system) for p in parts]
        found = formula(terms, place)
        if isinstance(found, bool) or not isinstance(found, int | float | np.floating) or not math.isfinite(found):
            raise InputError(f"its formula gave {found!r}, which is not a finite number")
        return float(found)

    centre = value({})
    variance, kinds = 0.0, set()
    for key, quantity in {p.key: p.quantity for p in parts}.items():
        for low, high in _one_sigma(quantity):
            # A one-sigma central difference: exact for linear formulas, and finite where they have a cusp.
            half = (value({key: high}) - value({key: low})) / 2
            if half:
                variance += half**2
                kinds.add(quantity.uncertainty_kind)
    unit = observable.unit_from(unit)
    if not kinds:
        known = [p.quantity.uncertainty_kind for p in parts if p.quantity.uncertainty is not None]
        # Known and without effect is zero, which is not the same as unknown.
        return Quantity(centre, unit, 0.0, known[0]) if known else Quantity(centre, unit)
    return Quantity(centre, unit, math.sqrt(variance), kinds.pop() if len(kinds) == 1 else "combined")


def _one_sigma(quantity: Quantity) -> Iterable[tuple[Any, Any]]:
    """The value with one of its numbers one standard deviation lower and higher, for each number that has one."""
    value, u = quantity.value, quantity.uncertainty
    if u is None:
        return
    if isinstance(value, dict):
        for state, error in u.items() if isinstance(u, dict) else ():
            yield {**value, state: value[state] - error}, {**value, state: value[state] + error}
        return
    whole = value.values if isinstance(value, Curve) else np.asarray(value, dtype=float)
    errors = np.asarray(u, dtype=float)
    for index in np.ndindex(whole.shape):
        if errors[index]:
            step = np.zeros_like(whole)
            step[index] = errors[index]
            moved = whole - step, whole + step
            if isinstance(value, Curve):
                yield replace(value, values=moved[0]), replace(value, values=moved[1])
            else:
                yield tuple(float(x) if x.ndim == 0 else x for x in moved)  # type: ignore[misc]
