"""D3 and D4 alone: what they add to a functional, published parameters by hand, derivatives, limits, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import qmbench.testing
from qmbench import InputError, Molecule, Resources, Unsupported, parse_level
from qmbench_pyscf.dispersion_alone import DAMPINGS

COMPLEX = Molecule(
    ("C", "O", "He", "Ne"), ((0, 0, 0), (0, 0, 2.13), (5.5, 0, 0), (0.3, 5.9, 1.0)), 0, 1, name="complex"
)


def found(level, system, *properties):
    return parse_level(level).make().run(system, properties or ("dispersion_energy",), Resources())


def energy(level, system):
    return found(level, system).properties["dispersion_energy"].value


@pytest.mark.parametrize("check", qmbench.testing.checks("pyscf", ["d3bj", "d4"]), ids=str)
def test_conformance(check):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", qmbench.testing.checks("pyscf", sorted({*DAMPINGS} - {"d3bj", "d4"})), ids=str)
def test_conformance_of_the_others(check):
    check()


@pytest.mark.parametrize("scheme", ["d3bj", "d4"])
@pytest.mark.parametrize("functional", ["pbe", "wb97x-v", "bp86", "hf"])
def test_it_is_what_the_corrected_functional_has_more(scheme, functional):
    from qmbench_pyscf.dispersion import dispersion_energy, library_name

    three_body = scheme == "d4"
    expected = dispersion_energy(COMPLEX, library_name(functional, scheme), scheme, three_body)
    assert expected < -1e-5
    assert energy(f"{scheme}?functional={functional}", COMPLEX) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("scheme", ["d3bj", "d4"])
def test_corrected_less_uncorrected(scheme, run, molecules):
    with_dispersion = run(f"pbe+{scheme}/sto-3g?grid=1", "water").properties["energy"].value
    difference = with_dispersion - run("pbe/sto-3g?grid=1", "water").properties["energy"].value
    assert energy(f"{scheme}?functional=pbe", molecules["water"]) == pytest.approx(difference, abs=1e-9)


# Parameters as the papers print them: J. Comput. Chem. 32, 1456 (2011); J. Chem. Phys. 132, 154104 (2010); J. Phys.
# Chem. Lett. 7, 2197 (2016), twice; J. Chem. Theory Comput. 13, 2043 (2017); 11, 3163 (2015).
PUBLISHED = {
    "d3bj": ("RationalDampingParam", {"s6": 1.0, "s8": 1.9889, "a1": 0.3981, "a2": 4.4211}),
    "d3zero": ("ZeroDampingParam", {"s6": 1.0, "s8": 1.703, "rs6": 1.261}),
    "d3mbj": ("ModifiedRationalDampingParam", {"s6": 1.0, "s8": 1.466677, "a1": 0.278672, "a2": 4.606311}),
    "d3mzero": ("ModifiedZeroDampingParam", {"s6": 1.0, "s8": 1.532981, "rs6": 1.338153, "bet": 0.013988}),
    "d3cso": ("CSODampingParam", {"s6": 1.0, "a1": 0.86}),
}


@pytest.mark.parametrize("scheme", PUBLISHED)
@pytest.mark.parametrize("three_body", [False, True])
def test_b3lyp_by_hand(scheme, three_body):
    import dftd3.interface

    kind, values = PUBLISHED[scheme]
    damping = getattr(dftd3.interface, kind)(**values, s9=1.0 if three_body else 0.0)
    model = dftd3.interface.DispersionModel(COMPLEX.atomic_numbers, COMPLEX.coordinates)
    hand = float(model.get_dispersion(damping, grad=False)["energy"])
    told = str(three_body).lower()
    assert energy(f"{scheme}?functional=b3lyp&three_body={told}", COMPLEX) == pytest.approx(hand, abs=1e-12)
    assert hand < -1e-5


@pytest.mark.parametrize("scheme", DAMPINGS)
def test_forces_are_minus_the_derivative(scheme):
    level, h = f"{scheme}?functional={'revpbe' if scheme == 'd3op' else 'pbe'}&three_body=true", 1e-3
    forces = found(level, COMPLEX, "forces").properties["forces"].value
    numerical = np.zeros_like(forces)
    for atom, axis in np.ndindex(forces.shape):
        moved = []
        for s in (1, -1):
            positions = [list(r) for r in COMPLEX.positions]
            positions[atom][axis] += s * h
            moved.append(energy(level, dataclasses.replace(COMPLEX, positions=tuple(map(tuple, positions)))))
        numerical[atom, axis] = -(moved[0] - moved[1]) / (2 * h)
    np.testing.assert_allclose(forces, numerical, atol=1e-8)
    assert np.abs(forces).max() > 1e-5


def test_c6_is_the_limit_of_two_far_apart():
    """E = −C6/R⁶ between two molecules at a distance where no damping is left and C8 adds some per cent.

    Nitrogen, whose atoms have no charges that a neighbour could shift.
    """
    nitrogen, r = Molecule(("N", "N"), ((0, 0, 0), (0, 0, 2.07)), 0, 1), 50.0
    there = [(x + r, y, z) for x, y, z in nitrogen.positions]
    pair = Molecule(nitrogen.symbols * 2, (*nitrogen.positions, *there), 0, 1)
    level = "d4?functional=pbe&three_body=false"
    c6 = found(level, nitrogen, "c6").properties["c6"].value
    assert -(energy(level, pair) - 2 * energy(level, nitrogen)) * r**6 == pytest.approx(c6, rel=0.02)


def test_d4_sees_the_charge():
    ammonia = Molecule(("N", "H", "H", "H"), ((0, 0, 0), (1.77, 0, 0.7), (-0.9, 1.5, 0.7), (-0.9, -1.5, 0.7)), 0, 1)
    cation = dataclasses.replace(ammonia, charge=1, multiplicity=2)
    c6 = [found("d4?functional=pbe", m, "c6").properties["c6"].value for m in (ammonia, cation)]
    assert c6[1] < 0.9 * c6[0]


REFUSED = [
    ("d3bj?functional=pbe", dataclasses.replace(COMPLEX, charge=1, multiplicity=2), "knows no charge"),
    ("d4?functional=pbe", dataclasses.replace(COMPLEX, multiplicity=3), "ask with multiplicity 1"),
    ("d3zero?functional=pbe", dataclasses.replace(COMPLEX, ghosts=(False, False, True, False)), "no ghosts"),
    ("d3bj?functional=pbe", Molecule(("Rf",), ((0, 0, 0),), 0, 1), "no reference systems for Rf"),
    ("d4?functional=nonsense", COMPLEX, "no D4 parameters are published for 'nonsense'"),
    ("d3zero?functional=nonsense", COMPLEX, r"no D3\(0\) parameters are published for 'nonsense'"),
    ("d3zero?functional=wb97x", COMPLEX, "write functional=wb97x-d3"),
    ("d3zero?functional=wb97m", COMPLEX, r"no D3\(0\) parameters are published"),
]


@pytest.mark.parametrize(("level", "system", "message"), REFUSED)
def test_refused_in_one_line(level, system, message):
    with pytest.raises(Unsupported, match=message) as caught:
        found(level, system)
    assert "\n" not in str(caught.value)


def test_names():
    assert str(parse_level("d4?functional=PBE")) == "d4?functional=pbe"
    assert parse_level("d3zero?functional=pbe0").label == "D3(0)[PBE0]"
    assert energy("d3zero?functional=m06-2x", COMPLEX) < -1e-6
    assert energy("d3zero?functional=wb97x-d3", COMPLEX) < -1e-6
    with pytest.raises(InputError, match="functional"):
        parse_level("d4")
