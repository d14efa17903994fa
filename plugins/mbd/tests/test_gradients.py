"""Analytic derivatives against five-point differences, for finite systems."""

import dataclasses

import numpy as np
import pytest

from qmbench_mbd.models import COUPLING_OF_VARIANT, mbd_energy, mbd_gradient, ts_energy, ts_gradient
from qmbench_mbd.oscillators import Oscillators
from qmbench_mbd.parameters import from_volume_ratios


def five_point(f, h: float) -> float:
    """df/dx at 0."""
    return (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h)


def energy_and_gradient(name: str):
    if name == "ts":
        return lambda o: ts_energy(o, 0.94), lambda o: ts_gradient(o, 0.94)
    settings = (1.0, 2.56) if name == "scs" else (0.83, 6.0)
    return lambda o: mbd_energy(o, *settings, name), lambda o: mbd_gradient(o, *settings, name)


@pytest.mark.parametrize("name", ["ts", *COUPLING_OF_VARIANT])
@pytest.mark.parametrize("field", ["positions", "alpha", "c6", "radii"])
def test_derivatives(benzene_dimer, name, field):
    both = benzene_dimer[2]
    energy, gradient = energy_and_gradient(name)
    value = getattr(both, field)
    e, g = gradient(both)
    assert e == pytest.approx(energy(both), abs=1e-13)
    derivative = getattr(g, field)
    step = 2e-3 if field == "positions" else 2e-3 * value.max()
    scale = np.abs(derivative).max()
    for index in [(0, 0), (4, 2), (7, 1), (20, 0)] if field == "positions" else [(0,), (7,), (20,)]:

        def at(x: float, index=index) -> float:
            moved = value.copy()
            moved[index] += x
            return energy(dataclasses.replace(both, **{field: moved}))

        assert derivative[index] == pytest.approx(five_point(at, step), rel=1e-6, abs=1e-6 * scale)


@pytest.mark.parametrize("name", ["ts", *COUPLING_OF_VARIANT])
def test_no_net_force_and_no_net_torque(benzene, name):
    g = energy_and_gradient(name)[1](benzene)[1].positions
    assert np.abs(g.sum(0)).max() < 1e-13
    assert np.abs(np.cross(benzene.positions, g).sum(0)).max() < 1e-12


@pytest.mark.parametrize("name", ["ts", *COUPLING_OF_VARIANT])
def test_gradient_with_the_ratios_derivative(benzene, name):
    # ratios that follow the geometry in a known way: v_A = v0_A (1 + 0.05 tanh of the distance to atom 0)
    elements, v0 = ["C"] * 6 + ["H"] * 6, benzene.alpha / np.array([12.0] * 6 + [4.5] * 6)
    energy, gradient = energy_and_gradient(name)

    def ratios(x: np.ndarray) -> np.ndarray:
        return v0 * (1 + 0.05 * np.tanh(0.2 * ((x - x[0]) ** 2).sum(1) / 10))

    def oscillators(x: np.ndarray) -> Oscillators:
        return from_volume_ratios(x, elements, ratios(x))

    x = benzene.positions
    dv = np.zeros((12, 12, 3))
    argument = 0.02 * ((x - x[0]) ** 2).sum(1)
    slope = (v0 * 0.05 / np.cosh(argument) ** 2 * 0.04)[:, None] * (x - x[0])
    for a in range(12):
        dv[a, a] += slope[a]
        dv[a, 0] -= slope[a]
    o = oscillators(x)
    total = gradient(o)[1].with_ratios(o, ratios(x), dv)
    for i, c in [(0, 0), (3, 1), (9, 2)]:

        def at(h: float, i=i, c=c) -> float:
            moved = x.copy()
            moved[i, c] += h
            return energy(oscillators(moved))

        assert total[i, c] == pytest.approx(five_point(at, 2e-3), rel=1e-6, abs=1e-6 * np.abs(total).max())
