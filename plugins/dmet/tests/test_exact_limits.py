"""Where density matrix embedding is exact, or known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from dmet_cases import APBC, OPEN, PBC, embed, free_energy, full_ci, hartree_fock_energy, hubbard

from qmbench import LatticeModel
from qmbench_dmet.hubbard import hubbard_problem
from qmbench_dmet.lattice import make_lattice


@pytest.mark.parametrize("interaction", ["interacting", "noninteracting"])
@pytest.mark.parametrize("bath", ["svd", "projection", "csd", "eigenvectors", "ensemble"])
@pytest.mark.parametrize(
    ("lattice", "boundary", "electrons", "fragment"),
    [((10,), (PBC,), 10, (2,)), ((9,), (OPEN,), 4, (3,)), ((4, 4), (APBC, APBC), 8, (2, 1)), ((6,), (PBC,), 6, (1,))],
)
def test_without_interaction_a_closed_shell_is_exact(lattice, boundary, electrons, fragment, bath, interaction):
    problem = hubbard(lattice, boundary, electrons, 0.0, fragment)
    found = embed(problem, bath=bath, interaction=interaction)
    exact = free_energy(problem.lattice.h, electrons)
    assert abs(found.energy - exact) < 1e-14 * problem.lattice.n_sites * 3
    assert found.chemical_potential.mu == 0.0
    assert found.chemical_potential.certificate == "smooth"


@pytest.mark.parametrize(
    ("lattice", "boundary", "electrons", "fragment", "onsite"),
    [
        ((8,), (PBC,), 8, (2,), ()),
        ((12,), (PBC,), 8, (2,), ()),
        ((4, 4), (PBC, PBC), 16, (2, 1), ()),
        ((4, 4), (APBC, APBC), 6, (2, 1), ()),
        ((3, 4), (PBC, OPEN), 7, (1, 2), ()),
        ((7,), (OPEN,), 5, (1,), (0.1, -0.3, 0.2, 0.0, 0.4, -0.1, 0.2)),
    ],
)
def test_without_interaction_an_open_shell_is_exact_with_the_ensemble_bath(
    lattice, boundary, electrons, fragment, onsite
):
    problem = hubbard(lattice, boundary, electrons, 0.0, fragment, onsite)
    found = embed(problem, bath="ensemble")
    assert not found.low_level_idempotent
    assert found.energy == pytest.approx(free_energy(problem.lattice.h, electrons), abs=1e-11)
    assert found.chemical_potential.number_error < 1e-11


@pytest.mark.slow
def test_a_many_fold_degenerate_open_shell_is_exact():
    """Sixteen degenerate impurity states, found by Davidson iterations."""
    problem = hubbard((4, 4), (APBC, APBC), 6, 0.0, (2, 2))
    found = embed(problem, bath="ensemble")
    assert len(found.chemical_potential.states[0][0].within(1e-9).energies) == 16
    assert found.energy == pytest.approx(free_energy(problem.lattice.h, 6), abs=1e-9)


def test_the_svd_bath_is_not_exact_for_an_open_shell():
    problem = hubbard((8,), (PBC,), 8, 0.0, (2,))
    exact = free_energy(problem.lattice.h, 8)
    assert abs(embed(problem, bath="svd").energy - exact) > 1e-3 * abs(exact)


@pytest.mark.parametrize("interaction", ["interacting", "noninteracting"])
@pytest.mark.parametrize(("boundary", "electrons"), [(PBC, 6), (OPEN, 4), (APBC, 8)])
def test_a_fragment_that_is_the_whole_system_is_full_ci(boundary, electrons, interaction):
    problem = hubbard((6,), (boundary,), electrons, 4.0, (6,))
    found = embed(problem, interaction=interaction)
    assert found.energy == pytest.approx(full_ci(problem.lattice.h, 4.0, electrons), abs=1e-11)
    assert found.chemical_potential.solves == 1


def test_half_of_a_system_and_its_bath_are_the_system():
    problem = hubbard((6,), (PBC,), 6, 4.0, (3,))
    assert embed(problem).energy == pytest.approx(-3.668706178873, abs=1e-11)  # exact diagonalization


@pytest.mark.parametrize("interaction", ["interacting", "noninteracting"])
def test_isolated_dimers_are_exact(interaction):
    h = np.kron(np.eye(4), -np.array([[0.0, 1.0], [1.0, 0.0]]))
    problem = hubbard_problem(make_lattice(h, 4.0, (8,), (OPEN,), (4.0,), (2,)))
    found = embed(problem, interaction=interaction)
    assert found.energy == pytest.approx(4 * (2 - np.sqrt(8.0)), abs=1e-12)
    assert found.copies == [4]


@pytest.mark.parametrize("interaction", ["interacting", "noninteracting"])
@pytest.mark.parametrize(
    ("lattice", "boundary", "electrons", "fragment"),
    [((10,), (PBC,), 10, (2,)), ((8,), (OPEN,), 6, (2,)), ((4, 4), (APBC, APBC), 8, (2, 1))],
)
def test_hartree_fock_in_hartree_fock_is_hartree_fock(lattice, boundary, electrons, fragment, interaction):
    problem = hubbard(lattice, boundary, electrons, 3.0, fragment)
    found = embed(problem, solver="hf", interaction=interaction)
    exact = hartree_fock_energy(problem.lattice)
    assert found.energy == pytest.approx(exact, abs=1e-13 * abs(exact))


@pytest.mark.parametrize("u", [1.0, 4.0, 12.0])
def test_one_site_at_half_filling_in_closed_form(u):
    """e = −2V c₀c₁ + U c₀²/2 with the ground vector (c₁, c₀) of [[−U/2, −2V], [−2V, 0]]."""
    problem = hubbard((6,), (PBC,), 6, u, (1,))
    found = embed(problem, interaction="noninteracting")
    (low,) = problem.low_level(problem.initial_potentials)
    gamma = low.apply_density(np.eye(6)[:, :1])[:, 0]
    bath = gamma.copy()
    bath[0] = 0.0
    bath /= np.linalg.norm(bath)
    v = -float(problem.lattice.h[0] @ bath)
    c1, c0 = np.linalg.eigh(np.array([[-u / 2, -2 * v], [-2 * v, 0.0]]))[1][:, 0]
    assert found.energy / 6 == pytest.approx(-2 * v * c0 * c1 + u * c0**2 / 2, abs=1e-12)


def test_a_twist_is_a_gauge_choice():
    """Half a turn is the antiperiodic boundary, and a whole turn is no twist at all."""
    antiperiodic = embed(hubbard((8,), (APBC,), 8, 4.0, (2,))).energy
    assert embed(hubbard((8,), (PBC,), 8, 4.0, (2,), twist=(0.5,))).energy == pytest.approx(antiperiodic, abs=1e-10)
    periodic = embed(hubbard((10,), (PBC,), 10, 4.0, (2,))).energy
    assert embed(hubbard((10,), (PBC,), 10, 4.0, (2,), twist=(1.0,))).energy == pytest.approx(periodic, abs=1e-10)
    twisted = hubbard((6,), (PBC,), 6, 4.0, (6,), twist=(0.2,))
    half = hubbard((6,), (PBC,), 6, 4.0, (3,), twist=(0.2,))
    assert np.iscomplexobj(half.lattice.h)
    assert embed(half).energy == pytest.approx(embed(twisted).energy, abs=1e-10)


def test_energies_scale_and_shift():
    model = LatticeModel((6,), (OPEN,), 1.0, 3.0, 4, 1, (0.2, -0.1, 0.0, 0.3, 0.1, -0.2))
    plain = embed(hubbard_problem(make_lattice(model.hopping_matrix(), 3.0, (6,), (OPEN,), (2.0,), (2,))))
    moved = 2.5 * model.hopping_matrix() + 0.7 * np.eye(6)
    other = embed(hubbard_problem(make_lattice(moved, 7.5, (6,), (OPEN,), (2.0,), (2,))))
    assert other.energy == pytest.approx(2.5 * plain.energy + 0.7 * 4, abs=1e-8)
    assert other.chemical_potential.mu == pytest.approx(2.5 * plain.chemical_potential.mu, abs=1e-7)


def test_unrestricted_and_restricted_agree_where_nothing_breaks_the_symmetry():
    one = embed(hubbard((6,), (PBC,), 6, 1.0, (2,)))
    two = embed(hubbard((6,), (PBC,), 6, 1.0, (2,), spins=(3, 3)))
    assert two.energy == pytest.approx(one.energy, abs=1e-9)
    whole = hubbard((6,), (OPEN,), 4, 4.0, (6,), spins=(3, 1))
    assert embed(whole).energy > full_ci(whole.lattice.h, 4.0, 4)
