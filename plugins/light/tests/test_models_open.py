"""Open systems against closed solutions, published laws, and QuTiP by hand."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

import qmbench
from qmbench_light.models.baths import pade
from qmbench_light.models.generators import propagate, redfield, stationary, without_baths
from qmbench_light.models.open_system import Bath, Decay, OpenSystem, Piece


def run(level, system, *properties):
    return qmbench.single_level(level).make().run(system, properties, qmbench.Resources()).properties


def curve(level, system, prop):
    return run(level, system, prop)[prop].value.values


SPLITTING = Piece("sigma_z", 0.5)
DEPHASING = OpenSystem(
    2, (SPLITTING,), (1.0, 1.0), (0.0, 4.0, 8.0), (Bath("sigma_z", reorganization=0.05, cutoff=0.5, temperature=1.0),)
)
DIMER = OpenSystem(
    2,
    (Piece("sigma_z", 0.25), Piece("hop 1 2", 0.5)),
    (1.0, 0.0),
    tuple(np.linspace(0, 10, 21)),
    tuple(Bath(f"level {n}", reorganization=0.1, cutoff=0.5, temperature=1.0) for n in (1, 2)),
)


def damped(rate, width, detuning=0.0, times=tuple(np.linspace(0, 20, 41))):
    bath = Bath("sigma_minus", "lorentzian", rate=rate, width=width, centre=1.0 + detuning)
    return OpenSystem(2, (SPLITTING,), (1.0, 0.0), times, (bath,))


@pytest.mark.parametrize("terms", [4, 8, 20])
def test_pade_is_the_hyperbolic_cotangent(terms):
    xi, kappa = pade(terms)
    for x in (0.1, 1.0, 5.0):
        assert 2 / x + np.sum(4 * kappa * x / (x**2 + xi**2)) == pytest.approx(1 / math.tanh(x / 2), rel=1e-7)


def test_pure_dephasing_by_numerical_integration():
    """ln |ρ₀₁(t)/ρ₀₁(0)| = −(4/π) ∫ dω J coth(ω/2T) (1 − cos ωt)/ω²: Breuer, Petruccione, eq. 4.51."""
    from scipy.integrate import quad

    found = curve("exact-open", DEPHASING, "coherence")
    for t, value in zip((4.0, 8.0), found[1:], strict=True):

        def integrand(w, t=t):
            return 2 * 0.05 * 0.5 / (w**2 + 0.25) / w / math.tanh(w / 2) * (1 - math.cos(w * t))

        decay = sum(quad(integrand, a, b, limit=800)[0] for a, b in ((1e-10, 5), (5, 50), (50, 500)))
        assert value == pytest.approx(0.5 * math.exp(-4 / math.pi * decay), abs=1e-6)


@pytest.mark.parametrize(("level", "digits"), [("exact-open", 1e-7), ("heom", 1e-5)])
def test_pure_dephasing(level, digits):
    assert curve(level, DEPHASING, "coherence")[1:] == pytest.approx([0.0791288741, 0.0038744060], abs=digits)


@pytest.mark.parametrize(("rate", "width"), [(0.1, 2.0), (1.0, 0.2), (0.5, 1.0)])
def test_damped_jaynes_cummings(rate, width):
    """G(t) = exp(−λt/2) (cosh(dt/2) + (λ/d) sinh(dt/2)), d = √(λ² − 2γ₀λ): Breuer, Petruccione, eq. 10.51."""
    system = damped(rate, width)
    t = np.array(system.times)
    d = np.sqrt(width**2 - 2 * rate * width + 0j)
    ratio = width / d * np.sinh(d * t / 2) if abs(d) > 1e-9 else width * t / 2
    exact = np.abs(np.exp(-width * t / 2) * (np.cosh(d * t / 2) + ratio)) ** 2
    assert curve("exact-open", system, "population") == pytest.approx(exact, abs=1e-10)


def test_hierarchy_of_a_dimer_against_qutip_by_hand():
    import qutip
    from qutip.solver.heom import DrudeLorentzPadeBath, HEOMSolver

    start = time.process_time()
    found = curve("heom?tolerance=5e-5", DIMER, "population")
    assert time.process_time() - start < 60
    baths = []
    for n in (0, 1):
        q = qutip.basis(2, n).proj()
        baths.append(DrudeLorentzPadeBath(q, lam=0.1, gamma=0.5, T=1.0, Nk=2))
    h = 0.25 * qutip.sigmaz() + 0.5 * qutip.sigmax()
    solver = HEOMSolver(h, baths, max_depth=6, options={"progress_bar": "", "nsteps": 100000})
    states = solver.run(qutip.basis(2, 0).proj(), DIMER.times).states
    assert found == pytest.approx([s.full()[0, 0].real for s in states], abs=1e-4)


def test_hierarchy_that_is_too_short_is_said():
    strong = OpenSystem(
        2,
        (SPLITTING, Piece("sigma_x", 0.5)),
        (1.0, 0.0),
        (0.0, 5.0),
        (Bath("sigma_z", reorganization=1.0, cutoff=0.2, temperature=1.0),),
    )
    with pytest.raises(qmbench.NotConverged, match="two tiers more"):
        run("heom?depth=2", strong, "population")


def test_resonance_fluorescence():
    """ρ_ee = Ω²/(Γ² + 2Ω²) on resonance: Carmichael, Statistical Methods in Quantum Optics 1 (1999), eq. 2.132."""
    system = OpenSystem(2, (Piece("sigma_x", 0.4),), (0.0, 1.0), (), (), (Decay("sigma_minus", 0.5),))
    steady = run("lindblad", system, "steady_populations")["steady_populations"].value
    assert steady["1"] == pytest.approx(0.8**2 / (0.5**2 + 2 * 0.8**2), abs=1e-12)
    assert steady["1"] == pytest.approx(0.418300653595, abs=1e-12)


def test_photons_of_a_thermal_cavity():
    """n(t) = n₀ exp(−κt) + n̄ (1 − exp(−κt)): Breuer, Petruccione, eq. 3.321."""
    times = tuple(np.linspace(0, 6, 13))
    start = [0.0] * 40
    start[3] = 1.0
    system = OpenSystem(40, (Piece("number", 1.0),), tuple(start), times, (), (Decay("lowering", 0.7, occupation=0.6),))
    n = 3 * np.exp(-0.7 * np.array(times)) + 0.6 * (1 - np.exp(-0.7 * np.array(times)))
    for level in ("lindblad", "exact-open"):
        assert curve(level, system, "photon_number_in_time") == pytest.approx(n, abs=1e-7)


def test_stationary_states_are_states():
    generator = np.random.default_rng(2)
    for _ in range(200):
        levels = int(generator.integers(2, 6))

        def matrix(n=levels):
            return generator.standard_normal((n, n)), generator.standard_normal((n, n))

        real, imaginary = matrix()
        h = Piece(real + real.T, 0.5, "h", imaginary - imaginary.T)
        losses = []
        for _ in range(int(generator.integers(1, 4))):
            real, imaginary = matrix()
            losses.append(Decay(real, float(generator.uniform(0.1, 2)), float(generator.uniform(0, 2)), imaginary))
        start = [1.0] + [0.0] * (levels - 1)
        system = OpenSystem(levels, (h,), start, (), (), tuple(losses))
        liouvillian = without_baths(system)
        rho = stationary(liouvillian, levels)
        assert abs(np.trace(rho) - 1) < 1e-12
        assert np.linalg.eigvalsh(rho)[0] > -1e-12
        assert np.abs(liouvillian @ rho.ravel()).max() < 1e-11
        populations = run("lindblad", system, "steady_populations")["steady_populations"].value
        assert sum(populations.values()) == pytest.approx(1, abs=1e-12)


def test_several_stationary_states_are_said():
    with pytest.raises(qmbench.NotConverged, match="more than one"):
        run("lindblad", OpenSystem(2, (SPLITTING,), (1.0, 0.0), (), (), (Decay("sigma_z", 0.1),)), "steady_populations")


def test_secular_equation_thermalizes():
    """Davies's generator has Gibbs's state of the bare Hamiltonian, whatever the coupling (detailed balance)."""
    bath = Bath("sigma_x", reorganization=0.05, cutoff=0.7, temperature=0.4)
    system = OpenSystem(2, (SPLITTING, Piece("sigma_x", 0.1)), (1.0, 0.0), (), (bath,))
    energies, vectors = np.linalg.eigh(system.hamiltonian_matrix)
    weights = np.exp(-energies / 0.4)
    gibbs = np.abs(vectors) ** 2 @ (weights / weights.sum())
    steady = run("lindblad", system, "steady_populations")["steady_populations"].value
    assert list(steady.values()) == pytest.approx(gibbs, abs=1e-9)


def test_redfield_against_qutip_by_hand():
    """Rates of QuTiP's Bloch–Redfield equation, which leaves the Lamb shift out: populations of the eigenstates."""
    import qutip

    bath = Bath("sigma_x", reorganization=0.02, cutoff=0.8, temperature=1.5)
    system = OpenSystem(2, (SPLITTING,), (1.0, 0.0), tuple(np.linspace(0, 20, 11)), (bath,))

    def power(w):
        if abs(w) < 1e-12:
            return 4 * 0.02 / 0.8 * 1.5
        return 2 * 2 * 0.02 * 0.8 * w / (w * w + 0.64) / (1 - math.exp(-w / 1.5))

    result = qutip.brmesolve(
        0.5 * qutip.sigmaz(),
        qutip.basis(2, 0),
        system.times,
        [[qutip.sigmax(), power]],
        sec_cutoff=0.1,
        e_ops=[qutip.basis(2, 0).proj()],
        options={"progress_bar": "", "rtol": 1e-9, "atol": 1e-11},
    )
    assert curve("lindblad", system, "population") == pytest.approx(result.expect[0], abs=1e-6)
    assert curve("redfield", system, "population") == pytest.approx(result.expect[0], abs=1e-6)


THREE = OpenSystem(
    3,
    (Piece([[0.0, 0.2, 0.1], [0.2, 0.5, -0.3], [0.1, -0.3, 1.3]], 1.0, "h"),),
    (1.0, 0.0, 0.0),
    tuple(np.linspace(0, 20, 11)),
    (
        Bath("hop 1 2", reorganization=0.02, cutoff=0.8, temperature=1.5),
        Bath([[0, 0, 1], [0, 0.5, 0], [1, 0, 0]], "lorentzian", rate=0.05, width=0.7, centre=1.1),
    ),
    (Decay("jump 3 1", 0.03),),
)


@pytest.mark.parametrize("system", [DIMER, THREE], ids=["dimer", "three levels"])
def test_bloch_redfield_of_qutip_is_redfield_without_its_shifts(system, monkeypatch):
    """The same equation in two programs, as soon as the imaginary part of the half transforms is left out of ours."""
    from qmbench_light.models import generators

    half = generators._half_transform
    theirs = generators.bloch_redfield(system, False), generators.bloch_redfield(system, True)
    assert np.abs(theirs[0] - generators.redfield(system)).max() > 1e-3  # the shifts
    monkeypatch.setattr(generators, "_half_transform", lambda coupling, gaps: half(coupling, gaps).real)
    assert theirs[0] == pytest.approx(generators.redfield(system), abs=1e-10)
    assert theirs[1] == pytest.approx(generators.secular(system), abs=1e-10)
    assert np.abs(theirs[0] - theirs[1]).max() > 1e-3


def test_redfield_is_the_same_in_every_basis_and_qutips_is_not():
    """A unitary change of the basis changes the generator by itself alone. QuTiP's, not secular, is not so, and what it
    would be wrong about is refused."""
    from qmbench_light.models import generators

    real, imaginary = np.random.default_rng(1).standard_normal((2, 3, 3))
    u, _ = np.linalg.qr(real + 1j * imaginary)

    def turned(piece):
        matrix = u @ THREE.operator(piece) @ u.conj().T
        return replace(piece, operator=matrix.real, imaginary=matrix.imag)

    after = replace(
        THREE,
        hamiltonian=tuple(map(turned, THREE.hamiltonian)),
        baths=tuple(map(turned, THREE.baths)),
        decays=tuple(map(turned, THREE.decays)),
    )
    both = np.kron(u, u.conj())

    def apart(make):
        return np.abs(both @ make(THREE) @ both.conj().T - make(after)).max()

    assert apart(generators.redfield) < 1e-12
    assert apart(generators.secular) < 1e-12
    assert apart(lambda system: generators.bloch_redfield(system, True)) < 1e-12
    with pytest.raises(qmbench.Unsupported, match="real matrices"):
        run("bloch-redfield", after, "population")
    run("bloch-redfield?secular=true", after, "population")
    # When this fails QuTiP has mended it, and nothing need be refused.
    assert apart(lambda system: generators.bloch_redfield(system, False)) > 1e-2


def test_bloch_redfield_as_a_level():
    import qutip

    def power(w):
        return 4 * 0.1 / 0.5 if abs(w) < 1e-12 else 4 * 0.1 * 0.5 * w / (w * w + 0.25) / (1 - math.exp(-w))

    result = qutip.brmesolve(
        0.25 * qutip.sigmaz() + 0.5 * qutip.sigmax(),
        qutip.basis(2, 0),
        DIMER.times,
        [[qutip.basis(2, n).proj(), power] for n in (0, 1)],
        sec_cutoff=-1,
        e_ops=[qutip.basis(2, 0).proj()],
        options={"progress_bar": "", "rtol": 1e-9, "atol": 1e-11},
    )
    assert curve("bloch-redfield", DIMER, "population") == pytest.approx(result.expect[0], abs=1e-6)
    steady = run("bloch-redfield?secular=true", DIMER, "steady_populations")["steady_populations"].value
    energies, vectors = np.linalg.eigh(DIMER.hamiltonian_matrix)
    weights = np.exp(-energies)
    assert list(steady.values()) == pytest.approx(np.abs(vectors) ** 2 @ (weights / weights.sum()), abs=1e-9)
    lossy = OpenSystem(2, (SPLITTING,), (1.0, 0.0), (0.0, 1.0), damped(0.1, 1.0).baths)
    with pytest.raises(qmbench.Unsupported, match="Hermitian"):
        run("bloch-redfield", lossy, "population")


def test_all_agree_where_coupling_is_weak_and_memory_short():
    bath = Bath("sigma_x", reorganization=2e-4, cutoff=5.0, temperature=20.0)
    system = OpenSystem(2, (SPLITTING,), (1.0, 0.0), (0.0, 10.0, 20.0), (bath,))
    markov = curve("lindblad", system, "population")
    assert markov[-1] < 0.98
    assert curve("redfield", system, "population") == pytest.approx(markov, abs=1e-4)
    assert curve("heom?depth=2", system, "population") == pytest.approx(markov, abs=1e-3)


def test_redfield_keeps_the_trace():
    for system in OpenSystem.samples()[:2]:
        states = propagate(redfield(system), system.state, (0.0, 1.0, 30.0))
        assert np.trace(states, axis1=1, axis2=2) == pytest.approx(np.ones(3), abs=1e-12)
        assert states == pytest.approx(states.conj().transpose(0, 2, 1), abs=1e-12)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"hamiltonian": [{"operator": "sigma_q"}]}, "there is no operator 'sigma_q'"),
        ({"hamiltonian": [{"operator": "sigma_plus"}]}, "must be Hermitian"),
        ({"baths": [{"operator": "sigma_z", "reorganization": 0.1, "cutoff": 1.0}]}, "temperature must be positive"),
        ({"baths": [{"operator": "sigma_z", "density": "ohm"}]}, "no density 'ohm'"),
        (
            {"baths": [{"operator": "sigma_minus", "density": "lorentzian", "rate": 1, "width": 1, "cutoff": 2}]},
            "has no cutoff",
        ),
        ({"initial": [1.0]}, "2 amplitudes"),
        ({"observed": [1, 1]}, "two levels"),
        ({"decays": [{"operator": "jump 1 3", "rate": 1.0}]}, "from 1 to 2"),
        ({"times": {"to": 1.0, "points": 1}}, "2 to"),
    ],
)
def test_wrong_systems_are_told(table, words):
    right = {"levels": 2, "initial": [1.0, 0.0], "hamiltonian": [{"operator": "sigma_z"}]}
    with pytest.raises(qmbench.InputError, match=words):
        OpenSystem.from_table(right | table, "x.toml", "x", {})


def test_json_and_back():
    for system in OpenSystem.samples():
        for one in (system, *(other for _, other in system.variants())):
            assert OpenSystem.from_json(one.to_json()).hash == one.hash
            assert OpenSystem.from_json(one.to_json()) == one
