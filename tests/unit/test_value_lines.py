"""Quantities as lines of text."""

from __future__ import annotations

import numpy as np

from qmbench import Curve, Quantity
from qmbench.report.values import value_lines


def test_a_curve_is_a_line_for_each_point():
    curve = Curve([0.0, 1.5], [1.0, -0.25], "fs")
    assert value_lines("population", Quantity(curve, "").to_json()) == [
        ("population 0 fs", "1.0000000000"),
        ("population 1.5 fs", "-0.2500000000"),
    ]
    uncertain = Quantity(Curve([0.0, 1.5], [1.0, -0.25]), "", np.array([0.1, 0.2]), "estimate")
    assert [text for _, text in value_lines("p", uncertain.to_json())] == ["1.0000000000 ± 0.1", "-0.2500000000 ± 0.2"]


def test_states_and_numbers_are_as_they_were():
    assert value_lines("e", Quantity({"S1": 1.0}, "eV").to_json()) == [("e S1", "1.0000000000")]
    assert value_lines("e", Quantity(2.0, "eV").to_json()) == [("e", "2.0000000000")]
