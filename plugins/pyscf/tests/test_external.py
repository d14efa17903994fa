"""A functional handed over by another plugin: libxc's own, evaluated by hand, must give what its name gives."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench_pyscf import ExternalFunctional, ScfSpecification, converged_scf, pyscf_session, scf_settings

KINDS = {"SVWN": "LDA", "PBE": "GGA", "TPSS": "MGGA"}


def by_hand(code, version="1"):
    """libxc's functional `code` behind the interface of external functionals."""
    from pyscf.dft.numint import NumInt

    def evaluate(rho, order):
        spin = int(rho.ndim == 3)
        rows = rho[..., 0, :] if rho.shape[-2] == 1 else rho
        per_electron, first, second, _ = NumInt().eval_xc_eff(code, rows, deriv=order, spin=spin)
        n = rho[:, 0].sum(0) if spin else rho[0]
        return per_electron * n, first, second

    return ExternalFunctional("by hand", version, KINDS[code], evaluate)


@pytest.mark.parametrize("code", KINDS)
@pytest.mark.parametrize("system", ["lih", "nh"])
def test_it_is_the_same_functional(code, system, molecules, resources):
    found, named = (
        converged_scf(molecules[system], ScfSpecification("sto-3g", xc, grid=1), resources=resources)
        for xc in (by_hand(code), code)
    )
    assert found.e_tot == pytest.approx(named.e_tot, abs=1e-9)
    assert scf_settings(found)["stability"] == "minimum"
    assert scf_settings(found)["lowest_hessian_eigenvalue"] == pytest.approx(
        scf_settings(named)["lowest_hessian_eigenvalue"], abs=1e-5
    )


def test_forces(molecules, resources):
    forces = []
    for xc in (by_hand("PBE"), "PBE"):
        mf = converged_scf(molecules["lih"], ScfSpecification("6-31g", xc, grid=2), resources=resources)
        with pyscf_session(resources):
            forces.append(mf.nuc_grad_method().kernel())
    np.testing.assert_allclose(*forces, atol=1e-7)
