"""Derivatives of ml-xc: against finite differences, and against libxc where the form holds a functional of libxc."""

from __future__ import annotations

import numpy as np
import pytest
from ml_xc_cases import THETAS, pbe_correlation, pbe_exchange, random_rho
from pyscf.dft.numint import NumInt

from qmbench_ml.xc import functional
from qmbench_ml.xc.jets import exp, log1p, power, variables
from qmbench_ml.xc.model import gradient

# Powers of a uniform scaling of n, its gradient and τ.
SCALING = (3, 4, 4, 4, 5)


@pytest.mark.parametrize("polarized", [False, True])
def test_first_and_second_derivatives_are_those_of_the_energy(polarized):
    rho = random_rho(60)
    rho = rho if polarized else rho[0]
    x, c = functional.parts(0.3 * THETAS[0])
    _, first, second = functional.evaluate(x, c, rho, 2)
    for row in np.ndindex(rho.shape[:-1]):
        step = np.zeros_like(rho)
        step[row] = 1e-5 * rho[(*row[:-1], 0)] ** (SCALING[row[-1]] / 3)
        size = step[row]
        up, down = (functional.evaluate(x, c, rho + sign * step, 1) for sign in (1, -1))
        np.testing.assert_allclose((up[0] - down[0]) / (2 * size), first[row], rtol=1e-5, atol=1e-6)
        change = (up[1] - down[1]) / (2 * size)
        scale = np.abs(change) + np.abs(change).max(axis=tuple(range(change.ndim - 1)))
        assert (np.abs(change - second[row]) / scale).max() < 1e-5


def test_the_pieces_of_pbe_are_libxc_s():
    numint = NumInt()
    rho = random_rho(200)
    energy, first, second = functional.evaluate(pbe_exchange, pbe_correlation, rho, 2)
    per_electron, v, f, _ = numint.eval_xc_eff("pbe", rho[:, :4], deriv=2, spin=1)
    np.testing.assert_allclose(energy, per_electron * rho[:, 0].sum(0), rtol=1e-12)
    np.testing.assert_allclose(first[:, :4], v, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(second[:, :4, :, :4], f, rtol=1e-8, atol=1e-10)


def test_derivatives_by_parameters_are_those_of_the_energy():
    rho, weights = random_rho(), np.ones(40)
    found = gradient(0.3 * THETAS[0], rho, weights)
    direction = np.random.default_rng(2).normal(size=found.shape)
    energies = [
        functional.evaluate(*functional.parts(0.3 * THETAS[0] + h * direction), rho, 0)[0].sum()
        for h in (1e-3, -1e-3, 2e-3, -2e-3)
    ]
    fourth_order = (8 * (energies[0] - energies[1]) - (energies[2] - energies[3])) / (12 * 1e-3)
    assert found @ direction == pytest.approx(fourth_order, rel=1e-6)


def test_jets_of_elementary_functions():
    a, b = np.array([0.3, 1.2]), np.array([2.0, 0.5])
    x, y = variables([a, b], 2)
    f = exp(x * y) / power(y, 1.5) - log1p(x)
    np.testing.assert_allclose(f.value, np.exp(a * b) / b**1.5 - np.log(1 + a))
    np.testing.assert_allclose(f.first[0], np.exp(a * b) / b**0.5 - 1 / (1 + a))
    np.testing.assert_allclose(f.second[0, 0], np.exp(a * b) * b**0.5 + 1 / (1 + a) ** 2)
    np.testing.assert_allclose(f.second[0, 1], np.exp(a * b) * (a * b**-0.5 - 0.5 * b**-1.5))
