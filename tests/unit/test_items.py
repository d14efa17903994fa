"""Rows of tables as dicts are what pandas makes of them, whatever the columns hold."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from qmbench.judging.items import rows_of


def test_rows_are_those_of_pandas_with_its_types() -> None:
    table = pd.DataFrame(
        {
            "float": [1.5, math.nan],
            "int": [1, 2],
            "bool": [True, False],
            "mixed": [np.float64(2.5), None],
            "flags": pd.Series([np.bool_(True), None], dtype=object),
            "text": ["a", None],
            "string": pd.Series(["a", None], dtype="string"),
            "category": pd.Series(["a", "b"], dtype="category"),
            "nullable": pd.Series([1, None], dtype="Int64"),
            "lists": [[1, 2], {"x": np.float64(1.0)}],
        }
    )
    mine, theirs = rows_of(table), table.to_dict("records")
    assert len(mine) == len(theirs) == 2
    for one, other in zip(mine, theirs, strict=True):
        assert list(one) == list(other)
        assert [(type(x), repr(x)) for x in one.values()] == [(type(x), repr(x)) for x in other.values()]
    assert rows_of(table.head(0)) == []
    assert rows_of(pd.DataFrame({0: [1]})) == [{"0": 1}]
