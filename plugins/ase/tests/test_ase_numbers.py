"""Numbers: against formulas, against native plugins, against differences of the energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import Crystal, InputError, Molecule, parse_level, units

TBLITE = "ase:tblite.ase.TBLite?method=GFN2-xTB&verbosity=0"


def test_lennard_jones_is_its_formula(run):
    """4ε((σ/r)¹² − (σ/r)⁶), less its value at the cutoff of 3σ."""
    sigma, epsilon, r = 3.4, 0.0104, 3.8
    pair = Molecule(("Ar", "Ar"), ((0, 0, 0), (0, 0, r / units.BOHR_IN_ANGSTROM)), 0, 1)

    def u(x):
        return 4 * epsilon * ((sigma / x) ** 12 - (sigma / x) ** 6)

    found = run(f"ase:lj?sigma={sigma}&epsilon={epsilon}", pair, "energy").properties["energy"].value
    assert found == pytest.approx((u(r) - u(3 * sigma)) / units.HARTREE_IN_EV, rel=2e-8)  # CODATA 2014 and 2018


@pytest.mark.parametrize("system", ["water", "hydroxide", "OH", "oxygen"])
def test_tblite_through_ase_is_the_native_plugin(run, system, systems):
    """The same program, by two ways: units, signs, charge and spin."""
    system = systems[system]
    properties = ("energy", "forces") + (() if system.charge else ("dipole",))
    ours = run(TBLITE, system, *properties, "calculator_charges").properties
    native = run("gfn2-xtb", system, *properties, "mulliken_charges").properties
    for name in properties:
        assert np.abs(ours[name].value - native[name].value).max() < 1e-9, name
        assert ours[name].unit == native[name].unit
    assert np.abs(ours["calculator_charges"].value - native["mulliken_charges"].value).max() < 1e-9


@pytest.mark.parametrize(
    ("level", "system"),
    [
        ("ase:emt", "copper"),
        ("ase:lj?sigma=1.2", "copper"),
        ("ase:lj?sigma=0.8", "water"),
        (TBLITE + "&accuracy=0.01", "water"),
    ],
    ids=["emt", "lj-crystal", "lj", "tblite"],
)
def test_forces_are_minus_the_derivative_of_the_energy(run, level, system, systems):
    system = systems[system]
    h = 1e-3
    forces = run(level, system, "forces").properties["forces"].value
    assert np.abs(forces).max() > 1e-4
    for atom in range(len(system.symbols)):
        for axis in range(3):

            def energy(step, atom=atom, axis=axis):
                moved = np.array(system.positions)
                moved[atom, axis] += step
                return run(level, replace(system, positions=tuple(map(tuple, moved)))).properties["energy"].value

            slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
            assert forces[atom, axis] == pytest.approx(-slope, abs=2e-7)


@pytest.mark.parametrize("level", ["ase:emt", "ase:lj?sigma=1.2"])
def test_stress_is_the_derivative_by_strain(run, level, systems):
    h = 1e-4
    stress = run(level, systems["copper"], "stress").properties["stress"]
    assert stress.unit == "hartree/bohr3"
    assert np.abs(stress.value).max() > 1e-6

    def energy(i, j, step):
        strain = np.eye(3)
        strain[i, j] += step / 2
        strain[j, i] += step / 2
        moved = Crystal(
            systems["copper"].symbols,
            systems["copper"].coordinates @ strain,
            systems["copper"].lattice_vectors @ strain,
            0,
            1,
        )
        return run(level, moved).properties["energy"].value

    for i in range(3):
        for j in range(3):
            slope = (energy(i, j, h) - energy(i, j, -h)) / (2 * h)
            assert stress.value[i, j] == pytest.approx(slope / systems["copper"].volume, abs=1e-9)


def test_charge_and_spin_are_told_by_info_and_by_keywords(run, bad, systems):
    ev = units.HARTREE_IN_EV
    for ways, system, told in (
        (
            "charge_as=info:charge&multiplicity_as=info:spin",
            replace(systems["oxygen"], charge=-1, multiplicity=2),
            -1000 + 200,
        ),
        ("charge_as=keyword:q&multiplicity_as=unpaired-keyword:uhf", replace(systems["oxygen"], charge=2), 20 + 2),
        ("multiplicity_as=ignored", systems["oxygen"], 0),
        ("multiplicity_as=unpaired-info:spin", systems["oxygen"], 200),
    ):
        found = run(f"ase:misbehaving.Told?{ways}", system).properties["energy"].value * ev
        assert found == pytest.approx(told, rel=1e-7), ways


def test_a_calculator_is_made_anew_for_each_task_unless_it_may_be_reused(run, bad, systems):
    ev = units.HARTREE_IN_EV
    for level, made in (
        ("ase:misbehaving.Bad?how=count", [1, 2, 3]),
        ("ase:misbehaving.Bad?how=count&reuse=true", [4, 4, 4]),
    ):
        found = [run(level, name).properties["energy"].value * ev for name in ("water", "OH", "copper")]
        assert found == pytest.approx(made, rel=1e-7)


def test_the_same_spelling_from_values_and_from_text():
    from qmbench import level

    assert str(level("ase:tblite.ase.TBLite", method="GFN2-xTB", verbosity=0)) == str(parse_level(TBLITE))


def test_parameters_that_are_for_trying_out_are_said(run):
    """ASE's own word on those of H, C, N and O."""
    copper = Molecule(("Cu", "Cu"), ((0, 0, 0), (0, 0, 4.4)), 0, 1)
    with_carbon = Molecule(("Cu", "C"), ((0, 0, 0), (0, 0, 4.0)), 0, 2)
    assert not run("ase:emt", copper, "energy").warnings
    assert any(
        "parameters of C for trying things out" in said for said in run("ase:emt", with_carbon, "energy").warnings
    )


def test_a_charge_by_info_is_refused_where_there_is_a_keyword(run, systems):
    """TBLite reads no Atoms.info: the anion would be computed as the neutral molecule."""
    with pytest.raises(InputError, match="takes the keyword charge: leave out charge_as"):
        run(f"{TBLITE}&charge_as=info:charge", systems["hydroxide"], "energy")
