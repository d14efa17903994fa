"""The registry of primitive properties: what one calculation on one system can give, with unit and shape.

Plugins add their own through the hook `qmbench_properties`; two plugins may not define one name differently.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.quantity import Curve, Quantity
from qmbench.domain.units import UNITS

ENERGY_UNIT = "hartree"

# Shapes: () a number; (3,), (3, 3); "states" {label: number}; "curve" a `Curve`; "atoms" one per real nucleus, in input
# order; "sites" one per lattice site, and so on for parts of other kinds; "fragments" one per fragment; ("atoms", 3),
# ("atoms", "atoms") with those as axes; "*" as an axis: of any length, neither a direction nor a part of the system
# (frequencies, modes); "any" whatever shape, documented in the description, which no check can look at.
Shape = tuple[int | str, ...] | str
NO_AXES = ("states", "curve", "any")
FREE_AXES = ("fragments", "*")
"""Axes of any length: of what a system has, a method may make other fragments than it says."""


class OfKind(Protocol):
    """What a property asks of a system: its kind, the unit of its energies, and the axes that its properties have."""

    @property
    def kind(self) -> str: ...

    @property
    def energy_unit(self) -> str: ...

    @property
    def axes(self) -> Mapping[str, int]: ...


@dataclass(frozen=True)
class Property:
    """One primitive property. A unit of hartree stands for the unit of energy of the kind of system.

    units: kind of system -> the unit there, where that is another one. lattice_unit: deprecated, say it in `units`.
    origin: what the property becomes when the molecule is shifted by d: `free`, the same; `charge`, more by the total
    charge times d (a dipole moment); `dependent`, something else, so that no check compares it. An axis of length 3
    turns with the molecule, once for each such axis.
    """

    name: str
    unit: str
    description: str
    shape: Shape = ()
    lattice_unit: str | None = None
    origin: Literal["free", "charge", "dependent"] = "free"
    units: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.lattice_unit is None:
            return
        warnings.warn(
            f"property '{self.name}': lattice_unit is deprecated; what is in hartree is in the unit of energy of each "
            f'kind of system by itself, and units={{"lattice": "{self.lattice_unit}"}} says another one',
            DeprecationWarning,
            stacklevel=3,
        )
        object.__setattr__(self, "units", {"lattice": self.lattice_unit, **self.units})
        object.__setattr__(self, "lattice_unit", None)

    @property
    def axes(self) -> tuple[int | str, ...]:
        """Its axes, one by one: lengths, or what they count. Empty for a number, `states`, `curve`, `any`."""
        if isinstance(self.shape, tuple):
            return self.shape
        return () if self.shape in NO_AXES else (self.shape,)

    def unit_for(self, system: OfKind) -> str:
        """The unit in which a method must return it for such a system (or class of systems)."""
        return self.units.get(system.kind, system.energy_unit if self.unit == ENERGY_UNIT else self.unit)


CORE_PROPERTIES = (
    Property("energy", "hartree", "total energy, nuclear repulsion included"),
    Property(
        "reference_energy",
        "hartree",
        "energy of the Hartree–Fock determinant that a wave function starts from, nuclear repulsion included",
    ),
    Property("correlation_energy", "hartree", "energy less reference_energy: all that the wave function adds"),
    Property(
        "same_spin_correlation_energy", "hartree", "what pairs ↑↑ and ↓↓ add to correlation_energy, scaled as in it"
    ),
    Property("opposite_spin_correlation_energy", "hartree", "what pairs ↑↓ add to correlation_energy, scaled as in it"),
    Property("mp2_correlation_energy", "hartree", "MP2 correlation energy, as a coupled-cluster calculation has it"),
    Property("ccsd_correlation_energy", "hartree", "CCSD correlation energy, singles included, as CCSD(T) has it"),
    Property("triples_correction", "hartree", "(T): perturbative triples on top of CCSD"),
    Property("energy_per_site", "t", "energy of a lattice model divided by its number of sites"),
    Property(
        "dipole",
        "e bohr",
        "electric dipole moment about the origin of the input coordinates",
        (3,),
        origin="charge",
    ),
    Property("polarizability", "bohr3", "static electric dipole polarizability, alpha_ij = -d2E/dF_i dF_j", (3, 3)),
    Property(
        "dynamic_polarizability",
        "bohr3",
        "mean electric dipole polarizability at imaginary frequencies, over the frequency in hartree",
        "curve",
    ),
    Property(
        "excitation_energies",
        "hartree",
        "vertical excitation energies from the ground state by state: S1, T1, … or, for atoms, 2 3S, 2 1P, …",
        "states",
    ),
    Property(
        "particle_number_error",
        "electrons",
        "electrons that the parts of an embedding have together, less those of the system; absolute value",
    ),
    Property(
        "forces",
        "hartree/bohr",
        "forces on the nuclei, -dE/dr of the level's energy (of a dispersion model alone: of its dispersion energy)",
        ("atoms", 3),
    ),
    Property(
        "stress",
        "hartree/bohr3",
        "stress of a crystal, (1/V) dE/d(strain), of the energy that `forces` belongs to; positive under tension",
        (3, 3),
    ),
    Property(
        "hessian",
        "hartree/bohr2",
        "second derivatives of the energy by the positions of the nuclei, at the geometry that is given",
        ("atoms", 3, "atoms", 3),
    ),
    Property(
        "equilibrium_geometry",
        "bohr",
        "positions of the nuclei at the level's own equilibrium, the next one downhill from the geometry that is given",
        ("atoms", 3),
        origin="dependent",
    ),
    Property("equilibrium_energy", "hartree", "total energy at the equilibrium geometry of the same level"),
    Property(
        "relaxation_energy",
        "hartree",
        "energy at the geometry that is given less that at the level's own equilibrium geometry",
    ),
    Property(
        "harmonic_frequencies",
        "cm-1",
        "harmonic wavenumbers at the level's own equilibrium geometry, from the lowest, of the most abundant isotopes; "
        "imaginary ones as negative numbers",
        ("*",),
    ),
    Property("zero_point_energy", "hartree", "half the sum of the real harmonic_frequencies"),
    Property(
        "alchemical_gradient",
        "hartree/e",
        "derivatives of the electronic energy (without the repulsion of the nuclei) by the charges of the nuclei",
        ("atoms",),
    ),
    Property(
        "alchemical_hessian",
        "hartree/e2",
        "second derivatives of the electronic energy by the charges of the nuclei, in the molecule's own basis",
        ("atoms", "atoms"),
    ),
    Property(
        "alchemical_dipole",
        "bohr",
        "derivatives of the dipole moment of the electrons by the charges of the nuclei, -d2E/dZ dF",
        ("atoms", 3),
    ),
    Property(
        "alchemical_forces",
        "hartree/(e bohr)",
        "derivatives of the forces by the charges of the nuclei, without the repulsion of the nuclei: -d2E/dZ_A dR_B",
        ("atoms", "atoms", 3),
    ),
    Property("dispersion_energy", "hartree", "the dispersion part of a dispersion-corrected total energy"),
    Property("c6", "hartree bohr6", "isotropic dispersion coefficient of the system with itself, E = -C6/R^6"),
)


class PropertyRegistry(dict[str, Property]):
    """name -> Property. Reading an unknown name raises InputError naming the nearest right ones."""

    def __missing__(self, name: str) -> Property:
        raise InputError(f"unknown property '{name}'{did_you_mean(name, self)}")

    def add(self, prop: Property) -> None:
        """Register; InputError when another definition holds the name already."""
        if dict.get(self, prop.name, prop) != prop:
            raise InputError(f"property '{prop.name}' is defined twice with different units, shapes or texts")
        dict.__setitem__(self, prop.name, prop)


def units_of_properties(properties: Iterable[Property]) -> dict[str, tuple[str, float]]:
    """The units of these properties that the table of units has not: each is a dimension of its own, of size 1."""
    units = (unit for prop in properties for unit in (prop.unit, *prop.units.values()))
    return {unit: (unit, 1.0) for unit in units if unit not in UNITS}


def core_registry() -> PropertyRegistry:
    """A fresh registry that holds the core's own properties."""
    registry = PropertyRegistry()
    for prop in CORE_PROPERTIES:
        registry.add(prop)
    return registry


def check_quantity(prop: Property, quantity: Quantity, system: OfKind) -> None:
    """Raise InputError when `quantity` has not the unit, shape or finite numbers that `prop` declares for `system`."""
    unit = prop.unit_for(system)
    if quantity.unit != unit:
        raise InputError(f"property '{prop.name}' must be in '{unit}', not '{quantity.unit}'")
    if not quantity.is_finite():
        raise InputError(f"property '{prop.name}' is not finite: {quantity.value}")
    if prop.shape == "any":
        return
    if prop.shape == "states":
        if not isinstance(quantity.value, dict) or not quantity.value:
            raise InputError(f"property '{prop.name}' must be a non-empty {{state: number}}")
        spread = quantity.uncertainty
        if spread is not None and (not isinstance(spread, dict) or set(spread) != set(quantity.value)):
            raise InputError(f"the uncertainty of property '{prop.name}' must name the same states as its value")
        return
    if prop.shape == "curve":
        spread = quantity.uncertainty
        if not isinstance(quantity.value, Curve):
            raise InputError(f"property '{prop.name}' must be a curve (qmbench.Curve)")
        if spread is not None and np.asarray(spread).shape != quantity.value.values.shape:
            raise InputError(f"the uncertainty of property '{prop.name}' must be one number for each of its values")
        return
    for axis in prop.axes:
        if isinstance(axis, str) and axis not in (*system.axes, *FREE_AXES):
            has = ", ".join(system.axes) or "no parts"
            raise InputError(f"property '{prop.name}' belongs to {axis}; a {system.kind} has {has}")
    want = tuple(system.axes.get(axis, axis) if isinstance(axis, str) else axis for axis in prop.axes)
    for what, value in (("value", quantity.value), ("uncertainty", quantity.uncertainty)):
        if value is None:
            continue
        got = None if isinstance(value, dict | Curve) else np.asarray(value).shape
        if got is None or len(got) != len(want) or not all(map(_fits, want, got)):
            raise InputError(f"the {what} of property '{prop.name}' must have shape {want}, not {got}")


def _fits(want: int | str, got: int) -> bool:
    """Whether an axis of length `got` is what was declared."""
    return want == got or want in FREE_AXES
