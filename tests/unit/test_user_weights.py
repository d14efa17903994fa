"""Totals by the user's own weights: exact on numbers by hand, invariant, and one line for what is wrong."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench.data.weights import checked_weights, read_weights
from qmbench.domain.errors import InputError
from qmbench.judging.user_weights import user_totals

ROWS = [  # benchmark, observable, subset, level, mean absolute error, unit
    ("a", "x", "all", "l1", 1.0, "kcal/mol"),
    ("a", "x", "all", "l2", 2.0, "kcal/mol"),
    ("a", "x", "odd", "l1", 4.0, "kcal/mol"),
    ("a", "x", "odd", "l2", 3.0, "kcal/mol"),
    ("b", "x", "all", "l1", 4.184, "kJ/mol"),
    ("b", "x", "all", "l2", 8.368, "kJ/mol"),
    ("b", "x", "all", "l3", 8.368, "kJ/mol"),
    ("c", "dipole_moment", "all", "l1", 0.5, "debye"),
    ("d", "x", "all", "l1", 1.0, "kcal/mol"),
    ("d", "y", "all", "l1", 1.0, "kcal/mol"),
]


def tables(rows=ROWS, missing=()):
    statistics = pd.DataFrame(
        [
            {
                "benchmark": b,
                "observable": o,
                "subset": s,
                "level_of_theory": level,
                "bsse": "",
                "mean_absolute_error": e,
                "unit": u,
                "n_scored": 1 if (b, level) in missing else (1 if s == "odd" else 2),
            }
            for b, o, s, level, e, u in rows
        ]
    )
    scored = pd.DataFrame(
        [
            {"benchmark": b, "observable": o, "entry": f"{b}{i}", "reference": 1.0, "subsets": "odd" if i else ""}
            for b, o, s, _, _, _ in rows
            if s == "all"
            for i in range(2)
        ]
    )
    return statistics, scored


def totals(weights, **options):
    made = user_totals(*tables(**options), weights)
    return {level: float(total) for level, total in zip(made["level_of_theory"], made["total"], strict=True)}


def test_the_weighted_mean_by_hand_in_one_unit():
    found = totals({"a": 3.0, "b": 1.0})
    assert found["l1"] == pytest.approx((3 * 1.0 + 1.0) / 4)
    assert found["l2"] == pytest.approx((3 * 2.0 + 2.0) / 4)
    assert found["l3"] != found["l3"]  # it lacks a


def test_subsets_and_observables_have_weights_too():
    assert totals({"a/odd": 1.0, "b": 1.0})["l1"] == pytest.approx(2.5)
    assert totals({"d/y": 1.0, "a": 1.0})["l1"] == pytest.approx(1.0)


def test_a_weight_of_zero_leaves_out():
    assert totals({"a": 1.0, "b": 0.0}) == pytest.approx({"l1": 1.0, "l2": 2.0})


def test_a_level_that_lacks_an_entry_lacks_the_part():
    found = user_totals(*tables(missing={("a", "l2")}), {"a": 1.0, "b": 1.0})
    l2 = found[found["level_of_theory"] == "l2"].iloc[0]
    assert l2["lacks"] == "a"
    assert l2["total"] != l2["total"]


@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_neither_the_size_of_all_weights_nor_the_order_of_rows_matters(scale, seed):
    expected = totals({"a": 3.0, "b": 1.0, "a/odd": 2.0})
    shuffled = list(pd.Series(ROWS, dtype=object).sample(frac=1.0, random_state=seed))
    found = totals({"a/odd": 2.0 * scale, "a": 3.0 * scale, "b": scale}, rows=shuffled)
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"aa": 1.0}, "no benchmark 'aa' has statistics here"),
        ({"a/even": 1.0}, "benchmark a has no subset or observable 'even'"),
        ({"a": 1.0, "c": 1.0}, "a total needs parts of one kind of quantity"),
        ({"d": 1.0}, "d has 2 observables; write d/x or d/y"),
    ],
)
def test_names_that_are_wrong_are_one_line(weights, said):
    with pytest.raises(InputError, match=said):
        user_totals(*tables(), weights)


def test_toml_and_csv_say_the_same(tmp_path):
    toml, csv, flat = tmp_path / "w.toml", tmp_path / "w.csv", tmp_path / "f.toml"
    toml.write_text("b = 1\n[a]\nodd = 2.5\n")
    flat.write_text('b = 1\n"a/odd" = 2.5\n')
    csv.write_text("name,weight\nb,1\na/odd,2.5\n")
    assert read_weights(toml) == read_weights(csv) == read_weights(flat) == {"b": 1.0, "a/odd": 2.5}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("w.toml", 'a = "much"\n', "w.toml: a: a weight is a number from 0 on, not much"),
        ("w.toml", "a = -1\n", "a weight is a number from 0 on"),
        ("w.toml", "a = true\n", "a weight is a number from 0 on"),
        ("w.toml", "a = nan\n", "a weight is a number from 0 on"),
        ("w.toml", "a = 0\n", "no weight is above zero"),
        ("w.csv", "name,weight\na,1\na,2\n", "line 3: 'a' has two weights"),
        ("w.csv", "name,weight\na,x\n", "line 2: weight must be a number"),
        ("w.txt", "a = 1\n", "ends in .toml or .csv"),
    ],
)
def test_files_that_are_wrong_are_one_line(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read_weights(tmp_path / name)


def test_weights_from_python_are_checked_too():
    with pytest.raises(InputError, match="a weight is a number"):
        checked_weights({"a": "1"}, "weights")
