"""The levels of theory FUNCTIONAL+MODEL through qmbench's public API."""

import json

import numpy as np
import pytest

import qmbench.testing
from qmbench import Fragment, InputError, Molecule, NotConverged, Resources, Unsupported, parse_level
from qmbench_mbd.dispersion import dispersion_properties
from qmbench_mbd.oscillators import Oscillators

BOHR = 1 / 0.529177210903
WATER = Molecule(
    ("O", "H", "H"),
    tuple(tuple(BOHR * np.array(x)) for x in ((0, 0, 0.1173), (0, 0.7572, -0.4692), (0, -0.7572, -0.4692))),
    0,
    1,
    name="water",
)
ARGON_PAIR = Molecule(
    ("Ar", "Ar"), ((0, 0, 0), (0, 0, 7.6)), 0, 1, (Fragment((0,), 0, 1), Fragment((1,), 0, 1)), name="argon dimer"
)


def _conformance() -> list:
    """All checks; those of one method always, of the others with the slow tests."""
    checks = qmbench.testing.checks("mbd")
    return [
        pytest.param(c, id=str(c), marks=[] if c.subject.method.name in ("pbe+mbd", "mbd") else [pytest.mark.slow])
        for c in checks
    ]


@pytest.mark.parametrize("check", _conformance())
def test_conformance(check):
    check()


def compute(level: str, molecule: Molecule, *properties: str):
    return parse_level(level).make().run(molecule, properties, Resources())


def test_energy_is_the_functional_s_plus_the_dispersion():
    plain = compute("pbe/def2-svp", WATER, "energy").properties["energy"].value
    found = compute("pbe+mbd/def2-svp", WATER, "energy", "dispersion_energy").properties
    assert found["energy"].value - found["dispersion_energy"].value == pytest.approx(plain, abs=1e-9)
    # libMBD's own number for this water (tests/test_pyscf.py)
    assert found["dispersion_energy"].value == pytest.approx(-0.00024035, abs=5e-9)


def test_the_pair_decomposition_and_fragments():
    found = compute(
        "pbe+mbd/def2-svp",
        ARGON_PAIR,
        "dispersion_energy",
        "dispersion_pair_energies",
        "dispersion_correlations",
        "dispersion_mode_energies",
        "dispersion_modes",
        "virtual_quanta",
        "fragment_entanglement",
        "hirshfeld_ratios",
        "c6",
    ).properties
    energy = found["dispersion_energy"].value
    assert energy < 0
    assert found["dispersion_pair_energies"].value.sum() == pytest.approx(energy, abs=1e-12)
    assert found["dispersion_mode_energies"].value.sum() == pytest.approx(energy, abs=1e-12)
    assert found["dispersion_modes"].value.shape == (6,)
    entropies = found["fragment_entanglement"].value
    assert entropies[0] == pytest.approx(entropies[1], abs=1e-12)
    assert entropies[0] > 0
    assert found["virtual_quanta"].value[0] == pytest.approx(found["virtual_quanta"].value[1], rel=1e-6)
    assert found["hirshfeld_ratios"].value == pytest.approx([1, 1], abs=0.03)
    # twice the atom: 4 × 64.3
    assert found["c6"].value == pytest.approx(4 * 64.3, rel=0.08)


def test_ghosts_have_no_dispersion():
    ghosted = ARGON_PAIR.fragment(1, ghosts=True)
    found = compute("pbe+mbd/def2-svp", ghosted, "dispersion_energy", "hirshfeld_ratios", "c6").properties
    assert found["dispersion_energy"].value == pytest.approx(0, abs=1e-12)
    assert found["hirshfeld_ratios"].value.shape == (1,)
    assert found["c6"].value == pytest.approx(64.3, rel=1e-3)


@pytest.mark.parametrize("level", ["pbe+ts/def2-svp", "pbe+mbd/def2-svp", "pbe+mbd-nl/def2-svp"])
def test_polarizability_and_c6_agree_with_the_dynamic_polarizability(level):
    result = compute(level, WATER, "c6", "polarizability", "dynamic_polarizability")
    u = np.array(result.settings["imaginary_frequencies_hartree"])
    found = result.properties
    curve = found["dynamic_polarizability"].value
    assert curve.coordinate == pytest.approx(u)
    alpha = curve.values
    assert u[0] == 0
    assert alpha[0] == pytest.approx(np.trace(found["polarizability"].value) / 3, rel=1e-12)
    # Casimir–Polder with weights of an independent rule on the same nodes: the trapezoid in arctan(u/0.6)
    x = np.append(np.arctan(u / 0.6), np.pi / 2)
    y = np.append(alpha**2 * 0.6 * (1 + (u / 0.6) ** 2), 0.0)
    y[-1] = 0.0
    from scipy.interpolate import CubicSpline

    assert found["c6"].value == pytest.approx(3 / np.pi * CubicSpline(x, y).integrate(0, np.pi / 2), rel=2e-2)


def test_the_stochastic_solver_carries_its_uncertainty():
    dense = compute("pbe+mbd/def2-svp", ARGON_PAIR, "dispersion_energy").properties["dispersion_energy"]
    level = "pbe+mbd/def2-svp?solver=stochastic&probes=64"
    result = compute(level, ARGON_PAIR, "dispersion_energy", "energy")
    found, total = result.properties["dispersion_energy"], result.properties["energy"]
    assert found.uncertainty_kind == total.uncertainty_kind == "statistical"
    assert total.uncertainty == found.uncertainty > 0
    assert abs(found.value - dense.value) < 5 * found.uncertainty
    assert dense.uncertainty is None
    other = compute(level + "&seed=2", ARGON_PAIR, "dispersion_energy").properties["dispersion_energy"]
    assert other.value != found.value
    with pytest.raises(Unsupported, match="energies only"):
        compute(level, ARGON_PAIR, "c6")


def test_whether_a_level_is_stochastic_depends_on_its_solver():
    from qmbench.data.suite import Suite, SuiteLevel
    from qmbench.running.plan import make_plan
    from qmbench.running.run_document import Run

    texts = ("pbe+mbd/def2-svp", "pbe+mbd/def2-svp?solver=stochastic", "pbe+ts/def2-svp")
    plan = make_plan(Suite("s", "s", (), tuple(map(SuiteLevel, texts))))
    assert Run.of(plan, "r", "now").stochastic == {texts[1]}


def test_an_open_shell_is_done():
    oh = Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.83)), 0, 2)
    found = compute("pbe+mbd/sto-3g", oh, "hirshfeld_ratios", "dispersion_energy").properties
    assert (found["hirshfeld_ratios"].value > 0.4).all()
    assert found["dispersion_energy"].value < 0


@pytest.mark.parametrize("name", ["scan+mbd", "m06-2x+ts", "b3lyp+mbd", "b3lyp+mbd-nl", "hf+ts"])
def test_functionals_without_published_parameters_are_refused_with_the_reason(name):
    with pytest.raises(Unsupported, match=r"no damping parameter .* there is .*pbe\+"):
        parse_level(f"{name}/def2-svp")


@pytest.mark.parametrize(
    "name", ["blyp+ts", "b3lyp+ts", "revpbe+ts", "hse06+ts", "pbe0+mbd-nl", "hse06+mbd", "pbe+mbd-scs", "pbe+mbd-ts"]
)
def test_the_open_family_resolves(name):
    level = parse_level(f"{name}/def2-tzvp")
    assert str(level) == f"{name}/def2-tzvp"
    assert level.method.damping().doi.startswith("10.")
    assert level.method is parse_level(f"{name}/def2-svp").method


def test_all_options_of_the_self_consistent_field_reach_it():
    from qmbench_pyscf import KohnShamOptions, ScfSpecification

    given = "density_fitting=true&energy_tolerance=1e-08&max_cycle=7&reference=unrestricted&stability=false"
    found = parse_level(f"b3lyp+ts/sto-3g?{given}").options.specification("B3LYP")
    assert found == ScfSpecification("sto-3g", "B3LYP", "unrestricted", True, 4, 1e-8, 7, False)
    assert parse_level(f"b3lyp+ts/sto-3g?grid=2&{given}").options.specification().grid == 2
    assert set(type(parse_level("pbe+ts/sto-3g").options).model_fields) == set(KohnShamOptions.model_fields)
    with pytest.raises(InputError, match="grid"):  # the atoms are integrated on it: no functional chooses it
        parse_level("pbe+ts/sto-3g?grid=none")


def test_elements_without_parameters_are_refused():
    heavy = Molecule(("Og",), ((0, 0, 0),), 0, 1)
    with pytest.raises(Unsupported, match="Og"):
        parse_level("pbe+mbd/def2-svp").make().check(heavy, frozenset({"energy"}))


def test_a_hostile_geometry_is_not_converged():
    # the method's own last step, on atoms too polarizable for their distance
    n = 4
    chain = Oscillators(np.arange(n)[:, None] * [0, 0, 4.0], np.full(n, 160.0), np.full(n, 1300.0), np.full(n, 2.0))
    molecule = Molecule(("H",) * n, tuple((0.0, 0.0, 4.0 * i) for i in range(n)), 0, 1)
    level = parse_level("pbe+mbd-ts/sto-3g")
    with pytest.raises(NotConverged, match="imaginary") as caught:
        dispersion_properties(molecule, chain, "mbd-ts", level.method.damping(), frozenset({"energy"}))
    assert caught.value.kind == "not_converged"


def test_settings_say_what_was_used():
    settings = compute("pbe+mbd/def2-svp", WATER, "energy").settings
    assert settings["damping_parameter"] == 0.83
    assert settings["damping_doi"] == "10.1063/1.4865104"
    json.dumps(settings)


def test_forces_of_the_whole_level():
    # bent and stretched, so that no force vanishes by symmetry
    x = np.array([[0.0, 0.1, 0.22], [0.0, 1.43, -0.88], [0.1, -1.43, -0.88]])
    level = "pbe+mbd/sto-3g"

    def at(positions: np.ndarray, *properties: str):
        return compute(level, Molecule(("O", "H", "H"), positions, 0, 1), *properties).properties

    found = at(x, "forces", "dispersion_forces", "dispersion_forces_fixed_ratios")
    total, dispersion, fixed = (
        found[p].value for p in ("forces", "dispersion_forces", "dispersion_forces_fixed_ratios")
    )
    for atom, axis in ((1, 1),):
        energies = []
        for step in (-2, -1, 1, 2):
            moved = x.copy()
            moved[atom, axis] += 4e-3 * step
            values = at(moved, "energy", "dispersion_energy")
            energies.append([values["energy"].value, values["dispersion_energy"].value])
        e = np.array(energies)
        numeric = -(e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * 4e-3)
        assert total[atom, axis] == pytest.approx(numeric[0], abs=2e-8)
        assert dispersion[atom, axis] == pytest.approx(numeric[1], rel=1e-5)
        assert abs(dispersion[atom, axis] / fixed[atom, axis] - 1) > 0.05
    assert np.abs(fixed.sum(0)).max() < 1e-12
    assert np.abs(total.sum(0)).max() < 1e-6


def test_forces_that_can_not_be_had_are_refused_with_what_there_is():
    oh = Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.83)), 0, 2)
    for prop in ("forces", "dispersion_forces"):
        with pytest.raises(Unsupported, match="restricted density; dispersion_forces_fixed_ratios is there"):
            parse_level("pbe+mbd/sto-3g").make().check(oh, frozenset({prop}))
        with pytest.raises(Unsupported, match="ghost centres; dispersion_forces_fixed_ratios is there"):
            parse_level("pbe+ts/sto-3g").make().check(ARGON_PAIR.fragment(1, ghosts=True), frozenset({prop}))
        with pytest.raises(Unsupported, match=f"pbe\\+mbd-nl does not give {prop}"):
            parse_level("pbe+mbd-nl/sto-3g").make().check(WATER, frozenset({prop}))
    fixed = compute("pbe+mbd/sto-3g", oh, "dispersion_forces_fixed_ratios").properties
    assert fixed["dispersion_forces_fixed_ratios"].value.shape == (2, 3)


def test_cores_of_the_basis_are_removed_electrons():
    iodide = Molecule(("H", "I"), ((0, 0, 0), (0, 0, 3.04)), 0, 1)
    assert parse_level("pbe+mbd/def2-tzvp").make().removed_electrons(iodide) == 28


def test_cartesian_functions_are_refused():
    """The free atoms that shares are taken of are made of spherical functions."""
    water = Molecule(("O", "H", "H"), ((0, 0, 0), (1.4, 1.1, 0), (-1.4, 1.1, 0)), 0, 1)
    with pytest.raises(Unsupported, match="add cartesian=false"):
        parse_level("pbe+mbd/6-31g*").make().check(water, frozenset({"energy"}))
    parse_level("pbe+mbd/6-31g*?cartesian=false").make().check(water, frozenset({"energy"}))
