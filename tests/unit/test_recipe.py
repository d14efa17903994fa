"""Sums and limits of values: exact on synthetic energies, uncertainties of shared parts counted once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench import Curve, InputError, Quantity, Unsupported
from qmbench.domain import recipe
from qmbench.domain.recipe import Limit, Sum

LIMIT = -76.4376543210987
FORMS = {
    "karton-martin": lambda x: (x + 1) * math.exp(-9 * math.sqrt(x)),
    "halkier": lambda x: math.exp(-1.63 * x),
    "power": lambda x: x**-3.0,
}


@pytest.mark.parametrize("scheme", FORMS)
@pytest.mark.parametrize("cardinals", [(2, 3), (3, 4), (4, 5), (5, 6)])
def test_two_points_give_the_limit_of_their_own_form(scheme, cardinals):
    amplitude = 0.3 / FORMS[scheme](cardinals[0])  # steps of the size of real ones
    energies = {x: LIMIT + amplitude * FORMS[scheme](x) for x in cardinals}
    found = recipe.value(Limit("correlation", scheme, cardinals, cardinals), energies.__getitem__)
    assert found == pytest.approx(LIMIT, abs=1e-12)


@pytest.mark.parametrize("power", [2.4, 3.0, 5.0])
def test_the_power_is_a_choice(power):
    energies = {x: LIMIT + 0.4 * x**-power for x in (3, 4)}
    found = recipe.value(Limit("correlation", "power", (3, 4), (3, 4), power), energies.__getitem__)
    assert found == pytest.approx(LIMIT, abs=1e-12)


@pytest.mark.parametrize("rate", [0.8, 1.3, 2.2])
def test_three_points_give_the_limit_of_an_exponential(rate):
    energies = {x: LIMIT + 0.7 * math.exp(-rate * x) for x in (3, 4, 5)}
    found = recipe.value(Limit("reference", "feller", (3, 4, 5), (3, 4, 5)), energies.__getitem__)
    assert found == pytest.approx(LIMIT, abs=1e-12)


@pytest.mark.parametrize("energies", [(-1.0, -1.2, -1.1), (-1.0, -1.1, -1.3), (-1.0, -1.0, -1.1)])
def test_three_points_that_do_not_converge_have_no_limit(energies):
    with pytest.raises(Unsupported, match="do not converge exponentially"):
        recipe.value(Limit("reference", "feller", (2, 3, 4), (0, 1, 2)), energies.__getitem__)


def test_what_does_not_depend_on_the_basis_is_its_own_limit():
    for scheme in ("karton-martin", "halkier", "power", "largest", "feller"):
        limit = Limit("reference", scheme, (3, 4, 5), (0, 1, 2))
        assert recipe.value(limit, lambda _: -0.5) == pytest.approx(-0.5, abs=1e-15)


def test_of_three_members_two_point_schemes_take_the_largest():
    limit = Limit("correlation", "power", (3, 4, 5), ("t", "q", "5"))
    assert recipe.limit_coefficients(limit)[0] == 0
    assert sum(recipe.limit_coefficients(limit)) == pytest.approx(1, abs=1e-15)


def test_what_cancels_is_zero_and_certain():
    q = {"a": Quantity(-1.123456789, "hartree", 0.01, "statistical")}
    found = recipe.quantity(Sum(((1.0, "a"), (-1.0, "a"))), q)
    assert found.value == 0
    assert found.uncertainty == 0


def test_a_shared_part_is_counted_once():
    """(a − b) + (b − c): the error of b has no part in it; in quadrature of the two it would be there twice."""
    q = {k: Quantity(v, "hartree", 0.1, "statistical") for k, v in {"a": 1.0, "b": 2.0, "c": 4.0}.items()}
    inner = Sum(((1.0, Sum(((1.0, "a"), (-1.0, "b")))), (1.0, Sum(((1.0, "b"), (-1.0, "c"))))))
    found = recipe.quantity(inner, q)
    assert found.value == -3.0
    assert found.uncertainty == pytest.approx(0.1 * math.sqrt(2), rel=1e-12)


def test_errors_go_through_a_three_point_limit_to_first_order():
    """Against the derivative by hand: E = c + (c−b)²/((b−a)−(c−b))."""
    a, b, c, u = -1.0, -1.09, -1.12, 1e-6
    q = {"a": Quantity(a, "hartree", u, "statistical"), "b": Quantity(b, "hartree"), "c": Quantity(c, "hartree")}
    found = recipe.quantity(Limit("reference", "feller", (3, 4, 5), ("a", "b", "c")), q)
    slope = (c - b) ** 2 / ((b - a) - (c - b)) ** 2
    assert found.uncertainty == pytest.approx(u * slope, rel=1e-6)


def test_arrays_states_and_curves_are_added_number_by_number():
    half = Sum(((0.5, "a"), (0.5, "b")))
    arrays = {"a": Quantity(np.array([1.0, 2.0]), "hartree/bohr"), "b": Quantity(np.array([3.0, 6.0]), "hartree/bohr")}
    assert recipe.quantity(half, arrays).value.tolist() == [2.0, 4.0]
    states = {"a": Quantity({"1S": 1.0}, "eV", {"1S": 0.2}, "model"), "b": Quantity({"1S": 2.0}, "eV")}
    found = recipe.quantity(half, states)
    assert found.value == {"1S": 1.5}
    assert found.uncertainty == {"1S": pytest.approx(0.1)}
    curves = {k: Quantity(Curve([0.0, 1.0], [v, 2 * v]), "hartree") for k, v in {"a": 1.0, "b": 3.0}.items()}
    assert recipe.quantity(half, curves).value.values.tolist() == [2.0, 4.0]


def test_what_differs_in_kind_is_not_added():
    half = Sum(((0.5, "a"), (0.5, "b")))
    with pytest.raises(InputError, match="different units"):
        recipe.quantity(half, {"a": Quantity(1.0, "eV"), "b": Quantity(1.0, "hartree")})
    with pytest.raises(Unsupported, match="same states"):
        recipe.quantity(half, {"a": Quantity({"x": 1.0}, "eV"), "b": Quantity({"y": 1.0}, "eV")})


trees = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        st.lists(st.tuples(st.floats(-3, 3), inner), min_size=1, max_size=3).map(lambda parts: Sum(tuple(parts))),
        st.tuples(st.sampled_from(["karton-martin", "power", "largest"]), inner, inner).map(
            lambda x: Limit("correlation", x[0], (3, 4), (x[1], x[2]))
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(trees, st.tuples(*[st.floats(-5, 5)] * 3))
def test_a_tree_and_its_coefficients_agree_and_survive_json(tree, numbers):
    values = dict(zip("abc", numbers, strict=True))
    flat = recipe.coefficients(tree)
    assert flat is not None
    expected = math.fsum(c * values[leaf] for leaf, c in flat.items())
    scale = 1 + sum(abs(c * values[leaf]) for leaf, c in flat.items())
    assert recipe.value(tree, values.__getitem__) == pytest.approx(expected, abs=1e-10 * scale)
    assert recipe.from_json(recipe.to_json(tree)) == tree


@pytest.mark.parametrize("broken", [3, None, {}, {"limit": "x"}, {"sum": [["a", "b"]]}, {"scheme": "other"}, []])
def test_a_broken_document_is_refused(broken):
    with pytest.raises((ValueError, TypeError, KeyError)):
        recipe.from_json(broken)
