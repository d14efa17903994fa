"""Densities, parameters and a second functional (PBE) for the tests of ml-xc."""

from __future__ import annotations

import numpy as np

from qmbench_ml.xc import correlation, exchange
from qmbench_ml.xc.jets import power
from qmbench_ml.xc.model import N_PARAMETERS

# Twelve sets of parameters far wider than any fit: constraints hold for all of them.
THETAS = np.random.default_rng(3).normal(0.0, 2.0, (12, N_PARAMETERS))


def split(theta):
    """Parameters of exchange and of correlation, as tuples."""
    return tuple(theta[: exchange.N_PARAMETERS]), tuple(theta[exchange.N_PARAMETERS :])


def random_rho(n_points=40, seed=5):
    """(2, 5, N) that a real density could have: n_σ > 0 and τ_σ ≥ |∇n_σ|²/(8 n_σ)."""
    rng = np.random.default_rng(seed)
    n = np.exp(rng.uniform(-4, 2, (2, n_points)))
    gradient = rng.normal(size=(2, 3, n_points)) * n[:, None] ** (4 / 3) * 2
    tau = (gradient**2).sum(1) / (8 * n) + rng.exponential(1.0, n.shape) * exchange.TAU_UNIFORM * n ** (5 / 3)
    return np.concatenate([n[:, None], gradient, tau[:, None]], axis=1)


def pbe_exchange(n, sigma, tau):
    """PBE's exchange of one spin: F = 1 + κ − κ/(1 + μ s²/κ)."""
    s2, _ = exchange.reduced(2.0 * n, 4.0 * sigma, 2.0 * tau)
    kappa, mu = 0.804, 0.06672455060314922 * np.pi**2 / 3
    factor = 1.0 + kappa - kappa / (1.0 + s2 * (mu / kappa))
    return exchange.uniform_energy(1.0) * 2 ** (1 / 3) * power(n, 4 / 3) * factor


def pbe_correlation(up, down, sigma, tau):
    """PBE's correlation, from the pieces of the learned one."""
    n = up + down
    zeta = (up - down) / n
    s2, _ = exchange.reduced(n, sigma, tau)
    rs = power(n, -1 / 3) * (3 / (4 * np.pi)) ** (1 / 3)
    return n * correlation.pbe(rs, zeta, (1.0 + zeta, 1.0 - zeta), s2)
