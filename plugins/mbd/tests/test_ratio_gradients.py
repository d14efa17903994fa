"""Derivatives of Hirshfeld ratios, and total dispersion forces with them, against finite differences."""

import numpy as np
import pytest
from qmbench import Unsupported

from qmbench_mbd import atoms_in_molecules as aim
from qmbench_mbd.models import mbd_energy, mbd_gradient
from qmbench_mbd.ratio_gradients import ratio_gradient

WATER = np.array([[0.0, 0.1, 0.22], [0.0, 1.43, -0.88], [0.1, -1.43, -0.88]])


def scf(x: np.ndarray, spin: int = 0):
    from pyscf import dft, gto

    mol = gto.M(atom=list(zip("OHH", x, strict=True)), unit="bohr", basis="6-31g", spin=spin, charge=spin, verbose=0)
    mf = (dft.UKS if spin else dft.RKS)(mol, xc="pbe")
    mf.grids.level = 5
    mf.grids.prune = None
    mf.conv_tol, mf.conv_tol_grad = 1e-12, 1e-7
    mf.kernel()
    return mf


def partition(mf):
    free = aim.free_atoms_of(mf.mol, "pbe")
    return free, aim.partition(mf.mol, aim.spin_summed(mf.make_rdm1()), free, mf.grids)


def energy(x: np.ndarray) -> float:
    mf = scf(x)
    return mbd_energy(aim.ts_oscillators(partition(mf)[1], x), 0.83)


def test_ratio_derivatives_and_total_forces():
    mf = scf(WATER)
    free, shares = partition(mf)
    found = ratio_gradient(mf, free, mf.grids)
    # moving everything together changes nothing
    assert np.abs(found.sum(1)).max() < 1e-4
    o = aim.ts_oscillators(shares, WATER)
    _, g = mbd_gradient(o, 0.83)
    total = g.with_ratios(o, shares.ratios, found)
    h = 2e-3
    for atom, axis in ((0, 2), (1, 1)):
        ratios, energies = [], []
        for sign in (-1, 1):
            x = WATER.copy()
            x[atom, axis] += sign * h
            moved = partition(scf(x))[1]
            ratios.append(moved.ratios)
            energies.append(mbd_energy(aim.ts_oscillators(moved, x), 0.83))
        numeric = (ratios[1] - ratios[0]) / (2 * h)
        assert found[:, atom, axis] == pytest.approx(numeric, abs=2e-4)
        assert total[atom, axis] == pytest.approx((energies[1] - energies[0]) / (2 * h), rel=2e-3)
        # the ratios' part is not small
        assert abs(total[atom, axis] - g.positions[atom, axis]) > 0.01 * abs(total[atom, axis])


def test_unrestricted_densities_are_refused():
    mf = scf(WATER, spin=1)
    with pytest.raises(Unsupported, match="restricted"):
        ratio_gradient(mf, partition(mf)[0], mf.grids)
