"""The items of columns of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def items(column: pd.Series) -> list[Any]:
    """The column as a list. Going through a column of texts itself makes some calls for each of them."""
    return list(column.to_numpy(dtype=object))
