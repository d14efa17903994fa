"""What methods ask of a molecule: what passes, and the one line that refuses the rest."""

from __future__ import annotations

import pytest

from qmbench import Molecule, Unsupported, require_elements, require_neutral_singlet

AT = ((0.0, 0.0, 0.0), (0.0, 0.0, 2.0))


def said(check, *arguments):
    with pytest.raises(Unsupported) as caught:
        check(*arguments)
    return str(caught.value)


def test_neutral_singlets():
    require_neutral_singlet(Molecule(("H", "H"), AT, 0, 1), "m")
    cation, triplet = Molecule(("H", "H"), AT, 1, 2), Molecule(("H", "H"), AT, 0, 3)
    assert said(require_neutral_singlet, cation, "m") == (
        "m is for neutral molecules of multiplicity 1, not charge 1, multiplicity 2"
    )
    assert said(require_neutral_singlet, triplet, "m", "hf takes any").endswith("multiplicity 3; hf takes any")
    assert "charge 2" in said(require_neutral_singlet, Molecule(("He", "He"), AT, 2, 1), "m")


def test_elements():
    molecule = Molecule(("He", "Li"), AT, 0, 1, ghosts=(False, True))
    require_elements(molecule, ("H", "He"), "m")
    assert said(require_elements, molecule, ("H", "Li"), "m", "was not trained on") == (
        "m was not trained on He; it knows H, Li"
    )
    both = Molecule(("Li", "He"), AT, 1, 1)
    assert said(require_elements, both, [f"X{i}" for i in range(21)], "m") == "m does not do He, Li"
