"""The registry of primitive properties: what one calculation on one system can give, with unit and shape.

Plugins add their own through the hook `qmbench_properties`; two plugins may not define one name differently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.quantity import Quantity

# Shapes: () a number; (3,), (3, 3); "states" {label: number}; "atoms" one per real nucleus, in input order;
# "sites" one per lattice site; ("atoms", 3), ("atoms", "atoms") with those as axes; "any" whatever shape, documented
# in the description.
Shape = tuple[int | str, ...] | str


PARTS = ("atoms", "sites")


@dataclass(frozen=True)
class Property:
    """One primitive property. `lattice_unit` is its unit for lattice models where that differs."""

    name: str
    unit: str
    description: str
    shape: Shape = ()
    lattice_unit: str | None = None

    @property
    def axes(self) -> tuple[int | str, ...]:
        """Its axes, one by one: lengths, or what they count (`atoms`, `sites`). Empty for a number, `states`, `any`."""
        if isinstance(self.shape, tuple):
            return self.shape
        return (self.shape,) if self.shape in PARTS else ()

    def unit_for(self, system_kind: str) -> str:
        """The unit in which a method must return it: `lattice_unit` for lattices, `unit` otherwise."""
        return self.lattice_unit if system_kind == "lattice" and self.lattice_unit else self.unit


CORE_PROPERTIES = (
    Property("energy", "hartree", "total energy, nuclear repulsion included", lattice_unit="t"),
    Property("energy_per_site", "t", "energy of a lattice model divided by its number of sites"),
    Property("dipole", "e bohr", "electric dipole moment about the origin of the input coordinates", (3,)),
    Property("polarizability", "bohr3", "static electric dipole polarizability, alpha_ij = -d2E/dF_i dF_j", (3, 3)),
    Property(
        "excitation_energies",
        "hartree",
        "vertical excitation energies from the ground state by state: S1, T1, … or, for atoms, 2 3S, 2 1P, …",
        "states",
        lattice_unit="t",
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


def core_registry() -> PropertyRegistry:
    """A fresh registry that holds the core's own properties."""
    registry = PropertyRegistry()
    for prop in CORE_PROPERTIES:
        registry.add(prop)
    return registry


def check_quantity(prop: Property, quantity: Quantity, system_kind: str, n_parts: int) -> None:
    """Raise InputError when `quantity` has not the unit, shape or finite numbers that `prop` declares.

    n_parts: number of real nuclei (molecule, crystal) or of sites (lattice).
    """
    unit = prop.unit_for(system_kind)
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
    want = tuple(n_parts if axis in PARTS else axis for axis in prop.axes)
    for what, value in (("value", quantity.value), ("uncertainty", quantity.uncertainty)):
        if value is not None and (isinstance(value, dict) or np.shape(np.asarray(value)) != want):
            raise InputError(
                f"the {what} of property '{prop.name}' must have shape {want}, not {np.asarray(value).shape}"
            )
