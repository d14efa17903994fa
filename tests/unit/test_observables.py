"""Observables: exact combinations and error propagation."""

import math

import numpy as np
import pytest

from qmbench import Curve, InputError, Molecule, Property, Quantity, Unsupported
from qmbench.domain.formulas import Expression, Place
from qmbench.domain.observables import Observable, Part, check_observable, evaluate


def test_interaction_energy_is_the_sum_with_errors_in_quadrature():
    terms = [
        (1.0, Quantity(-5.01, "hartree", 0.003, "statistical")),
        (-1.0, Quantity(-2.0, "hartree", 0.004, "statistical")),
        (-1.0, Quantity(-3.0, "hartree")),
    ]
    value = evaluate("interaction_energy", "", terms)
    assert value.value == pytest.approx(-0.01, abs=1e-14)
    assert value.uncertainty == pytest.approx(0.005, rel=1e-14)
    assert value.uncertainty_kind == "statistical"


def test_different_kinds_of_uncertainty_are_called_combined():
    terms = [(2.0, Quantity(1.0, "hartree", 0.1, "model")), (1.0, Quantity(1.0, "hartree", 0.1, "statistical"))]
    value = evaluate("reaction_energy", "", terms)
    assert value.uncertainty_kind == "combined"
    assert value.uncertainty == pytest.approx(math.hypot(0.2, 0.1))


def test_polarizability_is_a_third_of_the_trace_and_its_error_too():
    alpha = Quantity(np.diag([1.0, 2.0, 6.0]), "bohr3", np.full((3, 3), 0.3), "statistical")
    value = evaluate("polarizability", "", [(1.0, alpha)])
    assert value.value == pytest.approx(3.0)
    assert value.uncertainty == pytest.approx(math.sqrt(3) * 0.3 / 3)


def test_anisotropy_does_not_depend_on_the_axes():
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    alpha = np.diag([4.0, 4.0, 7.0])
    for tensor in (alpha, rotation @ alpha @ rotation.T):
        value = evaluate("polarizability_anisotropy", "", [(1.0, Quantity(tensor, "bohr3"))])
        assert value.value == pytest.approx(3.0, abs=1e-12)


def test_dipole_moment_is_the_norm():
    value = evaluate("dipole_moment", "", [(1.0, Quantity(np.array([0.3, 0.0, -0.4]), "e bohr"))])
    assert value.value == pytest.approx(0.5)


def test_a_state_is_picked_with_its_own_uncertainty():
    states = Quantity({"2 3S": 0.7, "2 1S": 0.8}, "hartree", {"2 3S": 0.01}, "statistical")
    assert evaluate("excitation_energy", "2 3S", [(1.0, states)]).uncertainty == 0.01
    assert evaluate("excitation_energy", "2 1S", [(1.0, states)]).uncertainty is None
    with pytest.raises(Unsupported, match="2 1P"):
        evaluate("excitation_energy", "2 1P", [(1.0, states)])


def test_units_are_not_mixed():
    with pytest.raises(InputError, match="different units"):
        evaluate("interaction_energy", "", [(1.0, Quantity(1.0, "hartree")), (-1.0, Quantity(1.0, "t"))])
    with pytest.raises(InputError, match="one system"):
        evaluate("polarizability", "", [(2.0, Quantity(np.eye(3), "bohr3"))])


def test_a_value_is_that_of_one_system():
    assert evaluate("c6", "", [(1.0, Quantity(6.5, "hartree bohr6"))]).value == 6.5
    for terms in ([(2.0, Quantity(6.5, "hartree bohr6"))], [(1.0, Quantity(6.5, "hartree bohr6"))] * 2):
        with pytest.raises(InputError, match="c6 belongs to one system"):
            evaluate("c6", "", terms)


def test_a_state_keeps_the_kind_of_its_uncertainty_also_when_that_is_zero():
    states = Quantity({"S1": 0.3, "T1": 0.2}, "hartree", {"S1": 0.01, "T1": 0.0}, "model")
    assert evaluate("excitation_energy", "S1", [(1.0, states)]) == Quantity(0.3, "hartree", 0.01, "model")
    assert evaluate("excitation_energy", "T1", [(1.0, states)]) == Quantity(0.2, "hartree", 0.0, "model")


@pytest.mark.parametrize(
    ("observable", "value"),
    [
        ("total_energy", Quantity(-1.0, "hartree", 0.1, "model")),
        ("dipole_moment", Quantity(np.array([0.0, 3.0, 4.0]), "e bohr", np.full(3, 0.1), "model")),
        ("polarizability_anisotropy", Quantity(np.diag([1.0, 2.0, 3.0]), "bohr3", np.full((3, 3), 0.1), "model")),
    ],
)
def test_every_formula_keeps_the_kind_of_the_uncertainty(observable, value):
    assert evaluate(observable, "", [(1.0, value)]).uncertainty_kind == "model"


def of_one(how, quantity, place="", **more):
    return evaluate(Observable("x", "p", how, "x", **more), place, [(1.0, quantity)])


def test_a_function_of_ones_own_gets_its_error_from_the_core():
    """The error of a ratio, to first order: a/b has the relative errors of both in quadrature."""
    states = Quantity({"a": 2.0, "b": 4.0}, "hartree", {"a": 2e-5, "b": 8e-5}, "statistical")
    found = of_one(lambda v: v["a"] / v["b"], states, unit="")
    assert (found.value, found.unit, found.uncertainty_kind) == (0.5, "", "statistical")
    assert found.uncertainty == pytest.approx(0.5 * math.hypot(1e-5, 2e-5), rel=1e-8)


def test_an_expression_is_the_function_it_says():
    states = Quantity({"HOMO": -0.5, "LUMO": 0.125}, "hartree", {"HOMO": 0.03, "LUMO": 0.04}, "model")
    gap = of_one("= LUMO - HOMO", states)
    assert (gap.value, gap.unit, gap.uncertainty_kind) == (0.625, "hartree", "model")
    assert gap.uncertainty == pytest.approx(0.05, rel=1e-12)
    alpha = Quantity(np.diag([1.0, 2.0, 6.0]), "bohr3")
    assert of_one("= max(value[0][0], value[1][1]) / value[2][2] + 2 ** -1", alpha, unit="").value == 1 / 3 + 0.5
    terms = [Part(1.0, Quantity(-3.0, "t"), "a", key="1"), Part(-2.0, Quantity(-1.0, "t"), "b@1", key="2")]
    both = Observable("x", "energy", "= coefficient['b@1'] * value['b@1'] - abs(value['a'])", "x")
    assert evaluate(both, "", terms).value == -1.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("LUMO -", "is not an expression"),
        ("__import__('os')", "'__import__\\('os'\\)', at column 1 of .*, is not one of abs, min"),
        ("value.__class__", "'value.__class__', at column 1 .* is not arithmetic"),
        ("(lambda: 1)()", "is not one of abs, min"),
        ("[x for x in value]", "is not arithmetic"),
        ("1 if value else 2", "is not arithmetic"),
        ("value % 2", "operator other than"),
        ("True", "is not a number"),
        ("9 ** 9 ** 9", "powers go to 64"),
        ("value + HOMO", "there is no 'HOMO'"),
        ("(" * 5000 + "1" + ")" * 5000, "at most 2000 characters"),
        ("(" * 900 + "1" + ")" * 900, "is not an expression"),
        ("'a' * 3", "does not give a real number"),
    ],
)
def test_an_expression_is_arithmetic_and_nothing_else(text, says):
    with pytest.raises(InputError, match=says) as error:
        of_one("=" + text, Quantity(2.0, "hartree"))
    assert "\n" not in str(error.value)


def test_what_has_no_value_is_unsupported_and_not_a_crash():
    for text in ("1 / (value - 2)", "log(value - 2)", "exp(value ** 60)"):
        with pytest.raises(Unsupported):
            of_one("=" + text, Quantity(2.0, ""))
    with pytest.raises(Unsupported, match="there is no 'S2'; did you mean 'S1'"):
        of_one("= value['S2']", Quantity({"S1": 0.1}, "hartree"))


def test_one_record_in_two_terms_has_one_error():
    """x − x is zero whatever the error of x; two records of equal value are independent."""
    difference = Observable("d", "energy", lambda terms, place: terms[0].value - terms[1].value, "d")
    x = Quantity(-1.0, "hartree", 0.1, "statistical")
    assert evaluate(difference, "", [Part(1.0, x, key="a"), Part(1.0, x, key="a")]).uncertainty == 0.0
    other = evaluate(difference, "", [Part(1.0, x, key="a"), Part(1.0, x, key="b")])
    assert other.uncertainty == pytest.approx(math.hypot(0.1, 0.1))
    assert evaluate("reaction_energy", "", [Part(1.0, x, key="a"), Part(-1.0, x, key="a")]).value == 0.0


def test_a_curve_is_read_where_the_entry_says_in_its_unit():
    times = np.linspace(0.0, 10.0, 11)
    curve = Quantity(Curve(times, 1.0 - 0.1 * times, "fs"), "", np.full(11, 0.02), "statistical")
    found = of_one("at", curve, Place(coordinate=2.5, coordinate_unit="fs"))
    assert found.value == pytest.approx(0.75, abs=1e-12)
    assert 0.01 < found.uncertainty < 0.03
    on_a_point = of_one("at", curve, Place(coordinate=3.0e-15, coordinate_unit="s"))
    assert (on_a_point.value, on_a_point.uncertainty) == pytest.approx((0.7, 0.02))
    with pytest.raises(Unsupported, match="from 0 to 10 fs, not to 12"):
        of_one("at", curve, Place(coordinate=12.0, coordinate_unit="fs"))
    with pytest.raises(InputError, match="says where"):
        of_one("at", curve)
    assert Quantity.from_json(curve.to_json()).value == curve.value


def test_a_curve_has_to_be_one():
    for x, y in (([1.0, 0.5], [0.0, 0.0]), ([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])):
        with pytest.raises(InputError):
            Curve(x, y)
    with pytest.raises(InputError, match="unknown unit 'femto'"):
        Curve([1.0], [1.0], "femto")


def test_degeneracies_belong_to_states():
    states = Quantity({"2 3S": 0.7, "2 3P": 0.8}, "hartree", degeneracies={"2 3S": 3, "2 3P": 9})
    again = Quantity.from_json(states.to("eV").to_json())
    assert again.degeneracies == {"2 3S": 3, "2 3P": 9}
    assert "degeneracies" not in Quantity({"a": 1.0}, "hartree").to_json()
    for wrong in ({"2 3S": 3}, {"2 3S": 3, "2 3P": 0}, {"2 3S": 3, "2 3P": 1.5}):
        with pytest.raises(InputError, match="degenerac"):
            Quantity({"2 3S": 0.7, "2 3P": 0.8}, "hartree", degeneracies=wrong)
    with pytest.raises(InputError, match="degenerac"):
        Quantity(1.0, "hartree", degeneracies={"a": 1})


def diatomic(r, energy, name):
    return Part(1.0, Quantity(energy, "hartree"), name, Molecule(("H", "F"), ((0, 0, 0), (0, 0, r)), 0, 1), name)


def test_a_morse_curve_has_its_exact_distance_and_wavenumber():
    """E = D (1 − exp(−a (r − r_e)))²: k = 2 D a², Morse, Phys. Rev. 34, 57 (1929)."""
    depth, a, equilibrium = 0.2, 1.1, 1.75
    points = [
        diatomic(r, depth * (1 - math.exp(-a * (r - equilibrium))) ** 2, f"{r:.2f}")
        for r in equilibrium + np.arange(-0.2, 0.21, 0.05)
    ]
    found = evaluate("bond_length", "", points)
    assert (found.value, found.unit) == (pytest.approx(equilibrium, abs=1e-6), "bohr")
    masses = {"H": 1.00782503223, "F": 18.99840316273}
    wavenumber = Observable("w", "energy", "harmonic_wavenumber", "w", parameters={"masses": masses})
    mu = 1822.888486209 * masses["H"] * masses["F"] / sum(masses.values())
    exact = math.sqrt(2 * depth * a**2 / mu) * 219474.6313632
    got = evaluate(wavenumber, "", points)
    assert (got.value, got.unit) == (pytest.approx(exact, rel=1e-5), "cm-1")
    with pytest.raises(Unsupported, match="no minimum between"):
        evaluate("bond_length", "", points[:4])
    with pytest.raises(InputError, match="bond_length: 3 distances do not determine"):
        evaluate("bond_length", "", points[:3])


def test_a_formula_fits_the_property_or_is_refused():
    with pytest.raises(InputError, match=r"must have the shape curve, not \(\)"):
        check_observable(Observable("x", "energy", "at", "x"), Property("energy", "hartree", "e"))
    with pytest.raises(InputError, match="harmonic_wavenumber has no parameter 'mass'; did you mean 'masses'"):
        check_observable(
            Observable("x", "energy", "harmonic_wavenumber", "x", parameters={"mass": {}}),
            Property("energy", "hartree", "e"),
        )
    with pytest.raises(InputError, match="is not an expression"):
        check_observable(Observable("x", "energy", "= (", "x"), Property("energy", "hartree", "e"))
    assert Expression("1 + 1").text == "1 + 1"


def test_a_function_that_gives_no_number_is_told():
    for wrong in (lambda v: None, lambda v: float("nan"), lambda v: True, lambda v: np.ones(2)):
        with pytest.raises(InputError, match=r"x: its formula gave .* not a finite number"):
            of_one(wrong, Quantity(1.0, "hartree"))


def test_relative_energy_is_above_the_lowest():
    energies = [Quantity(e, "hartree", 0.001, "statistical") for e in (-1.0, -1.2, -1.1)]
    found = evaluate("relative_energy", "", [(1.0, q) for q in energies])
    assert found.value == pytest.approx(0.2)
    assert found.uncertainty == pytest.approx(0.001 * math.sqrt(2))
