"""Benchmark `alchemy`: its computed references by hand, and the published errors of the series against them."""

from __future__ import annotations

import pytest

from qmbench.data.benchmark import find_benchmark


@pytest.fixture(scope="module")
def benchmark():
    return find_benchmark("alchemy")


def reference(benchmark, entry):
    return next(r.quantity.value for r in benchmark.references if r.entry == entry)


@pytest.mark.parametrize(("entry", "name"), [("co_hf", "carbon_monoxide"), ("bf_hf", "boron_fluoride")])
def test_references_by_hand(entry, name, benchmark):
    from pyscf import gto, scf

    target = benchmark.system(name)
    basis = dict.fromkeys(target.symbols, gto.basis.load("def2-tzvp", "N"))
    atoms = list(zip(target.symbols, target.positions, strict=True))
    mole = gto.M(atom=atoms, basis=basis, unit="bohr", verbose=0)
    assert scf.RHF(mole).run(conv_tol=1e-12).e_tot == pytest.approx(reference(benchmark, entry), abs=2e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "name", "second", "fourth"),
    [("co_ccsd", "carbon_monoxide", -10.9, -0.16), ("bf_ccsd", "boron_fluoride", -174.0, -1.6)],
)
def test_published_errors_of_coupled_cluster(entry, name, second, fourth, benchmark, run):
    """Second and fourth order in millihartree, and the derivatives −6.4295 and 0.258 of nitrogen along the charges.

    Half a digit of the fourth derivative is 0.02 millihartree of CO, and 0.33 of BF, twice as far along the charges.
    """
    target, exact = benchmark.system(name), reference(benchmark, entry)
    found = run("alchemy?start=N2&order=4&level=ccsd/def2-tzvp", target)
    terms = found.settings["terms"]
    error = 1e3 * (found.properties["energy"].value - exact)
    scale = 7.0 - target.atomic_numbers[0]
    assert error == pytest.approx(fourth, abs=0.021 * scale**4)
    assert error - 1e3 * (terms[3] + terms[4]) == pytest.approx(second, abs=0.5 if scale == 2 else 0.05)
    assert 2 * terms[2] / scale**2 == pytest.approx(-6.4295, abs=5e-5)
    assert 24 * terms[4] / scale**4 == pytest.approx(0.258, abs=5e-4)
