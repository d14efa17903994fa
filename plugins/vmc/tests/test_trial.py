"""The wave functions themselves: derivatives, cusps, symmetry, additivity, and energies known from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from vmc_cases import (
    BERYLLIUM,
    CARBON,
    HELIUM,
    HYDROGEN,
    LITHIUM,
    LITHIUM_HYDRIDE,
    configurations,
    determinants_alone,
    log_psi,
    trial,
)

from qmbench import Molecule

EVERY_KIND = [
    (HELIUM, {}),
    (LITHIUM, {}),
    (LITHIUM_HYDRIDE, {}),
    (BERYLLIUM, {"ansatz": "multi-slater-jastrow", "active_space": "2,4"}),
    (CARBON, {"basis": "ccecp-cc-pvdz", "pseudopotential": "ccecp"}),
]
IDS = ["He", "Li", "LiH", "Be multi", "C ccECP"]


def _walkers(found, number=12, seed=3):
    electrons = sum(found.mole.nelec)
    rng = np.random.default_rng(seed)
    centers = found.mole.atom_coords()[rng.integers(found.mole.natm, size=(number, electrons))]
    return centers + rng.normal(scale=0.8, size=(number, electrons, 3))


@pytest.mark.parametrize(("molecule", "options"), EVERY_KIND, ids=IDS)
def test_kinetic_energy_is_that_of_numerical_differentiation(molecule, options):
    from pyqmc.observables.energy import kinetic

    found = trial(molecule, **options)
    positions = _walkers(found)
    found.wavefunction.recompute(configurations(positions))
    ours, _ = kinetic(configurations(positions), found.wavefunction)
    numerical = np.zeros(len(positions))
    h = 2e-4
    _, middle = log_psi(found.wavefunction, positions)
    for e in range(positions.shape[1]):
        for axis in range(3):
            ends = []
            for sense in (1, -1):
                moved = positions.copy()
                moved[:, e, axis] += sense * h
                ends.append(log_psi(found.wavefunction, moved)[1])
            # lap ψ / ψ = lap ln ψ + |grad ln ψ|²
            numerical -= 0.5 * ((ends[0] + ends[1] - 2 * middle) / h**2 + ((ends[0] - ends[1]) / (2 * h)) ** 2)
    # Near a node of carbon the fourth derivative limits the quotient.
    assert ours == pytest.approx(numerical, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize(
    ("molecule", "options", "atom"),
    [(HELIUM, {}, 0), (LITHIUM, {}, 0), (LITHIUM_HYDRIDE, {}, 0), (LITHIUM_HYDRIDE, {}, 1), EVERY_KIND[3] + (0,)],
    ids=["He", "Li", "LiH at Li", "LiH at H", "Be multi"],
)
def test_electron_nucleus_cusp(molecule, options, atom):
    """The spherical mean of ∂ψ/∂r at the nucleus is -Z ψ."""
    found = trial(molecule, **options)
    charge, center = found.mole.atom_charge(atom), found.mole.atom_coord(atom)
    positions = np.repeat(_walkers(found, 1), 2, axis=0)
    r, slopes, values = 1e-5, [], []
    for direction in np.vstack([np.eye(3), -np.eye(3)]):
        positions[0, 0] = center + r * direction
        positions[1, 0] = center + 2 * r * direction
        sign, log = log_psi(found.wavefunction, positions)
        psi = sign * np.exp(log - log[0])
        slopes.append((psi[1] - psi[0]) / r * np.exp(log[0]))
        values.append(psi[0] * np.exp(log[0]))
    assert np.mean(slopes) / np.mean(values) == pytest.approx(-charge, rel=1e-3)


def test_electron_electron_cusp_of_unlike_spins():
    """∂ ln ψ/∂r12 = 1/2 for opposite spins (Kato)."""
    found = trial(BERYLLIUM)
    first, second = 0, found.mole.nelec[0]
    center = np.array([0.6, 0.2, -0.3])
    positions = np.repeat(_walkers(found, 1), 3, axis=0)
    slopes = []
    for direction in np.vstack([np.eye(3), -np.eye(3)]):
        for k, r in enumerate((1e-5, 2e-5)):
            positions[k, first] = center + r / 2 * direction
            positions[k, second] = center - r / 2 * direction
        _, log = log_psi(found.wavefunction, positions)
        slopes.append((log[1] - log[0]) / 1e-5)
    assert np.mean(slopes) == pytest.approx(0.5, rel=2e-3)


def test_electron_electron_cusp_of_like_spins():
    """ψ = r12 (1 + r12/4 …) times something odd: ∂ ln(ψ/r12)/∂r12 = 1/4 (Pack and Byers Brown)."""
    found = trial(BERYLLIUM)
    center = np.array([0.6, 0.2, -0.3])
    positions = np.repeat(_walkers(found, 1), 2, axis=0)
    slopes = []
    for direction in np.vstack([np.eye(3), -np.eye(3)]):
        distances = np.array([1e-4, 2e-4])
        for k, r in enumerate(distances):
            positions[k, 0] = center + r / 2 * direction
            positions[k, 1] = center - r / 2 * direction
        _, log = log_psi(found.wavefunction, positions)
        reduced = log - np.log(distances)
        slopes.append((reduced[1] - reduced[0]) / 1e-4)
    assert np.mean(slopes) == pytest.approx(0.25, rel=1e-2)


@pytest.mark.parametrize(("molecule", "options"), EVERY_KIND[1:], ids=IDS[1:])
def test_antisymmetric_in_electrons_of_one_spin(molecule, options):
    found = trial(molecule, **options)
    positions = _walkers(found)
    swapped = positions.copy()
    swapped[:, [0, 1]] = swapped[:, [1, 0]]
    sign, log = log_psi(found.wavefunction, positions)
    sign_swapped, log_swapped = log_psi(found.wavefunction, swapped)
    assert log_swapped == pytest.approx(log, abs=1e-9)
    assert np.array_equal(sign_swapped, -sign)


def test_two_far_apart_atoms_are_two_atoms():
    """ψ(AB) = ψ(A) ψ(B) up to a constant, and local energies add, with the same Jastrow factor on both."""
    from pyqmc.observables.accumulators import EnergyAccumulator

    far = 400.0
    pair = Molecule(("He", "He"), ((0.0, 0.0, 0.0), (0.0, 0.0, far)), 0, 1, name="two He")
    one, two = trial(HELIUM), trial(pair, optimization_steps=0)
    for name, value in one.wavefunction.parameters.items():
        if name == "wf2acoeff":
            two.wavefunction.parameters[name] = np.concatenate([value, value])
        elif name == "wf2bcoeff":
            two.wavefunction.parameters[name] = np.array(value)
    a, b = _walkers(one, 8, seed=1), _walkers(one, 8, seed=2)
    # Electrons: up, up, down, down; one of each spin on each atom.
    both = np.stack([a[:, 0], b[:, 0] + [0, 0, far], a[:, 1], b[:, 1] + [0, 0, far]], axis=1)
    _, log_a = log_psi(one.wavefunction, a)
    _, log_b = log_psi(one.wavefunction, b)
    _, log_both = log_psi(two.wavefunction, both)
    assert np.ptp(log_both - log_a - log_b) < 1e-6
    energies = []
    for found, positions in ((one, a), (one, b), (two, both)):
        found.wavefunction.recompute(configurations(positions))
        energies.append(EnergyAccumulator(found.mole)(configurations(positions), found.wavefunction)["total"])
    assert energies[2] == pytest.approx(energies[0] + energies[1], abs=1e-5)


def test_cusp_correction_ends_where_it_says():
    """Beyond its radius the orbital is PySCF's, and within it joins smoothly."""
    from qmbench_vmc.slater_jastrow.cusps import _Radial

    found = trial(LITHIUM)
    radial = _Radial(found.mole, 0)
    orbital = found.mean_field.mo_coeff[0][:, 0]
    c = radial.correction(orbital)
    value, slope, curvature = (x[0] for x in radial.values(np.array([c.radius])) @ orbital[radial.functions])
    p = np.polynomial.Polynomial(c.polynomial)
    assert [p(c.radius), p.deriv()(c.radius), p.deriv(2)(c.radius)] == pytest.approx([value, slope, curvature])
    inside = np.linspace(0.3, 0.9, 5) * c.radius
    assert p(inside) == pytest.approx(radial.values(inside)[0] @ orbital[radial.functions], rel=2e-2)


def test_cusps_keep_the_local_energy_finite():
    """Close to the nucleus a Gaussian's local energy goes like -Z/r; that of the corrected orbital stays."""
    from pyqmc import wftools
    from pyqmc.observables.accumulators import EnergyAccumulator

    found = trial(HELIUM)
    plain, _ = wftools.generate_slater(found.mole, found.mean_field)
    rng = np.random.default_rng(2)
    near = rng.normal(size=(50, 2, 3))
    near *= np.array([0.005, 0.7])[None, :, None] / np.linalg.norm(near, axis=2, keepdims=True)
    energies = []
    for wavefunction in (determinants_alone(found), plain):
        wavefunction.recompute(configurations(near))
        energies.append(EnergyAccumulator(found.mole)(configurations(near), wavefunction)["total"].mean())
    assert -5 < energies[0] < -1
    assert energies[1] < -200


def test_ghosts_carry_basis_functions_only():
    ghosted = Molecule(
        ("He", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 2.5)), 0, 1, ghosts=(False, True), name="He and a ghost"
    )
    found = trial(ghosted)
    assert np.all(np.asarray(found.wavefunction.parameters["wf2acoeff"])[1] == 0)
    assert np.any(np.asarray(found.wavefunction.parameters["wf2acoeff"])[0] != 0)
    assert found.mole.nao > trial(HELIUM).mole.nao
    assert found.settings["cusp_corrections"] == 1


def test_optimization_lowers_the_energy():
    found = trial(HYDROGEN, optimization_steps=8, walkers=400)
    energies = found.settings["optimization_energies"]
    assert np.mean(energies[-3:]) < energies[0] - 0.01
