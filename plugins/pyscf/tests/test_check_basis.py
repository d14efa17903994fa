"""A basis set that is not there, or lacks an element, is known before anything is computed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from qmbench import InputError, Molecule, level
from qmbench_pyscf.mole import _WHOLE_TO_NEON, basis_functions, check_basis

HELIUM = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="he")
BROMINE = Molecule(("H", "Br"), ((0.0, 0.0, 0.0), (0.0, 0.0, 2.7)), 0, 1, name="hbr")
LIGHT = ("H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne")


@pytest.mark.parametrize("basis", sorted(_WHOLE_TO_NEON))
def test_the_sets_that_are_not_looked_up_are_there(basis):
    lacking = []
    for symbol in LIGHT:
        try:
            basis_functions(basis, symbol)
        except InputError:
            lacking.append(symbol)
    assert not lacking


def test_common_sets_are_checked_without_the_program():
    code = (
        "import sys; from qmbench import Molecule, level; "
        "level('ccsd(t)/cc-pvtz').make().check(Molecule(('He',), ((0, 0, 0),), 0, 1), frozenset({'energy'})); "
        "sys.exit('pyscf' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("method", ["hf", "b3lyp", "mp2", "ccsd(t)", "fci", "pbe-d3bj"])
@pytest.mark.parametrize("basis", ["cbs", "nope", "def2-tzvp/c"])
def test_a_set_that_is_not_there_is_refused_before_computing(method, basis):
    try:
        wrong = level(f"{method}/{basis}")
    except InputError:
        return  # not even written as a level
    with pytest.raises(InputError, match="basis"):
        wrong.make().check(HELIUM, frozenset({"energy"}))


def test_an_element_that_a_set_lacks_too():
    with pytest.raises(InputError, match="no functions for Br"):
        check_basis("6-31++g**", BROMINE)
    ghost = Molecule(BROMINE.symbols, BROMINE.positions, 0, 2, ghosts=(False, True))
    with pytest.raises(InputError, match="no functions for Br"):
        check_basis("6-31++g**", ghost)
    check_basis("cc-pvtz", BROMINE)
