"""Counterpoise treatments of a cluster of three, and its many-body expansion, against PySCF with ghosts by hand."""

from __future__ import annotations

from itertools import combinations

import pytest

import qmbench
from qmbench import Molecule
from qmbench.domain.systems.xyz import Fragment
from qmbench.domain.units import HARTREE_IN_KCAL_MOL

WATER = (("O", 0.0, 0.0, 0.0), ("H", 1.43, 1.107, 0.0), ("H", -1.43, 1.107, 0.0))
# Three waters of different surroundings, so that every pair is another one (bohr).
SHIFTS = ((0.0, 0.0, 0.0), (0.4, -5.3, 0.7), (5.1, 2.2, -1.9))


def trimer():
    symbols, positions, fragments = [], [], []
    for n, shift in enumerate(SHIFTS):
        symbols += [a[0] for a in WATER]
        positions += [tuple(x + s for x, s in zip(a[1:], shift, strict=True)) for a in WATER]
        fragments.append(Fragment(tuple(range(3 * n, 3 * n + 3)), 0, 1))
    return Molecule(tuple(symbols), tuple(positions), 0, 1, fragments=tuple(fragments), name="trimer")


@pytest.fixture(scope="module")
def by_hand():
    """by_hand(fragments, basis) -> Hartree–Fock energy of waters `fragments` in the functions of those in `basis`."""
    from functools import cache

    from pyscf import gto, scf

    @cache
    def energy(fragments, basis):
        atoms = []
        for n in basis:
            for symbol, *xyz in WATER:
                ghost = "" if n in fragments else "ghost-"
                atoms.append((ghost + symbol, tuple(x + s for x, s in zip(xyz, SHIFTS[n - 1], strict=True))))
        mol = gto.M(atom=atoms, unit="B", basis="sto-3g", verbose=0)
        return scf.RHF(mol).set(conv_tol=1e-12, conv_tol_grad=1e-8).run().e_tot

    return energy


ALL = (1, 2, 3)
PAIRS = tuple(combinations(ALL, 2))


def pair(energy, i, j, basis=None):
    basis = basis or (i, j)
    return energy((i, j), basis) - energy((i,), basis) - energy((j,), basis)


def triple(energy, bases):
    """The three-body energy; bases: fragments -> the basis of each term."""
    pairs = sum(energy(p, bases(p)) for p in PAIRS)
    return energy(ALL, ALL) - pairs + sum(energy((i,), bases((i,))) for i in ALL)


def expected(energy):
    whole = energy(ALL, ALL)
    in_whole, in_pairs = sum(pair(energy, *p, ALL) for p in PAIRS), sum(pair(energy, *p) for p in PAIRS)
    own = sum(energy(p, p) for p in PAIRS) - 2 * sum(energy((i,), (i,)) for i in ALL)
    three = triple(energy, lambda _: ALL)
    return {
        ("interaction_energy", "none"): whole - sum(energy((i,), (i,)) for i in ALL),
        ("interaction_energy", "cp"): whole - sum(energy((i,), ALL) for i in ALL),
        ("interaction_energy", "vmfc"): in_pairs + three,
        ("two_body_energy", "none"): own,
        ("two_body_energy", "cp"): in_whole,
        ("two_body_energy", "vmfc"): in_pairs,
        ("three_body_energy", "none"): triple(energy, lambda group: group),
        ("three_body_energy", "cp"): three,
        ("three_body_energy", "vmfc"): three,
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("many_body") / "store.sqlite"


@pytest.mark.parametrize("bsse", ["none", "cp", "vmfc"])
@pytest.mark.parametrize("observable", ["interaction_energy", "two_body_energy", "three_body_energy"])
def test_trimer_by_hand(observable, bsse, by_hand, store):
    found = qmbench.compute("hf/sto-3g", trimer(), observable, bsse=bsse, store=store, progress=False)
    assert found.bsse == bsse
    value = found.value / HARTREE_IN_KCAL_MOL
    assert value == pytest.approx(expected(by_hand)[observable, bsse], abs=1e-8)
    assert abs(value) > 1e-5


def test_treatments_differ(by_hand):
    values = expected(by_hand)
    for observable in ("interaction_energy", "two_body_energy"):
        found = [values[observable, bsse] for bsse in ("none", "cp", "vmfc")]
        assert min(abs(a - b) for a, b in combinations(found, 2)) > 1e-5


def test_vmfc_of_a_pair_is_counterpoise(store):
    two = trimer().fragment((1, 2), ghosts=False)
    two = Molecule(two.symbols, two.positions, 0, 1, fragments=trimer().fragments[:2], name="dimer")
    cp, vmfc = (
        qmbench.compute("hf/sto-3g", two, "interaction_energy", bsse=bsse, store=store, progress=False)
        for bsse in ("cp", "vmfc")
    )
    assert vmfc.value == cp.value
    assert {r.key for r in vmfc.records} == {r.key for r in cp.records}


def test_vmfc_of_an_entry_of_a_benchmark():
    """Wherever `cp` makes sense; a three-body energy after `cp` has the basis of the trimer, as after `vmfc`."""
    after = [
        qmbench.compute("hf/sto-3g", "three_body/01a_water", bsse=bsse, progress=False).value for bsse in ("cp", "vmfc")
    ]
    assert after[0] == pytest.approx(after[1], abs=1e-9)
    assert after[0] != pytest.approx(
        qmbench.compute("hf/sto-3g", "three_body/01a_water", bsse="none", progress=False).value, abs=1e-3
    )
