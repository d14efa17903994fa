"""Emitters that vibrate (Holstein–Tavis–Cummings): exact limits, and the same written down by QuTiP."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import qmbench
from qmbench_light.models.emitters import EmittersInCavity, Mode, Vibration


def run(level, system, *properties):
    return qmbench.single_level(level).make().run(system, properties, qmbench.Resources())


def energies(level, system):
    return np.array(list(run(level, system, "energies").properties["energies"].value.values()))


def vibrating(n, coupling, *vibrations, **more):
    return EmittersInCavity(n, (Mode(1.0, coupling),), 0.9, vibrations=vibrations, **more)


def test_without_displacement_it_is_tavis_cummings_beside_free_oscillators():
    free = EmittersInCavity(2, (Mode(1.0, 0.2),), 0.9)
    found = run("exact-cavity?states=4", free, "energies").properties["energies"]
    every = sorted(e for key, e in found.value.items() for _ in range(found.degeneracies[key]))
    vibrational = [0.35 * (a + b) for a in range(6) for b in range(6)]
    expected = sorted(e + v for e in every for v in vibrational)[:6]
    system = vibrating(2, 0.2, Vibration(0.35, 0.0))
    assert energies("exact-cavity?states=6", system) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("s", [0.1, 1.0, 2.3])
def test_without_a_cavity_they_are_displaced_oscillators(s):
    """Lang and Firsov: E = ±ω₀/2 + ν n − S ν above, ±ω₀/2 + ν n below, and photons beside."""
    nu, high = 0.3, 0.45
    system = vibrating(1, 0.0, Vibration(nu, s))
    ladder = [-high + nu * n + m for n in range(12) for m in range(4)]
    ladder += [high - s * nu + nu * n + m for n in range(12) for m in range(4)]
    assert energies("exact-cavity?states=9", system) == pytest.approx(sorted(ladder)[:9], abs=1e-10)


def test_two_vibrations_of_an_emitter_displace_by_themselves():
    system = replace(vibrating(1, 0.0, Vibration(0.3, 0.5), Vibration(0.5, 0.8)), frequency=0.2)
    found = energies("exact-cavity?states=2", system)
    assert found == pytest.approx([0.1 - 0.5 * 0.3 - 0.8 * 0.5, 0.1 - 0.8 * 0.5 - 0.5 * 0.3 + 0.3], abs=1e-10)


@pytest.mark.parametrize("counter_rotating", [True, False])
def test_against_qutip(counter_rotating):
    import qutip as qt

    n, photons, phonons, g, nu, s = 2, 7, 9, 0.15, 0.4, 0.3
    sizes = [photons, *[2] * n, *[phonons] * n]

    def spread(operator, place):
        return qt.tensor(*[operator if k == place else qt.qeye(size) for k, size in enumerate(sizes)])

    a = spread(qt.destroy(photons), 0)
    h = a.dag() * a
    for k in range(n):
        # qt.basis(2, 0) is up, and sigmam lowers it.
        down, c = spread(qt.sigmam(), 1 + k), spread(qt.destroy(phonons), 1 + n + k)
        h += 0.45 * spread(qt.sigmaz(), 1 + k) + nu * c.dag() * c
        h += nu * math.sqrt(s) * (c + c.dag()) * down.dag() * down
        h += g * ((down + down.dag()) * (a + a.dag()) if counter_rotating else down.dag() * a + down * a.dag())
    expected = h.eigenenergies(eigvals=5, sparse=True)
    system = vibrating(n, g, Vibration(nu, s), counter_rotating=counter_rotating)
    level = "exact-cavity" if counter_rotating else "rotating-wave"
    options = "?states=5" + ("&tolerance=1e-7" if counter_rotating else "")
    assert energies(level + options, system) == pytest.approx(expected, abs=3e-6)


def test_dynamics_begin_at_the_geometry_of_the_ground_state():
    """Without a cavity nothing decays; with one, at early times P = 1 − (g t)² whatever the vibrations."""
    times = (0.0, 0.02, 0.04)
    for s in (0.0, 0.7):
        still = replace(vibrating(1, 0.0, Vibration(0.4, s)), excited=1, times=times)
        assert run("exact-cavity", still, "population").properties["population"].value.values == pytest.approx(
            np.ones(3), abs=1e-12
        )
        moving = replace(vibrating(1, 0.3, Vibration(0.4, s)), excited=1, times=times)
        found = run("exact-cavity", moving, "population").properties["population"].value.values
        assert 1 - found[1:] == pytest.approx((0.3 * np.array(times[1:])) ** 2, rel=2e-3)


def test_a_polariton_has_half_of_the_displacement():
    """One emitter with a slow vibration, resonant: half an excitation is half the displacement, −S ν/4 and not −S ν
    (Herrera, Spano, Phys. Rev. Lett. 116, 238301 (2016)), up to (ν √S/2)²/2g from the other polariton."""
    nu, s, g = 0.002, 0.5, 1.2  # so strong that the polariton is the ground state
    system = EmittersInCavity(1, (Mode(1.0, g),), 1.0, counter_rotating=False, vibrations=(Vibration(nu, s),))
    assert energies("rotating-wave?states=3", system)[0] == pytest.approx(0.5 - g - s * nu / 4, abs=4e-7)


def test_the_certificate_covers_both_cutoffs():
    strong = vibrating(1, 0.2, Vibration(0.3, 4.0))
    with pytest.raises(qmbench.NotConverged, match=r"from 3 to 6 phonons.*take more phonons"):
        run("exact-cavity?phonons=3", strong, "energy")
    with pytest.raises(qmbench.NotConverged, match=r"from 1 to 2 photons.*take more photons"):
        run("exact-cavity?photons=1", strong, "energy")
    settings = run("exact-cavity", strong, "energy").settings
    assert settings["phonons"] >= 32
    assert settings["largest_change_by_doubling"] <= 1e-10


def test_what_is_refused():
    system = vibrating(1, 0.2, Vibration(0.3, 0.4))
    for level in ("braak", "holstein-primakoff", "mean-field"):
        with pytest.raises(qmbench.Unsupported, match="emitters that vibrate"):
            run(level, system, "energy")
    with pytest.raises(qmbench.Unsupported, match="emitters that vibrate"):
        run("exact-cavity", system, "polariton_splitting")
    with pytest.raises(qmbench.Unsupported, match="the emitters have none"):
        run("exact-cavity?phonons=4", EmittersInCavity(1, (Mode(1.0, 0.1),), 1.0), "energy")
    with pytest.raises(qmbench.Unsupported, match="states at least, more than"):
        run("exact-cavity", vibrating(8, 0.2, Vibration(0.3, 0.4)), "energy")
    for table, words in (
        ({"frequency": 0.0, "huang_rhys": 0.1}, "frequency must be positive"),
        ({"frequency": 0.3, "huang_rhys": -0.1}, "huang_rhys must be 0 or positive"),
        ({"frequency": 0.3}, "missing huang_rhys"),
    ):
        right = {"emitters": 1, "frequency": 1.0, "modes": [{"frequency": 1.0, "coupling": 0.1}]}
        with pytest.raises(qmbench.InputError, match=words):
            EmittersInCavity.from_table(right | {"vibrations": [table]}, "x.toml", "x", {})


def test_levels_modes_and_vibrations_together():
    """Three levels, two modes: an upper level that nothing reaches changes nothing below it."""
    modes = (Mode(1.0, 0.2), Mode(1.4, 0.1))
    two = EmittersInCavity(1, modes, 0.9, vibrations=(Vibration(0.4, 0.2),))
    three = EmittersInCavity(
        1, modes, levels=(-0.45, 0.45, 60.0), moments=((1, 2, 1.0),), vibrations=(Vibration(0.4, 0.2),)
    )
    assert energies("exact-cavity?tolerance=1e-8", three) == pytest.approx(
        energies("exact-cavity?tolerance=1e-8", two), abs=1e-8
    )


def test_json_keeps_vibrations_and_no_vibrations_keep_the_hash():
    system = vibrating(2, 0.1, Vibration(0.3, 0.4))
    assert EmittersInCavity.from_json(system.to_json()) == system
    assert "vibrations" not in replace(system, vibrations=()).to_json()
    assert replace(system, vibrations=(Vibration(0.3, 0.5),)).hash != system.hash
