"""Basis sets with added shells: limits, the estimate against the truth, symmetry, ghosts, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import InputError, Molecule, Unsupported, level, parse_level
from qmbench_pyscf import ScfSpecification, converged_scf, scf_settings, to_mole
from qmbench_pyscf.basis_extension import CandidateSpace
from qmbench_pyscf.mole import basis_functions, pool_shells
from qmbench_pyscf.specification import AdaptiveExtension, AddedShells

ADAPTIVE = "basis_extension=adaptive&extension_pool="
QUICK = {"stability": False, "energy_tolerance": 1e-11}


def spec(basis, extension=None, xc=None, **more):
    return ScfSpecification(basis, xc=xc, extension=extension, **{**QUICK, "cartesian": False, **more})


def in_both(molecule, *bases):
    """PySCF by hand, Hartree–Fock in the functions of several basis sets together, in hartree."""
    from pyscf import gto, scf

    atoms = list(zip(molecule.symbols, molecule.positions, strict=True))
    together = {s: [shell for b in bases for shell in basis_functions(b, s)] for s in molecule.symbols}
    mole = gto.M(atom=atoms, unit="bohr", basis=together, charge=molecule.charge, verbose=0)
    mf = scf.RHF(mole).set(conv_tol=1e-12)
    before = scf.hf.overlap_zero_eigenvalue_threshold
    try:
        scf.hf.overlap_zero_eigenvalue_threshold = 1e-8
        return mf.run().e_tot
    finally:
        scf.hf.overlap_zero_eigenvalue_threshold = before


def test_shells_of_the_pool_are_those_of_the_basis_set(molecules):
    """One contraction each: together they span what the basis set does."""
    water = molecules["water"]
    pool = {symbol: pool_shells("cc-pvtz", symbol) for symbol in ("O", "H")}
    assert [shell[0] for shell in pool["O"]] == [0, 0, 0, 0, 1, 1, 1, 2, 2, 3]
    shells = tuple(tuple(range(len(pool[symbol]))) for symbol in water.symbols)
    mole = to_mole(water, "sto-3g", added=AddedShells("cc-pvtz", shells))
    assert mole.nao == 7 + 58
    assert sorted(mole.basis) == ["H2", "H3", "O1"]


@pytest.mark.parametrize("xc", [None, "PBE"])
def test_nothing_is_added_where_nothing_is_to_be_added(molecules, resources, xc):
    """From its own functions a basis set gets none, however small the threshold; none at a threshold beyond all."""
    plain = converged_scf(molecules["h2"], spec("cc-pvdz", xc=xc), resources)
    for rule in (AdaptiveExtension("cc-pvdz", 1e-10), AdaptiveExtension("cc-pvtz", 10.0)):
        mf = converged_scf(molecules["h2"], spec("cc-pvdz", rule, xc=xc), resources)
        assert mf.e_tot == pytest.approx(plain.e_tot, abs=1e-10)
        told = scf_settings(mf)["basis_extension"]
        assert told["added"] == {}
        assert told["functions_added"] == [0, 0]
        assert len(told["rounds"]) == 1


def test_threshold_zero_adds_the_whole_pool(molecules, resources):
    for name, pool in (("lih", "cc-pvdz"), ("h2", "cc-pvtz")):
        mf = converged_scf(molecules[name], spec("6-31g", AdaptiveExtension(pool, 0.0)), resources)
        assert mf.e_tot == pytest.approx(in_both(molecules[name], "6-31g", pool), abs=1e-8)


def test_what_is_nearly_in_the_basis_is_not_lost(resources):
    """Contracted shells of two members of a family nearly agree, and where they do not lies energy of the core."""
    neon = Molecule(("Ne",), ((0, 0, 0),), 0, 1)
    pool = converged_scf(neon, spec("cc-pvqz"), resources)
    both = converged_scf(neon, spec("cc-pvdz", AdaptiveExtension("cc-pvqz", 0.0)), resources)
    assert both.e_tot < pool.e_tot - 1e-5


def test_a_threshold_below_all_estimates_adds_the_whole_pool(molecules, resources):
    """Shell by shell, until none is left to be looked at."""
    mf = converged_scf(molecules["he"], spec("sto-3g", AdaptiveExtension("6-31g", 1e-12)), resources)
    assert scf_settings(mf)["basis_extension"]["functions_added"] == [2]
    assert scf_settings(mf)["basis_extension"]["rounds"][-1]["whole_pool_estimate"] == 0.0
    assert mf.e_tot == pytest.approx(in_both(molecules["he"], "sto-3g", "6-31g"), abs=1e-9)


@pytest.mark.parametrize(("system", "xc"), [("water", None), ("water", "PBE"), ("oh", None)])
def test_energies_go_down_as_functions_are_added(molecules, resources, system, xc):
    """Each round, and each smaller threshold, contains the one before it."""
    energies, sizes = [], []
    for threshold in (3e-3, 6e-4, 1e-4):
        rule = AdaptiveExtension("cc-pvtz", threshold)
        mf = converged_scf(molecules[system], spec("6-31g", rule, xc=xc, grid=2 if xc else None), resources)
        rounds = scf_settings(mf)["basis_extension"]["rounds"]
        assert rounds[-1]["functions"] == mf.mol.nao
        assert rounds[-1]["energy"] == pytest.approx(mf.e_tot, abs=1e-9)
        assert rounds[-1]["largest_estimate"] < threshold
        energies += [r["energy"] for r in rounds]
        sizes.append(mf.mol.nao)
        assert np.all(np.diff([r["energy"] for r in rounds]) < 1e-9)
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]


@pytest.mark.parametrize(("system", "xc"), [("water", None), ("oh", None), ("lih", "PBE")])
def test_what_a_shell_is_expected_to_bring_is_what_it_brings(molecules, resources, system, xc):
    """Each candidate of 6-31G in cc-pVDZ against an SCF with it: within a quarter where it matters."""
    molecule, pool = molecules[system], "cc-pvdz"
    none = AddedShells(pool, ((),) * len(molecule.symbols))
    start = spec("6-31g", none, xc=xc, grid=3 if xc else None)
    mf = converged_scf(molecule, start, resources)
    space = CandidateSpace(molecule, start, AdaptiveExtension(pool, 1e-4), mf, resources, converged_scf)
    compared = 0
    for candidate, gain in zip(space.candidates, space.gains(), strict=True):
        shells = [()] * len(molecule.symbols)
        shells[candidate.centre] = (candidate.shell,)
        there = converged_scf(molecule, replace(start, extension=AddedShells(pool, tuple(shells))), resources)
        expected, brought = gain * (there.mol.nao - mf.mol.nao), mf.e_tot - there.e_tot
        assert expected == pytest.approx(brought, rel=0.25, abs=2e-5)
        compared += brought > 1e-3
    assert compared >= 2


def test_estimates_of_one_shell_after_another_are_that_of_all(molecules, resources):
    """And that is the second-order energy of the Fock matrix in all functions, solved at once."""
    from scipy.linalg import null_space

    molecule, pool = molecules["lih"], "cc-pvdz"
    start = spec("6-31g", AddedShells(pool, ((), ())))
    mf = converged_scf(molecule, start, resources)
    space = CandidateSpace(molecule, start, AdaptiveExtension(pool, 1e-4), mf, resources, converged_scf)
    (source,) = space.sources
    outside = null_space(source.occupied.T @ space.overlap)  # of the occupied orbitals, in all functions
    fock, overlap = (outside.T @ m @ outside for m in (source.fock, space.overlap))
    expected = 0.0
    for orbital, energy in zip(source.occupied.T, source.energies, strict=True):
        gradient = outside.T @ source.fock @ orbital
        expected += 2.0 * float(gradient @ np.linalg.lstsq(fock - energy * overlap, gradient, rcond=1e-9)[0])
    whole, total = space.whole_pool(), 0.0
    assert whole == pytest.approx(expected, rel=1e-5)
    while space.candidates:
        first = space.candidates[0]
        total += space.gains()[0] * (first.functions.stop - first.functions.start)
        space.empty = [space._joined(source, space.empty[0], [first])]
        space.candidates = space.candidates[1:]
    assert total == pytest.approx(whole, rel=1e-5)


def test_rotation_and_order_of_atoms_change_nothing(molecules, moved, resources):
    rule = AdaptiveExtension("cc-pvtz", 3e-4)
    here, there = (
        converged_scf(m, spec("6-31g", rule), resources) for m in (molecules["water"], moved(molecules["water"]))
    )
    told = [scf_settings(mf)["basis_extension"] for mf in (here, there)]
    assert told[0]["functions_added"] == told[1]["functions_added"][::-1]
    assert there.e_tot == pytest.approx(here.e_tot, abs=1e-9)


@pytest.mark.parametrize("xc", [None, "PBE"])
def test_equivalent_atoms_get_equal_functions(molecules, resources, xc):
    """Of the crawford water both hydrogens, whatever the grid makes of them."""
    for threshold in (1e-3, 1e-4):
        rule = AdaptiveExtension("cc-pvtz", threshold)
        mf = converged_scf(molecules["crawford_water"], spec("6-31g", rule, xc=xc, grid=2 if xc else None), resources)
        oxygen, *hydrogens = scf_settings(mf)["basis_extension"]["functions_added"]
        assert hydrogens[0] == hydrogens[1]
        assert oxygen > 0


def test_shells_that_bring_the_same_are_added_together(molecules, resources):
    """At a threshold that the best of two equal shells just reaches, and that the other, beside it, does not."""
    molecule = molecules["crawford_water"]
    start = spec("6-31g", AddedShells("cc-pvdz", ((), (), ())))
    mf = converged_scf(molecule, start, resources)
    space = CandidateSpace(molecule, start, AdaptiveExtension("cc-pvdz", 1e-4), mf, resources, converged_scf)
    space.candidates = [candidate for candidate in space.candidates if candidate.centre > 0]
    chosen = space.choose(float(space.gains().max()))
    assert [candidate.centre for candidate in chosen] == [1, 2]
    assert chosen[0].shell == chosen[1].shell


def test_a_fragment_among_ghosts_has_the_functions_of_the_whole(run):
    """Boys and Bernardi's correction is one only where both are in the same basis."""
    pair = Molecule(("He", "He"), ((0, 0, 0), (0, 0, 4.0)), 0, 1)
    text = f"hf/cc-pvdz?{ADAPTIVE}aug-cc-pvtz&extension_threshold=1e-6"
    whole, part = run(text, pair), run(text, replace(pair, ghosts=(False, True)))
    told = [found.settings["basis_extension"] for found in (whole, part)]
    assert told[0] == told[1]
    assert sum(told[0]["functions_added"]) > 0
    assert part.settings["n_basis_functions"] == whole.settings["n_basis_functions"]
    plain = run("hf/cc-pvdz", replace(pair, ghosts=(False, True)))
    assert part.properties["energy"].value < plain.properties["energy"].value
    interaction = whole.properties["energy"].value - 2 * part.properties["energy"].value
    assert 0 < interaction < 2e-3  # repulsion, as Hartree–Fock has it


def test_ghosts_that_can_not_be_atoms_are_refused():
    sodium = Molecule(
        ("O", "H", "H", "Na"),
        ((0, 0, 0), (0, 1.4, 1.1), (0, -1.4, 1.1), (0, 0, -4)),
        0,
        1,
        ghosts=(False,) * 3 + (True,),
    )
    with pytest.raises(Unsupported, match=r"real atoms in their place.*without counterpoise"):
        level(f"hf/cc-pvdz?{ADAPTIVE}cc-pvtz").make().check(sodium, frozenset({"energy"}))


def test_polarizabilities_get_the_functions_that_they_need(run):
    """Of helium, whose limit is that of its diffuse p functions; s functions bring nothing to it."""
    small, large = (
        np.trace(run(f"hf/{b}", "he", "polarizability").properties["polarizability"].value) / 3
        for b in ("cc-pvdz", "aug-cc-pvtz")
    )
    found = run(f"hf/cc-pvdz?{ADAPTIVE}aug-cc-pvtz&extension_target=polarizability", "he", "polarizability")
    told = found.settings["basis_extension"]
    alpha = np.trace(found.properties["polarizability"].value) / 3
    assert "p" in told["added"]["He1"]
    assert "d" not in told["added"]["He1"]
    assert told["unit"] == "bohr3"
    assert told["threshold"] == 0.01
    assert small < 0.5 * large
    assert alpha == pytest.approx(large, rel=0.1)
    # What the pool was expected to bring, less what there was to come: the induced change of F is left out.
    assert told["rounds"][0]["whole_pool_estimate"] == pytest.approx(large - small, rel=0.5)


def test_properties_of_a_field_have_the_basis_of_the_molecule(run, molecules):
    """A dipole is the derivative of the energies in the fields: both have the same functions."""
    text = f"hf/6-31g?{ADAPTIVE}cc-pvtz&extension_threshold=2e-4&cartesian=false"
    found = run(text, "lih", "dipole", "polarizability")
    method = parse_level(text).make()
    spec_of = method.options.specification
    ends = [converged_scf(molecules["lih"], spec_of(field=(0.0, 0.0, f))).e_tot for f in (0.001, -0.001)]
    assert -(ends[0] - ends[1]) / 0.002 == pytest.approx(found.properties["dipole"].value[2], abs=2e-4)


def test_levels_on_the_determinant_have_its_functions(run, molecules):
    """MP2 in the extended basis, by PySCF on a Mole with the shells that the record names."""
    from pyscf import mp, scf

    text = f"?{ADAPTIVE}cc-pvtz&extension_threshold=2e-4&cartesian=false"
    mf = converged_scf(molecules["lih"], parse_level("mp2/6-31g" + text).options.specification())
    by_hand = mp.MP2(scf.RHF(mf.mol).set(conv_tol=1e-12).run()).run().e_tot
    found = run("mp2/6-31g" + text, "lih")
    assert found.properties["energy"].value == pytest.approx(by_hand, abs=1e-8)
    assert found.settings["n_basis_functions"] == mf.mol.nao > 11


def test_the_level_has_a_spelling_and_a_calculation_of_its_own(molecules):
    plain, extended = parse_level("hf/cc-pvdz"), parse_level(f"hf/CC-PVDZ?{ADAPTIVE}ccpvtz&extension_threshold=1e-4")
    assert str(plain) == "hf/cc-pvdz"
    assert str(extended) == "hf/cc-pvdz?basis_extension=adaptive&extension_pool=cc-pvtz"
    assert parse_level(str(extended)) == extended
    keys = {lv.options.specification().artifact_key(molecules["h2"]) for lv in (plain, extended)}
    keys |= {
        spec("cc-pvdz", e).artifact_key(molecules["h2"])
        for e in (AddedShells("cc-pvtz", ((0,), ())), AddedShells("cc-pvtz", ((), (0,))))
    }
    assert len(keys) == 4
    assert "extension" not in plain.options.specification().artifact_key(molecules["h2"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hf/cc-pvdz?basis_extension=adaptive", "needs the basis set that shells are from"),
        ("hf/cc-pvdz?extension_pool=cc-pvtz", "without it nothing is added"),
        ("pbe/cc-pvdz?extension_threshold=1e-3", "without it nothing is added"),
        ("mp2/cc-pvdz?extension_target=polarizability", "without it nothing is added"),
        (f"hf/cc-pvdz?{ADAPTIVE}cc-pvxz", "unknown basis 'cc-pvxz'"),
        (f"hf/cc-pvdz?{ADAPTIVE}cc-pvtz&extension_threshold=-1", "greater than or equal to 0"),
        (f"hf/cc-pv[dt]z?{ADAPTIVE}cc-pvqz", "no family of basis sets"),
        (f"b2plyp/cc-pvdz?{ADAPTIVE}cc-pvtz", "basis_extension"),
    ],
)
def test_wrong_levels_are_told_in_one_line(text, said):
    with pytest.raises(InputError, match=said) as told:
        parse_level(text).make().check(Molecule(("He",), ((0, 0, 0),), 0, 1), frozenset({"energy"}))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "properties", "said"),
    [
        (f"hf/6-31g(d)?{ADAPTIVE}cc-pvtz", {"energy"}, "cartesian=false"),
        (f"pbe/cc-pvdz?{ADAPTIVE}cc-pvtz&density_fitting=true", {"energy"}, "leave out density_fitting"),
        (f"hf/cc-pvdz?{ADAPTIVE}cc-pvtz", {"forces"}, "no forces with basis_extension"),
        (f"hf/cc-pvdz?{ADAPTIVE}cc-pvtz", {"harmonic_frequencies"}, "with basis_extension"),
        (f"hf/cc-pvdz?{ADAPTIVE}lanl2dz", {"energy"}, "not the same core potentials"),
        (f"hf/cc-pvdz?{ADAPTIVE}ccecp-he-cc-pvdz", {"energy"}, "no functions for H"),
    ],
)
def test_what_is_refused_of_a_molecule(text, properties, said):
    chlorine = Molecule(("Cl", "H"), ((0, 0, 0), (0, 0, 2.4)), 0, 1)
    with pytest.raises((Unsupported, InputError), match=said):
        level(text).make().check(chlorine, frozenset(properties))


def test_errors_of_a_basis_set_are_not_said_of_an_extended_one():
    from qmbench.judging.basis import answer_of

    assert answer_of("hf/cc-pvdz?stability=false") is not None
    assert answer_of(f"hf/cc-pvdz?{ADAPTIVE}cc-pvtz") is None


def test_a_lattice_has_no_basis_to_extend(ring):
    with pytest.raises((InputError, Unsupported), match="basis_extension is for molecules"):
        level(f"hf?{ADAPTIVE}cc-pvtz").make().check(ring(4, 1.0), frozenset({"energy"}))
