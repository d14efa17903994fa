"""Extrapolated and composite levels on real energies: against by-hand sums, and against published limits."""

from __future__ import annotations

import math

import pytest

import qmbench
from qmbench import Fragment, Molecule


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.sqlite"


def energy(level, system, store, **more):
    return qmbench.compute(level, system, store=store, **more)


def test_mp2_is_extrapolated_as_by_hand(store):
    """Karton–Martin for Hartree–Fock and X⁻³ for the correlation, with numbers of plain levels."""
    value = {(m, b): energy(f"{m}/{b}", "atoms:ne", store).value for m in ("hf", "mp2") for b in ("cc-pvdz", "cc-pvtz")}

    def f(x):
        return (x + 1) * math.exp(-9 * math.sqrt(x))

    hf2, hf3 = value["hf", "cc-pvdz"], value["hf", "cc-pvtz"]
    c2, c3 = value["mp2", "cc-pvdz"] - hf2, value["mp2", "cc-pvtz"] - hf3
    by_hand = (f(2) * hf3 - f(3) * hf2) / (f(2) - f(3)) + (27 * c3 - 8 * c2) / 19
    made = energy("mp2/cc-pv[dt]z", "atoms:ne", store)
    assert made.value == pytest.approx(by_hand, abs=1e-10)
    assert made.cached  # all that it is made of was there


@pytest.mark.parametrize(
    ("level", "system", "limit", "within"),
    [
        # Hartree–Fock limits: Saito, At. Data Nucl. Data Tables 95, 836 (2009). Two-point formulas are good to some
        # 1e-5 hartree with correlation-consistent sets, and better with those that were made for Hartree–Fock.
        ("hf/cc-pv[tq5]z", "atoms:he", -2.8616799956, 1e-5),
        ("hf/aug-cc-pv[q5]z", "atoms:he", -2.8616799956, 4e-5),
        ("hf/aug-cc-pv[q5]z", "atoms:ne", -128.5470980937, 2e-4),
        ("hf/aug-pc-[34]?hf_scheme=halkier", "atoms:he", -2.8616799956, 1e-6),
        ("hf/aug-pc-[34]", "atoms:ne", -128.5470980937, 5e-5),
    ],
)
def test_hartree_fock_limits(level, system, limit, within, store):
    assert energy(level, system, store).value == pytest.approx(limit, abs=within)


def test_helium_correlation_limit_is_nearer_than_the_largest_basis(store):
    """FCI = CCSD for two electrons; the limit is −2.903724377 hartree (Pekeris, Phys. Rev. 115, 1216 (1959))."""
    exact = -2.903724377
    best = energy("ccsd/aug-cc-pvqz", "atoms:he", store).value
    limit = energy("ccsd/aug-cc-pv[tq]z", "atoms:he", store).value
    assert abs(limit - exact) < 5e-4 < abs(best - exact)


def test_the_same_level_subtracted_is_zero_and_an_order_is_no_difference(store):
    assert energy("mp2/cc-pvdz - mp2/cc-pvdz", "atoms:he", store).value == 0
    a = energy("mp2/cc-pvdz + ccsd/cc-pvdz - hf/cc-pvdz", "atoms:he", store)
    b = energy("ccsd/cc-pvdz - (hf/cc-pvdz - mp2/cc-pvdz)", "atoms:he", store)
    assert b.cached
    assert a.value == b.value
    assert a.level == b.level


def test_counterpoise_of_a_composite_is_the_composite_of_counterpoised_parts(store):
    dimer = Molecule(
        ("He", "Ne"),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0)),
        0,
        1,
        (Fragment((0,), 0, 1), Fragment((1,), 0, 1)),
        name="hene",
    )
    parts = {
        level: qmbench.compute(level, dimer, "interaction_energy", bsse="cp", store=store).value
        for level in ("mp2/aug-cc-pvdz", "hf/aug-cc-pvdz", "ccsd/aug-cc-pvdz")
    }
    whole = "ccsd/aug-cc-pvdz + 0.5*mp2/aug-cc-pvdz - 0.5*hf/aug-cc-pvdz"
    made = qmbench.compute(whole, dimer, "interaction_energy", bsse="cp", store=store)
    expected = parts["ccsd/aug-cc-pvdz"] + 0.5 * (parts["mp2/aug-cc-pvdz"] - parts["hf/aug-cc-pvdz"])
    assert made.value == pytest.approx(expected, abs=1e-9)
    plain = qmbench.compute(whole, dimer, "interaction_energy", bsse="none", store=store)
    assert abs(plain.value - made.value) > 1e-4


def test_dipoles_go_through(store):
    water = "polarizabilities:h2o"
    value = {b: energy(f"hf/{b}", water, store, properties="dipole").value for b in ("cc-pvdz", "cc-pvtz")}
    made = energy("0.25*hf/cc-pvdz + 0.75*hf/cc-pvtz", water, store, properties="dipole")
    assert made.value == pytest.approx(0.25 * value["cc-pvdz"] + 0.75 * value["cc-pvtz"], abs=1e-12)


def test_a_member_that_is_not_there_is_named(store):
    with pytest.raises(qmbench.InputError, match=r"unknown basis 'cc-pv6z'"):
        energy("hf/cc-pv[q56]z", "atoms:he", store)
