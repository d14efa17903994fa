"""Observables: exact combinations and error propagation."""

import math

import numpy as np
import pytest

from qmbench import InputError, Quantity, Unsupported
from qmbench.domain.observables import evaluate


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
