"""Names of basis sets, and the functions that they were published with: six d functions in 6-31G(d), five elsewhere."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qmbench import InputError, Molecule, Resources, Unsupported, parse_level
from qmbench_pyscf import ScfOptions, ScfSpecification, converged_scf, scf_settings, to_mole
from qmbench_pyscf.basis_names import COMMON_BASES, canonical_basis, published_functions, pyscf_names
from qmbench_pyscf.basis_table import ALIASES, NAMES

SCRIPT = Path(__file__).parents[1] / "scripts/basis_table.py"


def bent(r, angle):
    """Water with O–H of `r` bohr and an angle in radians."""
    x, y = r * math.sin(angle / 2), r * math.cos(angle / 2)
    return Molecule(("O", "H", "H"), ((0, 0, 0), (x, y, 0), (-x, y, 0)), 0, 1, name="water")


def mole(molecule, basis, **more):
    from pyscf import gto

    atoms = list(zip(molecule.symbols, molecule.positions, strict=True))
    spin = molecule.multiplicity - 1
    return gto.M(atom=atoms, unit="B", basis=basis, charge=molecule.charge, spin=spin, verbose=0, **more)


def test_water_of_gaussian(run):
    """Gaussian 16 C.02, "Standard basis: 6-31G(d) (6D, 7F)", 19 basis functions: the first point of the optimization in
    examples/water/hf_631gd_opt.gauout of github.com/yamnor/molbox-data. Bonds are printed to 5e-6 bohr, at a slope of
    0.02 hartree/bohr each."""
    water = bent(1.82640, 1.87985)
    result = run("hf/6-31G(d)", water)
    assert result.properties["energy"].value == pytest.approx(-76.0097683411, abs=4e-7)
    assert result.settings["n_basis_functions"] == 19
    assert result.settings["functions_per_shell"] == {"d": 6}
    assert run("hf/6-31G(d)?cartesian=false", water).properties["energy"].value > -76.0097683411 + 1e-3


def test_water_of_nwchem(energy):
    """NWChem's value, in Cartesian functions, of the qcdb package's test of a geometry optimization of water at
    HF/6-31G* (check_rhf, which holds it to 1e-5), at the geometry of that test."""
    angstrom = 1 / 0.529177210903
    x = ((0, 0, -0.065638538099), (0, -0.757480611647, 0.520865616174), (0, 0.757480611647, 0.520865616174))
    water = Molecule(("O", "H", "H"), tuple(tuple(c * angstrom for c in atom) for atom in x), 0, 1)
    assert energy("hf/6-31g*", water) == pytest.approx(-76.010496306999, abs=1e-7)


@pytest.mark.parametrize("method", ["hf", "b3lyp", "mp2", "ccsd(t)"])
@pytest.mark.parametrize(("system", "basis"), [("water", "6-31g(d)"), ("oh", "6-31+g(d)"), ("o", "6-31g(d)")])
def test_six_d_functions_against_pyscf_by_hand(method, system, basis, run, molecules):
    from pyscf import cc, dft, mp, scf

    result = run(f"{method}/{basis}", system)
    mol = mole(molecules[system], basis, cart=True)
    if method == "b3lyp":
        mf = (dft.UKS if mol.spin else dft.RKS)(mol, xc="b3lyp").set(conv_tol=1e-11)
        mf.grids.level = 4
    else:
        mf = (scf.UHF if mol.spin else scf.RHF)(mol).set(conv_tol=1e-11, conv_tol_grad=1e-7)
    if mol.spin:  # pointed as the level has it: on a grid the energy depends on the orientation of an open shell
        start = converged_scf(molecules[system], parse_level(f"{method}/{basis}").options.specification(mf_xc(method)))
        mf.kernel(start.make_rdm1())
    else:
        mf.kernel()
    hand = {
        "mp2": lambda: mp.MP2(mf).run().e_tot,
        "ccsd(t)": lambda: (s := cc.CCSD(mf).set(conv_tol=1e-11, conv_tol_normt=1e-8).run()).e_tot + s.ccsd_t(),
    }.get(method, lambda: mf.e_tot)()
    assert result.settings["n_basis_functions"] == mol.nao
    assert result.properties["energy"].value == pytest.approx(hand, abs=2e-8)


def mf_xc(method):
    return "b3lyp" if method == "b3lyp" else None


def restricted_by_hand(molecule, basis):
    """Hartree–Fock in six d and seven f functions: Cartesian integrals of PySCF, contracted to them beforehand."""
    from pyscf import ao2mo, gto, scf
    from scipy.linalg import block_diag

    mol = mole(molecule, basis, cart=True)
    kept = block_diag(
        *[
            np.eye((l + 1) * (l + 2) // 2) if (l := mol.bas_angular(b)) < 3 else gto.cart2sph(l, normalized="sp")
            for b in range(mol.nbas)
            for _ in range(mol.bas_nctr(b))
        ]
    )
    core = kept.T @ (mol.intor("int1e_kin") + mol.intor("int1e_nuc")) @ kept
    overlap = kept.T @ mol.intor("int1e_ovlp") @ kept
    fake = gto.M(verbose=0)
    fake.nelectron, fake.incore_anyway = mol.nelectron, True
    mf = scf.RHF(fake).set(conv_tol=1e-12, max_cycle=200)
    mf.get_hcore, mf.get_ovlp = lambda *_: core, lambda *_: overlap
    mf._eri = ao2mo.kernel(mol.intor("int2e"), kept)
    mf.energy_nuc = lambda *_: mol.energy_nuc()
    mf.init_guess = "1e"
    mf.kernel()
    return mf.e_tot, kept.shape[1]


def test_six_d_and_seven_f_functions(run, energy, molecules):
    """6-31G(2df,p) as Gaussian has it. Leaving out functions raises the energy, in this order."""
    result = run("hf/6-31g(2df,p)?cartesian=d", "water")
    expected, orbitals = restricted_by_hand(molecules["water"], "6-31g(2df,p)")
    assert result.properties["energy"].value == pytest.approx(expected, abs=1e-8)
    assert (result.settings["n_orbitals"], result.settings["n_basis_functions"]) == (orbitals, orbitals + 3)
    assert result.settings["functions_per_shell"] == {"d": 6, "f": 7}
    all_cartesian, spherical = (energy(f"hf/6-31g(2df,p)?cartesian={c}", "water") for c in ("true", "false"))
    assert all_cartesian < expected - 1e-4 < expected < spherical - 1e-4


def test_a_metal_in_6_31g_has_six_d_and_seven_f_functions(resources):
    ion = Molecule(("Zn",), ((0, 0, 0),), 2, 1)
    settings = scf_settings(converged_scf(ion, ScfSpecification("6-31g*"), resources))
    assert settings["functions_per_shell"] == {"d": 6, "f": 7}


@pytest.mark.parametrize("level", ["hf/6-31g(2df,p)?cartesian=d", "pbe/6-31g(d)", "hf/cc-pvtz?cartesian=true"])
def test_orientation_does_not_matter(level, energy, molecules, moved):
    assert energy(level, moved(molecules["water"])) == pytest.approx(energy(level, "water"), abs=5e-6)


@pytest.mark.parametrize("system", ["o", "oh", "li"])
def test_guesses_of_open_shells_are_right_in_cartesian_functions(system, molecules, resources):
    """Every starting density has the electrons of the system, and a lone atom's leads to the lowest solution."""
    from qmbench_pyscf.guesses import alternating_spins, guesses
    from qmbench_pyscf.mean_field_object import mean_field

    for spec in (ScfSpecification("6-31g*"), ScfSpecification("6-31g*", cartesian=False)):
        mf = mean_field(molecules[system], spec, resources)
        found = dict(guesses(mf, molecules[system]))
        if system != "oh":
            assert any(name.startswith("shell") for name in found)
        found = {name: d for name, d in found.items() if name.startswith("shell")}
        found["alternating"] = alternating_spins(mf.mol, molecules[system])
        for name, density in found.items():
            electrons = np.einsum("sij,ji->s", density, mf.get_ovlp())
            assert electrons.sum() == pytest.approx(molecules[system].n_electrons, abs=1e-8), name


@pytest.mark.parametrize(
    ("basis", "functions"),
    [
        ("6-31g(d)", "d"),
        ("6-31++g(d,p)", "d"),
        ("6-31g", "d"),
        ("3-21g*", "d"),
        ("unc-6-31g(d)", "d"),
        ("dzp-dunning", "d"),
        ("sto-3g", False),
        ("6-311g(d)", False),
        ("6-311++g(3df,3pd)", False),
        ("cc-pvdz", False),
        ("def2-svp", False),
        ("pc-1", False),
        ("ano-rcc", False),
        ("lanl2dz", False),
    ],
)
def test_functions_are_those_of_the_publication(basis, functions):
    """As in Gaussian's list of its basis sets with Cartesian d functions, and the function types of the Basis Set
    Exchange for those that it has."""
    assert published_functions(basis) == functions
    assert ScfOptions(basis=basis).cartesian == functions == ScfSpecification(basis).cartesian
    assert to_mole(Molecule(("H",), ((0, 0, 0),), 0, 2), "6-31g(d)").cart


def test_what_was_used_with_both_has_to_be_said():
    for made in (lambda: parse_level("mp2/6-31G(2df,p)"), lambda: ScfSpecification("6-31g(3df,3pd)")):
        with pytest.raises(InputError, match=r"cartesian=d.*cartesian=false.*write which"):
            made()
    assert str(parse_level("mp2/6-31G(2df,p)?cartesian=d")) == "mp2/6-31g(2df,p)?cartesian=d"
    with pytest.raises(InputError, match="write false, d or true"):
        parse_level("hf/6-31g(d)?cartesian=yes")


def test_the_spelling_says_it_and_the_key_knows_it():
    six, five = parse_level("b3lyp/6-31g*"), parse_level("b3lyp/6-31G(d)?cartesian=false")
    assert (str(six), str(five)) == ("b3lyp/6-31g(d)?cartesian=d", "b3lyp/6-31g(d)?cartesian=false")
    assert parse_level(str(six)) == six != five == parse_level(str(five))
    water = bent(1.8, 1.8)
    assert six.key(water, "energy") != five.key(water, "energy")
    assert (six.label, five.label) == ("B3LYP/6-31G(d)", "B3LYP/6-31G(d) (cartesian=false)")
    artifacts = {level.options.specification("b3lyp").artifact_key(water) for level in (six, five)}
    assert len(artifacts) == 2
    assert str(parse_level("hf/cc-pvdz?cartesian=false")) == "hf/cc-pvdz"
    assert str(parse_level("hf/cc-pvdz?cartesian=true")) == "hf/cc-pvdz?cartesian=true"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("def2svp", "def2-svp"),
        ("DEF2-TZVP", "def2-tzvp"),
        ("ccpvdz", "cc-pvdz"),
        ("AUG-CC-pVTZ", "aug-cc-pvtz"),
        ("augccpvtz", "aug-cc-pvtz"),
        ("6-31G*", "6-31g(d)"),
        ("6-31g**", "6-31g(d,p)"),
        ("631gs", "6-31g(d)"),
        ("6-31++G**", "6-31++g(d,p)"),
        ("6-311g*", "6-311g(d)"),
        ("6311g(2df,2pd)", "6-311g(2df,2pd)"),
        ("sto3g", "sto-3g"),
        ("ano", "ano-rcc"),
        ("unc-ccpvdz", "unc-cc-pvdz"),
        ("ccecpccpvtz", "ccecp-cc-pvtz"),
    ],
)
def test_one_spelling(written, canonical):
    first, second = parse_level(f"hf/{written}"), parse_level(f"hf/{canonical}")
    assert first == second
    assert str(first).startswith(f"hf/{canonical}")
    assert first.key(bent(1.8, 1.8), "energy") == second.key(bent(1.8, 1.8), "energy")
    assert canonical_basis(canonical) == canonical


def test_the_table_is_that_of_pyscf():
    """Rewritten by the script, it is the same; each name is looked up as the very files that PySCF has for it."""
    from pyscf.gto.basis import ALIAS

    spec = importlib.util.spec_from_file_location("basis_table_script", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.TARGET.read_text() == script.text()
    for plain, name in ALIASES.items():
        if "*" not in plain:
            assert ALIAS[plain] in [ALIAS.get(other) for other in pyscf_names(name, "C")], plain
    assert len(NAMES) > 150
    assert {name.replace("jul-", "aug-") for name in COMMON_BASES} <= set(NAMES)


@pytest.mark.parametrize("written", ["jul-cc-pvdz", "heavy-aug-cc-pvdz", "unc-jul-cc-pvdz"])
def test_diffuse_functions_on_all_but_hydrogen(written, energy, run):
    """jul- in the calendar, heavy-aug- elsewhere: as with the two sets given to PySCF by hand; fitted with theirs."""
    from pyscf import gto, scf

    canonical = written.replace("heavy-aug", "jul")
    assert str(parse_level(f"hf/{written}")) == f"hf/{canonical}"
    hydride = Molecule(("F", "H"), ((0, 0, 0), (0, 0, 1.74)), 0, 1)
    table = {"H": "cc-pvdz", "F": "aug-cc-pvdz"}
    if written.startswith("unc-"):
        table = {symbol: gto.uncontract(gto.basis.load(name, symbol)) for symbol, name in table.items()}
    by_hand = scf.RHF(mole(hydride, table)).run(conv_tol=1e-11).e_tot
    assert energy(f"hf/{written}", hydride) == pytest.approx(by_hand, abs=1e-9)
    found = run(f"mp2/{canonical}?density_fitting=true", hydride)
    assert found.properties["energy"].value == pytest.approx(energy(f"mp2/{written}", hydride), abs=1e-4)
    if not written.startswith("unc-"):
        sets = found.settings["correlation_fitting_set"]
        assert sets == "aug-cc-pvdz-ri (F), cc-pvdz-ri (H)"


def test_a_calendar_set_that_is_not_made_of_two_sets_is_refused():
    for written in ("jul-def2-svp", "jul-cc-pcvdz", "jun-cc-pvdz"):
        with pytest.raises(InputError, match=f"unknown basis '{written}'"):
            parse_level(f"hf/{written}")
    assert str(parse_level("mp2/heavy-aug-cc-pv[tq]z")) == "mp2/jul-cc-pv[tq]z"


@pytest.mark.parametrize("family", ["6-31", "6-31+", "6-31++", "6-311", "6-311+", "6-311++"])
@pytest.mark.parametrize(("stars", "brackets"), [("*", "(d)"), ("**", "(d,p)")])
def test_stars_and_brackets_are_the_same_functions(family, stars, brackets):
    """On every element that PySCF has in both spellings; one of them lacks some."""
    from pyscf.data.elements import ELEMENTS

    from qmbench_pyscf.mole import basis_functions, named_shells

    starred, bracketed = f"{family}g{stars}".replace("-", ""), f"{family}g{brackets}".replace("-", "")
    both = 0
    for symbol in ELEMENTS[1:54]:
        first, second = (sorted(map(repr, named_shells(name, symbol))) for name in (starred, bracketed))
        if first and second:
            assert first == second, symbol
            both += 1
        if first or second:
            assert basis_functions(f"{family}g{stars}", symbol)
    assert both > 15


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("cc-pvdx", "did you mean 'cc-pvdz'"),
        ("aug-cc-pv(d+d)z", "no sets with tight d functions, aug-cc-pvdz is there"),
        ("6-31g(q)", "unknown basis"),
        ("cc-pvdz-jkfit", "unknown basis"),
    ],
)
def test_an_unknown_name_is_refused_when_it_is_read(written, hint):
    with pytest.raises(InputError) as told:
        parse_level(f"hf/{written}")
    assert hint in str(told.value)
    assert f"unknown basis '{written}'" in str(told.value)


def test_reading_a_level_imports_no_pyscf():
    code = "import sys, qmbench; qmbench.parse_level('hf/6-31G**'); print('pyscf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_a_lattice_has_no_basis_functions(ring):
    with pytest.raises(Unsupported, match="cartesian is for molecules"):
        parse_level("hf?cartesian=d").make().check(ring(4, 2.0), frozenset({"energy"}))


def test_a_finite_field_and_fitted_correlation_in_cartesian_functions(run, molecules):
    """The dipole by the field is the one of the density; MP2 with fitted integrals is near that without."""
    water = molecules["water"]
    spec = replace(ScfSpecification("6-31g*"), field=(0.0, 0.0, 1e-3))
    plus, minus = (
        converged_scf(water, replace(spec, field=(0.0, 0.0, sign * 1e-3)), Resources()).e_tot for sign in (1, -1)
    )
    dipole = run("hf/6-31g*", water, "dipole").properties["dipole"].value
    assert -(plus - minus) / 2e-3 == pytest.approx(dipole[2], abs=1e-5)
    fitted, plain = (run(f"mp2/6-31g*{o}", water).properties["energy"].value for o in ("?density_fitting=true", ""))
    assert fitted == pytest.approx(plain, abs=1e-4)


@pytest.mark.parametrize(
    ("written", "light"),
    [("cc-pcvtz", "cc-pvtz"), ("unc-cc-pCVDZ", "unc-cc-pvdz"), ("aug-cc-pwcvdz", "aug-cc-pvdz")],
)
def test_the_core_valence_sets_of_hydrogen_and_helium_are_their_valence_sets(written, light, energy):
    """They have no core to correlate. Beside other atoms as with the sets of each element given to PySCF by hand."""
    from pyscf import gto, scf

    helium = Molecule(("He",), ((0, 0, 0),), 0, 1)
    assert energy(f"hf/{written}", helium) == pytest.approx(energy(f"hf/{light}", helium), abs=1e-12)
    hydride = Molecule(("B", "H"), ((0, 0, 0), (0, 0, 2.3)), 0, 1)
    table = {"H": light.removeprefix("unc-"), "B": canonical_basis(written).removeprefix("unc-")}
    if written.startswith("unc-"):
        table = {symbol: gto.uncontract(gto.basis.load(name, symbol)) for symbol, name in table.items()}
    by_hand = scf.RHF(mole(hydride, table)).run(conv_tol=1e-11).e_tot
    assert energy(f"hf/{written}", hydride) == pytest.approx(by_hand, abs=1e-9)


def test_fitting_sets_of_a_core_valence_set_are_those_of_its_elements(run):
    """Hydrogen's set has the name of the functions it has, so that the fitting set that belongs to them is found."""
    hydride = Molecule(("B", "H"), ((0, 0, 0), (0, 0, 2.3)), 0, 1)
    fitted = run("mp2/cc-pcvdz?density_fitting=true", hydride).properties["energy"].value
    assert fitted == pytest.approx(run("mp2/cc-pcvdz", hydride).properties["energy"].value, abs=1e-4)
