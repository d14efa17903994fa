"""The exact branch against the literature and against itself."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import InputError, Unsupported
from qmbench_edft.ensemble import Ensemble, bi_ensemble
from qmbench_edft.exact_density import density, radial_weights
from qmbench_edft.grid import default_grid
from qmbench_edft.inversion import exact_ensemble, exact_ground_state, xc_weight_derivative
from qmbench_edft.multiplets import GROUND, TWO_S_SQUARED, multiplet
from qmbench_edft.perimetric import solve_state

# Drake, in Springer Handbook of Atomic, Molecular, and Optical Physics (2006), ch. 11
HELIUM = {
    "1 1S": -2.903724377034,
    "2 3S": -2.175229378237,
    "2 1S": -2.145974046054,
    "2 3P": -2.133164190779,
    "2 1P": -2.123843086498,
}


@pytest.mark.parametrize("name", HELIUM)
def test_helium_levels(name, exact_helium):
    found = exact_helium[multiplet(name)]
    assert 0 < found.energy - HELIUM[name] < 1e-7  # variational
    assert abs(found.virial) < 1e-6
    assert found.kinetic + found.nuclear + found.repulsion == pytest.approx(found.energy, abs=1e-11)


def test_bound_falls_as_the_basis_grows():
    energies = [solve_state(2.0, multiplet("2 3P"), degree).energy for degree in (8, 10, 12)]
    assert energies[0] > energies[1] > energies[2] > HELIUM["2 3P"]


# H−, Li+, Be2+: Nakashima and Nakatsuji, J. Chem. Phys. 127, 224104 (2007)
@pytest.mark.parametrize(("z", "energy"), [(1.0, -0.527751016544), (3.0, -7.279913412669), (4.0, -13.655566238424)])
def test_ground_states_of_ions(z, energy):
    assert 0 < solve_state(z, GROUND, 18).energy - energy < 1e-7


def test_what_is_refused():
    with pytest.raises(Unsupported, match="no bound excited state"):
        solve_state(1.0, multiplet("2 3S"), 8)
    with pytest.raises(Unsupported, match="1sns and 1snp"):
        solve_state(2.0, TWO_S_SQUARED, 8)


@pytest.mark.parametrize("name", HELIUM)
def test_density(name, exact_helium):
    exact = exact_helium[multiplet(name)]
    grid = default_grid(2.0, 3)
    rho = radial_weights(exact, grid)
    assert rho.sum() == pytest.approx(2, abs=1e-9)
    # ⟨−Z/r⟩ of the density is that of the matrices
    assert float(np.sum(-2 * rho / grid.r)) == pytest.approx(exact.nuclear, abs=1e-9)


def test_moments_and_cusp_of_the_helium_density(exact_helium):
    exact = exact_helium[GROUND]
    grid = default_grid(2.0, 2)
    rho = radial_weights(exact, grid)
    # per electron: ⟨r²⟩ = 1.193482995, n(0)/2 = 1.810429318: Drake (2006)
    assert float(rho @ grid.r**2) / 2 == pytest.approx(1.193482995, abs=1e-8)
    r = np.array([1e-4, 2e-4])
    n = density(exact, r)
    at_nucleus = n[0] * np.exp(2 * 2 * r[0])
    assert at_nucleus / 2 == pytest.approx(1.810429318, rel=1e-5)
    # Kato: n'(0) = −2Z n(0)
    assert np.log(n[1] / n[0]) / (r[1] - r[0]) == pytest.approx(-4, abs=2e-2)


@pytest.fixture(scope="module")
def ground():
    return exact_ground_state(2.0)


# Savin, Umrigar and Gonze, Chem. Phys. Lett. 288, 391 (1998)
@pytest.mark.parametrize(("n", "l", "gap"), [(2, 0, 0.7460), (3, 0, 0.8392), (2, 1, 0.7772), (3, 1, 0.8476)])
def test_gaps_of_the_exact_kohn_sham_potential(ground, n, l, gap):
    assert ground.ks_gap(n, l) == pytest.approx(gap, abs=3e-4)


def test_exact_potential_far_out(ground):
    far = (ground.grid.r > 15) & (ground.grid.r < 40)
    np.testing.assert_allclose(ground.potential[far], -1 / ground.grid.r[far], atol=5e-6)


def test_components_of_the_exact_density(ground):
    # Umrigar and Gonze, Phys. Rev. A 50, 3827 (1994)
    assert ground.ts == pytest.approx(2.867082, abs=2e-6)
    assert ground.exchange_energy == pytest.approx(-1.024568, abs=2e-6)
    assert ground.correlation_energy == pytest.approx(-0.042107, abs=2e-6)
    assert ground.orbital_energies[0] == pytest.approx(HELIUM["1 1S"] + 2, abs=1e-5)  # −I
    assert ground.mismatch < 1e-6


# one independent calculation, weights per state; independent of start and cut-off to 1e-5
GAPS = {0.01: 0.78407, 0.05: 0.80226, 0.1: 0.81731, 0.15: 0.83606, 0.2: 0.86617, 0.25: 0.92268}


@pytest.mark.parametrize("w", GAPS)
def test_gaps_of_the_exact_ensemble(w, exact_helium):
    e = exact_ensemble(bi_ensemble(multiplet("2 3S"), 4 * w), 2.0, exact_helium)
    assert e.orbital_energies[1] - e.orbital_energies[0] == pytest.approx(GAPS[w], abs=2e-5)
    assert e.mismatch < 1e-7
    # the highest orbital energy is minus the ionization energy of the excited state
    assert e.orbital_energies[1] == pytest.approx(HELIUM["2 3S"] + 2, abs=1e-4)


def test_ensembles_that_favour_the_excited_state_are_refused(exact_helium):
    with pytest.raises(InputError, match="must not increase"):
        exact_ensemble(Ensemble((GROUND, multiplet("2 1S")), (0.4, 0.6)), 2.0, exact_helium)


def test_exact_energy_is_linear_in_the_weight(exact_helium):
    ensembles = [exact_ensemble(bi_ensemble(multiplet("2 3S"), x), 2.0, exact_helium) for x in (0.2, 0.5, 0.8)]
    # the parts, from inverted potentials and expectation values, are curved; their sum is straight
    totals = np.array([e.ts + e.external + e.hartree + e.xc_energy for e in ensembles])
    assert abs(np.diff(totals, 2)[0]) < 1e-9
    assert abs(np.diff([e.ts for e in ensembles], 2)[0]) > 1e-3


@pytest.mark.parametrize("name", ["2 3S", "2 1S", "2 3P"])
def test_gap_plus_exact_xc_derivative_is_the_excitation_energy(name, exact_helium):
    target = multiplet(name)
    derivative, e = xc_weight_derivative(2.0, exact_helium, target, 0.5)
    gap = e.orbital_energies[1] - e.orbital_energies[0]
    assert abs(derivative) > 0.01
    assert gap + derivative == pytest.approx(HELIUM[name] - HELIUM["1 1S"], abs=3e-6)


def test_coefficients_of_the_expansion_in_the_inverse_nuclear_charge():
    """E(Z) = Z² Σ e_n Z⁻ⁿ with e = −1, 5/8, −0.15766643, 0.00869903, −0.00088871: Baker, Freund, Hill and Morgan, Phys.
    Rev. A 41, 1247 (1990). They are derivatives by the nuclear charge at constant Z²."""
    charges = np.array([3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 25.0, 50.0])
    energies = np.array([solve_state(z, GROUND, 18).energy for z in charges])
    powers = np.vander(1 / charges, increasing=True)
    assert np.linalg.solve(powers, energies / charges**2)[:2] == pytest.approx([-1.0, 0.625], abs=5e-9)
    rest = energies + charges**2 - 0.625 * charges
    assert np.linalg.solve(powers, rest)[:2] == pytest.approx([-0.15766643, 0.00869903], abs=6e-9)
