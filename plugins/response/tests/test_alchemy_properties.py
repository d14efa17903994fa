"""Dipoles, polarizabilities and forces by quantum alchemy: parity, exact targets, and what they are derivatives of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import Molecule, Unsupported, parse_level
from qmbench_response.alchemy import repulsion

AT = ((0, 0, -1.05), (0, 0, 1.05))
OXIDE = Molecule(("C", "O"), AT, 0, 1)
ALL = ("dipole", "polarizability", "forces")
TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])


@pytest.fixture(scope="session")
def find(run):
    """find(level, molecule, *properties) -> Result, of ALL where no property is named"""
    return lambda level, molecule, *properties: run(level, molecule, *(properties or ALL))


def in_nitrogen(target, basis="6-31g"):
    """Hartree–Fock of the target in the functions of nitrogen, by PySCF alone: dipole, polarizability, forces."""
    from pyscf import gto, scf

    shells = gto.basis.load(basis, "N")
    atoms = list(zip(target.symbols, target.positions, strict=True))
    mole = gto.M(atom=atoms, basis=dict.fromkeys(target.symbols, shells), unit="bohr", verbose=0)

    def dipole(field):
        mf = scf.RHF(mole)
        core = scf.hf.get_hcore(mole) + np.einsum("x,xij->ij", field, mole.intor("int1e_r"))
        mf.get_hcore = lambda *_: core
        mf.run(conv_tol=1e-13)
        return mf.dip_moment(unit="au", verbose=0)

    h = 0.001
    alpha = [(dipole(h * f) - dipole(-h * f)) / (2 * h) for f in np.eye(3)]
    forces = -scf.RHF(mole).run(conv_tol=1e-13).nuc_grad_method().kernel()
    return {"dipole": dipole(np.zeros(3)), "polarizability": np.array(alpha), "forces": forces}


@pytest.fixture(scope="session")
def oxide():
    return in_nitrogen(OXIDE)


def terms(result):
    return {name: np.array(result.settings[f"{name}_terms"]) for name in ALL}


@pytest.mark.parametrize("level", ["hf/6-31g", "ccsd/sto-3g"])
def test_parity(level, find):
    """Changing the sign of λ is turning the molecule round: dipoles are odd, polarizabilities even in λ."""
    found = terms(find(f"alchemy?start=N2&order=4&level={level}", OXIDE))
    noise = 1e-6 if level.startswith("hf") else 1e-3
    assert np.abs(found["dipole"][:5:2]).max() < noise
    assert np.abs(found["polarizability"][1:5:2]).max() < noise * 100
    signs = (-1.0) ** np.arange(5)
    assert found["forces"][:5, 0] == pytest.approx(-signs[:, None] * found["forces"][:5, 1], abs=noise)
    assert abs(found["dipole"][1, 2]) > 1.0
    assert abs(found["polarizability"][2, 2, 2]) > 0.1
    assert abs(found["forces"][2, 0, 2]) > 0.1


def test_the_neighbour_of_nitrogen(find, oxide):
    """The series goes to the target itself, in the same functions, and knows how far it is from it."""
    errors = {name: [] for name in ALL}
    for order in (1, 2, 3, 4):
        found = find(f"alchemy?start=N2&order={order}&level=hf/6-31g", OXIDE)
        for name in ALL:
            quantity = found.properties[name]
            off = quantity.value - oxide[name]
            errors[name].append(np.abs(off).max())
            assert quantity.uncertainty.shape == quantity.value.shape
            # Every component is within its own, also those whose next term is small by chance.
            assert np.all(np.abs(off) < 1.5 * quantity.uncertainty)
    assert errors["dipole"] == pytest.approx([0.2161, 0.2161, 0.0069, 0.0069], abs=1e-4)
    assert errors["polarizability"] == pytest.approx([2.176, 0.274, 0.274, 0.054], abs=1e-3)
    assert errors["forces"] == pytest.approx([0.33539, 0.00092, 0.00092, 0.00095], abs=1e-5)


@pytest.mark.parametrize("functions", ["start", "union"])
def test_two_electrons_by_full_ci(functions, find):
    """HeH+ from H2, in the functions of both or of hydrogen alone: within twice the terms that are left out."""
    from pyscf import fci, gto, scf

    at = ((0, 0, -0.7), (0, 0, 0.7))
    target = Molecule(("He", "H"), at, 1, 1)
    shells = gto.basis.load("6-31g", "H")
    helium = gto.basis.load("6-31g", "He")
    basis = {"He": shells + helium if functions == "union" else shells, "H": shells}
    atoms = list(zip(("He", "H"), at, strict=True))
    mole = gto.M(atom=atoms, basis=basis, unit="bohr", charge=1, verbose=0)
    mf = scf.RHF(mole).run(conv_tol=1e-13)
    solver = fci.FCI(mf)
    energy, vector = solver.kernel(tol=1e-13)
    density = mf.mo_coeff @ solver.make_rdm1(vector, mole.nao, 2) @ mf.mo_coeff.T
    dipole = mole.atom_charges() @ mole.atom_coords() - np.einsum("xij,ji->x", mole.intor("int1e_r"), density)
    found = find(f"alchemy?start=H2&order=4&functions={functions}&level=fci/6-31g", target, "energy", "dipole")
    for name, exact in (("energy", energy), ("dipole", dipole)):
        quantity = found.properties[name]
        assert np.all(np.abs(quantity.value - exact) < 2 * np.asarray(quantity.uncertainty) + 1e-6)
    # helium's electrons are not in hydrogen's functions, whose series goes on
    assert found.properties["dipole"].value[2] == pytest.approx(dipole[2], abs=0.1 if functions == "start" else 0.05)


@pytest.mark.parametrize(
    "level", ["hf/6-31g", "mp2/sto-3g?energy_tolerance=1e-12", "scs-mp2/sto-3g?energy_tolerance=1e-12"]
)
def test_forces_are_derivatives_of_the_energy_of_the_series(level, find):
    """Of the same order, since the series of a derivative is the derivative of the series."""
    spelling = f"alchemy?start=N2&order=3&functions=union&level={level}"
    forces = find(spelling, OXIDE, "forces").properties["forces"].value
    h = 0.01

    def energy(step):
        moved = replace(OXIDE, positions=(AT[0], (0, 0, AT[1][2] + step)))
        return find(spelling, moved, "energy").properties["energy"].value

    slope = (8 * (energy(h) - energy(-h)) - energy(2 * h) + energy(-2 * h)) / (12 * h)
    assert forces[1, 2] == pytest.approx(-slope, abs=2e-5)
    assert forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)


def test_turned_and_shifted(find):
    """Dipoles and forces turn with the molecule, and a cation's dipole goes with its charge, not with the start's."""
    target = Molecule(("C", "O"), AT, 1, 2)
    turned = replace(
        target, positions=tuple(map(tuple, (target.coordinates @ TURN.T + np.array([0.5, -0.3, 0.2])).tolist()))
    )
    level = "alchemy?start=CN&order=2&level=hf/sto-3g"
    here, there = (find(level, molecule, "dipole", "forces").properties for molecule in (target, turned))
    assert there["dipole"].value == pytest.approx(TURN @ here["dipole"].value + np.array([0.5, -0.3, 0.2]), abs=1e-5)
    assert there["forces"].value == pytest.approx(here["forces"].value @ TURN.T, abs=1e-5)


def test_nothing_to_change_is_the_level_itself(find):
    nitrogen = Molecule(("N", "N"), ((0, 0, 0), (0, 0.3, 2.1)), 0, 1)
    for level in ("hf/6-31g", "mp2/sto-3g"):
        found = find(f"alchemy?start=N2&order=4&level={level}", nitrogen, "energy", *ALL).properties
        itself = find(level, nitrogen, "energy", *ALL).properties
        for name, quantity in found.items():
            assert quantity.value == pytest.approx(itself[name].value, abs=1e-7)
            assert np.all(np.asarray(quantity.uncertainty) == 0.0)


def test_the_bond_length_of_the_series(find):
    """The core makes it of energies and forces: carbon monoxide from nitrogen, in the functions of nitrogen."""
    found = find("alchemy?start=N2&order=4&level=hf/sto-3g", OXIDE, "equilibrium_geometry")
    x = found.properties["equilibrium_geometry"].value
    length = np.linalg.norm(x[1] - x[0])
    at = replace(OXIDE, positions=((0, 0, 0), (0, 0, float(length))))
    residual = in_nitrogen(at, "sto-3g")["forces"][1, 2]
    assert abs(residual) < 0.02  # 0.01 bohr of a bond of 1.5 hartree/bohr²
    assert 2.0 < length < 2.4


def test_what_the_start_does_not_give_is_refused():
    method = parse_level("alchemy?start=N2&level=hf/sto-3g").make()
    with pytest.raises(Unsupported, match="quadrupole"):
        method.check(OXIDE, frozenset({"quadrupole"}))
    for name in ALL:
        method.check(OXIDE, frozenset({name}))


def test_estimates_count_what_is_asked_for():
    method = parse_level("alchemy?start=N2&level=ccsd(t)/cc-pvqz").make()
    energy, forces = (method.estimate(OXIDE, frozenset({name})) for name in ("energy", "forces"))
    assert forces > 5 * energy


def test_repulsion_and_its_forces_belong_together():
    from qmbench_response.alchemy import of_nuclei

    h, moved = 1e-4, []
    for step in (h, -h):
        moved.append(repulsion(replace(OXIDE, positions=(AT[0], (0, 0, AT[1][2] + step)))))
    assert of_nuclei("forces", OXIDE)[1, 2] == pytest.approx(-(moved[0] - moved[1]) / (2 * h), abs=1e-6)
    assert of_nuclei("dipole", OXIDE) == pytest.approx([0, 0, 1.05 * 2])
