"""Reductions with memory, and emitters as bosons or classical spins, against what they are limits of."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import qmbench
from qmbench_light.models.emitters import EmittersInCavity, Mode
from qmbench_light.models.generators import redfield
from qmbench_light.models.open_system import Bath, Decay, OpenSystem, Piece
from qmbench_light.models.projection import time_local_generator


def run(level, system, *properties):
    return qmbench.single_level(level).make().run(system, properties, qmbench.Resources()).properties


def curve(level, system, prop):
    return run(level, system, prop)[prop].value.values


SPLITTING = Piece("sigma_z", 0.5)
TIMES = tuple(np.linspace(0, 8, 17))


def spin_boson(reorganization, times=TIMES, tunnelling=0.3):
    bath = Bath("sigma_z", reorganization=reorganization, cutoff=0.8, temperature=1.5)
    return OpenSystem(2, (SPLITTING, Piece("sigma_x", tunnelling)), (1.0, 0.0), times, (bath,))


def damped(rate, times=TIMES, width=1.0):
    return OpenSystem(
        2, (SPLITTING,), (1.0, 0.0), times, (Bath("sigma_minus", "lorentzian", rate=rate, width=width, centre=1.0),)
    )


def test_second_order_becomes_redfield():
    """At long times the time-local generator of second order is Redfield's, Lamb shift and all."""
    for system in (spin_boson(0.05), damped(0.3)):
        late = time_local_generator(system, 2, 8, np.array([0.0, 30.0]))[-1]
        assert late == pytest.approx(redfield(system), abs=1e-7)  # eight Padé terms of 24


@pytest.mark.parametrize("form", ["convolution", "convolutionless"])
def test_second_order_is_the_redfield_level_in_the_limit_of_van_hove(form):
    """Coupling² → 0 with time times coupling² fixed: memory is short then, and populations become `redfield`'s."""

    def apart(scale):
        times = tuple(t / scale for t in (0.5, 1.0, 2.0))
        system = spin_boson(0.05 * scale, times=(0.0, *times))
        level = f"nakajima-zwanzig?form={form}"
        return np.abs(curve(level, system, "population") - curve("redfield", system, "population")).max()

    errors = [apart(scale) for scale in (0.4, 0.2, 0.1)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[0] / errors[2] == pytest.approx(4.0, rel=0.5)  # first order in the coupling²


@pytest.mark.parametrize("form", ["convolution", "convolutionless"])
@pytest.mark.parametrize(("order", "power"), [(2, 2), (4, 3)])
def test_the_error_is_of_the_next_order(form, order, power):
    """Half the coupling's square: a quarter of the error to second order, an eighth of it to fourth."""

    def error(rate):
        system = damped(rate)
        level = f"nakajima-zwanzig?order={order}&form={form}"
        return np.abs(curve(level, system, "population") - curve("exact-open", system, "population")).max()

    ratio = error(0.04) / error(0.02)
    assert math.log2(ratio) == pytest.approx(power, abs=0.25)


@pytest.mark.parametrize("form", ["convolution", "convolutionless"])
def test_fourth_order_of_a_spin_boson_against_the_hierarchy(form):
    from qmbench_light.models.hierarchy import evolve

    def error(order, reorganization):
        system = spin_boson(reorganization, times=(0.0, 2.0, 4.0))
        level = f"nakajima-zwanzig?order={order}&form={form}"
        exact = evolve(system, 6, 4)[:, 0, 0].real  # the Padé terms of the reduction
        return np.abs(curve(level, system, "population") - exact).max()

    assert error(4, 0.005) < 0.25 * error(2, 0.005)
    assert math.log2(error(2, 0.01) / error(2, 0.005)) == pytest.approx(2, abs=0.25)
    assert math.log2(error(4, 0.01) / error(4, 0.005)) == pytest.approx(3, abs=0.25)


def test_pure_dephasing_is_second_order_without_convolution():
    """All cumulants beyond the second vanish for a Gaussian bath and a diagonal coupling."""
    bath = Bath("sigma_z", reorganization=0.05, cutoff=0.5, temperature=1.0)
    system = OpenSystem(2, (SPLITTING,), (1.0, 1.0), (0.0, 4.0, 8.0), (bath,))
    for order in (2, 4):
        found = curve(f"nakajima-zwanzig?order={order}&form=convolutionless", system, "coherence")
        assert found == pytest.approx(curve("exact-open", system, "coherence"), abs=5e-6)


def test_kernel_of_second_order_is_the_correlation_function():
    """Without a Hamiltonian K(t) = −C(t) [σ_z, [σ_z, ·]] of a real C: norm 4√2 |Re C(t)|."""
    bath = Bath("sigma_z", reorganization=0.05, cutoff=0.5, temperature=30.0)
    system = OpenSystem(2, (Piece("sigma_z", 0.0),), (1.0, 1.0), (0.5, 1.0, 3.0), (bath,))
    t = np.array(system.times)
    classical = 2 * 0.05 * 30.0 * np.exp(-0.5 * t)  # high temperature: C = 2λT exp(−γt)
    assert curve("nakajima-zwanzig", system, "memory_kernel") == pytest.approx(4 * math.sqrt(2) * classical, rel=2e-3)


@pytest.mark.parametrize(("rate", "width", "centre"), [(0.3, 1.0, 1.0), (2.0, 0.2, 1.3)])
def test_pseudomode_is_exact(rate, width, centre):
    bath = Bath("sigma_minus", "lorentzian", rate=rate, width=width, centre=centre)
    system = OpenSystem(2, (SPLITTING,), (1.0, 0.6), TIMES, (bath,))
    for prop in ("population", "coherence"):
        assert curve("pseudomode", system, prop) == pytest.approx(curve("exact-open", system, prop), abs=1e-6)


def test_pseudomode_and_hierarchy_agree_with_counter_rotating_terms():
    bath = Bath("sigma_x", "lorentzian", rate=0.1, width=0.5, centre=1.0)
    system = OpenSystem(2, (SPLITTING,), (1.0, 0.0), (0.0, 2.0, 5.0), (bath,))
    exact = curve("pseudomode", system, "population")
    assert curve("heom?tolerance=1e-5", system, "population") == pytest.approx(exact, abs=2e-5)


def test_transfer_tensors_propagate_beyond_their_data():
    times = tuple(np.linspace(0, 24, 97))
    for system in (damped(0.3, times), spin_boson(0.02, times)):
        found = run("memory-kernel", system, "population", "memory_kernel")
        exact = curve("pseudomode" if system.baths[0].density == "lorentzian" else "heom", system, "population")
        assert found["population"].value.values == pytest.approx(exact, abs=2e-4)


def test_memory_kernel_of_transfer_tensors_is_that_of_nakajima_and_zwanzig():
    """As h → 0 and the coupling does: K(t) of second order at t = nh, up to h."""
    times = tuple(np.linspace(0, 8, 401))
    system = damped(0.01, times)
    tensors = run("memory-kernel?memory=4&tolerance=0.05", system, "memory_kernel")["memory_kernel"].value
    second = run("nakajima-zwanzig", system, "memory_kernel")["memory_kernel"].value
    for t in (0.5, 1.0, 2.0):
        assert tensors.at(t) == pytest.approx(second.at(t), rel=0.05)


def test_memory_that_is_too_short_is_said():
    with pytest.raises(qmbench.NotConverged, match="longer memory"):
        run("memory-kernel?memory=0.5", damped(2.0, tuple(np.linspace(0, 20, 81)), width=0.1), "population")


def test_losses_come_beside_baths():
    """A loss and a bath that act alike: rates add where there is no memory."""
    system = damped(0.001, (0.0, 20.0, 100.0), width=40.0)
    both = replace(system, decays=(Decay("sigma_minus", 0.01),))
    for level in ("lindblad", "redfield", "pseudomode", "nakajima-zwanzig"):
        assert curve(level, both, "population") == pytest.approx(np.exp(-0.011 * np.array(both.times)), abs=2e-5)


def test_bosons_are_many_emitters():
    """At fixed g√N = 0.2 energies approach those of the bosons as 1/N."""
    errors = []
    for n in (10, 20, 40):
        system = EmittersInCavity(n, (Mode(1.0, 0.2 / math.sqrt(n)),), 0.9)
        exact = run("exact-cavity", system, "energy", "polariton_splitting", "photon_number")
        boson = run("holstein-primakoff", system, "energy", "polariton_splitting", "photon_number")
        errors.append([abs(exact[name].value - boson[name].value) for name in sorted(exact)])
    first, second, third = np.array(errors)
    assert first / second == pytest.approx(np.full(3, 2.0), rel=0.15)
    assert second / third == pytest.approx(np.full(3, 2.0), rel=0.15)


@pytest.mark.parametrize("coupling", [0.4, 1.0])
def test_bosons_of_the_dicke_model(coupling):
    """ε±, Emary, Brandes, Phys. Rev. E 67, 066203 (2003), eqs. 15 and 31; critical coupling √(ωω₀)/2."""
    omega, omega0, n = 1.0, 1.2, 50
    system = EmittersInCavity(n, (Mode(omega, coupling / math.sqrt(n)),), omega0)
    critical = math.sqrt(omega * omega0) / 2
    mu = min(1.0, (critical / coupling) ** 2)
    # Below it the second term of the root is 16λ²ωω₀, above it 4ω²ω₀²; at it they are one.
    mixing = 16 * coupling**2 * omega * omega0 if mu == 1 else 4 * omega**2 * omega0**2
    root = math.sqrt(((omega0 / mu) ** 2 - omega**2) ** 2 + mixing)
    total = (omega0 / mu) ** 2 + omega**2
    upper, lower = math.sqrt((total + root) / 2), math.sqrt((total - root) / 2)
    found = run("holstein-primakoff", system, "energies", "polariton_splitting")
    assert found["polariton_splitting"].value == pytest.approx(upper - lower, rel=1e-10)
    energies = list(found["energies"].value.values())
    twice = 2 if mu < 1 else 1  # above the critical coupling for either sign of the displacement
    assert energies[:twice] == pytest.approx([energies[0]] * twice, abs=0)
    assert energies[twice] - energies[0] == pytest.approx(lower, rel=1e-9)


def test_at_the_critical_coupling_only_the_lowest_state_is_one():
    system = EmittersInCavity(4, (Mode(1.0, 0.25),), 1.0)
    assert run("holstein-primakoff", system, "energy")["energy"].value < -2.0
    with pytest.raises(qmbench.Unsupported, match="no state but the lowest is discrete"):
        run("holstein-primakoff", system, "energies")


def test_superradiant_phase_of_many_emitters():
    n = 60
    system = EmittersInCavity(n, (Mode(1.0, 0.8 / math.sqrt(n)),), 1.0)
    exact = run("exact-cavity?tolerance=1e-6", system, "energy", "photon_number")
    boson = run("holstein-primakoff", system, "energy", "photon_number")
    mean = run("mean-field", system, "energy", "photon_number")
    assert boson["energy"].value == pytest.approx(exact["energy"].value, abs=0.01)
    assert boson["photon_number"].value == pytest.approx(exact["photon_number"].value, rel=0.01)
    assert mean["energy"].value > exact["energy"].value
    assert mean["energy"].value == pytest.approx(exact["energy"].value, rel=0.01)


def test_mean_field_conserves_energy_and_vacuum_does_not_decay():
    times = tuple(np.linspace(0, 30, 31))
    system = EmittersInCavity(5, (Mode(1.0, 0.1),), 1.0, excited=5, times=times)
    assert curve("mean-field", system, "population") == pytest.approx(np.ones(31), abs=1e-12)
    assert curve("exact-cavity", system, "population").min() < 0.5


def test_mean_field_oscillates_as_rabi_said():
    # A strong resonant field and one spin, rotating wave: cos²(g√n t) while the field is hardly changed.
    n, g = 2000, 0.001
    times = tuple(np.linspace(0, 60, 31))
    system = EmittersInCavity(1, (Mode(1.0, g, n),), 1.0, counter_rotating=False, excited=1, times=times)
    found = run("mean-field", system, "population", "photon_number_in_time")
    assert found["population"].value.values == pytest.approx(np.cos(g * math.sqrt(n) * np.array(times)) ** 2, abs=2e-3)
    total = found["population"].value.values + found["photon_number_in_time"].value.values
    assert total == pytest.approx(np.full(31, n + 1.0), rel=1e-9)


@pytest.mark.parametrize("kappa", [0.0, 0.3])
def test_mean_field_energy_is_the_least_of_product_states(kappa):
    from scipy.optimize import minimize

    n, g, omega0 = 8, 0.3, 0.9
    system = EmittersInCavity(n, (Mode(1.0, g),), omega0, diamagnetic=kappa)
    d = kappa * n / omega0

    def energy(x):  # field of <a + a†> = x[0], spins turned by x[1]; a² of a coherent state adds the vacuum's part
        field = x[0] ** 2 / 4 + d * g**2 * x[0] ** 2
        return field - n * omega0 / 2 * math.cos(x[1]) + g * n * math.sin(x[1]) * x[0]

    best = min(minimize(energy, [1.0, s], tol=1e-12).fun for s in (-0.1, -1.0, 0.5))
    assert run("mean-field", system, "energy")["energy"].value == pytest.approx(best, abs=1e-7)


@pytest.mark.parametrize("counter_rotating", [True, False])
def test_maxwell_bloch_from_the_gradient_of_the_energy(counter_rotating):
    """i dα/dt = ∂H/∂α*, dS/dt = ∂H/∂S × S, with derivatives of the classical energy by differences."""
    from scipy.integrate import solve_ivp

    n, g, omega0, kappa = 4, 0.3, 0.9, 0.4
    d = kappa * n / omega0 * g**2
    times = (0.0, 1.0, 3.0)
    system = EmittersInCavity(
        n, (Mode(1.0, g, 2),), omega0, excited=1, times=times, diamagnetic=kappa, counter_rotating=counter_rotating
    )

    def energy(y):
        x, p, sx, sy, sz = y  # α = (x + ip)/√2
        exchange = 4 * sx * x / math.sqrt(2) if counter_rotating else 2 * (sx * x - sy * p) / math.sqrt(2)
        square = 2 * x * x if counter_rotating else x * x + p * p
        return (x * x + p * p) / 2 + omega0 * sz + g * exchange + d * square

    def slope(_, y):
        steps = 1e-5 * np.eye(5)
        gradient = np.array([(energy(y + h) - energy(y - h)) / 2e-5 for h in steps])
        return np.array([gradient[1], -gradient[0], *np.cross(gradient[2:], y[2:])])

    start = [math.sqrt(2 * 2), 0.0, 0.0, 0.0, 1 - n / 2]
    path = solve_ivp(slope, (0.0, 3.0), start, "DOP853", times, rtol=1e-10, atol=1e-12).y
    found = run("mean-field", system, "population", "photon_number_in_time")
    assert found["population"].value.values == pytest.approx(path[4] / n + 0.5, abs=1e-7)
    assert found["photon_number_in_time"].value.values == pytest.approx((path[0] ** 2 + path[1] ** 2) / 2, abs=1e-6)
