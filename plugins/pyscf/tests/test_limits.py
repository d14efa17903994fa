"""What is refused, by one clear line; and what a plugin owes its host."""

from __future__ import annotations

import subprocess
import sys

import pytest

from qmbench import InputError, LatticeModel, Molecule, ResourceError, Resources, Unsupported, parse_level

HELIUM = Molecule(("He",), ((0, 0, 0),), 0, 1)


def refused(level, system=HELIUM, *properties):
    """check() only: nothing runs."""
    parse_level(level).make().check(system, frozenset(properties or ("energy",)))


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ("hf/cc-pvdx", "did you mean 'cc-pvdz'"),
        ("hf/631foo", "unknown basis '631foo'"),
        ("hf/cc-pvdz-jkfit", "unknown basis"),
        ("pbe/6-31g(q)", "unknown basis"),
    ],
)
def test_unknown_basis(level, message, run):
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")):
        run(level, HELIUM)


def test_basis_without_the_element(run):
    with pytest.raises(InputError, match=r"basis 'cc-pvdz' has no functions for U"):
        run("hf/cc-pvdz", Molecule(("U",), ((0, 0, 0),), 0, 5))
    # Ghosts need functions as well.
    with pytest.raises(InputError, match="for I"):
        run("hf/cc-pvtz", Molecule(("He", "I"), ((0, 0, 0), (0, 0, 5)), 0, 1, ghosts=(False, True)))


def test_too_small_a_basis(run):
    with pytest.raises(InputError, match="larger basis"):
        run("hf/sto-3g", Molecule(("He",), ((0, 0, 0),), 0, 3))


@pytest.mark.parametrize("method", ["hf", "fci"])
def test_molecules_need_a_basis(method):
    with pytest.raises(InputError, match=f"{method} on a molecule needs a basis: write {method}/cc-pvdz"):
        refused(method)


@pytest.mark.parametrize("method", ["mp2", "pbe", "ccsd(t)", "pbe+d3bj", "hf+d4"])
def test_basis_is_required(method):
    with pytest.raises(InputError, match="needs a basis"):
        parse_level(method)


def test_lattices_take_no_basis():
    ring = LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1)
    with pytest.raises(InputError, match="no basis"):
        refused("hf/sto-3g", ring)
    with pytest.raises(Unsupported, match="density_fitting"):
        refused("hf?density_fitting=true", ring)
    with pytest.raises(Unsupported, match="dipole"):
        refused("fci", ring, "dipole")
    with pytest.raises(Unsupported, match="lattice"):
        refused("mp2/sto-3g", ring)
    with pytest.raises(Unsupported, match="twist"):
        refused("fci", LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1, twist=(0.1,)))
    refused("fci", LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1, twist=(0.0,)))


def test_restricted_open_shell_is_refused():
    with pytest.raises(Unsupported, match="multiplicity"):
        refused("hf/sto-3g?reference=restricted", Molecule(("H",), ((0, 0, 0),), 0, 2))
    with pytest.raises(Unsupported, match="restricted singlet"):
        refused("ccsd/sto-3g", Molecule(("H",), ((0, 0, 0),), 0, 2), "excitation_energies")


def test_nothing_is_excited_without_electrons(run):
    proton = Molecule(("H",), ((0, 0, 0),), 1, 1)
    with pytest.raises(Unsupported, match="no electrons: nothing in it is excited"):
        refused("hf/sto-3g", proton, "excitation_energies")
    with pytest.raises(InputError, match="did you mean 'cc-pvdz'"):
        run("hf/cc-pvdx", proton)
    with pytest.raises(Unsupported, match="effective core potential of def2-svp"):
        run("hf/def2-svp", Molecule(("Xe",), ((0, 0, 0),), 54, 1))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lyp", "correlation alone"),
        ("gga_k_tfvw", "kinetic"),
        ("wb97x-d", "dispersion"),
        ("wb97xd", "dispersion"),
        ("b97-d", "d3bj"),
        ("scan-rvv10", "rVV10"),
        ("scanl", "Laplacian"),
        ("gga_x_lb", "without an energy"),
        ("wb97x-v+d9", None),
        ("wb97x+d3bj", "wb97x-v"),
        ("vv10+d4", "VV10"),
        ("svwn+d3bj", "parameters"),
    ],
)
def test_functionals_that_are_not_whole(name, message):
    with pytest.raises((Unsupported, InputError), match=message):
        parse_level(f"{name}/sto-3g")


@pytest.mark.parametrize("name", ["lda", "slater", "lda_x", "b88", "optx", "rpw86", "gga_x_pbe"])
def test_exchange_alone_is_no_functional(name):
    """Helium would have the energy of exchange alone: −2.7147 instead of LDA's −2.8348 hartree."""
    with pytest.raises(Unsupported, match=f"{name} is exchange alone; name a functional that has correlation, too"):
        parse_level(f"{name}/sto-3g")
    if name in ("lda", "slater"):
        with pytest.raises(Unsupported, match="such as svwn"):
            parse_level(f"{name}/sto-3g")


def test_every_libxc_name_is_whole_or_refused_with_its_reason():
    """By the kind that libxc's own names state: nothing but exchange and correlation together is a functional."""
    import re

    from pyscf.dft import libxc

    from qmbench_pyscf.functionals import functional

    whole = 0
    for key in libxc.XC_CODES:
        kind = re.match(r"(?:HYB_)?(?:LDA|GGA|MGGA)_(XC|X|C|K)(?:_|$)", key)
        if kind is None:
            continue
        try:
            found = functional(key.lower())
        except Unsupported:
            continue
        assert found is not None
        assert kind[1] == "XC", key
        whole += 1
    assert whole > 200


def test_any_libxc_functional_has_a_name():
    for name in ("b97-d+d3bj", "m11", "mn15-l", "b97-1", "hcth-407", "svwn", "lc-wpbe+d3bj"):
        assert parse_level(f"{name}/sto-3g").method.name == name
    with pytest.raises(InputError, match="did you mean"):
        parse_level("pbbe/sto-3g")


def test_full_ci_says_how_large_it_is(run):
    benzene = Molecule(("C", "O", "O"), ((0, 0, 0), (0, 0, 2.2), (0, 0, -2.2)), 0, 1)
    with pytest.raises(ResourceError, match=r"fci: [\d,]+ determinants; the limit is [\d,]+"):
        run("fci/6-31g", benzene)


def test_options_are_named():
    with pytest.raises(InputError, match="did you mean 'frozen_core'"):
        parse_level("mp2/sto-3g?frozencore=true")


def test_importing_the_plugin_imports_no_program():
    code = (
        "import sys, qmbench_pyscf as q; m = q.qmbench_methods(); "
        "from qmbench.plugging.registry import plugins; plugins(); "
        "known = {'basis': 'cc-pvdz', 'functional': 'pbe'}; "
        "[c(c.Options(**{k: v for k, v in known.items() if k in c.Options.model_fields})).families() for c in m]; "
        "print(len(m), [n for n in ('pyscf', 'scipy', 'dftd3', 'dftd4') if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split(" ", 1)[1].strip() == "[]"


def test_every_method_has_a_first_line_and_a_source():
    from qmbench_pyscf import qmbench_methods

    for method in qmbench_methods():
        first = (method.__doc__ or "").splitlines()[0]
        assert 20 < len(first) < 160, method.name
        assert method.citations, method.name
        for field in method.Options.model_fields.values():
            assert field.description, method.name


def test_scratch_is_used_and_threads_are_set(run, tmp_path):
    from pyscf import lib

    before = lib.num_threads()
    run("hf/sto-3g", HELIUM, with_resources=Resources(cores=2, memory_gib=1.0, scratch=tmp_path / "scratch"))
    assert lib.num_threads() == before
