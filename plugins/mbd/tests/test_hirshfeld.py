"""Hirshfeld volumes and MBD-NL polarizabilities on PySCF densities."""

import numpy as np
import pytest

from qmbench_mbd import atoms_in_molecules as aim
from qmbench_mbd.models import mbd_energy
from qmbench_mbd.oscillators import frequency_grid

WATER = "O 0 0 0.1173; H 0 0.7572 -0.4692; H 0 -0.7572 -0.4692"


def scf(
    atoms: str, basis: str, spin: int = 0, ecp: str | None = None, xc: str = "pbe", level: int = 3, charge: int = 0
):
    from pyscf import dft, gto

    mol = gto.M(atom=atoms, basis=basis, spin=spin, charge=charge, ecp=ecp or {}, verbose=0)
    mf = (dft.UKS if spin else dft.RKS)(mol, xc=xc)
    mf.grids.level = level
    mf.kernel()
    assert mf.converged
    return mf


def shares(mf, vv: bool = False, grids=None) -> aim.AtomShares:
    free = aim.free_atoms_of(mf.mol, mf.xc, vv)
    return aim.partition(mf.mol, aim.spin_summed(mf.make_rdm1()), free, grids or mf.grids)


def test_water_in_a_triple_zeta_basis():
    # the values expected of PBE/def2-TZVP: O 0.941, H 0.588
    assert shares(scf(WATER, "def2-tzvp")).ratios == pytest.approx([0.941, 0.588, 0.588], abs=1e-3)


def test_water_as_libmbds_pyscf_bridge_has_it():
    # tests/test_pyscf.py of libMBD: ratios (0.95199, 0.549794), energy -0.00024035 hartree, PBE/def2-SVP
    mf = scf(WATER, "def2-svp")
    found = shares(mf)
    assert found.ratios == pytest.approx([0.95199, 0.549794, 0.549794], abs=1e-5)
    o = aim.ts_oscillators(found, mf.mol.atom_coords())
    assert mbd_energy(o, 0.83) == pytest.approx(-0.00024035, abs=5e-9)


def test_converged_with_the_grid():
    from pyscf import dft

    mf = scf(WATER, "def2-svp")
    ratios = []
    for level in (3, 4, 6):
        grids = dft.gen_grid.Grids(mf.mol)
        grids.level = level
        grids.build()
        found = shares(mf, vv=True, grids=grids)
        ratios.append(np.concatenate([found.ratios, found.vv[0] / found.free_vv[0]]))
    assert ratios[0] == pytest.approx(ratios[2], abs=1e-4)
    assert ratios[1] == pytest.approx(ratios[2], abs=1e-4)


@pytest.mark.parametrize(("atom", "spin"), [("Ne", 0), ("N", 3), ("O", 2), ("H", 1)])
def test_an_isolated_atom_is_free(atom, spin):
    found = shares(scf(f"{atom} 0 0 0", "def2-svp", spin), vv=True)
    assert found.ratios == pytest.approx([1.0], abs=1e-12)
    assert found.vv / found.free_vv == pytest.approx(1.0, abs=1e-12)


def test_two_far_atoms_are_free_without_being_alone():
    found = shares(scf("Ar 0 0 0; Ar 0 0 12", "def2-svp"), vv=True)
    assert found.ratios == pytest.approx([1, 1], abs=1e-4)
    # the cutoff of MBD-NL removes a little of the tail even of an atom
    assert found.vv[0] / found.free_vv[0] == pytest.approx([1, 1], abs=1e-3)


@pytest.mark.slow
def test_core_potentials_belong_to_both():
    found = shares(scf("Xe 0 0 0; Xe 0 0 12", "def2-svp", ecp="def2-svp"))
    assert found.ratios == pytest.approx([1, 1], abs=1e-4)


def test_open_shell_molecule_and_an_ion():
    oxygen = shares(scf("O 0 0 0; O 0 0 1.21", "def2-svp", 2))
    assert oxygen.ratios[0] == pytest.approx(oxygen.ratios[1], abs=1e-4)
    assert 0.8 < oxygen.ratios[0] < 1.0
    cation = shares(scf("Na 0 0 0", "def2-svp", charge=1))
    assert cation.ratios[0] < 0.2


def test_ghosts_take_no_share():
    bare = shares(scf(WATER, "def2-svp"))
    ghosted = shares(scf(WATER + "; ghost-O 0 0 6.0; ghost-H 0 0.757 5.53; ghost-H 0 -0.757 5.53", "def2-svp"))
    assert ghosted.elements == ("O", "H", "H")
    assert ghosted.ratios == pytest.approx(bare.ratios, abs=1e-3)


def test_volume_is_conserved_by_the_weights():
    # Σ_A w_A = 1: with all centres at one place the volumes add up to that of the whole density.
    mf = scf("He 0 0 0; He 0 0 0.02", "def2-svp")
    found = shares(mf)
    from pyscf.dft import numint

    rho = numint.eval_rho(mf.mol, numint.eval_ao(mf.mol, mf.grids.coords), mf.make_rdm1())
    centre = mf.mol.atom_coords().mean(0)
    whole = np.dot(mf.grids.weights * np.linalg.norm(mf.grids.coords - centre, axis=1) ** 3, rho)
    assert found.volumes.sum() == pytest.approx(whole, rel=2e-3)


def test_spherical_average():
    mf = scf("O 0 0 0", "def2-svp", 2)
    density = aim.spin_summed(mf.make_rdm1())
    averaged = aim.spherical_average(mf.mol, density)
    overlap = mf.mol.intor("int1e_ovlp")
    assert np.sum(averaged * overlap) == pytest.approx(8.0, abs=1e-9)
    quadrupole = mf.mol.intor("int1e_r2")
    assert np.sum(averaged * quadrupole) == pytest.approx(np.sum(density * quadrupole), rel=1e-12)
    zz = mf.mol.intor("int1e_zz")
    assert 3 * np.sum(averaged * zz) == pytest.approx(np.sum(averaged * quadrupole), rel=1e-12)


def test_local_polarizability_limits():
    u = np.array([0.0, 0.7])
    n = np.array([0.3, 0.02])
    uniform = aim.local_polarizability(n, np.zeros(2), None, u)
    # the uniform gas: n / (ω_p²/3 + u²), ω_p² = 4πn
    assert uniform[1] == pytest.approx(n / (4 * np.pi * n / 3 + 0.49), rel=1e-14)
    # with the kinetic energy density of the uniform gas (χ = 1) it is cut off entirely
    tau = 0.3 * (3 * np.pi**2) ** (2 / 3) * n ** (5 / 3)
    assert aim.local_polarizability(n, np.zeros(2), tau, u)[0] == pytest.approx(0, abs=1e-8)
    # one orbital (τ = τ_W, χ = 0) is left alone however slowly it varies
    gradient = 0.1 * n
    weizsaecker = gradient**2 / (8 * n)
    assert aim.local_polarizability(n, gradient, weizsaecker, u) == pytest.approx(
        aim.local_polarizability(n, gradient, None, u), rel=1e-12
    )


def test_hydrogen_atom_vv_polarizability_by_radial_quadrature():
    # 1s density e^(-2r)/π has |∇n|/n = 2: α(iu) = ∫ n/(4πn/3 + 16 C + u²) d³r
    from scipy.integrate import quad

    u, _ = frequency_grid()

    def radial(r: float, k: int) -> float:
        n = np.exp(-2 * r) / np.pi
        return 4 * np.pi * r * r * n / (4 * np.pi * n / 3 + 16 * 0.0093 + u[k] ** 2)

    exact = [quad(radial, 0, 40, args=(k,), epsabs=1e-12, limit=200)[0] for k in (0, 8)]
    mf = scf("H 0 0 0", "aug-cc-pvqz", 1, xc="hf", level=5)
    from pyscf.dft import numint

    rho = numint.eval_rho(
        mf.mol, numint.eval_ao(mf.mol, mf.grids.coords, deriv=1), aim.spin_summed(mf.make_rdm1()), xctype="GGA"
    )
    found = aim.local_polarizability(rho[0], np.linalg.norm(rho[1:4], axis=0), None, u) @ mf.grids.weights
    # the basis has no cusp and a Gaussian tail: a few parts in a thousand
    assert found[[0, 8]] == pytest.approx(exact, rel=1e-2)


def test_nl_needs_vv():
    from qmbench import InputError

    with pytest.raises(InputError, match="VV"):
        aim.nl_oscillators(shares(scf("He 0 0 0; He 0 0 3", "sto-3g")), np.zeros((2, 3)))


@pytest.mark.slow
def test_methane_c6_of_mbd_nl_and_ts_tend_to_the_published_ones():
    # FHI-aims, numerical orbitals (DOI 10.1063/5.0142465): sums over atoms 121.65 (MBD-NL) and 117.94 (TS) hartree
    # bohr⁶. Free atoms are diffuse: Gaussian bases come down to these from above.
    from qmbench_mbd.models import combined_c6

    methane = "C 0 0 0; H .6276 .6276 .6276; H -.6276 -.6276 .6276; H .6276 -.6276 -.6276; H -.6276 .6276 -.6276"
    found = {}
    for basis in ("def2-tzvp", "def2-qzvppd"):
        mf = scf(methane, basis)
        s = shares(mf, vv=True)
        x = mf.mol.atom_coords()
        ts, nl = aim.ts_oscillators(s, x), aim.nl_oscillators(s, x)
        found[basis] = [float(combined_c6(o.alpha, o.c6).sum()) for o in (ts, nl)]
    assert found["def2-qzvppd"][0] < found["def2-tzvp"][0]
    assert found["def2-qzvppd"] == pytest.approx([117.94, 121.65], rel=0.05)
