"""The tables of a run as files for machines: CSV and JSON, tidy, with the unit in the name of every column."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pydantic_core

from qmbench.domain import units
from qmbench.domain.errors import StoreError
from qmbench.domain.statistic import PERCENT
from qmbench.domain.visible import visible, visible_json
from qmbench.judging.items import rows_of
from qmbench.judging.statistics import BenchmarkInfo
from qmbench.plugging.registry import plugins

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.model import Evaluation

LONGEST_WORD = 80
AT_ONCE = 10_000
"""Rows whose texts are in memory at one time."""
_SCORED_IN_UNITS = (
    *("value", "uncertainty", "reference", "reference_uncertainty"),
    *("error", "error_uncertainty", "in_sample_error"),
)
_RANKED_IN_UNITS = (
    "in_sample_mean_absolute_error",
    *(f"adjusted_mean_absolute_error{end}" for end in ("", "_low", "_high")),
)


def with_units(table: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """(benchmark, observable) -> its rows of `table` (statistics or scored), the unit in the column names.

    A mean_absolute_error in kcal/mol becomes mean_absolute_error_kcal_mol, a statistic with a unit of its own gets
    that one; `unit` stays as a column. Columns
    that end in _kind, _doi and the like keep their names.
    """
    own = {column: s.unit for s in plugins().statistics.values() for column in (*s.number_columns, *s.common_columns)}
    own.update(dict.fromkeys((*_SCORED_IN_UNITS, *_RANKED_IN_UNITS)))
    out = {}
    for (benchmark, observable, unit), part in table.groupby(["benchmark", "observable", "unit"], sort=False):
        ends = {
            column: _suffix(str(unit) if own[column] is None else str(own[column]))
            for column in part.columns
            if column in own
        }
        names = {column: f"{column}_{end}" for column, end in ends.items() if end}
        key = (str(benchmark), str(observable))
        if key in out:
            raise ValueError(f"{benchmark}: observable {observable} comes in two units")
        out[key] = part.rename(columns=names).reset_index(drop=True)
    return out


def _suffix(unit: str) -> str:
    return "percent" if unit == PERCENT else units.suffix(unit)


def file_word(name: str) -> str:
    """`name` as part of a file's name: all but letters, digits and _ . + - ( ) as %XX, so that it leads nowhere."""
    word = quote(name, safe="+()")
    if len(word) <= LONGEST_WORD:
        return word
    return f"{word[:LONGEST_WORD]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def write_csv(table: pd.DataFrame, folder: Path, stem: str) -> list[Path]:
    """One file STEM-BENCHMARK-OBSERVABLE.csv per benchmark and observable in `folder`; returns their paths."""
    paths = []
    for (benchmark, observable), part in with_units(table).items():
        path = folder / f"{stem}-{file_word(benchmark)}-{file_word(observable)}.csv"
        write_text(path, csv_text(part))
        paths.append(path)
    return paths


def csv_text(table: pd.DataFrame) -> str:
    """The table as CSV. A text that a spreadsheet would take for a formula begins with an apostrophe; numbers don't."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(table.columns)
    for start in range(0, len(table), AT_ONCE):
        part = table.iloc[start : start + AT_ONCE]
        rows.writerows(zip(*(_cells(part[name]) for name in table.columns), strict=True))
    return text.getvalue()


def _cells(column: pd.Series) -> list[Any]:
    from pandas.api.types import is_float_dtype, is_numeric_dtype

    if is_float_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=math.nan).tolist()
        return ["" if x != x else f"{x:.12g}" for x in numbers]
    cells = column.to_numpy(dtype=object, copy=True)
    cells[column.isna().to_numpy()] = ""
    if is_numeric_dtype(column):
        return list(cells)
    # The same few texts stand in most of the rows.
    formulas = {text: f"'{text}" for text in set(cells) if isinstance(text, str) and _a_formula(text)}
    return [formulas.get(cell, cell) for cell in cells] if formulas else list(cells)


def _a_formula(text: str) -> bool:
    return text.lstrip().startswith(("=", "+", "-", "@"))


def to_json(statistics: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of `statistics` as JSON-ready objects, unit in the names; what is unknown is null."""
    return [row for part in with_units(statistics).values() for row in plain_rows(part)]


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table with plain Python values; NaN, NA and infinities become None."""
    return [{name: plain(x) for name, x in row.items()} for row in rows_of(table)]


def plain(x: Any) -> Any:
    """x as JSON has it: NumPy scalars become Python's, what is not a finite number becomes None."""
    if hasattr(x, "item"):
        x = x.item()
    if isinstance(x, float) and not math.isfinite(x):
        return None
    return x if isinstance(x, (str, int, float, bool, list, dict, type(None))) else None


def documents_beside(report: Evaluation) -> dict[str, Any]:
    """What stands beside statistics in documents, where it is there: filters, the user's weights and their totals."""
    found: dict[str, Any] = {"filters": [f.to_json() for f in report.filters]} if report.filters else {}
    if report.user_totals is not None:
        found |= {"weights": dict(report.weights or {}), "user_totals": plain_rows(report.user_totals)}
    return found


def write_json(statistics: pd.DataFrame, path: Path, beside: Mapping[str, Any] | None = None) -> None:
    """One JSON document: {"statistics": [...]} and what is beside it, as in `run suite --json`."""
    document = {"statistics": to_json(statistics), **(beside or {})}
    write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def write_markdown(
    statistics: pd.DataFrame,
    scored: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    path: Path,
    comparisons: Evaluation | None = None,
    closing: str = "",
) -> None:
    """The tables of `to_markdown` as a file; closing: a line of Markdown at its end."""
    from qmbench.report.renderers.markdown import to_markdown

    text = to_markdown(statistics, scored, benchmarks, comparisons=comparisons)
    write_text(path, f"{text}\n{closing}\n" if closing else text)


def write_text(path: Path, text: str) -> None:
    """Write text, without what acts instead of being seen, whole or not at all.

    StoreError with the system's reason when that can't be done.
    """
    _write(path, (visible(text).encode("utf-8", "replace"),))


def write_json_object(path: Path, document: Mapping[str, Any]) -> None:
    """A JSON object on one line, its lists item by item, so that no text of all of it is in memory; as `write_text`.

    Numbers that are none become null, and characters that act instead of being seen are escaped.
    """
    _write(path, _json_pieces(document))


def _json_pieces(document: Mapping[str, Any]) -> Iterator[bytes]:
    start = b"{"
    for name, value in document.items():
        yield start + _json(name) + b": "
        start = b", "
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield (b", " if number else b"[") + _json(item)
            yield b"]" if value else b"[]"
        else:
            yield _json(value)
    yield b"}\n" if document else b"{}\n"


def _json(value: Any) -> bytes:
    try:
        text = pydantic_core.to_json(value, inf_nan_mode="null")
    except pydantic_core.PydanticSerializationError:  # half of a pair of surrogates, which can only be escaped
        return json.dumps(value, allow_nan=False).encode()
    # Control characters are escaped already, but for the last one of ASCII.
    return text if text.isascii() and b"\x7f" not in text else visible_json(text.decode()).encode()


def write_bytes(path: Path, data: bytes) -> None:
    """As `write_text`, for bytes."""
    _write(path, (data,))


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(pieces)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror or error}") from None
