"""ml-xc in PySCF's self-consistent field: against libxc's functionals where the form holds one of them."""

from __future__ import annotations

import numpy as np
import pytest
from ml_xc_cases import THETAS, pbe_correlation, pbe_exchange

from qmbench import Molecule, Resources
from qmbench_ml.xc import functional
from qmbench_ml.xc.model import energy, external, gradient
from qmbench_ml.xc.quadrature import on_grid

HE = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1)
H = Molecule(("H",), ((0.0, 0.0, 0.0),), 0, 2)
N = Molecule(("N",), ((0.0, 0.0, 0.0),), 0, 4)
LIH = Molecule(("Li", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0)), 0, 1)
# The coefficient of x in a, the factor of the one-orbital correlation.
A = -2


def scf(molecule, xc, **options):
    from qmbench_pyscf import ScfSpecification, converged_scf

    spec = ScfSpecification("sto-3g", xc, **({"grid": 1, "stability": False} | options))
    return converged_scf(molecule, spec, resources=Resources())


@pytest.mark.parametrize("molecule", [LIH, N], ids=["restricted", "unrestricted"])
def test_pbe_by_hand_is_pyscf_s(molecule):
    from qmbench_pyscf import ExternalFunctional

    by_hand = ExternalFunctional(
        "PBE by hand", "1", "MGGA", lambda rho, order: functional.evaluate(pbe_exchange, pbe_correlation, rho, order)
    )
    assert scf(molecule, by_hand).e_tot == pytest.approx(scf(molecule, "pbe").e_tot, abs=2e-8)


@pytest.mark.parametrize("molecule", [HE, H], ids=["helium", "hydrogen"])
def test_one_orbital_is_scan_whatever_the_other_parameters(molecule):
    from qmbench_pyscf import ScfSpecification, converged_scf

    theta = THETAS[1].copy()
    if molecule is HE:
        theta[A] = 0.0
    found, scan = (
        converged_scf(molecule, ScfSpecification("6-31g", xc, grid=2, stability=False), resources=Resources())
        for xc in (external(theta), "SCAN")
    )
    assert found.e_tot == pytest.approx(scan.e_tot, abs=1e-9)


def test_the_minimum_is_stable_and_orbitals_are_optimal():
    """The second derivatives give a Hessian of rotations; the first ones an energy that no rotation lowers."""
    from qmbench_pyscf import scf_settings

    mf = scf(LIH, external(0.1 * THETAS[0]), stability=True)
    assert scf_settings(mf)["stability"] == "minimum"
    rng = np.random.default_rng(0)
    for _ in range(3):
        a = np.triu(rng.normal(size=mf.mo_coeff.shape), 1) * 1e-2
        turned = mf.mo_coeff @ np.linalg.matrix_power(np.eye(len(a)) + (a - a.T) / 16, 16)
        norms = np.sqrt(np.einsum("pi,pq,qi->i", turned, mf.get_ovlp(), turned))
        turned = np.linalg.qr(np.linalg.cholesky(mf.get_ovlp()).T @ (turned / norms))[0]
        orbitals = np.linalg.solve(np.linalg.cholesky(mf.get_ovlp()).T, turned)
        assert mf.energy_tot(mf.make_rdm1(orbitals, mf.mo_occ)) > mf.e_tot


def test_the_grid_energy_is_the_scf_s_and_its_gradient_the_change_of_it():
    """Hellmann and Feynman: dE/dθ of the self-consistent energy is that at fixed density."""
    theta = 0.1 * THETAS[0]
    tight = {"energy_tolerance": 1e-12}
    mf = scf(LIH, external(theta), **tight)
    rho, weights, nearest = on_grid(mf)
    assert set(nearest) == {0, 1}
    assert energy(theta, rho, weights) == pytest.approx(float(mf.get_veff(dm=mf.make_rdm1()).exc), abs=1e-8)
    direction = np.random.default_rng(7).normal(size=theta.shape)
    up, down = (scf(LIH, external(theta + sign * 1e-3 * direction), **tight).e_tot for sign in (1, -1))
    assert gradient(theta, rho, weights) @ direction == pytest.approx((up - down) / 2e-3, rel=1e-4)
