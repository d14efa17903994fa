"""Second quantization: identities of the Bogoliubov transformation, and a Fock-space diagonalization."""

import numpy as np
import pytest

from qmbench import NotConverged
from qmbench_mbd import quanta
from qmbench_mbd.dipole import by_atom
from qmbench_mbd.models import coupled_energy, mbd_energy, potential_matrix
from qmbench_mbd.screening import screen
from qmbench_mbd.screening_equations import RangeSeparation


@pytest.fixture
def coupled(benzene_dimer):
    o = screen(benzene_dimer[2], RangeSeparation(0.83, 6.0)).oscillators
    return o, quanta.bogoliubov(o, 0.83)


def test_bosons_stay_bosons(coupled):
    _, b = coupled
    one = np.eye(len(b.omega))
    assert b.x @ b.x.T - b.y @ b.y.T == pytest.approx(one, abs=1e-13)
    assert b.x.T @ b.x - b.y.T @ b.y == pytest.approx(one, abs=1e-13)
    assert b.x @ b.y.T == pytest.approx(b.y @ b.x.T, abs=1e-14)


def test_spectrum_is_that_of_the_potential(coupled):
    o, b = coupled
    squared = np.linalg.eigvalsh(by_atom(potential_matrix(o, 0.83)))
    assert b.frequencies**2 == pytest.approx(squared, rel=1e-12)
    # the same from the quasi-boson matrix [[A, B], [-B, -A]], which has eigenvalues ±Ω
    a = np.diag(b.omega) + b.coupling
    full = np.block([[a, b.coupling], [-b.coupling, -a]])
    positive = np.sort(np.linalg.eigvals(full).real)[len(a) :]
    assert positive == pytest.approx(b.frequencies, rel=1e-9)


def test_energy_by_modes_atoms_and_pairs(coupled, benzene_dimer):
    _, b = coupled
    energy = mbd_energy(benzene_dimer[2], 0.83)
    assert b.energy == pytest.approx(energy, abs=1e-13)
    assert quanta.mode_energies(b).sum() == pytest.approx(energy, abs=1e-13)
    pairs = quanta.pair_energies(b)
    assert pairs.sum() == pytest.approx(energy, abs=1e-13)
    assert pairs == pytest.approx(pairs.T, abs=1e-16)
    assert np.abs(np.diag(pairs)).max() < 1e-16


def test_pair_energies_tend_to_london_s(benzene):
    far = benzene.positions * 12
    o = benzene.__class__(far, benzene.alpha, benzene.c6, benzene.radii)
    from qmbench_mbd.models import combined_c6

    pairs = quanta.pair_energies(quanta.bogoliubov(o, 1e-3))
    r = np.linalg.norm(far[:, None] - far[None, :], axis=-1)
    london = -0.5 * combined_c6(o.alpha, o.c6)[0, 5] / r[0, 5] ** 6
    assert pairs[0, 5] == pytest.approx(london, rel=2e-3)


def test_correlations_are_those_of_the_oscillator_ground_state(coupled):
    o, b = coupled
    v = by_atom(potential_matrix(o, 0.83))
    values, vectors = np.linalg.eigh(v)
    position = 0.5 * vectors / np.sqrt(values) @ vectors.T
    momentum = 0.5 * vectors * np.sqrt(values) @ vectors.T
    root = np.sqrt(b.omega)
    scaled_position = position * root[:, None] * root[None, :]
    scaled_momentum = momentum / (root[:, None] * root[None, :])
    one = np.eye(len(root))
    number, anomalous = b.y.T @ b.y, quanta.anomalous_correlation(b)
    assert number == pytest.approx(0.5 * (scaled_position + scaled_momentum - one), abs=1e-13)
    assert anomalous == pytest.approx(0.5 * (scaled_position - scaled_momentum), abs=1e-13)
    assert quanta.virtual_quanta(b).sum() == pytest.approx(np.trace(number), abs=1e-14)


def test_entropy_of_a_part_is_that_of_the_rest(coupled):
    _, b = coupled
    part = [0, 3, 7, 13]
    rest = [i for i in range(24) if i not in part]
    entropy = quanta.entanglement_entropy(b, part)
    assert entropy > 1e-3
    assert quanta.entanglement_entropy(b, rest) == pytest.approx(entropy, abs=1e-11)
    assert quanta.entanglement_entropy(b, range(24)) == pytest.approx(0.0, abs=1e-10)


def test_mode_weights_and_participation(coupled):
    _, b = coupled
    weights = quanta.mode_weights(b)
    assert weights.min() > -1e-14
    assert weights.sum(1) == pytest.approx(np.ones(72), abs=1e-13)
    assert weights.sum(0) == pytest.approx(np.full(24, 3.0), abs=1e-13)
    assert (quanta.participation(b) >= 1 - 1e-12).all()
    assert (quanta.participation(b) <= 24 + 1e-9).all()


def test_one_dimensional_pair_in_fock_space():
    omega, coupling, n = np.array([0.5, 0.8]), 0.11, 26
    potential = np.diag(omega**2)
    potential[0, 1] = potential[1, 0] = coupling
    b = quanta.from_potential(potential, omega, size=1)

    lower = np.diag(np.sqrt(np.arange(1, n)), 1)
    one = np.eye(n)
    a1, a2 = np.kron(lower, one), np.kron(one, lower)
    q1, q2 = (a1 + a1.T) / np.sqrt(2 * omega[0]), (a2 + a2.T) / np.sqrt(2 * omega[1])
    h = omega[0] * a1.T @ a1 + omega[1] * a2.T @ a2 + coupling * q1 @ q2
    values, vectors = np.linalg.eigh(h)
    ground = vectors[:, 0]
    assert b.energy == pytest.approx(values[0], abs=1e-12)
    assert np.sort(b.frequencies) == pytest.approx([values[1] - values[0], values[2] - values[0]], abs=1e-9)
    assert quanta.virtual_quanta(b) == pytest.approx(
        [ground @ a1.T @ a1 @ ground, ground @ a2.T @ a2 @ ground], abs=1e-11
    )
    assert quanta.anomalous_correlation(b)[0, 1] == pytest.approx(ground @ a1 @ a2 @ ground, abs=1e-11)
    assert (b.y.T @ b.y)[0, 1] == pytest.approx(ground @ a1.T @ a2 @ ground, abs=1e-11)
    schmidt = np.linalg.svd(ground.reshape(n, n), compute_uv=False) ** 2
    entropy = -np.sum(schmidt[schmidt > 1e-15] * np.log(schmidt[schmidt > 1e-15]))
    assert quanta.entanglement_entropy(b, [0]) == pytest.approx(entropy, abs=1e-10)
    # the pair amplitudes are the ratio of the |1 1> to the |0 0> component, and so on
    t = quanta.pair_amplitudes(b)
    tensor = ground.reshape(n, n)
    assert t[0, 1] == pytest.approx(tensor[1, 1] / tensor[0, 0], abs=1e-10)
    assert t[0, 0] == pytest.approx(np.sqrt(2) * tensor[2, 0] / tensor[0, 0], abs=1e-10)


def test_imaginary_mode_is_refused():
    with pytest.raises(NotConverged, match="imaginary"):
        quanta.from_potential(np.array([[0.25, 0.5], [0.5, 0.64]]), np.array([0.5, 0.8]), size=1)


def test_single_atom_has_no_dispersion(benzene):
    o = benzene.__class__(benzene.positions[:1], benzene.alpha[:1], benzene.c6[:1], benzene.radii[:1])
    assert coupled_energy(o, 0.83) == pytest.approx(0.0, abs=1e-15)
    assert quanta.bogoliubov(o, 0.83).energy == pytest.approx(0.0, abs=1e-30)
