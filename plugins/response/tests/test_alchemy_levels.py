"""Energies by quantum alchemy: published errors, symmetries, exact atoms, and what is refused."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest

from qmbench import InputError, Molecule, Unsupported, parse_level
from qmbench_response.alchemy import STEP, elements, series

AT = ((0, 0, 0), (0, 0, 2.1))
NITROGEN, OXIDE, FLUORIDE = (Molecule(pair, AT, 0, 1) for pair in (("N", "N"), ("C", "O"), ("B", "F")))


def energy(run, level, molecule):
    return run(level, molecule).properties["energy"]


@pytest.mark.parametrize(
    ("target", "order", "error", "within"),
    [(OXIDE, 2, -14.5e-3, 1e-4), (OXIDE, 4, 0.33e-3, 2e-5), (FLUORIDE, 2, -0.215, 1e-3), (FLUORIDE, 4, 0.021, 1e-3)],
)
def test_the_neighbours_of_nitrogen(target, order, error, within, run):
    """Errors of the expansion alone, Hartree–Fock in nitrogen's basis. A fourth derivative of three digits, 0.355,
    leaves 2e-5 hartree open.
    """
    found = run(f"alchemy?start=N2&order={order}&level=hf/def2-tzvp", target)
    assert found.properties["energy"].value - exact(target) == pytest.approx(error, abs=within)
    assert abs(error) < 1.1 * found.properties["energy"].uncertainty
    terms = found.settings["terms"]
    scale = 7.0 - target.atomic_numbers[0]  # BF is two steps along the way to CO
    assert 2 * terms[2] == pytest.approx(-6.4932 * scale**2, rel=2e-5)
    assert 24 * terms[4] == pytest.approx(0.3554 * scale**4, rel=2e-3)
    assert [terms[1], terms[3]] == pytest.approx([0.0, 0.0], abs=1e-7)


def exact(target):
    """Hartree–Fock of the target in the basis of nitrogen, by PySCF alone."""
    from pyscf import gto, scf

    shells = gto.basis.load("def2-tzvp", "N")
    atoms = list(zip(target.symbols, target.positions, strict=True))
    mole = gto.M(atom=atoms, basis=dict.fromkeys(target.symbols, shells), unit="bohr", verbose=0)
    return scf.RHF(mole).run(conv_tol=1e-11).e_tot


def test_both_directions_are_one(run):
    one, other = (
        energy(run, "alchemy?start=N2&order=3&level=hf/6-31g", Molecule(pair, AT, 0, 1))
        for pair in (("C", "O"), ("O", "C"))
    )
    assert one.value == pytest.approx(other.value, abs=1e-9)


def test_nothing_to_change_is_the_level_itself(run):
    for level in ("hf/6-31g", "ccsd/6-31g"):
        found = energy(run, f"alchemy?start=N2&order=4&level={level}", NITROGEN)
        assert found.value == pytest.approx(energy(run, level, NITROGEN).value, abs=1e-9)
        assert found.uncertainty == 0.0


def test_union_of_functions(run):
    """Carbon's and oxygen's functions beside nitrogen's: CO in that basis, by PySCF alone."""
    from pyscf import gto, scf

    basis = {s: gto.basis.load("6-31g", "N") + gto.basis.load("6-31g", s) for s in "CO"}
    mole = gto.M(atom=list(zip("CO", AT, strict=True)), basis=basis, unit="bohr", verbose=0)
    expected = scf.RHF(mole).run(conv_tol=1e-11).e_tot
    found = energy(run, "alchemy?start=N2&order=4&functions=union&level=hf/6-31g", OXIDE)
    assert found.value == pytest.approx(expected, abs=2e-3)
    assert found.value < energy(run, "alchemy?start=N2&order=4&level=hf/6-31g", OXIDE).value - 0.05


def test_union_of_functions_of_an_open_shell(run):
    """Helium's triplet from lithium's: an exact λ = 1, up to the terms that are left out."""
    from pyscf import gto, scf

    basis = {"He": gto.basis.load("6-31g", "Li") + gto.basis.load("6-31g", "He")}
    expected = scf.UHF(gto.M(atom="He", basis=basis, spin=2, verbose=0)).run(conv_tol=1e-11).e_tot
    helium = Molecule(("He",), ((0, 0, 0),), 0, 3)
    found = energy(run, "alchemy?start=Li&order=4&functions=union&level=hf/6-31g", helium)
    assert abs(found.value - expected) < 2 * found.uncertainty < 0.1


def test_one_electron_is_exact_in_the_charge(run):
    """In one function ⟨T⟩ and ⟨1/r⟩ are fixed: the energy is linear in the charge, whatever the order."""
    cation = Molecule(("He",), ((0, 0, 0),), 1, 2)
    found = energy(run, "alchemy?start=H&order=1&level=hf/sto-3g", cation)
    hydrogen = energy(run, "hf/sto-3g", Molecule(("H",), ((0, 0, 0),), 0, 2)).value
    kinetic = 0.760031883566609  # of the STO-3G function of hydrogen, hartree (Szabo and Ostlund, table 3.5: 0.7600)
    assert found.value == pytest.approx(kinetic + 2 * (hydrogen - kinetic), abs=1e-7)
    assert found.uncertainty == pytest.approx(0.0, abs=1e-4)


def test_the_series_of_a_known_function():
    at = STEP * np.arange(-3, 4)
    expected = [1 / factorial(k) for k in range(7)]
    assert series(np.exp(at))[:5] == pytest.approx(expected[:5], abs=3e-4)
    polynomial = np.array([-100.0, 0.5, -3.2, 0.1, 0.01, 0.02, -0.3])
    assert series(np.vander(at, 7, increasing=True) @ polynomial) == pytest.approx(polynomial, abs=1e-7)


def test_formulas():
    assert elements("C2HCl") == ("C", "C", "H", "Cl")
    for wrong in ("n2", "", "N0", "Xx2", "N-N"):
        with pytest.raises(ValueError, match=r"formula|element"):
            elements(wrong)


@pytest.mark.parametrize(
    ("level", "error", "message"),
    [
        ("alchemy?start=xq&level=hf/sto-3g", InputError, "formula"),
        ("alchemy?start=O3&level=hf/sto-3g", Unsupported, "one by one"),
        ("alchemy?start=N2&level=hf+d3bj/sto-3g", Unsupported, "alchemical_gradient"),
        ("alchemy?start=N2&level=mp2/cc-pv[dt]z", Unsupported, "alchemical_gradient"),
        ("alchemy?start=N2&level=nosuch/sto-3g", InputError, "nosuch"),
        ("alchemy?start=N2&level=alchemy", InputError, "alchemy of an alchemy"),
        ("alchemy?start=N2&order=5&level=hf/sto-3g", InputError, "order"),
        ("alchemy?start=HI&level=hf/def2-svp", Unsupported, "all-electron"),
    ],
)
def test_refused(level, error, message):
    with pytest.raises(error, match=message):
        parse_level(level).make().check(OXIDE, frozenset({"energy"}))


def test_no_ghosts():
    ghost = Molecule(("C", "O", "H"), (*AT, (0, 0, 5.0)), 0, 1, ghosts=(False, False, True))
    with pytest.raises(Unsupported, match="ghost"):
        parse_level("alchemy?start=N2&level=hf/sto-3g").make().check(ghost, frozenset({"energy"}))


def test_estimate_counts_the_functions_of_both():
    """A union of bases is a larger basis, and full CI grows with it."""
    ion = Molecule(("H",), ((0.0, 0.0, 0.0),), -1, 1)
    levels = (f"alchemy?start=He&functions={functions}&level=fci/cc-pv5z" for functions in ("start", "union"))
    start, union = (parse_level(level).make().estimate(ion, frozenset({"energy"})) for level in levels)
    assert union > 1.4 * start  # four times the determinants, and what every calculation costs


@pytest.mark.parametrize(
    ("written", "formula"), [("n2", "N2"), ("hcl", "HCl"), ("c6h6", "C6H6"), ("be", "Be"), ("CO", "CO"), ("Co", "Co")]
)
def test_starts_may_be_written_small_and_called_from(written, formula):
    level = parse_level(f"alchemy?from={written}&order=3&level=hf/sto-3g")
    assert level == parse_level(f"alchemy?start={formula}&order=3&level=hf/sto-3g")
    assert f"start={formula}" in str(level)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("from=co", r"'co' may be CO or Co: write it with capitals"),
        ("from=n2&start=N2", r"start is given twice, as start too"),
        ("from=xq", r"'xq' is no formula"),
        ("from=2", r"'2' is no formula"),
        ("from=n2-", r"'n2-' is no formula"),
    ],
)
def test_a_start_that_is_none(options, message):
    with pytest.raises(InputError, match=message):
        parse_level(f"alchemy?{options}&level=hf/sto-3g")
