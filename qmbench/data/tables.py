"""CSV files whose columns are known: every row with its line, and every complaint with it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems.files import read_text
from qmbench.domain.systems.xyz_columns import real

T = TypeVar("T")
Complain = Callable[[InputError], None]
"""What is done about something wrong: `refuse` raises it, `qmbench lint` notes it and goes on."""


def refuse(error: InputError) -> None:
    """Raise it."""
    raise error


def collected(items: Iterable[T], complain: Complain) -> tuple[T, ...]:
    """The items up to the first InputError, about which `complain` is called."""
    found: list[T] = []
    try:
        found.extend(items)
    except InputError as error:
        complain(error)
    return tuple(found)


def read_csv(
    path: Path, columns: list[str], required: tuple[str, ...], complain: Complain = refuse
) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV file as (`FILE, line N`, {column: stripped text}); missing optional columns are empty.

    InputError for a file or a header that is wrong; a wrong row is left out after `complain`.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing")
    reader = csv.reader(io.StringIO(read_text(path)), strict=True)
    header: list[str] = []
    empty = dict.fromkeys(columns, "")
    try:
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if not header:
                header = [name.strip() for name in row]
                _check_header(header, columns, required, where)
                continue
            if not any(row):
                continue
            if len(row) != len(header):
                complain(InputError(f"{where}: {len(row)} fields where the header has {len(header)}"))
                continue
            yield where, empty | dict(zip(header, map(str.strip, row), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None
    if not header:
        raise InputError(f"{path}: empty; its first line names the columns: {','.join(columns)}")


def _check_header(header: list[str], columns: list[str], required: tuple[str, ...], where: str) -> None:
    for name in header:
        if name not in columns:
            raise InputError(f"{where}: unknown column '{name[:80]}'{did_you_mean(name[:80], columns)}")
        if header.count(name) > 1:
            raise InputError(f"{where}: the column '{name}' is there twice")
    for name in required:
        if name not in header:
            raise InputError(f"{where}: the column '{name}' is missing")


def finite(text: str, where: str, column: str) -> float:
    """A cell as a number; InputError when it is none or not finite."""
    try:
        value = real(text)
    except ValueError:
        raise InputError(f"{where}: {column} must be a number, not '{text[:80]}'") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise InputError(f"{where}: {column} must be a finite number, not '{text[:80]}'")
    return value


def whole_cell(text: str, where: str, column: str) -> int:
    """A cell as a whole number."""
    if not re.fullmatch(r"[+-]?[0-9]{1,9}(\.0*)?", text):
        raise InputError(f"{where}: {column} must be a whole number, not '{text[:80]}'")
    return int(float(text))
