"""The stochastic solver and the sparse screening against the dense ones."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from qmbench import InputError, NotConverged
from qmbench_mbd.dipole import pairs
from qmbench_mbd.large import control_variates, dipole_product, screen_sparse, stochastic_energy
from qmbench_mbd.models import coupled_energy, potential_matrix
from qmbench_mbd.oscillators import Oscillators
from qmbench_mbd.parameters import from_volume_ratios
from qmbench_mbd.screening import screen
from qmbench_mbd.screening_equations import RangeSeparation


def cloud(n: int, seed: int = 0) -> Oscillators:
    """A disordered solid of C, H, N and O."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(n ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)[:n] * 5.2
    elements = ["CHNO"[i] for i in rng.integers(0, 4, n)]
    return from_volume_ratios(grid + rng.uniform(-0.6, 0.6, grid.shape), elements, rng.uniform(0.6, 0.95, n))


def test_dipole_product():
    o = cloud(300)
    v = np.random.default_rng(2).normal(size=(3, 300, 4))
    matrix = potential_matrix(o, 0.83)
    matrix[np.diag_indices(900)] -= np.tile(o.omega**2, 3)
    exact = (matrix @ v.reshape(900, 4)).reshape(3, 300, 4)
    assert dipole_product(o, 0.83, 6.0, v) == pytest.approx(exact, abs=1e-12 * np.abs(exact).max())


def test_control_variates_have_no_mean_and_the_right_values():
    o = cloud(40)
    n = 120
    w = potential_matrix(o, 0.83)
    omega = np.tile(o.omega, 3)
    w[np.diag_indices(n)] -= omega**2
    m = 0.5 * w / (omega[:, None] + omega[None, :])
    second = -m @ m / np.sqrt(omega[:, None] * omega[None, :])
    z = np.random.default_rng(3).integers(0, 2, (3, 40, 5)) * 2.0 - 1
    flat = z.reshape(n, 5)
    first_found, second_found = control_variates(o, 0.83, 6.0, z)
    assert np.trace(m) == pytest.approx(0, abs=1e-15)
    assert first_found == pytest.approx(np.einsum("ip,ij,jp->p", flat, m, flat), abs=1e-13)
    expected = np.einsum("ij,ip,jp->p", -m @ m, flat / np.sqrt(omega)[:, None], flat / np.sqrt(omega)[:, None])
    assert second_found == pytest.approx(expected - np.trace(second), abs=1e-13)


def test_stochastic_energy_within_its_error():
    o = screen(cloud(200), RangeSeparation(0.83, 6.0)).oscillators
    exact = coupled_energy(o, 0.83)
    deviations = []
    for seed in range(20):
        found = stochastic_energy(o, 0.83, probes=24, seed=seed)
        deviations.append((found.energy - exact) / found.error)
    deviations = np.array(deviations)
    # 20 deviates of about unit variance: mean within 4/√20, mean square within a factor that 1e-5 exceeds
    assert abs(deviations.mean()) < 0.9
    assert 0.3 < np.mean(deviations**2) < 2.6


def test_control_variates_remove_nearly_all_noise():
    o = screen(cloud(200), RangeSeparation(0.83, 6.0)).oscillators
    found = stochastic_energy(o, 0.83, probes=32, seed=1)
    assert found.error < 0.01 * found.uncontrolled_error
    assert found.error < 0.005 * abs(found.energy)


def test_same_seed_same_number():
    o = cloud(60)
    assert stochastic_energy(o, 0.83, probes=4, seed=9) == stochastic_energy(o, 0.83, probes=4, seed=9)
    assert stochastic_energy(o, 0.83, probes=4, seed=9) != stochastic_energy(o, 0.83, probes=4, seed=8)


def test_control_variates_average_to_nothing_over_orthogonal_probes():
    # 24 columns of a Hadamard matrix are orthogonal: its 32 rows as probes average to the trace with no noise at all
    from scipy.linalg import hadamard

    o = cloud(8)
    rows = hadamard(32)[:, :24].reshape(32, 3, 8).transpose(1, 2, 0).astype(float)
    first, second = control_variates(o, 0.83, 6.0, rows)
    assert first.mean() == pytest.approx(0, abs=1e-15)
    assert second.mean() == pytest.approx(0, abs=1e-15)


def test_sparse_screening():
    o = cloud(220)
    exact = screen(o, RangeSeparation(0.83, 6.0)).oscillators
    found = screen_sparse(o, 0.83)
    assert found.alpha == pytest.approx(exact.alpha, rel=1e-10)
    assert found.c6 == pytest.approx(exact.c6, rel=1e-10)
    assert found.radii == pytest.approx(exact.radii, rel=1e-10)


@pytest.mark.parametrize("n", [256, 257, 3])
def test_tiles_of_every_size(n):
    o = cloud(n)
    v = np.ones((3, n, 1))
    matrix = potential_matrix(o, 0.83)
    matrix[np.diag_indices(3 * n)] -= np.tile(o.omega**2, 3)
    assert dipole_product(o, 0.83, 6.0, v).reshape(3 * n, 1) == pytest.approx(matrix @ v.reshape(-1, 1), abs=1e-11)


def test_catastrophe_is_named_and_gives_no_number():
    o = cloud(100)
    close = dataclasses.replace(o, alpha=o.alpha * 9, c6=o.c6 * 81)
    with pytest.raises(NotConverged, match=r"imaginary mode, ω² ≤ -.*mainly on atoms"):
        stochastic_energy(close, 0.3, probes=4, seed=1)
    chain = Oscillators(
        np.arange(6)[:, None] * np.array([0, 0, 3.0]), np.full(6, 60.0), np.full(6, 1080.0), np.full(6, 3.0)
    )
    with pytest.raises(NotConverged, match="catastrophe"):
        screen_sparse(chain, 0.83)
    with pytest.raises(NotConverged, match="catastrophe"):
        screen(chain, RangeSeparation(0.83, 6.0))


def test_refusals():
    o = cloud(10)
    with pytest.raises(InputError, match="two probes"):
        stochastic_energy(o, 0.83, probes=1, seed=1)
    with pytest.raises(NotConverged, match="not settled"):
        stochastic_energy(o, 0.83, probes=2, seed=1, tolerance=1e-15, max_steps=2)


def test_memory_grows_as_the_number_of_atoms():
    def peak(n: int) -> int:
        o = cloud(n)
        tracemalloc.start()
        dipole_product(o, 0.83, 6.0, np.ones((3, n, 2)))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    small, large = peak(600), peak(1800)
    dense = pairs(cloud(1800).positions).vector.nbytes
    assert large < 1.6 * small
    assert large < dense / 2
