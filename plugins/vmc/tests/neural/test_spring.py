"""The optimizer's algebra, and gradients of energies."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from qmbench_vmc.neural import metropolis, spring
from qmbench_vmc.neural.ansatz import Ansatz
from qmbench_vmc.neural.hamiltonian import local_energy


@pytest.mark.parametrize(("walkers", "parameters"), [(12, 30), (40, 9)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_step_in_sample_space_is_the_dense_natural_gradient(walkers, parameters, momentum):
    random = np.random.default_rng(1)
    scores, energies = random.normal(size=(walkers, parameters)) + 3, random.normal(size=walkers) - 7
    last, damping = random.normal(size=parameters), 0.05
    centred = (scores - scores.mean(axis=0)) / np.sqrt(walkers)
    residual = -(energies - energies.mean()) / np.sqrt(walkers)
    # argmin |Ō φ − ε|² + λ |φ − μ φ₋|², by the normal equations in parameter space
    dense = np.linalg.solve(
        centred.T @ centred + damping * np.eye(parameters), centred.T @ residual + damping * momentum * last
    )
    found = spring.spring_step(*map(jnp.asarray, (scores, energies, last)), damping, momentum)
    np.testing.assert_allclose(found, dense, rtol=1e-9, atol=1e-11)


def test_compression_moves_outliers_only_and_keeps_their_order():
    energies = np.r_[np.linspace(-1.1, -0.9, 97), 40.0, 50.0, -20.0]
    found = np.asarray(spring.compressed(jnp.asarray(energies)))
    np.testing.assert_allclose(found[:97], energies[:97], rtol=0, atol=1e-14)
    median = np.median(energies)
    spread = 5 * np.mean(np.abs(energies - median))
    np.testing.assert_allclose(found[97:99] - median, 2 * np.sqrt(spread * (energies[97:99] - median)) - spread)
    assert median - 20.0 < found[99] < median - spread < median + spread < found[97] < found[98] < 50.0


def test_a_step_is_shortened_but_not_turned():
    direction = jnp.array([3.0, 4.0])
    np.testing.assert_allclose(spring.limited(direction, jnp.asarray(0.01), 0.1), 0.01 * direction)
    np.testing.assert_allclose(spring.limited(direction, jnp.asarray(1.0), 0.1), 0.1 * direction / 5)


def test_scores_give_the_gradient_of_the_energy():
    """2⟨(E − ⟨E⟩) ∂ln|ψ|⟩ against finite differences of the energy, both by one quadrature for one electron in H2+."""
    ansatz = Ansatz(((0.0, 0.0, -1.0), (0.0, 0.0, 1.0)), (1.0, 1.0), (1, 0), width=4, layers=1, determinants=1)
    points, weights = quadrature()
    start = ansatz.initial(2)
    theta, unravel = jax.flatten_util.ravel_pytree(jax.tree.map(jnp.asarray, start))

    @jax.jit
    def moments(theta):
        log = jax.vmap(lambda r: ansatz.log_psi(unravel(theta), r))(points)
        energies = jax.vmap(lambda r: local_energy(ansatz, unravel(theta), r))(points)
        share = weights * jnp.exp(2 * log)
        return share / jnp.sum(share), energies

    share, energies = moments(theta)
    scores = jax.jit(jax.vmap(lambda r: jax.grad(lambda t: ansatz.log_psi(unravel(t), r))(theta)))(points)
    gradient = 2 * (share * (energies - share @ energies)) @ scores

    def energy(theta):
        share, energies = moments(theta)
        return float(share @ energies)

    for seed in range(3):
        direction = np.random.default_rng(seed).normal(size=theta.size)
        h = 1e-4
        slope = (energy(theta + h * direction) - energy(theta - h * direction)) / (2 * h)
        # The quadrature of an arbitrary ψ, with its cusps, is good to 4e-4: more points bring the two closer slowly.
        assert float(gradient @ direction) == pytest.approx(slope, rel=1e-3, abs=1e-3)


def quadrature():
    """Points (Q, 1, 3) and weights for two centres at (0, 0, ±1): prolate spheroidal coordinates, Gauss rules."""
    lag, lag_w = np.polynomial.laguerre.laggauss(28)
    leg, leg_w = np.polynomial.legendre.leggauss(24)
    angles = np.arange(12) * 2 * np.pi / 12
    xi = 1 + lag / 2.5
    x, e, a = np.meshgrid(xi, leg, angles, indexing="ij")
    rho = np.sqrt(np.maximum((x**2 - 1) * (1 - e**2), 0))
    points = np.stack([rho * np.cos(a), rho * np.sin(a), x * e], axis=-1).reshape(-1, 1, 3)
    w = (lag_w * np.exp(lag) / 2.5)[:, None, None] * leg_w[None, :, None] * (2 * np.pi / 12) * (x**2 - e**2)
    return jnp.asarray(points), jnp.asarray(w.ravel())


def test_the_walk_samples_the_square_of_the_wavefunction():
    """⟨r⟩ and ⟨r²⟩ of the hydrogen atom are 3/2 and 3, although the moves' width depends on the place."""
    ansatz = Ansatz(((0.0, 0.0, 0.0),), (1.0,), (1, 0), width=4, layers=1, determinants=1)

    def log_psi(r):
        return -jnp.linalg.norm(r[:, 0], axis=-1)

    key = jax.random.key(3)
    start = jax.random.normal(key, (4000, 1, 3), jnp.float64)
    walk = jax.jit(lambda r, key: metropolis.walk(ansatz, log_psi, r, key, jnp.asarray(0.8), 30), donate_argnums=0)
    r, first, second = start, [], []
    for number in range(12):
        r, acceptance = walk(r, jax.random.fold_in(key, number))
        length = jnp.linalg.norm(r[:, 0], axis=-1)
        if number >= 2:
            first.append(float(jnp.mean(length)))
            second.append(float(jnp.mean(length**2)))
    assert 0.2 < float(acceptance) < 0.9
    # One standard error of 40,000 independent samples: 0.0043 and 0.022; correlation at most doubles them.
    assert np.mean(first) == pytest.approx(1.5, abs=0.03)
    assert np.mean(second) == pytest.approx(3.0, abs=0.16)


def test_the_walk_gets_from_atom_to_atom():
    """An electron of two protons 40 bohr apart, ψ² twice as large at the first: two thirds of the walkers end there."""
    positions = ((0.0, 0.0, 0.0), (0.0, 0.0, 40.0))
    ansatz = Ansatz(positions, (1.0, 1.0), (1, 0), width=4, layers=1, determinants=1)
    first, second = jnp.asarray(positions)

    def log_psi(r):
        distances = jnp.linalg.norm(r[:, 0, None] - jnp.stack([first, second]), axis=-1)
        return jax.scipy.special.logsumexp(jnp.asarray([np.log(2) / 2, 0.0]) - distances, axis=-1)

    key = jax.random.key(5)
    r = second + jax.random.normal(key, (4000, 1, 3), jnp.float64)
    walk = jax.jit(lambda r, key: metropolis.walk(ansatz, log_psi, r, key, jnp.asarray(0.8), 10))
    for number in range(20):
        r, _ = walk(r, jax.random.fold_in(key, number))
    at_first = np.mean(np.asarray(r[:, 0, 2]) < 20.0)
    assert at_first == pytest.approx(2 / 3, abs=4 * np.sqrt(2 / 9 / 4000))
