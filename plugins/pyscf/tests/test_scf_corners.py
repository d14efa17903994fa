"""Corners of the self-consistent field: where one spin, or both, have nothing to rotate."""

from __future__ import annotations

import pytest

import qmbench
from qmbench import Molecule

THREE_UP = Molecule(("H", "H", "He"), ((0, 0.1, -0.2), (0.3, 1.2, 0.7), (4, -2, 1)), 0, 3, name="h2-he, triplet")
HYDROGEN = Molecule(("H",), ((0, 0, 0),), 0, 2, name="hydrogen")


@pytest.mark.parametrize(
    ("level", "molecule", "how"),
    [
        ("pbe/sto-3g", THREE_UP, "coarse grid"),  # three orbitals, all of them with a spin-up electron
        ("b3lyp/sto-3g", THREE_UP, "coarse grid"),
        ("hf/sto-3g", THREE_UP, "full Hessian"),
        ("hf/sto-3g", HYDROGEN, "nothing to rotate"),
        ("hf/cc-pvdz", HYDROGEN, "one electron"),
        ("pbe/cc-pvdz", HYDROGEN, "coarse grid"),
    ],
)
def test_a_spin_with_nothing_to_rotate_is_no_trouble(level, molecule, how):
    found = qmbench.level(level).make().run(molecule, ["energy"], qmbench.Resources())
    assert found.settings["stability"] == "minimum"
    assert how in found.settings["stability_checked"]
