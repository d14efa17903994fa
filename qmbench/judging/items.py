"""The items of columns and the rows of tables, as lists and dicts of Python's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def items(column: pd.Series) -> list[Any]:
    """The column as a list. Going through a column of texts itself makes some calls for each of them."""
    return list(column.to_numpy(dtype=object))


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows by names of columns: what the table's own `to_dict` gives, which for few rows of many columns takes
    several times as long."""
    columns = [_values(column) for _, column in table.items()]
    names = [str(name) for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pd.Series) -> list[Any]:
    import numpy as np
    import pandas as pd

    if isinstance(column.dtype, np.dtype) and column.dtype != object:
        return list(column.tolist())
    plain = (x.item() if isinstance(x, np.generic) else x for x in column.to_numpy(dtype=object))
    return [None if x is pd.NA else x for x in plain]
