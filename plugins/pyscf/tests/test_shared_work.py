"""What is computed once, and iterations that go to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule
from qmbench_pyscf.diis import combination
from qmbench_pyscf.integrals import kept_integrals, share_integrals

WATER = Molecule(("O", "H", "H"), ((0, 0, 0.22), (0, 1.43, -0.89), (0, -1.43, -0.89)), 0, 1)
OH = Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.83)), 0, 2)


@pytest.fixture
def computed(monkeypatch):
    """How often the two-electron integrals of all functions were computed."""
    from pyscf import gto

    calls = []
    plain = gto.Mole.intor

    def counted(self, name, *more, **options):
        if name == "int2e" and "shls_slice" not in options:
            calls.append(self.nao)
        return plain(self, name, *more, **options)

    monkeypatch.setattr(gto.Mole, "intor", counted)
    return calls


@pytest.mark.parametrize(
    ("level", "system", "wanted"),
    [
        ("b3lyp/6-31g?grid=1", OH, "energy"),
        ("ccsd(t)/6-31g", WATER, "energy"),
        ("ccsd(t)/6-31g", OH, "energy"),
        ("mp2/6-31g", WATER, "dipole"),
    ],
)
def test_two_electron_integrals_are_computed_once(level, system, wanted, run, computed):
    run(level, system, wanted)
    assert computed.count(max(computed)) == 1  # an atom for a starting density has its own


def test_integrals_of_other_functions_are_others(computed):
    from pyscf import gto, scf

    with kept_integrals():
        for atom in ("He 0 0 0", "He 0 0 1", "Ne 0 0 0"):
            for _ in range(2):
                mf = scf.RHF(gto.M(atom=atom, basis="6-31g", verbose=0))
                share_integrals(mf)
                assert np.array_equal(mf._eri, mf.mol.intor("int2e", aosym="s8"))
    assert len(computed) == 3 + 6
    mf = scf.RHF(gto.M(atom="He", basis="6-31g", verbose=0))
    share_integrals(mf)
    assert mf._eri is None  # nothing is kept outside


def test_too_little_memory_for_integrals():
    from pyscf import gto, scf

    mf = scf.RHF(gto.M(atom="He", basis="6-31g", verbose=0))
    mf.max_memory = 1
    with kept_integrals():
        share_integrals(mf)
    assert mf._eri is None


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e-10])
def test_shortest_combination_whatever_the_size(size):
    """The foot of the perpendicular from the origin on the line through two points: at (1, 3)/10 times their unit."""
    vectors = size * np.array([[1.0, 0.0], [-0.5, 0.5]])
    weights = combination(vectors @ vectors.T)
    assert weights.sum() == pytest.approx(1)
    assert weights @ vectors == pytest.approx(size * np.array([0.1, 0.3]), abs=1e-9 * size)


def test_a_vector_of_length_zero_is_the_solution():
    vectors = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert list(combination(vectors @ vectors.T)) == [0.0, 1.0]


@pytest.mark.parametrize("system", [WATER, OH])
def test_cluster_amplitudes_converge_in_few_iterations(system, run, monkeypatch):
    """To ten digits; PySCF's own extrapolation takes 21 to 36 for such molecules."""
    from pyscf import cc

    cycles = []
    plain = cc.ccsd.kernel

    def kept(solver, *more, **options):
        found = plain(solver, *more, **options)
        cycles.append(solver.cycles)
        return found

    monkeypatch.setattr(cc.ccsd, "kernel", kept)
    monkeypatch.setattr(cc.uccsd, "kernel", kept, raising=False)
    ours = run("ccsd/6-31g(d)", system).properties["energy"].value
    assert cycles
    assert max(cycles) <= 20
    tight = run("ccsd/6-31g(d)?energy_tolerance=1e-12", system).properties["energy"].value
    assert ours == pytest.approx(tight, abs=2e-10)


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("pbe/6-31g?grid=1", "pbe+d3bj/6-31g?grid=1", 1),
        ("pbe+d4/6-31g?grid=1", "pbe/6-31g?grid=1", 1),
        ("pbe/6-31g?grid=1", "pbe/6-31g?grid=2", 0),
        ("pbe/6-31g?grid=1", "blyp/6-31g?grid=1", 0),
        ("wb97m-v/6-31g?grid=1", "wb97m-d3bj/6-31g?grid=1", 0),
        ("hf/6-31g", "mp2/6-31g", 1),
        ("mp2/6-31g", "scs-mp2/6-31g", 2),
        ("ccsd(t)/6-31g", "ccsd/6-31g", 3),
        ("ccsd(t)/6-31g", "mp2/6-31g", 2),
        ("ccsd(t)/6-31g", "mp2/6-31g?frozen_core=true", 1),
        ("ccsd/6-31g", "mp2/cc-pvdz", 0),
    ],
)
def test_what_is_said_to_be_shared_is_found_made(first, second, shared, tmp_path):
    """As many intermediates as are said, and a calculation that has them makes no other file."""
    from qmbench import Resources
    from qmbench.plugging.registry import parse_level

    energy = frozenset({"energy"})
    one, two = (parse_level(level).make() for level in (first, second))
    parts = two.shared_seconds(WATER, energy)
    said = parts.keys() & one.shared_seconds(WATER, energy).keys()
    assert len(said) == shared
    assert 0 < sum(parts.values()) <= two.estimate(WATER, energy)

    def files(method):
        method.compute(WATER, energy, Resources(scratch=tmp_path, artifacts=tmp_path / "artifacts"))
        return {path for path in (tmp_path / "artifacts").rglob("*") if path.is_file() and "lock" not in path.name}

    before = files(one)
    assert len(files(two) - before) == len(parts) - shared


def test_nothing_is_shared_without_a_self_consistent_field():
    from qmbench.plugging.registry import parse_level

    proton = Molecule(("H",), ((0, 0, 0),), 1, 1)
    assert parse_level("hf/6-31g").make().shared_seconds(proton, frozenset({"energy"})) == {}
    assert parse_level("mp2/6-31g").make().shared_seconds(proton, frozenset({"energy"})) == {}
