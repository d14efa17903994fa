"""Numbers that an independent program gave for the same embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from dmet_cases import PBC, embed, full_ci, hubbard


@pytest.mark.parametrize(("interaction", "value"), [("noninteracting", -0.552733945), ("interacting", -0.572957335)])
def test_eighteen_site_ring_fitted_on_fragment_and_bath(interaction, value):
    problem = hubbard((18,), (PBC,), 18, 4.0, (2,))
    found = embed(problem, self_consistent=True, fit="fragment+bath", interaction=interaction)
    assert found.energy / 18 == pytest.approx(value, abs=1e-6)
    assert found.residual > 0.1  # an interacting block that no idempotent matrix has


def test_ten_site_ring_fitted_on_the_fragment_overshoots():
    problem = hubbard((10,), (PBC,), 10, 2.0, (2,))
    found = embed(problem, self_consistent=True, fit="fragment")
    assert found.energy == pytest.approx(-8.741824, abs=1e-6)
    assert found.energy < -8.638416  # the exact energy: embedding is not variational
    assert found.v_representable
    assert found.residual < 1e-7


def test_h10_ring():
    """Ring of radius 0.97082 Å, 3-21G, meta-Löwdin, one atom per fragment."""
    from pyscf import gto, scf

    from qmbench_dmet.molecule import molecule_problem

    angle = 2 * np.pi * np.arange(10) / 10
    radius = 0.6 * (1 + np.sqrt(5)) / 2
    atoms = [("H", (radius * np.cos(a), radius * np.sin(a), 0.0)) for a in angle]
    mf = scf.RHF(gto.M(atom=atoms, basis="3-21g", verbose=0))
    mf.conv_tol, mf.conv_tol_grad = 1e-13, 1e-9
    mf.kernel()
    found = embed(molecule_problem(mf, "meta_lowdin", [[i] for i in range(10)]))
    assert found.energy == pytest.approx(-4.498973, abs=2e-6)
    assert found.copies == [10]


@pytest.mark.slow
def test_the_exact_energy_of_the_ten_site_ring():
    problem = hubbard((10,), (PBC,), 10, 2.0, (2,))
    assert full_ci(problem.lattice.h, 2.0, 10) == pytest.approx(-8.638416, abs=1e-6)
