"""What ml-xc obeys exactly, for parameters far wilder than the fitted ones."""

from __future__ import annotations

import numpy as np
import pytest
from ml_xc_cases import THETAS, random_rho, split

from qmbench_ml.xc import correlation, exchange, functional

EPS = 1e-13


def without_correlation(up, down, sigma, tau):
    return 0.0 * up


def exchange_energy(theta, rho):
    x, _ = functional.parts(theta)
    return functional.evaluate(x, without_correlation, rho, 0)[0]


def uniform_gas(zeta, n):
    """(2, 5, N) of the uniform gas of density `n` and polarization `zeta`."""
    rho = np.zeros((2, 5, len(n)))
    rho[:, 0] = n * np.array([1 + zeta, 1 - zeta]) / 2
    rho[:, 4] = 0.5 * exchange.TAU_UNIFORM * (2 * rho[:, 0]) ** (5 / 3)
    return rho


@pytest.mark.parametrize("zeta", [0.0, 0.3, 0.9, 1.0])
def test_the_uniform_gas_is_that_of_libxc(zeta):
    from pyscf.dft import libxc

    n = np.logspace(-2, 4, 30)  # below, libxc's own floor on the empty channel shows
    rho = uniform_gas(np.full_like(n, zeta), n)
    expected = n * libxc.eval_xc("LDA,PW_MOD", list(rho[:, 0]), spin=1, deriv=0)[0]
    for theta in THETAS:
        found = functional.evaluate(*functional.parts(theta), rho, 0)[0]
        np.testing.assert_allclose(found, expected, rtol=2e-12)


@pytest.mark.parametrize("theta", THETAS[:6])
def test_spin_scaling_of_exchange(theta):
    rho = random_rho()
    halves = sum(0.5 * exchange_energy(theta, 2 * channel) for channel in rho)
    np.testing.assert_allclose(exchange_energy(theta, rho), halves, rtol=EPS)


@pytest.mark.parametrize("scale", [0.25, 0.7, 3.0, 50.0])
def test_uniform_scaling_of_exchange(scale):
    rho = random_rho()
    powers = np.array([3, 4, 4, 4, 5])[:, None]
    for theta in THETAS:
        scaled = exchange_energy(theta, rho * scale**powers)
        np.testing.assert_allclose(scaled, scale**4 * exchange_energy(theta, rho), rtol=EPS)


def test_lieb_oxford_bound():
    s2, y = np.meshgrid(np.logspace(-12, 10, 120), np.linspace(-1, 1, 81))
    for theta in THETAS:
        factor = exchange.enhancement(s2, y, split(theta)[0])
        assert factor.min() >= 0
        assert factor.max() <= exchange.ONE_ORBITAL * (1 + 1e-15) < exchange.LIEB_OXFORD


def test_exchange_gradient_expansion():
    """y = (10/27) s² is what α integrates to in a slowly varying density."""
    for theta in THETAS:
        slopes = []
        for s2 in (1e-5, 5e-6):
            slopes.append((exchange.enhancement(s2, 10 / 27 * s2, split(theta)[0]) - 1) / s2)
        assert 2 * slopes[1] - slopes[0] == pytest.approx(10 / 81, abs=1e-7)


def hydrogen(points=400):
    """Density (2, 5, N) of the hydrogen atom's one electron, and weights."""
    x, w = np.polynomial.legendre.leggauss(points)
    r, weights = 6 * (1 + x), 6 * w
    n = np.exp(-2 * r) / np.pi
    rho = np.zeros((2, 5, points))
    rho[0, 0], rho[0, 1], rho[0, 4] = n, -2 * n, n / 2
    return rho, weights * 4 * np.pi * r**2


def test_one_electron_has_no_correlation():
    rho, weights = hydrogen()
    for theta in THETAS:
        x, c = functional.parts(theta)
        energy = functional.evaluate(lambda n, sigma, tau: 0.0 * n, c, rho, 0)[0]
        assert abs(energy @ weights) < 1e-14
        assert np.abs(energy).max() < 1e-14


def test_exchange_of_hydrogen_cancels_its_hartree_energy():
    """−5/16 hartree; DECAY was made for this, in SCAN. No parameter matters."""
    rho, weights = hydrogen()
    energies = [exchange_energy(theta, rho) @ weights for theta in THETAS]
    np.testing.assert_allclose(energies, -0.3125, atol=2e-5)


def test_correlation_is_never_positive():
    rho = random_rho(400)
    for theta in THETAS:
        _, c = functional.parts(theta)
        assert functional.evaluate(lambda n, sigma, tau: 0.0 * n, c, rho, 0)[0].max() <= 0


def test_correlation_stays_finite_at_high_density():
    """ε_c of the uniform gas falls by 0.14 hartree between these densities."""
    rho = random_rho()
    powers = np.array([3, 4, 4, 4, 5])[:, None]
    for theta in THETAS[:4]:
        _, c = functional.parts(theta)
        per_electron = []
        for scale in (1e8, 1e10):
            scaled = rho * scale**powers
            energy = functional.evaluate(lambda n, sigma, tau: 0.0 * n, c, scaled, 0)[0]
            per_electron.append(energy / scaled[:, 0].sum(0))
        np.testing.assert_allclose(*per_electron, atol=5e-3)


def test_rotations_of_the_gradient_do_not_matter():
    rho = random_rho()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turned = rho.copy()
    turned[:, 1:4] = np.einsum("ab,sbn->san", turn, rho[:, 1:4])
    x, c = functional.parts(THETAS[0])
    np.testing.assert_allclose(
        functional.evaluate(x, c, turned, 0)[0], functional.evaluate(x, c, rho, 0)[0], rtol=1e-12
    )


def test_fractional_spin_powers_are_safe_at_full_polarization():
    n = np.array([0.3])
    value = correlation.energy_density(n, 0 * n, 0 * n, n, split(THETAS[0])[1])
    assert np.isfinite(value).all()
