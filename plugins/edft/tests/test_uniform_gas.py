"""The uniform electron gas against libxc and against limits."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf.dft import libxc

from qmbench_edft import uniform_gas as gas

N = np.geomspace(1e-6, 1e2, 30)


@pytest.mark.parametrize(("ours", "name"), [(gas.exchange, "lda,"), (gas.pw92, ",lda_c_pw_mod"), (gas.vwn, ",vwn5")])
def test_ground_state_gas_is_libxcs(ours, name):
    exc, vxc = libxc.eval_xc(name, N)[:2]
    np.testing.assert_allclose(ours(N), exc, rtol=2e-7)
    np.testing.assert_allclose(gas.derivative(lambda n: n * ours(n), N), vxc[0], rtol=2e-7)


def test_thermal_gas_is_libxcs_ground_state_of_the_fit_when_cold():
    # libxc's GDSMFB is at T = 0 unless told otherwise
    exc = libxc.eval_xc("lda_xc_gdsmfb", N)[0]
    theta = 1e-4 * 0.5 * (3 * np.pi**2 * N) ** (2 / 3)
    ours = np.array([gas.thermal_xc(np.array([n]), t)[0] for n, t in zip(N, theta, strict=True)])
    np.testing.assert_allclose(ours, exc, rtol=1e-4)


def test_hot_thin_gas_has_debye_and_hueckels_energy():
    # f_xc → −(1/3)·√(4π n/θ)·… : Debye–Hückel, F_ex/N = −κ e²/3, κ² = 4πn/θ; DeWitt, Phys. Rev. 140, A466 (1965)
    n, theta = np.array([1e-10]), 50.0
    kappa = np.sqrt(4 * np.pi * n / theta)
    assert gas.thermal_xc(n, theta)[0] == pytest.approx(-kappa[0] / 3, rel=2e-2)


def test_ideal_entropy_limits():
    n = np.array([0.3])
    fermi = 0.5 * (3 * np.pi**2 * n[0]) ** (2 / 3)
    # Sommerfeld: s = π² t/2
    assert gas.ideal_entropy(n, 0.005 * fermi)[0] == pytest.approx(np.pi**2 / 2 * 0.005, rel=1e-3)
    # Sackur and Tetrode, two spin states
    hot = 1e4 * fermi
    sackur = 2.5 + np.log(2 / n[0] * (hot / (2 * np.pi)) ** 1.5)
    assert gas.ideal_entropy(n, hot)[0] == pytest.approx(sackur, rel=1e-6)


@pytest.mark.parametrize("j", [0.5, 1.5])
def test_fermi_integrals(j):
    from scipy.integrate import quad
    from scipy.special import expit

    for eta in (-5.0, 0.0, 3.0, 30.0):
        exact = quad(
            lambda x, eta=eta: x**j * expit(eta - x),
            0,
            eta + 60 if eta > 0 else 60,
            epsabs=1e-13,
            limit=500,
            points=[max(eta, 0.1)],
        )[0]
        assert float(gas.fermi_integral(j, np.array(eta))) == pytest.approx(exact, rel=1e-9)


def test_constant_occupation_gas_at_its_ends():
    # f̄ = 1 is the fully polarised gas, f̄ = 2 the unpolarised one (refitted by them to other data than PW92's)
    full = np.full_like(N, 2.0)
    np.testing.assert_allclose(gas.cofe_exchange(N, full), gas.exchange(N))
    np.testing.assert_allclose(gas.cofe_exchange(N, full / 2), 2 ** (1 / 3) * gas.exchange(N))
    np.testing.assert_allclose(gas.cofe_correlation(N, full), gas.pw92(N), atol=4e-4)
    below = gas.cofe_correlation(N, np.full_like(N, 0.999999))
    np.testing.assert_allclose(below, gas.cofe_correlation(N, np.full_like(N, 1.000001)), rtol=1e-4)
    for f in (0.02, 0.3, 0.7, 0.9, 1.3, 1.9):
        assert (gas.cofe_correlation(N, np.full_like(N, f)) < 0).all()
