"""Equilibrium geometries and frequencies against PySCF by hand: roots of its gradient, its analytic Hessian."""

import numpy as np
import pytest

from qmbench import Molecule, Resources, single_level
from qmbench.domain.equilibrium import harmonic_frequencies, masses


def _by_hand(molecule, positions, xc):
    from pyscf import dft, gto, scf

    atoms = [(s, tuple(x)) for s, x in zip(molecule.symbols, positions, strict=True)]
    mole = gto.M(atom=atoms, unit="bohr", basis="6-31g", verbose=0)
    mf = dft.RKS(mole, xc=xc) if xc else scf.RHF(mole)
    if xc:
        mf.grids.level = 5
    mf.conv_tol = 1e-11
    mf.kernel()
    return mole, mf


@pytest.mark.parametrize(
    ("level", "xc", "within"),
    # One Hessian on two sets of converged orbitals.
    [("hf/6-31g", "", 0.1), pytest.param("pbe/6-31g?grid=5", "pbe", 0.5, marks=pytest.mark.slow)],
)
def test_water_vibrates_as_pyscfs_hessian_says(level, xc, within, tmp_path):
    water = Molecule(("O", "H", "H"), ((0.11, -0.07, 0.19), (1.72, 0.41, -0.36), (-0.68, 1.51, 0.52)), 0, 1)
    method = single_level(level).make()
    asked = ("equilibrium_geometry", "harmonic_frequencies", "equilibrium_energy")
    found = method.run(water, asked, Resources(scratch=tmp_path, artifacts=tmp_path / "artifacts")).properties
    positions = found["equilibrium_geometry"].value
    mole, mf = _by_hand(water, positions, xc)
    assert mf.e_tot == pytest.approx(found["equilibrium_energy"].value, abs=1e-7)
    gradient = mf.nuc_grad_method()
    if xc:
        gradient.grid_response = True
    # The optimizer stops at 1.5e-5 hartree/bohr; both programs' self-consistency adds some 1e-6.
    assert np.abs(gradient.kernel()).max() < 2e-5
    second = mf.Hessian().kernel().transpose(0, 2, 1, 3)
    exact = harmonic_frequencies(second, positions, masses(water.symbols))
    assert found["harmonic_frequencies"].value == pytest.approx(exact, abs=within)
    # PySCF's own analysis, with its projection, at the same masses.
    from pyscf.hessian import thermo

    theirs = thermo.harmonic_analysis(
        mole, mf.Hessian().kernel(), imaginary_freq=False, mass=masses(water.symbols) / 1822.888486209
    )
    assert exact == pytest.approx(theirs["freq_wavenumber"], abs=0.05)
