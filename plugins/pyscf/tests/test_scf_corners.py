"""Corners of the self-consistent field: where one spin, or both, have nothing to rotate."""

from __future__ import annotations

import pytest

import qmbench
from qmbench import Molecule
from qmbench_pyscf import convergence

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


def cycles(gradients, changes=1e-10, converged=False):
    """After how many cycles DIIS with these gradients is said to stall; None: it is not."""
    look = convergence._watch()
    orbitals = {"mo_energy": None, "mo_coeff": None, "mo_occ": None}
    for i, gradient in enumerate(gradients):
        try:
            look({"norm_gorb": gradient, "e_tot": changes, "last_hf_e": 0.0, "scf_conv": converged, **orbitals})
        except convergence._Stalled:
            return i + 1
    return None


def test_diis_is_stopped_where_it_stands_still_near_a_solution():
    """The hole of a Π state turns about the axis at no cost but the grid's: DIIS would use up all of its cycles."""
    still = [1e-3, 1e-5, *[5.5e-6] * 90]
    assert cycles(still) == 3 + convergence.STALLED_CYCLES
    assert cycles([0.85**i * 1e-5 for i in range(90)]) is None  # slow, but it goes on
    assert cycles([1e-5 * 0.99**i for i in range(90)]) is None
    assert cycles([100 * g for g in still]) is None  # far from a solution
    assert cycles(still, changes=1e-6) is None
    assert cycles(still, converged=True) is None


def test_where_diis_is_stopped_second_order_steps_reach_the_same_solution(monkeypatch, tmp_path):
    molecule = Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.8324)), 0, 2, name="OH")
    found = []
    for cycles_allowed in (convergence.STALLED_CYCLES, 1):  # after one without gain it is stopped almost anywhere
        monkeypatch.setattr(convergence, "STALLED_CYCLES", cycles_allowed)
        monkeypatch.setattr(convergence, "STALLED_GAIN", 0.9 if cycles_allowed > 1 else 0.0)
        apart = qmbench.Resources(artifacts=tmp_path / str(cycles_allowed))  # no SCF is shared
        result = qmbench.level("pbe/6-31g").make().run(molecule, ["energy"], apart)
        found.append(result.properties["energy"].value)
        assert result.settings["stability"] == "minimum"
    assert found[0] == pytest.approx(found[1], abs=2e-8)
