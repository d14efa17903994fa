"""Baths: all the same for an idempotent density matrix; invariant under the density matrix for an ensemble."""

from __future__ import annotations

import numpy as np
import pytest
from dmet_cases import APBC, OPEN, PBC, hubbard

from qmbench import LatticeModel
from qmbench_dmet.bath import bath_orbitals
from qmbench_dmet.lattice import bloch_cells, boundary_phases, tiles
from qmbench_dmet.lowlevel import aufbau, dense_mean_field

KINDS = ("svd", "projection", "csd", "eigenvectors", "ensemble")


@pytest.mark.parametrize("electrons", [6, 10])
@pytest.mark.parametrize("fragment", [[0], [0, 1], [3, 4, 5], [0, 4, 7]])
def test_all_baths_span_the_same_space_for_an_idempotent_density_matrix(fragment, electrons):
    rng = np.random.default_rng(electrons)
    h = rng.standard_normal((12, 12))
    low = dense_mean_field(h + h.T, electrons / 2)
    sites = np.array(fragment)
    projectors = []
    for kind in KINDS:
        bath = bath_orbitals(kind, low, sites)
        assert bath.shape == (12, len(fragment))
        assert np.allclose(bath.T @ bath, np.eye(len(fragment)), atol=1e-13)
        assert np.abs(bath[sites]).max() == 0.0
        projectors.append(bath @ bath.T)
    assert max(np.abs(p - projectors[0]).max() for p in projectors) < 1e-13


def test_no_bath_where_there_is_no_entanglement():
    h = np.kron(np.eye(3), -np.array([[0.0, 1.0], [1.0, 0.0]])) + np.diag([0, 0, 0.3, 0.3, 0.5, 0.5])
    low = dense_mean_field(h, 3)
    for kind in KINDS:
        assert bath_orbitals(kind, low, np.array([0, 1])).shape[1] == 0


def test_the_ensemble_bath_is_invariant_and_larger_than_the_fragment():
    problem = hubbard((8,), (PBC,), 8, 0.0, (2,))
    (low,) = problem.low_level(problem.initial_potentials)
    sites = problem.fragments[0]
    bath = bath_orbitals("ensemble", low, sites)
    assert bath.shape[1] == 4 > len(sites)
    space = np.column_stack([np.eye(8)[:, sites], bath])
    leak = low.apply_density(space) - space @ (space.T @ low.apply_density(space))
    assert np.abs(leak).max() < 1e-13
    svd = np.column_stack([np.eye(8)[:, sites], bath_orbitals("svd", low, sites)])
    assert np.abs(low.apply_density(svd) - svd @ (svd.T @ low.apply_density(svd))).max() > 0.05


@pytest.mark.parametrize(
    ("lattice", "boundary", "fragment", "twist"),
    [
        ((8,), (PBC,), (2,), ()),
        ((9,), (APBC,), (3,), ()),
        ((4, 6), (APBC, PBC), (2, 3), ()),
        ((4, 4), (PBC, PBC), (2, 1), (0.13, 0.31)),
        ((6,), (APBC,), (2,), (0.07,)),
    ],
)
def test_bloch_sums_give_the_dense_density_matrix(lattice, boundary, fragment, twist):
    n = int(np.prod(lattice))
    model = LatticeModel(lattice, boundary, 1.0, 0.0, n, 1 + n % 2, (), twist)
    problem = hubbard(lattice, boundary, n, 0.0, fragment, twist=twist)
    assert problem.lattice.cells is not None
    (low,) = problem.low_level(problem.initial_potentials)
    dense = dense_mean_field(model.hopping_matrix(), n / 2)
    assert np.allclose(np.sort(low.energies.ravel()), dense.energies, atol=1e-12)
    assert np.allclose(low.apply_density(np.eye(n)), dense.density_matrix(), atol=1e-11)
    assert low.gap == pytest.approx(dense.gap, abs=1e-11)


def test_a_lattice_that_does_not_repeat_gets_no_bloch_sums():
    model = LatticeModel((6,), (PBC,), 1.0, 0.0, 6, 1, (0.1, 0, 0, 0, 0, 0))
    sites = tiles((6,), (2,))
    assert bloch_cells(model.hopping_matrix(), sites, (3,), boundary_phases((PBC,), ())) is None
    assert boundary_phases((OPEN,), ()) is None


def test_a_degenerate_fermi_level_is_shared_equally():
    occupations, homo, lumo = aufbau(np.array([-2.0, -1.0, -1.0, 0.5]), 2.0)
    assert occupations == pytest.approx([1.0, 0.5, 0.5, 0.0])
    assert homo == lumo == -1.0
    occupations, homo, lumo = aufbau(np.array([[-2.0, 0.5], [-1.0, -1.0]]), 3.0)
    assert occupations.sum() == 3.0
    assert (homo, lumo) == (-1.0, 0.5)
