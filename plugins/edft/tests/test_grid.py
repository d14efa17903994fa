"""The radial space against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench_edft.grid import radial_grid
from qmbench_edft.kohn_sham import spectrum

GRID = radial_grid(60, 40.0)


def hydrogen(n, l):
    r = GRID.r
    u = {
        (1, 0): 2 * r * np.exp(-r),
        (2, 0): r * (1 - r / 2) * np.exp(-r / 2) / np.sqrt(2),
        (2, 1): r**2 * np.exp(-r / 2) / np.sqrt(24),
    }[n, l]
    return u * np.sqrt(GRID.omega)


# Condon and Shortley, The Theory of Atomic Spectra (1935), hydrogenic integrals at Z = 1
SLATER = [
    ("f", 0, (1, 0), (1, 0), 5 / 8),
    ("f", 0, (1, 0), (2, 0), 17 / 81),
    ("g", 0, (1, 0), (2, 0), 16 / 729),
    ("f", 0, (1, 0), (2, 1), 59 / 243),
    ("g", 1, (1, 0), (2, 1), 112 / 2187),
    ("f", 0, (2, 0), (2, 0), 77 / 512),
    ("f", 2, (2, 1), (2, 1), 45 / 512),
]


@pytest.mark.parametrize(("kind", "k", "a", "b", "value"), SLATER)
def test_slater_integrals_of_hydrogen(kind, k, a, b, value):
    integral = GRID.slater_f if kind == "f" else GRID.slater_g
    assert integral(k, hydrogen(*a), hydrogen(*b)) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("z", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("l", [0, 1, 2])
def test_hydrogen_like_levels(z, l):
    grid = radial_grid(70, 60.0 / z, 2.0 / z)
    energies = spectrum(grid, l, -z / grid.r).energies
    n = np.arange(l + 1, 4)
    np.testing.assert_allclose(energies[: len(n)], -z * z / (2 * n**2), atol=1e-10)


def test_multipole_potential_solves_poisson_equation():
    # 1s² of hydrogen: Y⁰ = 1/r − e^(−2r)(1 + 1/r)
    c = hydrogen(1, 0)
    r = GRID.r
    np.testing.assert_allclose(GRID.multipole_potential(0, c, c), 1 / r - np.exp(-2 * r) * (1 + 1 / r), atol=1e-11)


def test_orbitals_are_orthonormal_and_start_positive():
    vectors = spectrum(GRID, 0, -2 / GRID.r).vectors
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(GRID.size), atol=1e-12)
    assert (vectors[0] >= 0).all()
