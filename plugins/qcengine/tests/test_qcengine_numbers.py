"""Numbers: against native plugins of the same library, the library called by hand, and differences of the energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

XTB = "qc:xtb/{}?accuracy=0.0001"


def largest(ours, theirs):
    return float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())


@pytest.mark.parametrize(
    ("level", "native", "system"),
    [
        ("qc:dftd4/pbe", "d4?functional=pbe", "water"),
        ("qc:dftd4/PBE", "d4?functional=pbe", "hydroxide"),
        ("qc:dftd4/b3lyp?level_hint=d4", "d4?functional=b3lyp", "OH"),
        ("qc:s-dftd3/pbe", "d3bj?functional=pbe", "water"),
        ("qc:s-dftd3/b3lyp?level_hint=d3zero", "d3zero?functional=b3lyp", "water"),
        ("qc:s-dftd3/b3lyp?level_hint=d3bjm", "d3mbj?functional=b3lyp", "water"),
    ],
)
def test_dispersion_is_that_of_the_native_plugin(run, level, native, system):
    """One library, asked by two ways: units, signs, charge, and which parameters a name means."""
    both = ("dispersion_energy", "forces")
    ours, theirs = run(level, system, *both), run(native, system, *both)
    assert abs(theirs.properties["dispersion_energy"].value) > 1e-6
    for name in both:
        assert largest(ours.properties[name].value, theirs.properties[name].value) < 1e-9, name
        assert ours.properties[name].unit == theirs.properties[name].unit


@pytest.mark.parametrize("system", ["water", "hydroxide", "OH", "oxygen"])
@pytest.mark.parametrize("method", ["GFN1-xTB", "GFN2-xTB"])
def test_xtb_is_its_own_library(run, systems, method, system):
    """The library called by hand, so with its own signs and units."""
    from xtb import interface

    system = systems[system]
    by_hand = interface.Calculator(
        getattr(interface.Param, method.replace("-", "")),
        np.array(system.atomic_numbers),
        np.array(system.coordinates),
        system.charge,
        system.multiplicity - 1,
    )
    by_hand.set_accuracy(1e-4)
    by_hand.set_verbosity("muted")
    theirs = by_hand.singlepoint()
    ours = run(XTB.format(method), system, "energy", "forces").properties
    assert abs(ours["energy"].value - theirs.get_energy()) < 1e-10
    assert largest(ours["forces"].value, -theirs.get_gradient()) < 1e-10
    if not system.charge:
        dipole = run(XTB.format(method), system, "dipole").properties["dipole"]
        assert largest(dipole.value, theirs.get_dipole()) < 1e-10
        assert dipole.unit == "e bohr"


@pytest.mark.parametrize("system", ["water", "hydroxide", "OH", "oxygen"])
@pytest.mark.parametrize("method", ["gfn1-xtb", "gfn2-xtb"])
def test_xtb_is_tblite_but_for_the_digits_of_their_constants(run, systems, method, system):
    """Two programs by the same authors: charge, spin, axes. They differ by up to 6e-9 hartree, seen with both
    converged as far as they can be."""
    system = systems[system]
    properties = ("energy", "forces", *(() if system.charge else ("dipole",)))
    ours = run(XTB.format(method), system, *properties).properties
    theirs = run(f"{method}?accuracy=0.0001", system, *properties).properties
    for name in properties:
        assert largest(ours[name].value, theirs[name].value) < 2e-8, name


@pytest.mark.parametrize(
    ("level", "energy"),
    [
        (XTB.format("gfn2-xtb"), "energy"),
        ("qc:dftd4/pbe", "dispersion_energy"),
        ("qc:s-dftd3/pbe", "dispersion_energy"),
    ],
    ids=["xtb", "dftd4", "s-dftd3"],
)
def test_forces_are_minus_the_derivative_of_the_energy(run, systems, level, energy):
    h, system = 1e-3, systems["water"]
    forces = run(level, system, "forces").properties["forces"].value
    assert np.abs(forces).max() > 1e-7
    for atom in range(3):
        for axis in range(3):

            def at(step, atom=atom, axis=axis):
                moved = np.array(system.positions)
                moved[atom, axis] += step
                there = replace(system, positions=tuple(map(tuple, moved)))
                return run(level, there, energy).properties[energy].value

            slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
            assert forces[atom, axis] == pytest.approx(-slope, abs=2e-7, rel=1e-5)


def test_keywords_reach_the_program(run):
    """A hot and a solvated molecule; the same shift as tblite's for the temperature."""
    cold, hot = (run(XTB.format("gfn2-xtb") + f"&electronic_temperature={t}", "OH") for t in (300, 5000))
    native = [run(f"gfn2-xtb?accuracy=0.0001&electronic_temperature={t}", "OH") for t in (300, 5000)]
    shift = hot.properties["energy"].value - cold.properties["energy"].value
    theirs = native[1].properties["energy"].value - native[0].properties["energy"].value
    assert shift < -1e-3
    assert shift == pytest.approx(theirs, abs=1e-6)
    wet = run(XTB.format("gfn2-xtb") + "&solvent=water", "water").properties["energy"].value
    dry = run(XTB.format("gfn2-xtb"), "water").properties["energy"].value
    assert -0.05 < wet - dry < -0.001


def test_the_same_level_in_two_programs_is_an_implementation_difference(tmp_path, systems, run):
    """GFN2-xTB of xtb and of tblite, whatever each is converged to; GFN1-xTB pairs with neither, nor do two levels of
    one library: d4 and qc:dftd4."""
    import csv

    import qmbench

    folder = tmp_path / "stretched"
    (folder / "systems").mkdir(parents=True)
    places = {"short": 1.75, "long": 2.1}
    for name, r in places.items():
        (folder / "systems" / f"{name}.xyz").write_text(
            f"2\ncharge=-1 multiplicity=1\nO 0 0 0\nH 0 0 {r * qmbench.units.BOHR_IN_ANGSTROM}\n"
        )
    (folder / "benchmark.toml").write_text(
        'id = "stretched"\nversion = "1"\ntitle = "Stretched"\nobservable = "reaction_energy"\nunit = "hartree"\n'
        'sign = "any"\n'
        'bsse = ["none"]\nlicence = "CC0-1.0"\ncitations = []\n'
    )
    with open(folder / "entries.csv", "w", newline="") as handle:
        csv.writer(handle).writerows([["id", "stoichiometry", "note"], ["oh", "long:1 short:-1", ""]])
    (folder / "references.csv").write_text("entry,set,value,unit,status,source_doi,source_place\n")
    levels = ["qc:xtb/GFN2-xTB?accuracy=0.0001", "gfn2-xtb?accuracy=0.001", "gfn1-xtb"]
    made = qmbench.run(qmbench.Suite.of(str(folder), levels), store=tmp_path / "s.sqlite", progress=False)
    assert not made.failed
    (row,) = made.evaluation.implementations
    assert row["level_of_theory"] == "gfn2-xtb"
    assert sorted(row["programs"]) == ["tblite", "xtb"]
    assert 0 < abs(row["largest"]) < 1e-6
    assert made.evaluation.disagreement["implementations"] == [row]
    names = [qmbench.parse_level(level).make().families() for level in ("qc:dftd4/pbe", "d4?functional=pbe")]
    assert names[0]["level"] == "d4?functional=pbe"
    assert names[0]["program"] == names[1]["program"] == "dftd4"


@pytest.mark.parametrize(
    ("properties", "dipole"),
    [
        ({"return_energy": -5.0, "scf_dipole_moment": [0, 0, 1]}, [0, 0, 1]),
        ({"return_energy": -5.0, "scf_total_energy": -5.0, "scf_dipole_moment": [0, 0, 1]}, [0, 0, 1]),
        ({"return_energy": -5.1, "scf_total_energy": -5.0, "scf_dipole_moment": [0, 0, 1]}, None),
        ({"return_energy": -5.1, "mp2_total_energy": -5.1, "scf_dipole_moment": [0, 0, 1]}, None),
        (
            {
                "return_energy": -5.1,
                "scf_total_energy": -5.0,
                "scf_dipole_moment": [0, 0, 1],
                "mp2_total_energy": -5.1,
                "mp2_dipole_moment": [0, 0, 2],
            },
            [0, 0, 2],
        ),
        ({"return_energy": -5.1}, None),
    ],
)
def test_a_dipole_is_that_of_the_level_and_not_of_its_mean_field(properties, dipole):
    from qmbench_qcengine.schema import dipole_of

    found = dipole_of(properties)
    assert (None if found is None else found.tolist()) == dipole
