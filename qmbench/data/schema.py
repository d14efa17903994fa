"""Which keys TOML files have and what their values are: one clear line for each that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems.files import key_lines, read_text


class Table(pydantic.BaseModel):
    """A TOML table: no key but its own, and no value turned into another type."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class Citation(Table):
    """One of `citations`."""

    doi: str = ""
    text: str = ""


class BenchmarkTable(Table):
    """benchmark.toml; `observables` and `reference_sets` have rules of their own beside these types."""

    id: str
    version: str
    title: str
    description: str = ""
    observable: str
    unit: str
    sign: str
    bsse: list[Literal["none", "cp", "vmfc"]]
    default_reference_set: str = ""
    licence: str
    geometry_protocol: str = ""
    citations: list[Citation]
    subsets: dict[str, str] = {}
    tags: dict[str, str] = {}
    reference_sets: dict[str, Any] = {}
    changelog: list[dict[str, Any]] = []
    provider: Literal["ase:s22", "ase:g2", "atom"] = "atom"
    units: dict[str, str] = {}
    observables: dict[str, Any] = {}


class SelectionTable(Table):
    """A part of a benchmark, in a suite."""

    id: str
    subset: str | None = None
    observables: list[str] = []
    entries: list[str] = []


class LevelTable(Table):
    """One of `[[levels]]`."""

    level: str
    bsse: Literal["none", "cp", "vmfc"] | None = None
    benchmarks: list[str | SelectionTable] = []
    label: str = ""


class CompositeTable(Table):
    """A composite level of a suite, by its name."""

    expression: str
    label: str = ""
    citation: str = ""


class SuiteTable(Table):
    """A suite file."""

    id: str
    title: str
    description: str = ""
    benchmarks: list[str | SelectionTable]
    levels: list[LevelTable] = []
    composites: dict[str, CompositeTable] = {}


_WORDS = {
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


def schema_errors(table: Mapping[str, Any], kind: type[Table], path: Path) -> Iterator[tuple[str, InputError]]:
    """(top-level key, error) for every key of `table` that `kind` does not know, lacks, or has another type for."""
    try:
        kind.model_validate(dict(table))
        return
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_context=True)
    found.sort(key=lambda e: e["type"] == "missing")  # a key that is misspelt says more than that one is missing
    missing = [_key(e["loc"]) for e in found if e["type"] == "missing" and len(e["loc"]) == 1]
    lines = key_lines(read_text(path)) if path.is_file() else {}
    for e in found:
        place, union = e["loc"], isinstance(e["input"], Mapping)
        if e["type"] == "missing" and len(place) == 1:
            continue
        if (place[-1] == "str" and union) or (place[-1] == "SelectionTable" and not union):
            continue  # of a text or a table, the other one was meant, or is spoken of already
        place = tuple(part for part in place if part not in ("str", "SelectionTable"))
        top = str(place[0])
        at = f"{path}, line {lines[top]}" if top in lines else f"{path}"
        if top == "levels" and len(place) > 1 and isinstance(place[1], int):
            at, place = f"{at}, level {place[1] + 1}", place[2:]
        yield top, InputError(f"{at}: {_message(e, place, kind)}")
    if missing:
        yield "", InputError(f"{path}: missing {', '.join(missing)}")


def check_schema(table: Mapping[str, Any], kind: type[Table], path: Path) -> None:
    """InputError for the first of `schema_errors`."""
    for _, error in schema_errors(table, kind, path):
        raise error


def _message(error: Mapping[str, Any], place: tuple[Any, ...], kind: type[Table]) -> str:
    given, key = error["input"], _key(place)
    if error["type"] == "extra_forbidden":
        depth = len(error["loc"])
        known = kind.model_fields if depth == 1 else LevelTable.model_fields if len(place) == 1 else ()
        return f"unknown key '{key}'{did_you_mean(str(place[-1])[:80], known)}"
    if error["type"] == "missing":
        return f"'{key}' is missing"
    if error["type"] == "literal_error":
        known_words = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
        return f"unknown {place[0]} {shown(given)}{did_you_mean(str(given)[:80], known_words)}"
    if not place:
        return f'a level is a table: level = "hf/cc-pvdz", bsse = "cp", not {shown(given)}'
    if "benchmarks" in place[:-1] and error["type"] == "string_type" and isinstance(place[-1], int):
        return f'a benchmark is "s22" or {{ id = "s22", subset = "small" }}, not {shown(given)}'
    return f"{key} must be {_WORDS.get(error['type'], 'something else')}, not {shown(given)}"


def _key(place: tuple[Any, ...]) -> str:
    """`levels.2.bsse`: items of lists are counted from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else str(part)[:80] for part in place)


def shown(value: Any) -> str:
    """A value in a message: short, whatever it is."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:60] + "…")
    return str(value).lower() if isinstance(value, bool) else str(value)[:60]
