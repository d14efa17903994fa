"""Crystals: libMBD's numbers, folding, the large-cluster limit, forces and stress."""

import dataclasses

import numpy as np
import pytest

from qmbench import NotConverged
from qmbench_mbd.crystal import crystal_mbd_energy, crystal_mbd_gradient, crystal_ts_gradient
from qmbench_mbd.ewald import PeriodicOscillators
from qmbench_mbd.models import COUPLING_OF_VARIANT, combined_c6, mbd_energy, ts_energy
from qmbench_mbd.oscillators import Oscillators
from qmbench_mbd.parameters import LIBMBD_BOHR_IN_ANGSTROM, from_volume_ratios
from qmbench_mbd.quanta import bogoliubov, pair_energies


def five_point(f, h: float) -> float:
    return (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h)


def settings(variant: str) -> tuple[float, float]:
    return (1.0, 2.56) if variant == "scs" else (0.83, 6.0)


def crystal_ts_energy(c: PeriodicOscillators, s_r: float, **splitting: float) -> float:
    return crystal_ts_gradient(c, s_r, **splitting)[0]


def energy(c: PeriodicOscillators, variant: str) -> float:
    return crystal_ts_energy(c, 0.94) if variant == "ts" else crystal_mbd_energy(c, *settings(variant), variant)


# libMBD stops its sums where 1e-10 of the energy is left; ours go to rounding.
LIBMBD_CUTOFF = 5e-11


def test_libmbds_argon_crystal(argon_crystal):
    assert crystal_mbd_energy(argon_crystal, 0.83) == pytest.approx(-0.0021037562496878173, abs=LIBMBD_CUTOFF)


@pytest.mark.parametrize(("variant", "reference"), [("rsscs", -0.037040868610822564), ("scs", -0.03633331132194684)])
def test_libmbds_ethylcarbamate(ethylcarbamate, variant, reference):
    crystal, molecule = ethylcarbamate
    cohesion = energy(crystal, variant) - 2 * mbd_energy(molecule, *settings(variant), variant)
    assert cohesion == pytest.approx(reference, abs=LIBMBD_CUTOFF)


def test_libmbds_ethylcarbamate_ts(ethylcarbamate):
    crystal, molecule = ethylcarbamate
    cohesion = crystal_ts_energy(crystal, 0.83) - 2 * ts_energy(molecule, 0.83)
    assert cohesion == pytest.approx(-0.05218213230219945, abs=1e-13)


@pytest.mark.parametrize("variant", ["rsscs", "ts"])
def test_splitting_drops_out(argon_crystal, variant):
    def at(scale: float) -> float:
        if variant == "ts":
            return crystal_ts_energy(argon_crystal, 0.94, scale=scale)
        return crystal_mbd_energy(dataclasses.replace(argon_crystal, k_grid=(1, 2, 2)), 0.83, scale=scale)

    assert at(1.7) == pytest.approx(at(3.3), rel=1e-12)


@pytest.mark.parametrize("variant", ["plain", "ts"])
def test_supercell_with_fewer_k_points_is_the_same_crystal(argon_crystal, variant):
    small = dataclasses.replace(argon_crystal, k_grid=(1, 4, 2))
    o, shift = small.oscillators, small.lattice[1]
    double = Oscillators(
        np.concatenate([o.positions, o.positions + shift]), np.tile(o.alpha, 2), np.tile(o.c6, 2), np.tile(o.radii, 2)
    )
    large = PeriodicOscillators(double, small.lattice * np.array([[1.0], [2.0], [1.0]]), (1, 2, 2))
    assert energy(large, variant) == pytest.approx(2 * energy(small, variant), rel=1e-12)


def _fcc_argon() -> tuple[PeriodicOscillators, Oscillators]:
    """The crystal (a = 5.26 Å) and a ball of it around an atom, which comes first."""
    a = 5.26 / LIBMBD_BOHR_IN_ANGSTROM
    lattice = 0.5 * a * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    one = from_volume_ratios(np.zeros((1, 3)), ["Ar"], [1.0])
    grid = np.array([(i, j, k) for i in range(-9, 10) for j in range(-9, 10) for k in range(-9, 10)]) @ lattice
    r = np.linalg.norm(grid, axis=1)
    ball = grid[r < 2.76 * a]
    ball = ball[np.argsort(np.linalg.norm(ball, axis=1))]
    return PeriodicOscillators(one, lattice, (6, 6, 6)), from_volume_ratios(
        ball, ["Ar"] * len(ball), np.ones(len(ball))
    )


def test_large_cluster_limit():
    crystal, ball = _fcc_argon()
    # what lies outside the ball, seen from its centre, is a continuum of London attraction
    outer = 0.5 * 4 * np.pi / crystal.volume * combined_c6(ball.alpha[:1], ball.c6[:1])[0, 0] / 3
    radius = (3 * len(ball.alpha) * crystal.volume / (4 * np.pi)) ** (1 / 3)
    ts = ts_row(ball) - outer / radius**3
    assert ts == pytest.approx(crystal_ts_energy(crystal, 0.94), rel=2e-4)
    many_body = pair_energies(bogoliubov(ball, 0.83))[0].sum() - outer / radius**3
    assert many_body == pytest.approx(energy(crystal, "plain"), rel=2e-3)


def ts_row(o: Oscillators) -> float:
    """TS energy that belongs to the first atom: half of its pairs."""
    r = np.linalg.norm(o.positions[1:] - o.positions[0], axis=1)
    damping = 1 / (1 + np.exp(-20 * (r / (0.94 * (o.radii[1:] + o.radii[0])) - 1)))
    return float(-0.5 * np.sum(damping * combined_c6(o.alpha, o.c6)[0, 1:] / r**6))


@pytest.mark.parametrize("variant", ["ts", *COUPLING_OF_VARIANT])
def test_a_wide_lattice_is_a_molecule(benzene, variant):
    wide = PeriodicOscillators(benzene, 90.0 * np.eye(3), (1, 1, 1))
    alone = ts_energy(benzene, 0.94) if variant == "ts" else mbd_energy(benzene, *settings(variant), variant)
    assert energy(wide, variant) == pytest.approx(alone, rel=2e-4)


@pytest.mark.parametrize("variant", COUPLING_OF_VARIANT)
def test_forces_and_strain(argon_crystal, variant):
    rng = np.random.default_rng(3)
    c = dataclasses.replace(argon_crystal, k_grid=(1, 1, 2))
    o = c.oscillators
    e, g = crystal_mbd_gradient(c, *settings(variant), variant)
    assert e == pytest.approx(energy(c, variant), rel=1e-12)
    assert np.abs(g.positions.sum(0)).max() < 1e-13

    shift = rng.normal(size=(2, 3))

    def moved(h: float) -> float:
        positions = o.positions + h * shift
        return energy(dataclasses.replace(c, oscillators=dataclasses.replace(o, positions=positions)), variant)

    assert np.sum(g.positions * shift) == pytest.approx(five_point(moved, 4e-3), rel=1e-6)

    strain = rng.normal(size=(3, 3))
    strain = strain + strain.T
    assert np.sum(g.strain * strain) == pytest.approx(
        five_point(lambda h: energy(_strained(c, h * strain), variant), 4e-4), rel=1e-6
    )

    fields = {"alpha": np.array([1.0, -0.4]), "c6": np.array([0.7, 0.2]), "radii": np.array([0.3, -0.9])}

    def scaled(h: float) -> float:
        changed = {name: getattr(o, name) * (1 + h * direction) for name, direction in fields.items()}
        return energy(dataclasses.replace(c, oscillators=dataclasses.replace(o, **changed)), variant)

    total = sum(np.sum(getattr(g, name) * getattr(o, name) * direction) for name, direction in fields.items())
    assert total == pytest.approx(five_point(scaled, 1e-3), rel=1e-6)


def test_ts_forces_and_strain(argon_crystal):
    c, o = argon_crystal, argon_crystal.oscillators
    rng = np.random.default_rng(3)
    _, positions, by_strain = crystal_ts_gradient(c, 0.94)
    direction, strain = rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    strain = strain + strain.T

    def moved(h: float) -> float:
        return crystal_ts_energy(
            dataclasses.replace(c, oscillators=dataclasses.replace(o, positions=o.positions + h * direction)), 0.94
        )

    assert np.sum(positions * direction) == pytest.approx(five_point(moved, 1e-3), rel=1e-6)
    assert np.sum(by_strain * strain) == pytest.approx(
        five_point(lambda h: crystal_ts_energy(_strained(c, h * strain), 0.94), 2e-4), rel=1e-6
    )


def _strained(c: PeriodicOscillators, strain: np.ndarray) -> PeriodicOscillators:
    deform = np.eye(3) + strain
    o = dataclasses.replace(c.oscillators, positions=c.oscillators.positions @ deform.T)
    return PeriodicOscillators(o, c.lattice @ deform.T, c.k_grid)


def test_a_metal_is_refused_with_its_k_point():
    # bulk lithium with free-atom parameters, one of libMBD's failing tests
    a = 1.7385 / LIBMBD_BOHR_IN_ANGSTROM
    lattice = a * np.array([[-1.0, 1, 1], [1, -1, 1], [1, 1, -1]])
    lithium = PeriodicOscillators(from_volume_ratios(np.zeros((1, 3)), ["Li"], [1.0]), lattice, (4, 4, 4))
    with pytest.raises(NotConverged, match=r"at k = .*imaginary"):
        crystal_mbd_energy(lithium, 0.83)
