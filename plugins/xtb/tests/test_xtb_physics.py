"""Laws that the numbers keep: derivatives of each other, states, who is parametrized."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from qmbench import ATOMIC_NUMBERS, InputError, Molecule, NotConverged, Unsupported, parse_level
from qmbench_xtb.electrons import PARAMETRIZED, unpaired_in_cores, valence_electrons
from qmbench_xtb.program import polarizability
from qmbench_xtb.solvents import ALIASES, ALPB, DIELECTRIC, GBSA_GFN1, GBSA_GFN2

TIGHT = "accuracy=0.0001"


def moved(molecule, atom, axis, h):
    positions = [list(r) for r in molecule.positions]
    positions[atom][axis] += h
    return dataclasses.replace(molecule, positions=tuple(map(tuple, positions)))


FORCES = [
    *((method, system) for method in ("gfn1-xtb", "gfn2-xtb", "ipea1-xtb") for system in ("water", "oh", "ammonium")),
    ("gfn2-xtb?spin_polarization=true", "methyl chloride cation"),
    ("gfn2-xtb?electronic_temperature=5000", "oh"),
    ("gfn2-xtb?alpb=water", "hydroxide"),
    ("gfn1-xtb?gbsa=methanol", "water"),
    ("gfn2-xtb?cpcm=water", "water"),
]


@pytest.mark.parametrize(("level", "system"), FORCES)
def test_forces_are_minus_the_derivative_of_the_energy(level, system, run, energy, molecules):
    tight = f"{level}{'&' if '?' in level else '?'}{TIGHT}"
    molecule, h = molecules[system], 1e-3
    forces = run(tight, molecule, "forces").properties["forces"].value
    numerical = np.zeros_like(forces)
    for atom, axis in np.ndindex(forces.shape):
        plus, minus = (energy(tight, moved(molecule, atom, axis, s * h)) for s in (1, -1))
        numerical[atom, axis] = -(plus - minus) / (2 * h)
    # What central differences leave out is h² E'''/6, a few 1e-7; cavities are cut out of grids.
    np.testing.assert_allclose(forces, numerical, atol=1e-6 if "=" not in level or "a=" in level else 5e-6)


@pytest.mark.parametrize("level", ["gfn2-xtb", "gfn1-xtb?alpb=water"])
def test_dipole_and_polarizability_are_derivatives_by_the_field(level, run, molecules):
    """μ = −dE/dF and α = −d²E/dF², from energies in fields that are put on the library by hand."""
    from tblite.interface import Calculator

    water = molecules["water"]

    def energy(field):
        calculator = Calculator(
            {"1": "GFN1-xTB", "2": "GFN2-xTB"}[level[3]], water.atomic_numbers, water.coordinates, charge=0, uhf=0
        )
        calculator.set("verbosity", 0)
        calculator.set("accuracy", 1e-4)
        calculator.add("electric-field", list(field))
        if "alpb" in level:
            calculator.add("alpb-solvation", "water")
        return float(calculator.singlepoint().get("energy"))

    h, unit = 2e-3, np.eye(3)
    mu = [-(energy(h * e) - energy(-h * e)) / (2 * h) for e in unit]
    alpha = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        corners = ((a * b, energy(h * (a * unit[i] + b * unit[j]))) for a in (1, -1) for b in (1, -1))
        alpha[i, j] = -sum(sign * e for sign, e in corners) / (4 * h**2)
    found = run(f"{level}{'&' if '?' in level else '?'}{TIGHT}", water, "dipole", "polarizability").properties
    np.testing.assert_allclose(found["dipole"].value, mu, atol=2e-5)
    np.testing.assert_allclose(found["polarizability"].value, alpha, atol=2e-3)
    assert np.all(found["polarizability"].uncertainty < 1e-3)
    assert np.linalg.eigvalsh(found["polarizability"].value).min() > 0


def test_polarizability_of_a_known_function():
    """A dipole that is a cubic of the field: Richardson's rule is exact for it, and says how far it went."""
    alpha, beta = np.array([[4.0, 0.5, 0.0], [0.5, 3.0, 0.2], [0.0, 0.2, 2.0]]), 700.0
    found = polarizability(lambda f: alpha @ np.array(f) + beta * np.array(f) ** 3 + 0.3, 0.01)
    np.testing.assert_allclose(found.value, alpha, atol=1e-12)
    np.testing.assert_allclose(np.diag(found.uncertainty), beta * 0.01**2, rtol=1e-9)
    with pytest.raises(NotConverged, match="smaller field_strength"):
        polarizability(lambda f: alpha @ np.array(f) + 40 * beta * np.array(f) ** 3, 0.05)


def test_states(energy, molecules):
    oxygen = molecules["o2"]
    singlet = dataclasses.replace(oxygen, multiplicity=1)
    polarized = "gfn2-xtb?spin_polarization=true"
    # Hund: exchange makes the triplet the lower one; without spin polarization there is none.
    assert energy(polarized, oxygen) < energy(polarized, singlet) - 0.01
    assert energy(polarized, oxygen) < energy("gfn2-xtb", oxygen) - 0.01
    assert energy(polarized, molecules["water"]) == pytest.approx(energy("gfn2-xtb", "water"), abs=1e-9)


def test_far_apart_is_the_sum(energy, molecules):
    water = molecules["water"]
    pair = Molecule(water.symbols * 2, (*water.positions, *((x, y, z + 3000.0) for x, y, z in water.positions)), 0, 1)
    assert energy("gfn2-xtb", pair) == pytest.approx(2 * energy("gfn2-xtb", water), abs=1e-8)


def test_turning_in_vacuum_changes_nothing(run, molecules):
    """The tolerances of the methods are those of cavities; without one the numbers are as good as the iterations."""
    water = molecules["water"]
    a, b = np.cos(0.7), np.sin(0.7)
    turn = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, a, -b], [0, b, a]])
    turned = dataclasses.replace(water, positions=tuple(map(tuple, water.coordinates @ turn.T)))
    before, after = (run(f"gfn2-xtb?{TIGHT}", m, "energy", "dipole", "forces").properties for m in (water, turned))
    assert after["energy"].value == pytest.approx(before["energy"].value, abs=1e-11)
    np.testing.assert_allclose(after["dipole"].value, turn @ before["dipole"].value, atol=1e-6)
    np.testing.assert_allclose(after["forces"].value, before["forces"].value @ turn.T, atol=1e-6)


@pytest.mark.parametrize("method", ["gfn1-xtb", "gfn2-xtb", "ipea1-xtb"])
def test_valence_electrons_are_the_librarys(method, run):
    """Every parametrized atom has as many electrons in the calculation as the table says."""
    assert (PARAMETRIZED[0], PARAMETRIZED[-1], len(PARAMETRIZED)) == ("H", "Rn", 86)
    given_up = []
    for symbol in PARAMETRIZED:
        electrons, inner = valence_electrons(symbol), unpaired_in_cores([symbol])
        atom = Molecule((symbol,), ((0.0, 0.0, 0.0),), 0, 1 + electrons % 2 + inner)
        try:
            settings = run(method, atom).settings
        except NotConverged:
            given_up.append(symbol)
            continue
        assert settings["valence_electrons"] == electrons, symbol
    assert set(given_up) <= {"Sc", "Ti", "Fe", "Zr"}  # free atoms that IPEA1 does not converge in their lowest spin


def test_electrons_of_lanthanides(run):
    """Gadolinium(III) is an octet whose seven f electrons are in the core; cerium(III) a doublet with one."""
    for symbol, multiplicity in (("Gd", 8), ("Ce", 2), ("Lu", 1), ("Yb", 2), ("La", 1)):
        ion = Molecule((symbol,), ((0.0, 0.0, 0.0),), 3, multiplicity)
        assert run("gfn2-xtb", ion).settings["unpaired_valence_electrons"] == 0
    with pytest.raises(Unsupported, match=r"the multiplicity of Gd3\+ is at least 8, not 6"):
        run("gfn2-xtb", Molecule(("Gd",), ((0.0, 0.0, 0.0),), 3, 6))


REFUSED = [
    (Molecule(("Fr", "H"), ((0, 0, 0), (0, 0, 5.0)), 0, 1), Unsupported, "is not parametrized for Fr"),
    (
        Molecule(("He", "H"), ((0, 0, 0), (0, 0, 5.0)), 0, 1, ghosts=(False, True)),
        Unsupported,
        "takes no ghost atoms: its minimal basis set is part of it",
    ),
    (Molecule(("Na",), ((0, 0, 0),), 2, 2), InputError, "would take electrons from the cores"),
    (Molecule(("Na",), ((0, 0, 0),), 0, 4), InputError, "needs 3 unpaired valence electrons; there are 1"),
]


@pytest.mark.parametrize(("system", "error", "message"), REFUSED)
def test_refused_while_planning(system, error, message):
    with pytest.raises(error, match=message) as caught:
        parse_level("gfn2-xtb").make().check(system, frozenset({"energy"}))
    assert "\n" not in str(caught.value)


def test_not_converged_is_no_number(run):
    with pytest.raises(NotConverged, match="water: GFN2-xTB: not self-consistent after 2 iterations"):
        run("gfn2-xtb?max_iterations=2", "water")


WRONG = [
    ("gfn2-xtb?alpb=watre", "not parametrized for this solvent; did you mean 'water'"),
    ("gfn1-xtb?gbsa=dmf", "not parametrized for this solvent"),
    ("gfn2-xtb?cpcm=0.5", "a dielectric constant is greater than 1"),
    ("gfn2-xtb?pcm=nan", "a dielectric constant is greater than 1"),
    ("gfn2-xtb?alpb=water&cpcm=water", "one solvation model, not alpb and cpcm"),
    ("gfn2-xtb?solution_state=bar1mol", "it belongs to alpb and gbsa"),
    ("gfn2-xtb?cpcm=water&solution_state=bar1mol", "it belongs to alpb and gbsa"),
    ("ipea1-xtb?alpb=water", "ipea1-xtb has no option 'alpb'"),
    ("gfn2-xtb?accuracy=0", "accuracy"),
    ("gfn2-xtb?electronic_temperature=-1", "electronic_temperature"),
    ("gfn2-xtb/sto-3g", "takes no basis"),
]


@pytest.mark.parametrize(("level", "message"), WRONG)
def test_wrong_options_are_refused_in_one_line(level, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_level(level)
    assert "\n" not in str(caught.value)


def test_names_and_labels():
    assert str(parse_level("gfn2?alpb=THF")) == str(parse_level("gfn2-xtb?alpb=tetrahydrofuran"))
    assert str(parse_level("gfn2-xtb?cpcm=80")) == "gfn2-xtb?cpcm=80.0"
    assert parse_level("gfn1").label == "GFN1-xTB"
    level = parse_level("gfn2-xtb?alpb=h2o&spin_polarization=true&solution_state=bar1mol")
    assert level.label == "spGFN2-xTB[ALPB(water)] (solution_state=bar1mol)"
    assert not level.has_basis
    with pytest.raises(Unsupported, match="not in the tblite library"):
        parse_level("gfn-ff")


def test_every_solvent_is_known_to_the_library_under_all_its_names(molecules):
    from tblite.interface import Calculator

    water = molecules["water"]

    def energy(hamiltonian, kind, solvent, *more):
        calculator = Calculator(hamiltonian, water.atomic_numbers, water.coordinates)
        calculator.set("verbosity", 0)
        calculator.add(f"{kind}-solvation", solvent, *more)
        return float(calculator.singlepoint().get("energy"))

    known = {
        ("GFN1-xTB", "alpb"): ALPB,
        ("GFN2-xTB", "alpb"): ALPB,
        ("GFN1-xTB", "gbsa"): GBSA_GFN1,
        ("GFN2-xTB", "gbsa"): GBSA_GFN2,
        ("GFN2-xTB", "ddX"): DIELECTRIC,
    }
    for (hamiltonian, kind), solvents in known.items():
        more = ("cpcm",) if kind == "ddX" else ()
        found = {solvent: energy(hamiltonian, kind, solvent, *more) for solvent in solvents}
        for alias, solvent in ALIASES.items():
            if solvent in found:
                assert energy(hamiltonian, kind, alias, *more) == pytest.approx(found[solvent], abs=1e-12), alias


def test_heavy_elements_are_in_order():
    assert [ATOMIC_NUMBERS[s] for s in PARAMETRIZED] == list(range(1, 87))


@pytest.mark.parametrize(
    ("asked", "level"),
    [
        ("gfn2-xtb", "gfn2-xtb"),
        ("gfn1-xtb?accuracy=0.01&max_iterations=50&field_strength=0.001", "gfn1-xtb"),
        (
            "gfn2-xtb?accuracy=0.01&alpb=water&electronic_temperature=5000&spin_polarization=true",
            "gfn2-xtb?alpb=water&electronic_temperature=5000&spin_polarization=true",
        ),
    ],
)
def test_the_level_that_other_programs_compute_as_well_is_its_physics(asked, level):
    said = parse_level(asked).make().families()["level"]
    assert str(parse_level(said)) == str(parse_level(level))
