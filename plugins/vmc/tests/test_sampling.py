"""The samplers on wave functions whose energies are known: exact ones, and determinants that PySCF knows too."""

from __future__ import annotations

import numpy as np
import pytest
from vmc_cases import BERYLLIUM, CARBON, HELIUM, HYDROGEN, LITHIUM, determinants_alone, trial
from vmc_exact import OneElectron

from qmbench import Molecule
from qmbench_vmc import driver
from qmbench_vmc.slater_jastrow.sampling import DmcSampler, VmcSampler
from qmbench_vmc.slater_jastrow.trial import Trial


def _one_electron(charge: int) -> Trial:
    from qmbench_pyscf import to_mole

    symbol = {1: "H", 2: "He", 3: "Li"}[charge]
    molecule = Molecule((symbol,), ((0.0, 0.0, 0.0),), charge - 1, 2, name=f"{symbol}, one electron")
    return Trial(molecule, to_mole(molecule, "cc-pvdz"), None, OneElectron(charge), 0.5 / charge**2, {})


@pytest.mark.parametrize("charge", [1, 2, 3])
@pytest.mark.parametrize("kind", ["vmc", "dmc"])
def test_exact_wave_functions_have_no_variance(kind, charge):
    """H, He+, Li2+: every local energy is -Z²/2, at any time step, and so is the estimate, without an error bar."""
    exact = _one_electron(charge)
    sampler = VmcSampler(exact, 100, 1) if kind == "vmc" else DmcSampler(exact, 100, 4, 0.1, 1)
    found = driver.sample(sampler, target_error=1e-9, max_blocks=20, electrons=1)
    assert found.value == pytest.approx(-(charge**2) / 2, abs=1e-12)
    assert found.error < 1e-9
    # A population's variance is a difference of two means of squares.
    assert found.variance < 1e-12
    assert found.v_score < 1e-12


def test_metropolis_samples_the_density():
    """<r> of hydrogen is 3/2, <r²> is 3."""
    exact = _one_electron(1)

    def radius(configs, wavefunction):
        r = np.linalg.norm(configs.configs[:, 0], axis=1)
        return np.stack([r, r**2], axis=1)

    found = driver.sample(VmcSampler(exact, 400, 1, {"r": radius}), target_error=1e-9, max_blocks=40, min_blocks=40)
    kept = found.series["r"][100:]
    from qmbench_vmc.statistics import mean_error

    for i, value in enumerate((1.5, 3.0)):
        mean = mean_error(kept[..., i])
        assert abs(mean.value - value) < 4 * mean.error
        assert mean.error < 0.02 * value


@pytest.mark.parametrize(
    ("molecule", "options"),
    [
        (BERYLLIUM, {"basis": "ccecp-cc-pvdz", "pseudopotential": "ccecp"}),
        (CARBON, {"basis": "ccecp-cc-pvdz", "pseudopotential": "ccecp"}),
        (
            BERYLLIUM,
            {
                "basis": "ccecp-cc-pvdz",
                "pseudopotential": "ccecp",
                "ansatz": "multi-slater-jastrow",
                "active_space": "2,4",
                "determinant_cutoff": 0.0,
            },
        ),
    ],
    ids=["Be", "C", "Be CASSCF"],
)
def test_determinants_alone_have_the_energy_of_pyscf(molecule, options):
    """Without a Jastrow factor, <H> is the Hartree–Fock (or CASSCF) energy: nonlocal potentials included."""
    found = trial(molecule, optimization_steps=0, **options)
    bare = Trial(molecule, found.mole, found.mean_field, determinants_alone(found), found.timestep, {})
    estimate = driver.sample(VmcSampler(bare, 400, 2), target_error=4e-3, max_blocks=400)
    assert abs(estimate.value - found.settings["orbitals_energy"]) < 3.5 * estimate.error


@pytest.mark.parametrize("kind", ["vmc", "dmc"])
def test_a_stream_goes_on_to_the_bit(kind):
    found = trial(LITHIUM)

    def make():
        return VmcSampler(found, 40, 5) if kind == "vmc" else DmcSampler(found, 40, 4, 0.05, 5)

    whole, first, second = make(), make(), make()
    blocks = [whole.block(n) for n in range(3)]
    first.block(0)
    saved = {name: np.array(value) for name, value in first.state().items()}
    np.random.standard_normal(7)  # noqa: NPY002
    second.restore(saved)
    for n in (1, 2):
        again = second.block(n)
        assert all(np.array_equal(again[name], blocks[n][name]) for name in again)


def test_pseudopotentials_rotate_by_the_seed():
    """The random quadrature of nonlocal potentials comes from (seed, block), too."""
    found = trial(CARBON, basis="ccecp-cc-pvdz", pseudopotential="ccecp")
    one, two, other = VmcSampler(found, 30, 5), VmcSampler(found, 30, 5), VmcSampler(found, 30, 6)
    assert np.array_equal(one.block(0)["energy"], two.block(0)["energy"])
    assert not np.array_equal(one.block(1)["energy"], other.block(0)["energy"])


def test_global_generator_is_left_alone():
    found = trial(HELIUM)
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.standard_normal(4)  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    VmcSampler(found, 30, 5).block(0)
    assert np.array_equal(np.random.standard_normal(4), expected)  # noqa: NPY002


def test_populations_are_independent():
    """What one population does depends on no other: taking the walkers of one elsewhere leaves the rest alone."""
    found = trial(HELIUM)
    a = DmcSampler(found, 64, 4, 0.1, 1)
    a.block(0)
    share = a.history[-1]
    assert share.shape == (2, 4)
    assert np.ptp(share[0]) > 0
    branched = a.configs.configs.reshape(4, 16, 2, 3)
    for number in range(4):
        own = branched[number].reshape(-1, 6)
        others = np.delete(branched, number, axis=0).reshape(-1, 6)
        assert not (own[:, None] == others[None]).all(axis=2).any()


def test_dipole_and_density_of_an_atom():
    from qmbench_vmc.slater_jastrow import observables

    found = trial(HELIUM)
    measured = {"dipole": observables.dipole(found), "radial_density": observables.radial_density(found)}
    estimate = driver.sample(VmcSampler(found, 200, 1, measured), target_error=8e-3, max_blocks=100)
    value, error = estimate.expectation("dipole")
    assert np.all(np.abs(value) < 4 * error)
    shells, spread = estimate.expectation("radial_density")
    assert shells.sum() == pytest.approx(2)
    assert spread.max() < 0.02
    # Hartree–Fock's density of the same molecule, integrated over one shell.
    inside = observables.RADII <= 1.0
    outer = observables.RADII[inside][-1]
    r = np.linspace(1e-6, outer, 2000)
    points = r[:, None] * np.array([0.0, 0.0, 1.0])
    orbital = found.mole.eval_gto("GTOval_sph", points) @ found.mean_field.mo_coeff[:, 0]
    reference = np.trapezoid(2 * orbital**2 * 4 * np.pi * r**2, r)
    assert shells[: inside.sum() - 1].sum() == pytest.approx(reference, abs=0.08)


def test_dmc_weights_are_of_populations():
    found = trial(HYDROGEN)
    sampler = DmcSampler(found, 64, 4, 0.1, 1)
    block = sampler.block(0)
    assert block["energy"].shape == block["weight"].shape == (10, 4)
    assert np.all(block["weight"] > 0.2)
    assert np.all(block["weight"] < 5)
    assert np.all(block["energy_variance"] > 0)
