"""Guesses of open shells that are ranked in a small basis set: the same solutions as of all guesses in the large."""

from __future__ import annotations

import pytest

from qmbench import Molecule, Resources
from qmbench_pyscf import ScfSpecification, converged_scf, convergence, scf, scf_settings
from qmbench_pyscf.smaller_basis import in_small_basis


def pair(symbols, distance, charge, multiplicity):
    return Molecule(tuple(symbols.split()), ((0, 0, 0), (0.0, 0.0, distance)), charge, multiplicity)


C2H = Molecule(("C", "C", "H"), ((0, 0, 0), (0, 0, -2.29885183), (0, 0, 1.97759839)), 0, 2)


@pytest.fixture
def found(tmp_path):
    """found(molecule, spec, folder) -> energy, settings, of an SCF of its own."""

    def run(molecule, spec, folder):
        mf = converged_scf(
            molecule, spec, Resources(cores=1, artifacts=tmp_path / folder, scratch=tmp_path / f"{folder}-scratch")
        )
        return mf.e_tot, scf_settings(mf)

    return run


@pytest.mark.parametrize(
    ("molecule", "basis", "xc", "guess"),
    [
        (pair("O H", 1.83, 0, 2), "cc-pvtz", None, "minao"),
        (pair("O H", 1.83, 0, 2), "cc-pvtz", "pbe", "minao"),
        (pair("B B", 3.0, 0, 3), "cc-pvtz", None, "alternating spins, in def2-svp"),
        (pair("F F", 3.6, 1, 2), "cc-pvtz", None, "alternating spins, in def2-svp"),
        (pair("N N", 4.5, 1, 2), "cc-pvtz", None, None),
        (pair("O O", 2.3, 1, 2), "cc-pvtz", None, None),
    ],
)
def test_the_solution_is_that_of_all_guesses(molecule, basis, xc, guess, found, monkeypatch):
    spec = ScfSpecification(basis, xc, grid=2 if xc else None)
    energy, settings = found(molecule, spec, "few")
    monkeypatch.setattr(scf, "in_small_basis", lambda *_: None)
    expected, of_all = found(molecule, spec, "all")
    assert energy == pytest.approx(expected, abs=1e-8)
    assert settings["guess"] == (guess or settings["guess"])
    assert len(settings["guess_energies"]) < len(of_all["guess_energies"])
    if guess and guess != "minao":  # the default guess alone leads elsewhere
        assert settings["guess_energies"]["minao"] > energy + 1e-3


@pytest.mark.parametrize(
    ("molecule", "options"),
    [
        (pair("O H", 1.83, 0, 2), {"basis": "def2-svp"}),
        (pair("O H", 1.83, 0, 2), {"basis": "6-311g**", "cartesian": True}),
        (pair("I H", 3.0, 1, 2), {"basis": "def2-tzvp"}),
        (pair("N H", 1.96, -1, 2), {"basis": "aug-cc-pvtz"}),
        (C2H, {"basis": "def2-tzvp"}),
        (Molecule(("O",), ((0, 0, 0),), 0, 3), {"basis": "cc-pvqz"}),
        (pair("O H", 1.83, 0, 2), {"basis": "cc-pvqz", "field": (0.0, 0.0, 0.001)}),
    ],
)
def test_where_all_guesses_stay_in_the_basis_itself(molecule, options):
    from qmbench_pyscf.mean_field_object import mean_field

    spec = ScfSpecification(**options)
    assert in_small_basis(molecule, spec, mean_field(molecule, spec, Resources())) is None


def test_where_a_start_fails_all_guesses_are_tried(found, monkeypatch):
    spec = ScfSpecification("cc-pvtz", None)
    quickly, calls = convergence.converge_quickly, []

    def once_not(mf, density):
        if mf.mol.nao > 40:  # in the basis set itself
            calls.append(mf)
        return quickly(mf, density) if len(calls) != 1 or mf is not calls[0] else None

    monkeypatch.setattr(convergence, "converge_quickly", once_not)
    _, settings = found(pair("O H", 1.83, 0, 2), spec, "few")
    assert {"minao", "atom", "fractional"} <= set(settings["guess_energies"])
