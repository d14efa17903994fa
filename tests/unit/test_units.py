"""Conversion factors against two independent tables of CODATA: ASE's and SciPy's."""

from __future__ import annotations

import itertools

import ase.units
import pytest
import scipy.constants
from hypothesis import given
from hypothesis import strategies as st

from qmbench import InputError
from qmbench.domain.units import UNITS, dimension, factor, suffix

CODATA_2018 = ase.units.create_units("2018")
N_A = scipy.constants.N_A
HARTREE_J = scipy.constants.physical_constants["Hartree energy"][0]
KCAL_J = 4184.0
DEBYE_C_M = 1e-21 / scipy.constants.c


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("hartree", "eV", CODATA_2018["Hartree"]),
        ("bohr", "angstrom", CODATA_2018["Bohr"]),
        ("hartree", "kcal/mol", CODATA_2018["Hartree"] / CODATA_2018["kcal"] * CODATA_2018["mol"]),
        ("hartree", "kJ/mol", CODATA_2018["Hartree"] / CODATA_2018["kJ"] * CODATA_2018["mol"]),
        ("hartree", "cm-1", CODATA_2018["Hartree"] / CODATA_2018["invcm"]),
        ("e bohr", "debye", CODATA_2018["Bohr"] / CODATA_2018["Debye"]),
        ("bohr3", "angstrom3", CODATA_2018["Bohr"] ** 3),
        ("hartree/bohr", "eV/angstrom", CODATA_2018["Hartree"] / CODATA_2018["Bohr"]),
        ("hartree/bohr3", "GPa", CODATA_2018["Hartree"] / CODATA_2018["Bohr"] ** 3 / CODATA_2018["GPa"]),
    ],
)
def test_factor_agrees_with_ase(source, target, expected):
    assert factor(source, target) == pytest.approx(expected, rel=2e-9)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("hartree", "kcal/mol", HARTREE_J * N_A / KCAL_J),
        ("hartree", "kJ/mol", HARTREE_J * N_A / 1e3),
        ("hartree", "eV", HARTREE_J / scipy.constants.e),
        ("hartree", "cm-1", HARTREE_J / (scipy.constants.h * scipy.constants.c * 100.0)),
        ("bohr", "angstrom", scipy.constants.physical_constants["Bohr radius"][0] * 1e10),
        (
            "e bohr",
            "debye",
            scipy.constants.e * scipy.constants.physical_constants["Bohr radius"][0] / DEBYE_C_M,
        ),
    ],
)
def test_factor_agrees_with_scipy_whatever_its_codata_year(source, target, expected):
    # CODATA 2014, 2018 and 2022 differ by some 1e-8 at most; a wrong digit in the table does far more.
    assert factor(source, target) == pytest.approx(expected, rel=3e-8)


def test_milli_and_micro():
    assert factor("hartree", "millihartree") == pytest.approx(1e3, rel=1e-15)
    assert factor("hartree", "microhartree") == pytest.approx(1e6, rel=1e-15)
    assert factor("eV", "meV") == pytest.approx(1e3, rel=1e-15)


@pytest.mark.parametrize(("a", "b"), list(itertools.permutations(UNITS, 2)))
def test_factors_are_inverse_of_each_other_or_refused(a, b):
    if dimension(a) == dimension(b):
        assert factor(a, b) * factor(b, a) == pytest.approx(1.0, rel=1e-15)
    else:
        with pytest.raises(InputError, match="can't convert"):
            factor(a, b)


@given(*[st.sampled_from([u for u in UNITS if dimension(u) == "energy"])] * 3)
def test_energy_factors_are_transitive(a, b, c):
    assert factor(a, b) * factor(b, c) == pytest.approx(factor(a, c), rel=1e-14)


def test_lattice_energies_are_no_hartrees():
    with pytest.raises(InputError, match=r"can't convert 't' \(lattice energy\) to 'hartree' \(energy\)"):
        factor("t", "hartree")


def test_unknown_unit_names_the_nearest():
    with pytest.raises(InputError, match="unknown unit 'kcal/mole'; did you mean 'kcal/mol'"):
        dimension("kcal/mole")


def test_suffix_is_a_column_name():
    assert suffix("kcal/mol") == "kcal_mol"
    assert suffix("hartree bohr6") == "hartree_bohr6"
    columns = [suffix(unit) for unit in UNITS if unit]
    assert all(c.isidentifier() for c in columns)
    assert len(set(columns)) == len(columns)
