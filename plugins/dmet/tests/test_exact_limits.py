"""Where density matrix embedding is exact, or known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from dmet_cases import APBC, OPEN, PBC, embed, free_energy, full_ci, hartree_fock_energy, hubbard

from qmbench import LatticeModel
from qmbench_dmet.bath import bath_orbitals, embedding_orbitals
from qmbench_dmet.errors import Refused
from qmbench_dmet.fragments import leak
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


@pytest.mark.parametrize("bath", ["svd", "projection", "eigenvectors", "csd"])
def test_a_bath_for_closed_shells_is_refused_for_an_open_one(bath):
    with pytest.raises(Refused, match="use bath=ensemble"):
        embed(hubbard((8,), (PBC,), 8, 0.0, (2,)), bath=bath)


def test_the_leak_tells_the_bath_that_is_not_exact():
    """Of an open shell the density matrix leads out of the usual embedding orbitals, and not out of the ensemble's."""
    problem = hubbard((8,), (PBC,), 8, 0.0, (2,))
    (low,) = problem.low_level(problem.initial_potentials)
    sites = problem.fragments[0]
    leaks = {b: leak(low, embedding_orbitals(bath_orbitals(b, low, sites), sites)) for b in ("svd", "ensemble")}
    assert leaks["ensemble"] < 1e-12
    assert leaks["svd"] > 0.1
    assert embed(problem).leaks == [pytest.approx(0.0, abs=1e-12)]
    assert embed(problem).idempotency_error == pytest.approx(1.0)  # two levels, half full, for both spins


@pytest.mark.parametrize(
    ("case", "bath"),
    [
        (((8,), (PBC,), 8), "ensemble"),
        (((8,), (APBC,), 8), "svd"),
        (((10,), (PBC,), 8), "ensemble"),
        (((10,), (PBC,), 10), "svd"),
        (((7,), (OPEN,), 5), "ensemble"),
        (((4, 4), (PBC, PBC), 16), "ensemble"),
    ],
)
def test_a_partly_filled_shell_takes_the_ensemble_bath_by_itself(case, bath):
    fragment = (1,) * len(case[0])
    found, asked = embed(hubbard(*case, 2.0, fragment)), embed(hubbard(*case, 2.0, fragment), bath=bath)
    assert (found.bath, found.energy) == (bath, asked.energy)
    assert any("partly filled" in warning for warning in found.warnings) == (bath == "ensemble")


def test_levels_that_a_twist_moves_apart_by_less_than_a_mean_field_resolves_are_one_shell():
    whole = embed(hubbard((10,), (PBC,), 8, 2.0, (2,)))
    near = embed(hubbard((10,), (PBC,), 8, 2.0, (2,), twist=(1e-7,)))
    assert (near.bath, near.energy) == ("ensemble", pytest.approx(whole.energy, abs=1e-5))
    narrow = embed(hubbard((10,), (PBC,), 8, 2.0, (2,), twist=(1e-4,)))
    assert narrow.bath == "svd"
    assert "another determinant is as good" in narrow.warnings[0]


@pytest.mark.parametrize("u", [0.1, 0.5, 1.0])
def test_open_shells_are_near_exact_diagonalization(u):
    """Ten sites and eight electrons. The bath for closed shells was 0.07 t per site off, from U = 0 on."""
    problem = hubbard((10,), (PBC,), 8, u, (2,))
    exact = full_ci(problem.lattice.h, u, 8)
    assert abs(embed(problem).energy - exact) / 10 < 0.01 * max(u, u**2)


def test_the_mismatch_is_that_of_fragment_and_low_level():
    """None where the embedding is exact, and none of the fragment's block where one site's density is fixed."""
    assert embed(hubbard((8,), (APBC,), 8, 0.0, (2,))).density_mismatch < 1e-10
    assert embed(hubbard((8,), (APBC,), 8, 4.0, (1,))).density_mismatch < 1e-9
    assert embed(hubbard((8,), (APBC,), 8, 4.0, (2,))).density_mismatch > 0.01


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
