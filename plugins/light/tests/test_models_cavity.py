"""Emitters in a cavity against closed solutions, Braak's condition and laws."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

import qmbench
from qmbench_light.models.emitters import EmittersInCavity, Mode
from qmbench_light.models.space import matters


def run(level, system, *properties):
    """What the method itself gives, without store and child."""
    method = qmbench.single_level(level).make()
    return method.run(system, properties, qmbench.Resources()).properties


def energies(level, system):
    return np.array(list(run(level, system, "energies")["energies"].value.values()))


def rabi(delta, g, **more):
    """a†a + Δσ_z + g σ_x (a + a†)"""
    return EmittersInCavity(1, (Mode(1.0, g),), 2 * delta, **more)


@pytest.mark.parametrize("level", ["exact-cavity", "rotating-wave"])
@pytest.mark.parametrize("g", [0.05, 0.2])
def test_jaynes_cummings_energies(level, g):
    system = EmittersInCavity(1, (Mode(1.3, g),), 1.3, counter_rotating=False)
    closed = sorted([-0.65, *(1.3 * (n + 0.5) + s * g * math.sqrt(n + 1) for n in range(12) for s in (1, -1))])
    assert energies(f"{level}?states=14", system) == pytest.approx(closed[:14], abs=1e-10)


@pytest.mark.parametrize("n", [0, 3])
def test_jaynes_cummings_oscillates_between_emitter_and_field(n):
    times = np.linspace(0, 40, 81)
    system = EmittersInCavity(1, (Mode(1.0, 0.1, n),), 1.0, counter_rotating=False, excited=1, times=tuple(times))
    found = run("exact-cavity", system, "population", "photon_number_in_time")
    excited = np.cos(0.1 * math.sqrt(n + 1) * times) ** 2
    assert found["population"].value.values == pytest.approx(excited, abs=1e-7)
    assert found["photon_number_in_time"].value.values == pytest.approx(n + 1 - excited, abs=1e-7)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 40])
def test_tavis_cummings_splitting(n):
    system = EmittersInCavity(n, (Mode(1.0, 0.01),), 1.0)
    splitting = run("rotating-wave", system, "polariton_splitting")["polariton_splitting"].value
    assert splitting == pytest.approx(2 * 0.01 * math.sqrt(n), abs=1e-12)


def test_spins_by_total_spin_are_all_the_states():
    for n in (1, 2, 5, 8):
        found = list(matters(EmittersInCavity(n, (Mode(1.0, 0.1),), 1.0)))
        assert sum(m.copies * len(m.energies) for m in found) == 2**n


def test_total_spin_and_the_product_space_have_one_spectrum():
    # A third level far above that nothing couples to makes the same model in the full product space.
    modes = (Mode(1.0, 0.3), Mode(1.4, 0.2))
    spins = EmittersInCavity(3, modes, 0.8, diamagnetic=0.5)
    full = EmittersInCavity(3, modes, levels=(-0.4, 0.4, 50.0), moments=((1, 2, 1.0),), diamagnetic=0.5)
    found = run("exact-cavity?states=12&photons=12&tolerance=1e-7", spins, "energies")["energies"]
    every = sorted(e for key, e in found.value.items() for _ in range(found.degeneracies[key]))
    assert energies("exact-cavity?states=12&photons=12&tolerance=1e-7", full) == pytest.approx(every[:12], abs=1e-10)


@pytest.mark.parametrize("kappa", [0.0, 0.6])
def test_against_qutip_in_the_full_space(kappa):
    import qutip as qt

    n, cut, g = 3, 40, 0.25
    a = qt.tensor(qt.destroy(cut), *[qt.qeye(2)] * n)
    # In a large space the square of the position is right where the low states are.
    h = a.dag() * a + kappa * n / 0.9 * g**2 * (a + a.dag()) ** 2
    for k in range(n):
        spins = [qt.qeye(2)] * n
        spins[k] = qt.sigmaz()
        h += 0.45 * qt.tensor(qt.qeye(cut), *spins)
        spins[k] = qt.sigmax()
        h += g * qt.tensor(qt.qeye(cut), *spins) * (a + a.dag())
    expected = h.eigenenergies(eigvals=10)
    found = run("exact-cavity?states=10", EmittersInCavity(n, (Mode(1.0, g),), 0.9, diamagnetic=kappa), "energies")[
        "energies"
    ]
    every = sorted(e for key, e in found.value.items() for _ in range(found.degeneracies[key]))
    assert every[:10] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("level", ["exact-cavity", "braak"])
def test_rabi(level):
    juddian = energies(level, rabi(0.6, 0.4))
    assert np.sum(np.abs(juddian - (1 - 0.4**2)) < 1e-10) == 2
    other = energies(level, rabi(0.4, 0.7))[:3]
    assert other == pytest.approx([-0.70780506, -0.42704367, 0.37094976], abs=1e-8)


@pytest.mark.parametrize(("delta", "g"), [(0.6, 0.4), (0.4, 0.7), (0.45, 0.1), (0.5, 0.02), (0.7, 1.2)])
def test_braak_is_the_diagonalization(delta, g):
    assert energies("braak", rabi(delta, g)) == pytest.approx(energies("exact-cavity", rabi(delta, g)), abs=1e-10)


def test_without_emitters_gap_displaced_oscillators():
    # Δ → 0: E = n − g², twice each, whatever g (polaron transformation).
    found = energies("exact-cavity?states=6", rabi(1e-13, 0.9))
    assert found == pytest.approx(np.repeat(np.arange(3), 2) - 0.81, abs=1e-9)


def test_dicke_becomes_superradiant_at_the_critical_coupling():
    """The gap between the two lowest parities of N emitters closes at λ_c = √(ωω₀)/2, λ = g√N, as N grows.

    The coupling at which photons per emitter grow fastest, for N = 10, 20, 40; extrapolated in N^(-2/3), the finite-
    size exponent (Vidal, Dusuel, Europhys. Lett. 74, 817 (2006)).
    """
    omega, omega0 = 1.0, 0.64
    critical = math.sqrt(omega * omega0) / 2

    def photons(n, coupling):
        system = EmittersInCavity(n, (Mode(omega, coupling / math.sqrt(n)),), omega0)
        return run("exact-cavity?tolerance=1e-6", system, "photon_number")["photon_number"].value / n

    places = []
    sizes = (10, 20, 40)
    for n in sizes:
        grid = critical * np.linspace(0.9, 1.7, 17)
        slope = np.diff([photons(n, coupling) for coupling in grid], n=2)
        top = int(np.argmax(slope))
        curvature = np.polyfit(grid[top : top + 3], slope[top - 1 : top + 2], 2)
        places.append(-curvature[1] / (2 * curvature[0]))
    assert places[0] > places[1] > places[2] > critical
    limit = np.polyfit(np.array(sizes) ** (-2 / 3), places, 1)[1]
    assert limit == pytest.approx(critical, rel=0.02)


def test_the_sum_rule_forbids_superradiance():
    """With the diamagnetic term of the sum rule there is no transition: Rzążewski et al., PRL 35, 432 (1975)."""
    n, coupling = 40, 1.0
    there = EmittersInCavity(n, (Mode(1.0, coupling / math.sqrt(n)),), 1.0)
    gone = EmittersInCavity(n, (Mode(1.0, coupling / math.sqrt(n)),), 1.0, diamagnetic=1.0)
    found = [run("exact-cavity", s, "photon_number")["photon_number"].value / n for s in (there, gone)]
    assert found[0] > 0.5
    assert found[1] < 0.02


def test_the_diamagnetic_term_squeezes_the_mode():
    # Without a gap to speak of, ω² → ω² + 4ωD: the field of an emitter whose moment is so small that only D remains.
    gap, g, kappa = 1000.0, 0.5, 3000.0
    system = EmittersInCavity(1, (Mode(1.0, g),), gap, diamagnetic=kappa)
    d = kappa * g**2 / gap
    found = energies("exact-cavity?states=3", system)
    omega = math.sqrt(1 + 4 * d - 4 * g**2 / gap)
    assert found[1] - found[0] == pytest.approx(omega, rel=1e-5)


def test_a_cutoff_that_is_too_small_is_said():
    with pytest.raises(qmbench.NotConverged, match="more photons"):
        run("exact-cavity?photons=4", rabi(0.5, 1.5), "energies")


def test_entropy_and_photons_of_a_polaron():
    # Two displaced vacua ±α, α = g: (|+, −α> − |−, α>)/√2 at small Δ; overlap exp(−2g²); g² photons.
    g = 0.6
    found = run("exact-cavity", rabi(1e-4, g), "photon_number", "entanglement_entropy")
    s = math.exp(-2 * g**2)
    p = np.array([(1 + s) / 2, (1 - s) / 2])
    assert found["photon_number"].value == pytest.approx(g**2, abs=1e-3)
    assert found["entanglement_entropy"].value == pytest.approx(-np.sum(p * np.log(p)), abs=1e-3)


def test_ten_emitters_and_twenty_photons_take_less_than_two_seconds():
    system = EmittersInCavity(10, (Mode(1.0, 0.05),), 1.0)
    run("exact-cavity?photons=4&tolerance=1e-3", system, "energy")  # imports
    start = time.process_time()
    run("exact-cavity?photons=20", system, "energies", "photon_number", "polariton_splitting")
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"emitters": 0}, "emitters must be 1"),
        ({"modes": []}, "a mode at least"),
        ({"modes": [{"frequency": -1.0, "coupling": 0.1}]}, "modes 1: a mode: frequency must be positive"),
        ({"modes": [{"frequency": 1.0, "copling": 0.1}]}, "did you mean 'coupling'"),
        ({"levels": [0.0, 1.0]}, "either frequency"),
        ({"excited": 2}, "excited must be 0 to 1"),
        ({"times": [0.0, 0.0]}, "ascend"),
        ({"diamagnetic": -1.0}, "0 or positive"),
    ],
)
def test_wrong_systems_are_told(table, words):
    right = {"emitters": 1, "frequency": 1.0, "modes": [{"frequency": 1.0, "coupling": 0.1}]}
    with pytest.raises(qmbench.InputError, match=words):
        EmittersInCavity.from_table(right | table, "x.toml", "x", {})


def test_json_and_back():
    for system in EmittersInCavity.samples():
        for one in (system, *(other for _, other in system.variants())):
            assert EmittersInCavity.from_json(one.to_json()) == one
            assert EmittersInCavity.from_json(one.to_json()).hash == one.hash


def test_polaritons_that_are_not_two_are_refused():
    """A mode that nothing couples to is no polariton; far from resonance, or without coupling, there are none."""
    for level in ("exact-cavity", "rotating-wave"):
        for modes, why in (
            ((Mode(1.0, 0.1), Mode(1.0, 0.0)), "more than two polaritons"),
            ((Mode(1.0, 0.0),), "without coupling"),
            ((Mode(0.2, 1e-4),), "only one state absorbs"),
        ):
            with pytest.raises(qmbench.Unsupported, match=why):
                run(level, EmittersInCavity(1, modes, 1.0), "polariton_splitting")
    for modes, why in (
        ((Mode(1.0, 0.1), Mode(1.0, 0.0)), "more than two polaritons"),
        ((Mode(1.0, 0.0),), "without coupling"),
    ):
        with pytest.raises(qmbench.Unsupported, match=why):
            run("holstein-primakoff", EmittersInCavity(1, modes, 1.0), "polariton_splitting")
