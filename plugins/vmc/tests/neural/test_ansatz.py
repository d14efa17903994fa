"""The wavefunction: derivatives, cusps, antisymmetry, and what it must not depend on."""

import dataclasses
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qmbench_vmc.neural.ansatz import Ansatz
from qmbench_vmc.neural.hamiltonian import local_energy, potential_energy

LIH = Ansatz(((0.0, 0.0, 0.0), (0.0, 0.0, 3.0)), (3.0, 1.0), (2, 2), width=8, layers=2, determinants=2, pair_width=4)
SHAPES = {
    "lithium hydride": LIH,
    "lithium, 2 up 1 down": dataclasses.replace(
        LIH, positions=LIH.positions[:1], charges=(3.0,), spins=(2, 1), layers=1, determinants=1
    ),
    "triplet helium": dataclasses.replace(LIH, positions=LIH.positions[:1], charges=(2.0,), spins=(2, 0), layers=1),
    "one electron": dataclasses.replace(LIH, spins=(1, 0), determinants=1),
}


@jax.jit
def log_psi(r):
    """Of lithium hydride."""
    return LIH.log_psi(parameters(LIH), r)


@jax.jit
def orbitals(r):
    return LIH.orbitals(parameters(LIH), r)


@cache
def parameters(ansatz):
    """Random parameters away from the special values that some of them start with."""
    random = np.random.default_rng(5)
    return jax.tree.map(lambda x: x + 0.2 * random.normal(size=np.shape(x)), ansatz.initial(3))


def electrons(ansatz, seed=0):
    random = np.random.default_rng(seed)
    places = np.array(ansatz.positions)[random.integers(len(ansatz.charges), size=ansatz.n_electrons)]
    return jnp.asarray(places + random.normal(size=(ansatz.n_electrons, 3)))


@pytest.mark.parametrize("name", SHAPES)
def test_the_forward_laplacian_is_the_trace_of_the_hessian(name):
    ansatz = SHAPES[name]
    r, p = electrons(ansatz), parameters(ansatz)

    def flat(x):
        return ansatz.log_psi(p, x.reshape(r.shape))

    jet = jax.jit(lambda x: ansatz.log_psi_jet(p, x))(r)
    value, gradient = jax.jit(jax.value_and_grad(flat))(r.ravel())
    hessian = jax.jit(jax.hessian(flat))(r.ravel())
    scale = float(jnp.sum(jnp.abs(jnp.diag(hessian))))
    assert float(jet.value) == pytest.approx(float(value), abs=1e-12)
    np.testing.assert_allclose(jet.gradient, gradient, rtol=1e-10, atol=1e-10 * scale)
    assert float(jet.laplacian) == pytest.approx(float(jnp.trace(hessian)), abs=1e-11 * scale)


def test_the_local_energy_is_that_of_numerical_differentiation():
    ansatz, p = LIH, parameters(LIH)
    r = electrons(ansatz, seed=1)
    psi = jax.jit(lambda x: jnp.exp(ansatz.log_psi(p, x.reshape(r.shape)) - ansatz.log_psi(p, r)))
    h, kinetic = 2e-3, 0.0
    for axis in np.eye(r.size):
        # Central difference of fourth order; |ψ| is ψ or −ψ near r, away from the nodes.
        values = [float(psi(r.ravel() + h * k * axis)) for k in (-2, -1, 0, 1, 2)]
        kinetic -= np.dot([-1, 16, -30, 16, -1], values) / (24 * h**2)
    found = float(jax.jit(lambda x: local_energy(ansatz, p, x))(r))
    assert found == pytest.approx(kinetic + float(potential_energy(ansatz, r)), rel=1e-6)


def test_the_potential_is_coulombs_law():
    r = np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 0.0], [0.0, 1.0, 3.0], [0.0, -2.0, 0.0]])
    nuclei, z = np.array(LIH.positions), np.array(LIH.charges)
    expected = z[0] * z[1] / np.linalg.norm(nuclei[0] - nuclei[1])
    for i in range(4):
        expected -= sum(z[k] / np.linalg.norm(r[i] - nuclei[k]) for k in range(2))
        expected += sum(1 / np.linalg.norm(r[i] - r[j]) for j in range(i))
    assert float(potential_energy(LIH, jnp.asarray(r))) == pytest.approx(expected, abs=1e-13)


def directions():
    """Fourteen points on the unit sphere, over which odd and second-order harmonics average to zero."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    corners = np.array(np.meshgrid([1, -1], [1, -1], [1, -1])).reshape(3, -1).T / np.sqrt(3)
    return np.concatenate([axes, corners]), np.concatenate([np.full(6, 1 / 15), np.full(8, 3 / 40)])


def spherical_slope(psi, step=1e-4):
    """d ln⟨ψ⟩/dr at r = 0 for the spherical mean of psi(vector), by Richardson's extrapolation of two steps."""
    points, weights = directions()
    centre = psi(np.zeros(3))
    slopes = [(np.dot(weights, [psi(s * x) for x in points]) / centre - 1) / s for s in (step, 2 * step)]
    return 2 * slopes[0] - slopes[1]


@pytest.mark.parametrize("nucleus", [0, 1])
def test_the_cusp_at_a_nucleus_is_minus_its_charge(nucleus):
    p, r = parameters(LIH), electrons(LIH, seed=2)
    sign_free = jax.jit(lambda x: LIH.log_psi(p, r.at[1].set(jnp.asarray(LIH.positions[nucleus]) + x)))
    tiny = np.array([1e-9, 0, 0])  # the features are not differentiable, but continuous, at the nucleus itself
    reference = float(sign_free(jnp.asarray(tiny)))
    slope = spherical_slope(lambda x: float(jnp.exp(sign_free(jnp.asarray(x) + tiny) - reference)))
    assert slope == pytest.approx(-LIH.charges[nucleus], abs=2e-3)


def test_the_cusp_of_opposite_spins_is_one_half():
    p, r = parameters(LIH), electrons(LIH, seed=2)
    centre = r[0]

    def log(x):
        return LIH.log_psi(p, r.at[0].set(centre + x / 2).at[2].set(centre - x / 2))

    log = jax.jit(log)
    tiny = np.array([1e-9, 0, 0])
    reference = float(log(jnp.asarray(tiny)))
    slope = spherical_slope(lambda x: float(jnp.exp(log(jnp.asarray(x) + tiny) - reference)))
    assert slope == pytest.approx(0.5, abs=2e-3)


def test_the_cusp_of_equal_spins_is_one_quarter():
    p, r = parameters(LIH), electrons(LIH, seed=2)
    centre = r[0]
    log = jax.jit(lambda x: LIH.log_psi(p, r.at[0].set(centre + x / 2).at[1].set(centre - x / 2)))
    direction, h = np.array([0.6, 0.0, 0.8]), 1e-3
    # ψ = a·s (1 + s/4 + …): ψ/s at h, 2h, 3h, extrapolated with its slope to s = 0 by a parabola.
    reference = float(log(jnp.asarray(h * direction)))
    one, two, three = (float(jnp.exp(log(jnp.asarray(s * direction)) - reference)) / s for s in (h, 2 * h, 3 * h))
    slope = (-5 * one + 8 * two - 3 * three) / (2 * h)
    assert slope / (3 * one - 3 * two + three) == pytest.approx(0.25, abs=2e-3)


@pytest.mark.parametrize(("i", "j"), [(0, 1), (2, 3)])
def test_exchange_of_equal_spins_changes_the_sign_and_nothing_else(i, j):
    r = electrons(LIH, seed=3)
    swapped = r.at[i].set(r[j]).at[j].set(r[i])
    assert float(log_psi(swapped)) == pytest.approx(float(log_psi(r)), abs=1e-11)
    np.testing.assert_allclose(np.linalg.det(orbitals(swapped)), -np.linalg.det(orbitals(r)), rtol=1e-9)


def test_exchange_of_opposite_spins_is_no_symmetry():
    r = electrons(LIH, seed=3)
    assert abs(float(log_psi(r.at[0].set(r[2]).at[2].set(r[0])) - log_psi(r))) > 1e-3


def test_orbitals_of_electrons_depend_on_where_the_others_are():
    r = electrons(LIH, seed=3)
    moved = orbitals(r.at[3].add(jnp.array([0.3, 0.0, 0.0])))
    assert float(jnp.max(jnp.abs(moved[:, 0] - orbitals(r)[:, 0]))) > 1e-3


def test_a_shift_of_everything_changes_nothing():
    p, r, shift = parameters(LIH), electrons(LIH, seed=4), np.array([5.0, -3.0, 2.0])
    moved = dataclasses.replace(LIH, positions=tuple(map(tuple, np.array(LIH.positions) + shift)))
    assert float(jax.jit(moved.log_psi)(p, r + shift)) == pytest.approx(float(log_psi(r)), abs=1e-10)


def test_the_exact_state_of_one_electron_has_no_variance():
    """exp(−Zr) is in the ansatz: constant orbital, one envelope of exponent Z (to rounding, E = −Z²/2 everywhere)."""
    for z in (1.0, 2.0, 7.0):
        ion = Ansatz(((0.3, 0.0, -1.0),), (z,), (1, 0), width=8, layers=1, determinants=1)
        p = ion.initial(1)
        p["orbitals"][0] |= {"w": 0 * p["orbitals"][0]["w"], "b": np.ones(1)}
        p["orbitals"][0]["envelope"] = np.eye(len(p["orbitals"][0]["envelope"]), 1)
        r = jnp.asarray(np.random.default_rng(0).normal(size=(50, 1, 3)) * 2 / z + np.array([0.3, 0.0, -1.0]))
        energies = jax.jit(jax.vmap(lambda x, ion=ion, p=p: local_energy(ion, p, x)))(r)
        np.testing.assert_allclose(energies, -(z**2) / 2, rtol=0, atol=1e-11 * z**3)
