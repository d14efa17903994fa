"""Double hybrids: against other programs, against PySCF called directly, and the series of ωB97M(2) against libxc."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
import pytest

from qmbench import Molecule, Unsupported, parse_level
from qmbench_pyscf import to_mole, wb97m
from qmbench_pyscf.double_hybrids import DOUBLE_HYBRIDS, Recipe, pyscf_code

ANGSTROM = 1 / 0.529177210903
HARTREE_IN_KCAL_MOL = 627.509474
TIGHT = dict(conv_tol=1e-11, conv_tol_grad=1e-7)


def bent(symbol, distance, angle, multiplicity=1):
    """XH2, X at the origin; distance in bohr, angle in degrees."""
    half = radians(angle) / 2
    hydrogens = ((distance * sin(half), distance * cos(half), 0.0), (-distance * sin(half), distance * cos(half), 0.0))
    return Molecule((symbol, "H", "H"), ((0.0, 0.0, 0.0), *hydrogens), 0, multiplicity, name=f"{symbol}H2")


WATER_A = bent("O", 0.94 * ANGSTROM, 104.5)
WATER_B = bent("O", 2.0, 104.2458898548)
NH2 = bent("N", 2.0, 104.2458898548, 2)

# Outputs of other programs, as the tests of pyscf-forge's double hybrids quote them (pyscf/dh): Gaussian 16 B.01
# "B2PLYPD3(Full)", Q-Chem 5.1.1 (a grid of 99 × 590; XYGJ-OS there with a Laplace transform and RI), MRCC 2022-03-18
# (frozen cores, RI).
PUBLISHED = [
    ("b2plyp+d3bj/cc-pvdz?pt2_fitting=false", WATER_A, -76.352886529203),
    ("dsd-pbep86+d3bj/6-31g?pt2_fitting=false", WATER_A, -76.20159807),
    ("b2plyp/6-31g?pt2_fitting=false", WATER_A, -76.29075997),
    ("xyg3/6-31g?pt2_fitting=false", WATER_A, -76.2910536660),
    ("xygj-os/6-31g", WATER_A, -76.1460262831),
    ("b2plyp/cc-pvtz?frozen_core=true", WATER_B, -76.391961060726),
    ("b2plyp/cc-pvtz?frozen_core=true", Molecule(("O", "H"), ((0, 0, 0), (0, 0, 2.0)), 0, 2), -75.708153526127),
    ("xyg3/cc-pvtz?frozen_core=true&density_fitting=true", WATER_B, -76.400701189007),
    ("xyg3/cc-pvtz?frozen_core=true&density_fitting=true", NH2, -55.863759071398),
]


@pytest.mark.slow
@pytest.mark.parametrize(("level", "system", "published"), PUBLISHED)
def test_against_other_programs(level, system, published, energy):
    """To 1e-5 hartree: grids and fitting sets are other ones."""
    assert energy(level, system) == pytest.approx(published, abs=1e-5)


@pytest.mark.slow
def test_pwpb95_against_qchem(energy):
    """Q-Chem 5.1.1, quoted there too, with the D3(0) parameters that the functional was published with."""
    from dftd3.interface import DispersionModel, ZeroDampingParam

    model = DispersionModel(WATER_A.atomic_numbers, WATER_A.coordinates)
    damping = ZeroDampingParam(s6=0.82, s8=0.705, rs6=1.557, rs8=1.0, s9=0.0)
    dispersion = float(model.get_dispersion(damping, grad=False)["energy"])
    found = energy("pwpb95/6-31g?pt2_fitting=false", WATER_A) + dispersion
    assert found == pytest.approx(-76.30404653, abs=1e-5)


# Of S66, with def2-QZVPPD, frozen cores and no counterpoise: geometry (ångström) and values in GSCDB137, Liang and
# Head-Gordon, arXiv 2508.13468 (CC BY 4.0).
WATER_DIMER = (
    ("O", -0.7021960540, -0.0560602560, 0.0099422620),
    ("H", -1.0221932240, 0.8467757820, -0.0114887140),
    ("H", 0.2575210620, 0.0421214960, 0.0052189990),
    ("O", 2.2208710670, 0.0267167920, 0.0006204760),
    ("H", 2.5974926820, -0.4116632740, 0.7667448580),
    ("H", 2.5931353840, -0.4494961830, -0.7447820260),
)


@pytest.mark.slow
@pytest.mark.parametrize(("level", "published"), [("revdsd-pbep86+d4", -5.0216), ("wb97m(2)", -4.9945)])
def test_published_interaction_energies(level, published, energy):
    """In kcal/mol. The SCF is fitted here, and ωB97M(2) on a coarser grid, where VV10 would take most of the time."""

    def molecule(atoms):
        places = tuple(tuple(x * ANGSTROM for x in a[1:]) for a in atoms)
        return Molecule(tuple(a[0] for a in atoms), places, 0, 1)

    grid = "&grid=2" if level == "wb97m(2)" else ""
    options = f"def2-qzvppd?frozen_core=true&density_fitting=true&stability=false{grid}"
    whole, one, two = (
        energy(f"{level}/{options}", molecule(atoms)) for atoms in (WATER_DIMER, WATER_DIMER[:3], WATER_DIMER[3:])
    )
    assert (whole - one - two) * HARTREE_IN_KCAL_MOL == pytest.approx(published, abs=0.03)


# The semi-local parts as libxc names them and their factors, and exact exchange: not our table.
PARTS = {
    "b2plyp": ("0.53*HF + 0.47*GGA_X_B88 + 0.73*GGA_C_LYP", 0.27, 0.27),
    "b2plyp+d3bj": ("0.53*HF + 0.47*GGA_X_B88 + 0.73*GGA_C_LYP", 0.27, 0.27),
    "dsd-pbep86": ("0.72*HF + 0.28*GGA_X_PBE + 0.44*GGA_C_P86_FT", 0.36, 0.51),
    "dsd-pbep86+d3bj": ("0.69*HF + 0.31*GGA_X_PBE + 0.44*GGA_C_P86_FT", 0.22, 0.52),
    "revdsd-pbep86+d3bj": ("0.69*HF + 0.31*GGA_X_PBE + 0.4296*GGA_C_P86_FT", 0.0799, 0.5785),
    "revdsd-pbep86+d4": ("0.69*HF + 0.31*GGA_X_PBE + 0.4210*GGA_C_P86_FT", 0.0636, 0.5922),
}


def spin_sums(mf, frozen=0):
    """Second-order energies (same, opposite) from unfitted integrals over the orbitals of each spin."""
    from pyscf import ao2mo

    coefficients, energies = mf.mo_coeff, mf.mo_energy
    if np.ndim(mf.mo_occ) == 1:
        coefficients, energies = [coefficients] * 2, [energies] * 2
    n = mf.mol.nelec
    found = {}
    for a, b in ((0, 0), (1, 1), (0, 1)):
        occupied = [coefficients[s][:, frozen : n[s]] for s in (a, b)]
        empty = [coefficients[s][:, n[s] :] for s in (a, b)]
        shape = (occupied[0].shape[1], empty[0].shape[1], occupied[1].shape[1], empty[1].shape[1])
        iajb = ao2mo.general(mf.mol, (occupied[0], empty[0], occupied[1], empty[1]), compact=False).reshape(shape)
        gaps = [np.subtract.outer(energies[s][frozen : n[s]], energies[s][n[s] :]) for s in (a, b)]
        exchanged = iajb - iajb.transpose(0, 3, 2, 1) if a == b else iajb
        factor = 0.5 if a == b else 1.0
        found[a, b] = factor * float(np.sum(iajb * exchanged / (gaps[0][:, :, None, None] + gaps[1][None, None])))
    return found[0, 0] + found[1, 1], found[0, 1]


def kohn_sham(molecule, xc, basis="6-31g", grid=1):
    from pyscf import dft

    mol = to_mole(molecule, basis)
    mf = (dft.UKS(mol) if mol.spin else dft.RKS(mol)).set(xc=xc, **TIGHT)
    mf.grids.level, mf.nlcgrids.level = grid, 0
    mf.kernel()
    assert mf.converged
    return mf


@pytest.mark.parametrize("level", PARTS)
def test_self_consistent_ones_by_hand(level, run, molecules):
    name, _, scheme = level.partition("+")
    xc, same, opposite = PARTS[level]
    mf = kohn_sham(molecules["water"], xc)
    sums = spin_sums(mf)
    result = run(f"{level}/6-31g?grid=1&pt2_fitting=false", "water")
    dispersion = result.settings.get("dispersion_energy", 0.0)
    assert (dispersion < -1e-6) == bool(scheme)
    expected = mf.e_tot + same * sums[0] + opposite * sums[1] + dispersion
    assert result.properties["energy"].value == pytest.approx(expected, abs=1e-8)
    assert result.settings["dispersion_parameters" if scheme else "scf_energy"]


@pytest.mark.parametrize("frozen", [0, 1])
def test_open_shell_and_frozen_core_by_hand(frozen, run, molecules):
    mf = kohn_sham(molecules["nh"], "0.53*HF + 0.47*GGA_X_B88 + 0.73*GGA_C_LYP")
    same, opposite = spin_sums(mf, frozen)
    core = "&frozen_core=true" if frozen else ""
    result = run(f"b2plyp/6-31g?grid=1&pt2_fitting=false{core}", "nh")
    assert result.settings["frozen_core_orbitals"] == frozen
    assert result.properties["energy"].value == pytest.approx(mf.e_tot + 0.27 * (same + opposite), abs=1e-8)


@pytest.mark.parametrize("system", ["water", "nh"])
def test_fitted_second_order_energies_by_hand(system, run, molecules):
    """In the RI set of the basis, whether the SCF is fitted or not."""
    from pyscf import df
    from pyscf.mp import dfmp2, dfump2

    mf = kohn_sham(molecules[system], "0.53*HF + 0.47*GGA_X_B88 + 0.73*GGA_C_LYP", "cc-pvdz")
    solver = (dfump2.DFUMP2 if mf.mol.spin else dfmp2.DFMP2)(mf)
    solver.with_df = df.DF(mf.mol, auxbasis="cc-pvdz-ri")
    solver.kernel()
    result = run("b2plyp/cc-pvdz?grid=1", system)
    assert result.properties["energy"].value == pytest.approx(mf.e_tot + 0.27 * solver.e_corr, abs=1e-8)
    assert result.settings["correlation_fitting_set"] == "cc-pvdz-ri"
    assert "fitting_set" not in result.settings
    unfitted = run("b2plyp/cc-pvdz?grid=1&pt2_fitting=false", system).properties["energy"].value
    assert 1e-8 < abs(unfitted - result.properties["energy"].value) < 1e-4


# XYG3: 0.1967 S + 0.2107 (B88 - S) beside 0.8033 exact exchange.
ON_B3LYP = {
    "xyg3": ("0.8033*HF + 0.1967*LDA_X + 0.2107*GGA_X_B88 - 0.2107*LDA_X + 0.6789*GGA_C_LYP", 0.3211, 0.3211),
    "xygj-os": ("0.7731*HF + 0.2269*LDA_X + 0.2309*LDA_C_VWN_RPA + 0.2754*GGA_C_LYP", 0.0, 0.4364),
}


@pytest.mark.parametrize("system", ["water", "nh"])
@pytest.mark.parametrize("name", ON_B3LYP)
def test_those_on_b3lyp_orbitals_by_hand(name, system, run, molecules):
    xc, same, opposite = ON_B3LYP[name]
    mf = kohn_sham(molecules[system], "b3lypg")
    sums = spin_sums(mf)
    mf.xc = xc
    expected = mf.energy_tot(dm=mf.make_rdm1()) + same * sums[0] + opposite * sums[1]
    found = run(f"{name}/6-31g?grid=1&pt2_fitting=false", system)
    assert found.properties["energy"].value == pytest.approx(expected, abs=1e-8)
    assert found.settings["orbitals"] == "b3lyp"


def test_parameters_of_pwpb95_are_put_where_they_belong(molecules):
    """PW6B95 has the same form and parameters of its own (J. Phys. Chem. A 109, 5656 (2005)), and libxc has it."""
    from pyscf import dft

    scale = DOUBLE_HYBRIDS["pwpb95"].recipes[""].tuned["GGA_X_MPW91"]["_alpha"] / 0.32620
    exchange = {"_bt": 0.00538, "_alpha": 1.7382 * scale, "_expo": 3.8901}
    correlation = {"_css": 0.03668, "_copp": 0.00262}
    recipe = Recipe(
        "0.28*HF + 0.72*GGA_X_MPW91, MGGA_C_BC95", 0, 0, tuned={"GGA_X_MPW91": exchange, "MGGA_C_BC95": correlation}
    )
    for system in ("water", "oh"):
        mf = kohn_sham(molecules[system], "pw6b95")
        other = (dft.UKS if mf.mol.spin else dft.RKS)(mf.mol).set(xc=pyscf_code("test", recipe))
        other.grids.level = 1
        assert other.energy_tot(dm=mf.make_rdm1()) == pytest.approx(mf.e_tot, abs=1e-6)


def test_pwpb95_by_hand(run, molecules):
    """By libxc's own call with its parameters, on the density of our orbitals."""
    from pyscf.dft import libxc

    xc = "0.5*HF + 0.5*GGA_X_MPW91, 0.731*MGGA_C_BC95"
    alpha = 0.32620 / 0.1282782438530421943**2
    numbers = {119: [0.00444, alpha, 3.7868], 240: [0.03241, 0.00250]}
    libxc.register_custom_functional_("by-hand-pwpb", xc, ext_params=numbers)
    mf = kohn_sham(molecules["water"], "by-hand-pwpb")
    found = run("pwpb95/6-31g?grid=1&pt2_fitting=false", "water")
    assert found.properties["energy"].value == pytest.approx(mf.e_tot + 0.269 * spin_sums(mf)[1], abs=1e-8)
    plain = kohn_sham(molecules["water"], xc)
    assert abs(plain.e_tot - mf.e_tot) > 1e-3  # libxc's own parameters are other ones


# ωB97M-V in the notation of its paper, J. Chem. Phys. 144, 214110 (2016).
WB97M_V = wb97m.Series(
    exchange=((0.85, 0, 0), (1.007, 0, 1), (0.259, 1, 0)),
    same=((0.443, 0, 0), (-1.437, 0, 4), (-4.535, 1, 0), (-3.39, 2, 0), (4.278, 4, 3)),
    opposite=((1.0, 0, 0), (1.358, 1, 0), (2.924, 2, 0), (-8.812, 2, 1), (-1.39, 6, 0), (9.142, 6, 1)),
)


@pytest.mark.parametrize("system", ["water", "oh", "h"])
def test_the_series_gives_wb97m_v_back(system, molecules, monkeypatch):
    """With the coefficients of ωB97M-V, exact exchange 0.15 and whole VV10, the energy is PySCF's own of it."""
    from pyscf import dft

    mol = to_mole(molecules[system], "6-31g*")
    mf = (dft.UKS(mol) if mol.spin else dft.RKS(mol)).set(xc="wb97m_v", **TIGHT)
    mf.grids.level, mf.nlcgrids.level = 1, 0
    mf.kernel()
    series = wb97m.energy_on_orbitals(mf)
    monkeypatch.setattr(wb97m, "WB97M_2", WB97M_V)
    monkeypatch.setattr(wb97m, "SHORT_RANGE_EXCHANGE", 0.15)
    monkeypatch.setattr(wb97m, "VV10_FRACTION", 1.0)
    monkeypatch.setattr(wb97m, "VV10", (6.0, 0.01))
    assert wb97m.energy_on_orbitals(mf) == pytest.approx(mf.e_tot, abs=1e-9)
    assert abs(series - mf.e_tot) > 1e-4


def test_attenuation_has_no_step():
    ends = wb97m.attenuation(np.array([wb97m.SERIES_FROM * (1 - 1e-12), wb97m.SERIES_FROM * (1 + 1e-12)]))
    assert ends[0] == pytest.approx(ends[1], rel=1e-10)
    assert wb97m.attenuation(np.array([1e-6]))[0] == pytest.approx(1.0, abs=1e-5)


def test_wb97m2_by_hand(run, molecules):
    result = run("wb97m(2)/6-31g?grid=1&pt2_fitting=false", "water")
    assert result.settings["orbitals"] == "wb97m-v"
    same, opposite = (result.settings[f"pt2_{s}_spin_energy"] for s in ("same", "opposite"))
    expected = result.settings["scf_energy"] + 0.34096 * (same + opposite)
    assert result.properties["energy"].value == pytest.approx(expected, abs=1e-12)
    mf = kohn_sham(molecules["water"], "wb97m_v")
    assert (same, opposite) == pytest.approx(spin_sums(mf), abs=1e-7)


@pytest.mark.parametrize("level", ["scs-mp2", "sos-mp2"])
@pytest.mark.parametrize("system", ["water", "oh"])
def test_scaled_mp2(level, system, run, molecules):
    from pyscf import scf

    mol = to_mole(molecules[system], "6-31g")
    mf = (scf.UHF(mol) if mol.spin else scf.RHF(mol)).set(**TIGHT)
    mf.kernel()
    same, opposite = spin_sums(mf)
    factors = {"scs-mp2": (1 / 3, 1.2), "sos-mp2": (0.0, 1.3)}[level]
    names = ("energy", "correlation_energy", "same_spin_correlation_energy", "opposite_spin_correlation_energy")
    found = {k: q.value for k, q in run(f"{level}/6-31g", system, *names).properties.items()}
    expected = factors[0] * same, factors[1] * opposite
    assert (found[names[2]], found[names[3]]) == pytest.approx(expected, abs=1e-8)
    assert found["correlation_energy"] == pytest.approx(sum(expected), abs=1e-8)
    assert found["energy"] == pytest.approx(mf.e_tot + sum(expected), abs=1e-8)


def test_scs_mp2_is_pyscfs(energy, molecules):
    from pyscf import mp, scf

    mf = scf.RHF(to_mole(molecules["water"], "6-31g")).set(**TIGHT)
    mf.kernel()
    assert energy("scs-mp2/6-31g", "water") == pytest.approx(mp.MP2(mf).run().e_tot_scs, abs=1e-8)


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        ("revdsd-pbep86", r"fitted together with a dispersion correction.*\+d4"),
        ("dsd-pbep86+d4", "do not say for which"),
        ("wb97m(2)+d4", "VV10 dispersion already"),
        ("xyg3+d3bj", "no D3.BJ. parameters"),
    ],
)
def test_what_does_not_belong_together_is_refused(level, reason):
    with pytest.raises(Unsupported, match=reason):
        parse_level(f"{level}/def2-svp")


def test_one_electron_has_no_second_order_energy(run):
    result = run("b2plyp/6-31g?grid=1", "h")
    assert result.properties["energy"].value == result.settings["scf_energy"]


def test_electrons_of_one_spin(run):
    """Triplet H2: pairs ↑↑ alone, which PySCF's unrestricted codes do not do."""
    triplet = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 3, name="h2_triplet")
    for fitted, limit in (("true", 1e-4), ("false", 1e-8)):
        result = run(f"b2plyp/6-31g**?grid=1&pt2_fitting={fitted}", triplet)
        mf = kohn_sham(triplet, "0.53*HF + 0.47*GGA_X_B88 + 0.73*GGA_C_LYP", "6-31g**")
        assert result.settings["pt2_opposite_spin_energy"] == 0
        assert result.settings["pt2_same_spin_energy"] == pytest.approx(pairs_of_one_spin(mf), abs=limit)
        assert result.settings["pt2_same_spin_energy"] < -1e-5


def pairs_of_one_spin(mf):
    from pyscf import ao2mo

    n, c, e = mf.mol.nelec[0], mf.mo_coeff[0], mf.mo_energy[0]
    iajb = ao2mo.general(mf.mol, (c[:, :n], c[:, n:], c[:, :n], c[:, n:]), compact=False)
    iajb = iajb.reshape(n, len(e) - n, n, len(e) - n)
    gap = np.subtract.outer(e[:n], e[n:])
    return 0.5 * float(np.sum(iajb * (iajb - iajb.transpose(0, 3, 2, 1)) / (gap[:, :, None, None] + gap[None, None])))
