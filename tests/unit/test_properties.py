"""The registry of properties, and what a method may return for one."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import InputError, LatticeModel, Molecule, Property, Quantity
from qmbench.domain.properties import CORE_PROPERTIES, check_quantity, core_registry
from qmbench.domain.units import UNITS

REGISTRY = core_registry()


def molecule(n):
    """n helium atoms in a row."""
    return Molecule(("He",) * n, tuple((0.0, 0.0, 3.0 * i) for i in range(n)), 0, 1)


def ring(n):
    return LatticeModel((n,), ("periodic",), 1.0, 1.0, 2, 1)


@pytest.mark.parametrize("prop", CORE_PROPERTIES, ids=lambda p: p.name)
def test_core_properties_have_known_units_and_a_description(prop):
    assert prop.unit in UNITS
    assert prop.description


def test_unknown_property_names_the_nearest():
    with pytest.raises(InputError, match="unknown property 'dipol'; did you mean 'dipole'"):
        REGISTRY["dipol"]


def test_registry_refuses_a_second_definition_but_not_the_same():
    registry = core_registry()
    registry.add(Property("c6", "hartree bohr6", REGISTRY["c6"].description))
    with pytest.raises(InputError, match="'c6' is defined twice"):
        registry.add(Property("c6", "hartree", "something else"))
    assert "c6" in core_registry()


def test_hartree_stands_for_the_unit_of_energy_of_the_kind_unless_the_property_says_otherwise():
    gap = Property("gap", "hartree", "of one-particle levels", units={"crystal": "eV"})
    assert [gap.unit_for(system) for system in (molecule(1), ring(2))] == ["hartree", "t"]
    own = Property("gap", "hartree", "of one-particle levels", units={"lattice": "eV"})
    assert own.unit_for(ring(2)) == "eV"
    assert REGISTRY["dipole"].unit_for(ring(2)) == "e bohr"


def test_lattice_unit_is_deprecated_and_works_once_more():
    with pytest.warns(DeprecationWarning, match="lattice_unit is deprecated"):
        old = Property("gap", "eV", "of one-particle levels", lattice_unit="t")
    assert (old.unit_for(ring(2)), old.unit_for(molecule(1))) == ("t", "eV")
    assert old == Property("gap", "eV", "of one-particle levels", units={"lattice": "t"})


def test_a_property_of_parts_that_a_kind_has_not_is_refused():
    charges = Property("charges", "electrons", "of atoms", "atoms")
    with pytest.raises(InputError, match="property 'charges' belongs to atoms; a lattice has sites"):
        check_quantity(charges, Quantity(np.zeros(2), "electrons"), ring(2))


def test_energy_is_in_hartree_for_molecules_and_in_t_for_lattices():
    check_quantity(REGISTRY["energy"], Quantity(-1.0, "hartree"), molecule(1))
    check_quantity(REGISTRY["energy"], Quantity(-1.0, "t"), ring(4))
    with pytest.raises(InputError, match="must be in 'hartree', not 't'"):
        check_quantity(REGISTRY["energy"], Quantity(-1.0, "t"), molecule(1))
    with pytest.raises(InputError, match="must be in 't', not 'hartree'"):
        check_quantity(REGISTRY["energy"], Quantity(-1.0, "hartree"), ring(1))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("energy", np.ones(1), "shape"),
        ("energy", {"S1": 1.0}, "shape"),
        ("energy", float("nan"), "not finite"),
        ("energy", np.inf, "not finite"),
        ("dipole", 1.0, "shape"),
        ("dipole", np.ones((3, 1)), "shape"),
        ("polarizability", np.ones(3), "shape"),
        ("excitation_energies", 0.3, "state: number"),
        ("excitation_energies", {}, "state: number"),
        ("forces", np.ones((3, 3)), r"shape \(2, 3\)"),
        ("forces", np.ones(6), r"shape \(2, 3\)"),
        ("stress", np.ones(6), r"shape \(3, 3\)"),
    ],
)
def test_wrong_shapes_and_numbers_are_refused(name, value, message):
    with pytest.raises(InputError, match=message):
        check_quantity(REGISTRY[name], Quantity(value, REGISTRY[name].unit), molecule(2))


def test_right_shapes_pass():
    check_quantity(REGISTRY["dipole"], Quantity(np.zeros(3), "e bohr"), molecule(2))
    check_quantity(REGISTRY["polarizability"], Quantity(np.eye(3), "bohr3"), molecule(2))
    check_quantity(REGISTRY["excitation_energies"], Quantity({"S1": 0.1}, "hartree"), molecule(2))


def test_one_number_per_atom_or_site():
    charges = Property("charges", "electrons", "partial charges", "atoms")
    check_quantity(charges, Quantity(np.zeros(3), "electrons"), molecule(3))
    with pytest.raises(InputError, match=r"must have shape \(3,\), not \(2,\)"):
        check_quantity(charges, Quantity(np.zeros(2), "electrons"), molecule(3))


def test_uncertainty_has_the_shape_of_the_value():
    with pytest.raises(InputError, match="the uncertainty of property 'dipole' must have shape"):
        check_quantity(REGISTRY["dipole"], Quantity(np.zeros(3), "e bohr", 0.1, "statistical"), molecule(1))
    states = Quantity({"S1": 0.1, "T1": 0.2}, "hartree", {"S1": 0.1}, "statistical")
    with pytest.raises(InputError, match="the uncertainty of property 'excitation_energies' must name the same states"):
        check_quantity(REGISTRY["excitation_energies"], states, molecule(1))


def test_axes_that_count_atoms_or_sites():
    pairs = Property("pairs", "hartree", "by pairs", ("atoms", "atoms"))
    assert (pairs.axes, REGISTRY["forces"].axes, REGISTRY["energy"].axes) == (("atoms", "atoms"), ("atoms", 3), ())
    assert Property("n", "", "per site", "sites").axes == ("sites",)
    check_quantity(pairs, Quantity(np.ones((4, 4)), "hartree"), molecule(4))
    check_quantity(REGISTRY["forces"], Quantity(np.ones((4, 3)), "hartree/bohr"), molecule(4))
    with pytest.raises(InputError, match=r"shape \(4, 4\), not \(4, 3\)"):
        check_quantity(pairs, Quantity(np.ones((4, 3)), "hartree"), molecule(4))
