"""Ground states against published values."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench_edft.ensemble import ground_ensemble
from qmbench_edft.functionals import Functional
from qmbench_edft.scf import solve

# NIST Atomic Reference Data for Electronic Structure Calculations: Kotochigova, Levine, Shirley, Stiles and Clark,
# Phys. Rev. A 55, 191 (1997), for VWN; the Hartree–Fock limit: Bunge, Barrientos and Bunge, At. Data Nucl. Data
# Tables 53, 113 (1993)
GROUND = [
    ("lda", "vwn", -2.834836, -0.570425, 1e-6),
    ("lda", "pw92", -2.834455, None, 1e-6),
    ("lda", "none", -2.723639793, None, 1e-8),
    ("sehx", "none", -2.86167999561, -0.91795556, 2e-9),
    ("gic", "none", -2.86167999561, -0.91795556, 2e-9),
    ("eexx", "none", -2.86167999561, -0.91795556, 2e-9),
]


@pytest.mark.parametrize(("name", "correlation", "energy", "level", "tolerance"), GROUND)
def test_helium(name, correlation, energy, level, tolerance):
    s = solve(Functional(name, correlation), ground_ensemble(), 2.0)
    assert s.energy == pytest.approx(energy, abs=tolerance)
    if level is not None:
        assert s.orbital_energies[0] == pytest.approx(level, abs=1e-6)


@pytest.mark.parametrize("potential", ["oep", "kli"])
def test_exchange_potential_is_half_the_hartree_potential(potential):
    s = solve(Functional("sehx"), ground_ensemble(), 2.0, potential)
    inside = s.grid.r < 12
    np.testing.assert_allclose(s.v_hxc[inside], s.grid.multipole_potential(0, *s.orbitals * 2)[inside], atol=1e-6)


@pytest.mark.parametrize("z", [1.0, 3.0, 4.0])
def test_virial_of_exchange_along_the_series(z):
    s = solve(Functional("sehx"), ground_ensemble(), z)
    assert s.energy + s.ts == pytest.approx(0, abs=1e-9 * z * z)


# Hartree–Fock limits of the two-electron ions: Clementi and Roetti, At. Data Nucl. Data Tables 14, 177 (1974)
@pytest.mark.parametrize(("z", "energy"), [(1.0, -0.4879297), (3.0, -7.2364152), (4.0, -13.6112994)])
def test_hartree_fock_limits_of_ions(z, energy):
    assert solve(Functional("sehx"), ground_ensemble(), z).energy == pytest.approx(energy, abs=2e-7)


def test_energies_do_not_depend_on_the_grid():
    from qmbench_edft.grid import radial_grid

    for functional in (Functional("lda", "vwn"), Functional("sehx")):
        coarse = solve(functional, ground_ensemble(), 2.0, grid=radial_grid(48, 34.0, 2.0)).energy
        fine = solve(functional, ground_ensemble(), 2.0, grid=radial_grid(90, 45.0, 2.5)).energy
        assert coarse == pytest.approx(fine, abs=1e-9)
