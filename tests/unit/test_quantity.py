"""Quantities: units convert values and uncertainties alike, and uncertainties propagate as they should."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmbench import InputError, Quantity
from qmbench.domain.quantity import combine, scalar
from qmbench.domain.units import HARTREE_IN_EV

finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-9, 1e3)


def test_conversion_scales_value_and_uncertainty():
    q = Quantity(-0.5, "hartree", 1e-3, "statistical").to("eV")
    assert q.value == pytest.approx(-0.5 * HARTREE_IN_EV)
    assert q.uncertainty == pytest.approx(1e-3 * HARTREE_IN_EV)
    assert (q.unit, q.uncertainty_kind) == ("eV", "statistical")


def test_conversion_of_arrays_and_states():
    vector = Quantity(np.array([1.0, 2.0, 3.0]), "e bohr").to("debye")
    assert vector.value == pytest.approx(np.array([1, 2, 3]) * 2.541746473)
    states = Quantity({"S1": 0.1, "T1": 0.2}, "hartree", {"S1": 0.01, "T1": 0.02}, "model").to("millihartree")
    assert states.value == pytest.approx({"S1": 100.0, "T1": 200.0})
    assert states.uncertainty == pytest.approx({"S1": 10.0, "T1": 20.0})


@pytest.mark.parametrize("kwargs", [{"uncertainty": 0.1}, {"uncertainty_kind": "model"}])
def test_uncertainty_and_kind_come_together(kwargs):
    with pytest.raises(InputError, match="or neither"):
        Quantity(1.0, "hartree", **kwargs)


@pytest.mark.parametrize("bad", [-1e-3, {"S1": -1.0}, np.array([0.1, -0.1])])
def test_an_uncertainty_is_not_negative(bad):
    with pytest.raises(InputError, match="negative"):
        Quantity(1.0, "hartree", bad, "model")


def test_combination_adds_in_quadrature_with_coefficients():
    terms = [(2.0, Quantity(1.0, "hartree", 3.0, "statistical")), (-1.0, Quantity(5.0, "hartree", 8.0, "statistical"))]
    total = combine(terms)
    assert total.value == -3.0
    assert total.uncertainty == pytest.approx(10.0)  # sqrt(6² + 8²)
    assert total.uncertainty_kind == "statistical"


def test_combination_agrees_with_sampling():
    rng = np.random.default_rng(5)
    terms = [(1.0, 0.4), (-2.0, 0.1), (0.5, 0.7)]
    sampled = sum(c * rng.normal(0.0, s, 400_000) for c, s in terms)
    total = combine((c, Quantity(0.0, "hartree", s, "statistical")) for c, s in terms)
    assert total.uncertainty == pytest.approx(sampled.std(), rel=0.01)


def test_terms_without_uncertainty_count_as_exact_and_kinds_mix():
    certain, noisy = Quantity(1.0, "t"), Quantity(2.0, "t", 0.1, "statistical")
    assert combine([(1, certain), (1, noisy)]).uncertainty == pytest.approx(0.1)
    assert combine([(1, certain), (1, certain)]).uncertainty is None
    assert combine([(1, noisy), (1, Quantity(0.0, "t", 0.1, "model"))]).uncertainty_kind == "combined"


def test_a_sum_keeps_the_kind_that_all_its_uncertain_terms_have():
    exact, model = Quantity(1.0, "t"), Quantity(2.0, "t", 0.3, "model")
    assert combine([(1, model), (-2, Quantity(1.0, "t", 0.2, "model"))]) == Quantity(0.0, "t", 0.5, "model")
    assert combine([(1, model), (1, exact)]).uncertainty_kind == "model"
    assert combine([(1, model), (1, Quantity(1.0, "t", 0.1, "systematic"))]).uncertainty_kind == "combined"


def test_what_cancels_has_no_part_in_the_uncertainty():
    model, sampled = Quantity(2.0, "t", 0.3, "model"), Quantity(1.0, "t", 0.1, "statistical")
    assert combine([(1, model), (0, sampled)]) == Quantity(2.0, "t", 0.3, "model")
    assert combine([(1, Quantity(1.0, "t")), (0, sampled)]).uncertainty is None


def test_an_unknown_kind_of_uncertainty_is_refused():
    with pytest.raises(InputError, match="no kind of uncertainty 'gp'; kinds are statistical, model"):
        Quantity(1.0, "t", 0.1, "gp")


def test_combination_refuses_mixed_units_and_arrays():
    with pytest.raises(InputError, match="eV, hartree"):
        combine([(1, Quantity(1.0, "eV")), (1, Quantity(1.0, "hartree"))])
    with pytest.raises(InputError, match="single number"):
        combine([(1, Quantity(np.ones(3), "hartree"))])
    with pytest.raises(InputError, match="single number"):
        scalar(Quantity({"S1": 1.0}, "hartree"))


def test_combination_of_nothing_is_refused():
    with pytest.raises(InputError, match="nothing to add up"):
        combine([])


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=6))
def test_combination_is_linear(pairs):
    total = combine((c, Quantity(v, "hartree")) for c, v in pairs)
    assert total.value == math.fsum(c * v for c, v in pairs)


@given(finite, positive)
def test_json_round_trip(value, uncertainty):
    q = Quantity(value, "hartree", uncertainty, "rounding")
    assert Quantity.from_json(json.loads(json.dumps(q.to_json()))) == q


def test_json_round_trip_of_arrays_and_states():
    array = Quantity(np.arange(9.0).reshape(3, 3), "bohr3")
    again = Quantity.from_json(json.loads(json.dumps(array.to_json())))
    np.testing.assert_array_equal(again.value, array.value)
    states = Quantity({"S1": 0.25}, "hartree")
    assert Quantity.from_json(json.loads(json.dumps(states.to_json()))) == states


@pytest.mark.parametrize("bad", [math.nan, math.inf, np.array([0.0, math.nan]), {"S1": math.inf}])
def test_not_finite_is_noticed(bad):
    assert not Quantity(bad, "hartree").is_finite()
    uncertain = Quantity(1.0, "hartree", math.nan, "model")
    assert not uncertain.is_finite()
    assert Quantity(1.0, "hartree").is_finite()
