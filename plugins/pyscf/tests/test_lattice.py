"""Hubbard lattices: exact solutions, limits, and an independent diagonalization."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from qmbench import LatticeModel


def diagonalized(model):
    """Lowest energies in the M_S = S sector by a plain sparse-free construction in second quantization."""
    n, (n_up, n_down) = model.n_sites, model.n_alpha_beta
    h = np.real(model.hopping_matrix())

    def one_spin(k):
        strings = list(combinations(range(n), k))
        index = {s: i for i, s in enumerate(strings)}
        matrix = np.zeros((len(strings),) * 2)
        for s, column in index.items():
            for q in s:
                for p in range(n):
                    if h[p, q] == 0 or (p in s and p != q):
                        continue
                    rest = [x for x in s if x != q]
                    sign = (-1) ** s.index(q) * (-1) ** sum(x < p for x in rest)
                    matrix[index[tuple(sorted([*rest, p]))], column] += sign * h[p, q]
        return strings, matrix

    up, t_up = one_spin(n_up)
    down, t_down = one_spin(n_down)
    total = np.kron(t_up, np.eye(len(down))) + np.kron(np.eye(len(up)), t_down)
    double = [model.u * len(set(a) & set(b)) for a in up for b in down]
    return np.linalg.eigvalsh(total + np.diag(double))


@pytest.mark.parametrize(
    "model",
    [
        LatticeModel((4,), ("periodic",), 1.0, 4.0, 4, 1),
        LatticeModel((2, 2), ("open", "open"), 1.0, 3.0, 3, 2),
        LatticeModel((5,), ("antiperiodic",), 1.0, 6.0, 4, 3, onsite=(0.1, -0.2, 0.3, 0.0, 0.4)),
        LatticeModel((6,), ("periodic",), 1.0, 8.0, 6, 1),
    ],
)
def test_full_ci_is_exact_diagonalization(model, energy):
    levels = diagonalized(model)
    found = energy("fci", model)
    # The ground state of the sector may have more spin than asked for; ours is one of the levels, and spin-pure.
    assert np.abs(levels - found).min() < 1e-8
    if model.u * model.multiplicity == 4.0:
        assert found == pytest.approx(levels[0], abs=1e-8)


def test_two_sites(energy):
    """E = (U − √(U² + 16 t²)) / 2 for the half-filled open dimer."""
    for u in (0.5, 4.0, 12.0):
        model = LatticeModel((2,), ("open",), 1.0, u, 2, 1)
        assert energy("fci", model) == pytest.approx((u - np.sqrt(u * u + 16)) / 2, abs=1e-9)


def test_published_rings(run, ring):
    # Six sites, U = 4 and 8: Lieb–Wu equations solved by others (energy -3.668706178873 and -2.048130886091).
    assert run("fci", ring(6, 4.0)).properties["energy"].value == pytest.approx(-3.668706178873, abs=1e-8)
    result = run("fci", ring(6, 8.0), "energy", "energy_per_site")
    assert result.properties["energy"].value == pytest.approx(-2.048130886091, abs=1e-8)
    assert result.properties["energy"].unit == result.properties["energy_per_site"].unit == "t"
    assert result.properties["energy_per_site"].value == pytest.approx(-2.048130886091 / 6, abs=1e-9)


def test_iterative_and_whole_diagonalization_agree(ring, energy, monkeypatch):
    import qmbench_pyscf.fullci as fullci

    whole = energy("fci", ring(6, 4.0))
    monkeypatch.setattr(fullci, "WHOLE", 0)
    assert energy("fci", ring(6, 4.0)) == pytest.approx(whole, abs=1e-8)


def test_free_electrons_are_exact_in_hartree_fock(energy, ring):
    model = ring(6, 0.0)
    exact = 2 * np.sum(np.linalg.eigvalsh(np.real(model.hopping_matrix()))[:3])
    assert energy("hf", model) == pytest.approx(exact, abs=1e-9)
    assert energy("fci", model) == pytest.approx(exact, abs=1e-8)


def test_particle_hole_symmetry(energy):
    """On a bipartite lattice E(N electrons) − E(2L − N) = U (N − L)."""
    few = LatticeModel((6,), ("open",), 1.0, 4.0, 4, 1)
    many = LatticeModel((6,), ("open",), 1.0, 4.0, 8, 1)
    assert energy("fci", many) - energy("fci", few) == pytest.approx(4.0 * 2, abs=1e-8)


def test_hartree_fock_is_above_and_broken_symmetry_below_restricted(run, ring):
    model = ring(6, 4.0)
    restricted, unrestricted = run("hf", model), run("hf?reference=unrestricted", model)
    # Restricted and uniform: E = E₀ + U L / 4 = −8 + 6.
    assert restricted.properties["energy"].value == pytest.approx(-2.0, abs=1e-8)
    assert restricted.warnings
    assert -3.668706178873 < unrestricted.properties["energy"].value < -2.0 - 0.1


def test_antiferromagnet_of_the_square_lattice(run):
    """4 × 4, U = 4, unrestricted: the mean-field gap equation, solved apart."""
    model = LatticeModel((4, 4), ("periodic", "periodic"), 1.0, 4.0, 16, 1)
    k = 2 * np.pi * np.arange(4) / 4
    band = -2 * (np.cos(k)[:, None] + np.cos(k)[None]).ravel()
    m = 0.5
    for _ in range(500):
        m = _gap_step(band, 4.0, m)
    expected = -np.sum(np.sqrt(band**2 + (4.0 * m) ** 2)) + 16 * 4.0 * (0.25 + m * m)
    assert run("hf?reference=unrestricted", model).properties["energy"].value == pytest.approx(expected, abs=1e-6)


def _gap_step(band, u, m):
    """m = (1 / 2L) Σ_k U m / √(ε² + U² m²): half the staggered moment per site."""
    return float(np.sum(u * m / np.sqrt(band**2 + (u * m) ** 2)) / (2 * len(band)))


def test_states_by_spin(run, ring):
    states = run("fci?n_states=3", ring(4, 4.0), "excitation_energies").properties["excitation_energies"]
    assert states.unit == "t"
    model = ring(4, 4.0)
    ground = run("fci", model).properties["energy"].value
    levels = diagonalized(model)
    triplets = diagonalized(LatticeModel((4,), ("periodic",), 1.0, 4.0, 4, 3))
    assert ground + states.value["T1"] == pytest.approx(triplets[0], abs=1e-8)
    for value in states.value.values():
        assert np.abs(levels - ground - value).min() < 1e-7
