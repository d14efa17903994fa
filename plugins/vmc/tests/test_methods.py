"""What the methods accept, refuse, and put into their records."""

from __future__ import annotations

import numpy as np
import pytest
from vmc_cases import BERYLLIUM, CARBON, HELIUM, HYDROGEN, HYDROGEN_ATOM, LITHIUM, resources

from qmbench import InputError, LatticeModel, Molecule, NotConverged, Unsupported, parse_level
from qmbench_vmc import extrapolation
from qmbench_vmc.pseudopotentials import ccecp_core

QUICK = "target_error=20&walkers=100&optimization_steps=3"


def refused(level, system=HELIUM, *properties):
    parse_level(level).make().check(system, frozenset(properties or ("energy",)))


@pytest.mark.parametrize(
    ("level", "system", "error", "message"),
    [
        ("vmc", HELIUM, InputError, "needs a basis: write vmc/cc-pvtz"),
        ("vmc/cc-pvtz?pseudopotential=ccecp", HELIUM, InputError, "write vmc/ccecp-cc-pvtz"),
        ("vmc/ccecp-cc-pvtz", HELIUM, InputError, "belongs to pseudopotential=ccecp"),
        ("vmc/cc-pvtz?ansatz=multi-slater-jastrow", HELIUM, InputError, "needs active_space=ELECTRONS,ORBITALS"),
        ("vmc/cc-pvtz?active_space=2,2", HELIUM, InputError, "and only it"),
        ("dmc/cc-pvtz?extrapolation=quadratic", HELIUM, InputError, "needs three time steps"),
        ("dmc/cc-pvtz?walkers=20&populations=8", HELIUM, InputError, "too few for 8 populations"),
        (
            "vmc/ccecp-cc-pvtz?pseudopotential=ccecp",
            Molecule(("Xe",), ((0, 0, 0),), 0, 1),
            Unsupported,
            "no ccECP for Xe",
        ),
        ("vmc/cc-pvtz", Molecule(("H",), ((0, 0, 0),), 1, 1), Unsupported, "no electrons"),
        ("vmc/cc-pvtz", LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1), Unsupported, "does not do lattice"),
    ],
)
def test_refusals_are_one_clear_line(level, system, error, message):
    with pytest.raises(error, match=message) as caught:
        refused(level, system)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vmc/cc-pvtz?active_space=2", "write electrons,orbitals"),
        ("dmc/cc-pvtz?timestep=0.01,0.01", "distinct"),
        ("dmc/cc-pvtz?timestep=0", "above 0"),
        ("vmc/cc-pvtz?target_eror=1", "did you mean 'target_error'"),
    ],
)
def test_wrong_options(text, message):
    with pytest.raises(InputError, match=message):
        parse_level(text)


def test_properties_that_are_not_there():
    with pytest.raises(Unsupported, match="from singlets only"):
        refused("vmc/cc-pvdz", LITHIUM, "excitation_energies")
    with pytest.raises(Unsupported, match="property of atoms"):
        refused("vmc/cc-pvdz", HYDROGEN, "radial_density")
    with pytest.raises(Unsupported, match="does not give dipole"):
        refused("dmc/cc-pvdz", HYDROGEN, "dipole")


def test_core_electrons_that_are_not_in_the_energy():
    molecule = Molecule(("Na", "Cl", "H"), ((0, 0, 0), (0, 0, 5), (0, 5, 0)), 0, 1, ghosts=(False, True, False))
    assert parse_level("vmc/cc-pvdz").make().removed_electrons(molecule) == 0
    assert parse_level("vmc/ccecp-cc-pvdz?pseudopotential=ccecp").make().removed_electrons(molecule) == 10


def test_the_orbitals_are_those_of_the_basis_and_its_core_potential():
    from qmbench_pyscf import ScfSpecification

    field = (0.0, 0.01, 0.0)
    found = parse_level("dmc/ccecp-cc-pvdz?pseudopotential=ccecp").options.specification(field=field)
    assert found == ScfSpecification("ccecp-cc-pvdz", potential="ccecp", field=field)
    assert parse_level("vmc/cc-pvdz").options.specification() == ScfSpecification("cc-pvdz")


def test_cores_are_those_of_pyscf():
    from pyscf.data.elements import ELEMENTS
    from pyscf.gto.basis import load_ecp

    for symbol in ELEMENTS[1:55]:
        try:
            core = load_ecp("ccecp", symbol)[0]
        except Exception:
            core = None
        assert ccecp_core(symbol) == core


def test_record_of_a_run():
    found = parse_level(f"vmc/cc-pvdz?{QUICK}").make().compute(HELIUM, frozenset({"energy"}), resources())
    energy = found.properties["energy"]
    assert energy.uncertainty_kind == "statistical"
    assert 0 < energy.uncertainty <= 0.02
    # Above exact, below Hartree-Fock's by most of the correlation energy.
    assert abs(energy.value + 2.89) < 4 * energy.uncertainty + 0.01
    for name in ("energy_variance", "v_score", "autocorrelation_time_steps", "acceptance", "samples", "seed", "r_hat"):
        assert found.settings[name] is not None
    assert not found.warnings


def test_all_electrons_of_a_heavier_atom_are_warned_of():
    level = parse_level("vmc/cc-pvdz").make()
    assert "Be" in level.warnings_for(BERYLLIUM)[0]
    assert not level.warnings_for(HELIUM)
    assert not parse_level("vmc/ccecp-cc-pvdz?pseudopotential=ccecp").make().warnings_for(BERYLLIUM)


def test_target_out_of_reach_says_what_it_costs():
    level = parse_level("vmc/cc-pvdz?target_error=0.001&walkers=100&optimization_steps=3&max_blocks=12").make()
    with pytest.raises(NotConverged, match=r"vmc, He: reached ±.* mHa in .* needs about \d+ more blocks") as caught:
        level.compute(HELIUM, frozenset({"energy"}), resources())
    assert "a later run continues from here" in str(caught.value)


def test_a_smaller_target_goes_on_from_the_larger(tmp_path):
    from qmbench import Resources

    first, alone = (Resources(artifacts=tmp_path / name / "artifacts") for name in ("first", "alone"))
    rough = parse_level(f"vmc/cc-pvdz?{QUICK}&seed=4").make()
    fine = parse_level(f"vmc/cc-pvdz?{QUICK.replace('=20', '=5')}&seed=4").make()
    rough.compute(HYDROGEN, frozenset({"energy"}), first)
    continued = fine.compute(HYDROGEN, frozenset({"energy"}), first)
    whole = fine.compute(HYDROGEN, frozenset({"energy"}), alone)
    assert continued.properties["energy"] == whole.properties["energy"]
    assert continued.settings == whole.settings


def test_hydrogen_atom_by_both():
    """One electron: fixed-node diffusion is exact whatever the trial function, and VMC near it."""
    for level in (f"vmc/cc-pvtz?{QUICK}", f"dmc/cc-pvtz?{QUICK}&timestep=0.1&populations=4"):
        energy = parse_level(level).make().compute(HYDROGEN_ATOM, frozenset({"energy"}), resources())
        energy = energy.properties["energy"]
        assert abs(energy.value + 0.5) < 4 * energy.uncertainty + 1e-3


def test_time_step_extrapolation_of_known_lines():
    rng = np.random.default_rng(1)
    steps, errors = np.array([0.01, 0.02, 0.04]), np.array([3e-4, 2e-4, 2e-4])
    fits = [
        extrapolation.to_zero(steps, -1 + 0.5 * steps + errors * rng.standard_normal(3), errors, 1) for _ in range(600)
    ]
    z = np.array([(f.value + 1) / f.error for f in fits])
    assert abs(z.mean()) < 0.15
    assert z.std() == pytest.approx(1, abs=0.1)
    assert np.mean([f.p_value < 0.05 for f in fits]) == pytest.approx(0.05, abs=0.03)
    assert fits[0].error == pytest.approx(extrapolation.amplification(steps, 1) * 2.4e-4, rel=0.3)


def test_energies_on_no_line_show():
    steps, errors = np.array([0.01, 0.05, 0.2]), np.full(3, 1e-5)
    curved = -1 + 0.5 * steps - 2 * steps**2
    assert extrapolation.to_zero(steps, curved, errors, 1).p_value < 1e-4
    quadratic = extrapolation.to_zero(steps, curved, errors, 2)
    assert quadratic.value == pytest.approx(-1)
    assert quadratic.p_value == 1


def test_active_space_that_does_not_fit():
    level = parse_level("vmc/cc-pvdz?ansatz=multi-slater-jastrow&active_space=4,4").make()
    with pytest.raises(InputError, match="leave no even core"):
        level.compute(HELIUM, frozenset({"energy"}), resources())


def test_potential_of_a_basis_is_refused():
    level = parse_level("vmc/lanl2dz").make()
    sodium = Molecule(("Na",), ((0.0, 0.0, 0.0),), 0, 2, name="Na")
    with pytest.raises(InputError, match="use an all-electron basis"):
        level.compute(sodium, frozenset({"energy"}), resources())


@pytest.mark.slow
def test_helium_and_hydrogen_lie_where_slater_jastrow_does():
    """Between Hartree-Fock and exact, with most of the correlation energy: two-body Slater-Jastrow functions."""
    for molecule, exact, correlation in ((HELIUM, -2.903724, 0.042044), (HYDROGEN, -1.174476, 0.040846)):
        level = parse_level("vmc/cc-pvtz?target_error=1").make()
        energy = level.compute(molecule, frozenset({"energy"}), resources()).properties["energy"]
        recovered = 1 - (energy.value - exact) / correlation
        assert 0.8 < recovered < 1 + 3 * energy.uncertainty / correlation


@pytest.mark.slow
def test_diffusion_is_exact_for_two_electrons():
    """No nodes: helium, all-electron and extrapolated, is -2.9037; with ccECP -2.903(1)."""
    level = parse_level("dmc/cc-pvtz?target_error=1.5&timestep=0.02,0.05,0.1").make()
    energy = level.compute(HELIUM, frozenset({"energy"}), resources()).properties["energy"]
    assert abs(energy.value + 2.903724) < 3.5 * energy.uncertainty
    level = parse_level("dmc/ccecp-cc-pvtz?pseudopotential=ccecp&target_error=0.7&timestep=0.05").make()
    energy = level.compute(HELIUM, frozenset({"energy"}), resources()).properties["energy"]
    assert abs(energy.value + 2.903) < 0.001 + 3 * energy.uncertainty


@pytest.mark.slow
def test_lowest_states_of_their_symmetry():
    """2 3S of helium: its node (r1 = r2) is right by symmetry, so that diffusion gives the exact difference."""
    level = parse_level("dmc/aug-cc-pvtz?target_error=3&timestep=0.05").make()
    found = level.compute(HELIUM, frozenset({"excitation_energies"}), resources()).properties["excitation_energies"]
    assert set(found.value) == {"2 3S", "2 3P", "2 1P"}
    assert abs(found.value["2 3S"] - 0.728495) < 4 * found.uncertainty["2 3S"]


@pytest.mark.slow
def test_polarizability_of_helium_and_hydrogen():
    """Between Hartree-Fock's and full CI's in the same basis, or near both, within the error."""
    for molecule in (HELIUM, HYDROGEN):
        level = parse_level("vmc/aug-cc-pvdz?target_error=2").make()
        found = level.compute(molecule, frozenset({"polarizability"}), resources()).properties["polarizability"]
        references = []
        for name in ("hf/aug-cc-pvdz", "fci/aug-cc-pvdz"):
            other = parse_level(name).make().compute(molecule, frozenset({"polarizability"}), resources())
            references.append(np.asarray(other.properties["polarizability"].value))
        low, high = np.minimum(*references), np.maximum(*references)
        slack = 4 * np.asarray(found.uncertainty) + 0.1
        assert np.all(found.value > low - slack)
        assert np.all(found.value < high + slack)
        assert np.all(np.diag(found.uncertainty) < 0.15)


@pytest.mark.slow
def test_carbon_with_t_moves_is_below_its_trial_function():
    common = "pseudopotential=ccecp&target_error=2"
    upper = parse_level(f"vmc/ccecp-cc-pvtz?{common}").make().compute(CARBON, frozenset({"energy"}), resources())
    lower = parse_level(f"dmc/ccecp-cc-pvtz?{common}&timestep=0.05").make()
    lower = lower.compute(CARBON, frozenset({"energy"}), resources())
    a, b = upper.properties["energy"], lower.properties["energy"]
    assert b.value < a.value - 2 * np.hypot(a.uncertainty, b.uncertainty)
    assert lower.settings["nonlocal"] == "T-moves"


def test_options_of_another_ansatz_are_refused():
    with pytest.raises(InputError, match="basis belongs to ansatz=slater-jastrow, not to ansatz=neural"):
        refused("vmc/cc-pvtz?ansatz=neural")
    with pytest.raises(InputError, match="width belongs to ansatz=neural"):
        refused("vmc/cc-pvtz?width=8")
    refused("vmc?ansatz=neural")
    with pytest.raises(Unsupported, match="does not give polarizability; it gives energy and dipole"):
        refused("vmc?ansatz=neural", HELIUM, "polarizability")


def test_cartesian_functions_are_refused():
    """PyQMC evaluates spherical functions alone, whatever the Mole says."""
    helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1)
    for method in ("vmc", "dmc"):
        with pytest.raises(Unsupported, match="add cartesian=false"):
            parse_level(f"{method}/6-31g*").make().check(helium, frozenset({"energy"}))
        parse_level(f"{method}/6-31g*?cartesian=false").make().check(helium, frozenset({"energy"}))
