"""Second derivatives by the nuclei: analytic ones against differences of forces, those against energies."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule, parse_level
from qmbench.domain.equilibrium import harmonic_frequencies, masses
from qmbench_pyscf import hessians
from qmbench_pyscf.forces import displaced, repulsion_forces
from qmbench_pyscf.mole import pyscf_session
from qmbench_pyscf.specification import UNPERTURBED

ANALYTIC, DIFFERENCES = "analytic Hessian", "central differences of forces, 0.005 bohr"


def by_differences(level, molecule, resources):
    method = parse_level(level).make()
    with pyscf_session(resources):
        return hessians.numerical_hessian(molecule, lambda m: method.point(m, UNPERTURBED, resources))


@pytest.mark.parametrize(
    ("level", "name", "within", "wavenumber"),
    [
        ("hf/6-31g", "water", 5e-5, 0.3),
        ("hf/6-31g", "oh", 5e-5, 0.3),
        ("hf/6-31g", "nh", 5e-5, 0.3),
        # Without the response of the grid: seen are 2.5e-4 hartree/bohr² and 1.0 cm-1 (default grids).
        pytest.param("pbe/6-31g", "water", 1e-3, 2.0, marks=pytest.mark.slow),
        pytest.param("pbe/6-31g", "oh", 1e-3, 2.0, marks=pytest.mark.slow),
        pytest.param("wb97x/6-31g", "water", 1e-3, 2.0, marks=pytest.mark.slow),
    ],
)
def test_analytic_ones_are_derivatives_of_forces(run, molecules, resources, level, name, within, wavenumber):
    """Differences have an error of the fourth derivative times the square of the step: some 2e-5 hartree/bohr²."""
    molecule = molecules[name]
    found = run(level, molecule, "hessian")
    assert found.settings["hessian"] == ANALYTIC
    assert found.properties["hessian"].unit == "hartree/bohr2"
    second, numerical = found.properties["hessian"].value, by_differences(level, molecule, resources)
    assert np.abs(second).max() > 0.1
    assert np.abs(second - numerical).max() < within
    ours, theirs = (
        harmonic_frequencies(h, molecule.coordinates, masses(molecule.symbols)) for h in (second, numerical)
    )
    assert ours == pytest.approx(theirs, abs=wavenumber)


@pytest.mark.parametrize(
    ("level", "system", "why"),
    [
        ("hf/6-31g?density_fitting=true", Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 1), "fitted integrals"),
        ("hf/6-31g", Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 1, 2), "no electron of one spin"),
    ],
)
def test_where_there_are_none_it_is_differences_of_forces(run, energy, level, system, why):
    """Against second differences of the energy, whose error is that of the fourth derivative (0.02 bohr: some 1e-4)."""
    found = run(level, system, "hessian")
    assert found.settings["hessian"] == DIFFERENCES
    h = 0.02
    e = [energy(level, displaced(system, 1, 2, n * h)) for n in (-2, -1, 0, 1, 2)]
    curvature = (-e[0] + 16 * e[1] - 30 * e[2] + 16 * e[3] - e[4]) / (12 * h**2)
    assert found.properties["hessian"].value[1, 2, 1, 2] == pytest.approx(curvature, abs=2e-4)


def test_one_that_a_shift_of_all_nuclei_belies_is_not_taken(run, molecules, monkeypatch):
    """As after equations that did not converge."""
    monkeypatch.setattr(hessians, "LARGEST_SUM", -1.0)
    assert run("hf/sto-3g", "h2", "hessian").settings["hessian"] == DIFFERENCES


def test_ghosts_have_functions_and_no_rows(run, resources):
    system = Molecule(("H", "He", "H"), ((0, 0, 0), (0.3, 2.1, 0.2), (0, 0.1, 1.4)), 0, 1, ghosts=(False, True, False))
    second = run("hf/6-31g", system, "hessian").properties["hessian"].value
    assert second.shape == (2, 3, 2, 3)
    assert np.abs(second - by_differences("hf/6-31g", system, resources)).max() < 5e-5
    assert np.abs(second.sum(axis=2)).max() > 1e-5  # the ghost's functions do not move along


def test_bare_nuclei(run):
    system = Molecule(("H", "H", "He"), ((0, 0, 0), (0.3, 2.1, 0.2), (0.9, 0.1, 1.4)), 4, 1)
    second = run("hf/sto-3g", system, "hessian").properties["hessian"].value
    for atom in range(3):
        for axis in range(3):
            ends = [repulsion_forces(displaced(system, atom, axis, s)) for s in (1e-4, -1e-4)]
            assert second[atom, axis] == pytest.approx(-(ends[0] - ends[1]) / 2e-4, abs=1e-6)


def test_vibrations_say_how_their_second_derivatives_were_found(molecules, tmp_path):
    from qmbench import Resources

    for level, how in (("hf/sto-3g", ANALYTIC), ("hf+d3bj/sto-3g", DIFFERENCES), ("mp2/sto-3g", DIFFERENCES)):
        method = parse_level(level).make()
        resources = Resources(scratch=tmp_path, artifacts=tmp_path / "artifacts")
        found = method.run(molecules["h2"], ("harmonic_frequencies",), resources)
        assert found.settings["hessian"] == how
        assert found.properties["harmonic_frequencies"].value[0] > 4000


def test_a_dry_run_does_not_count_differences_for_what_is_analytic(molecules):
    water = molecules["water"]
    asked = frozenset({"harmonic_frequencies"})
    seconds = {
        level: parse_level(f"{level}/def2-svp").make().expected_seconds(water, asked) for level in ("hf", "hf+d3bj")
    }
    one = parse_level("hf/def2-svp").make().estimate(water, frozenset({"energy", "forces"}))
    assert seconds["hf"] < seconds["hf+d3bj"] - 6 * one
