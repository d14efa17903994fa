"""Numbers made elsewhere as a published level of a benchmark folder: never mixed up with computed ones."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.data.benchmark import Benchmark, data_folder, load_benchmark
from qmbench.data.identifiers import check_set_name
from qmbench.data.imports.draft import toml_text
from qmbench.data.imports.json_files import parsed_text
from qmbench.data.imports.qcschema import is_result
from qmbench.data.references import LEVELS
from qmbench.domain.errors import InputError, StoreError, did_you_mean
from qmbench.domain.systems.files import read_text
from qmbench.domain.systems.xyz_columns import real

SOURCES = "sources.csv"
"""Which files the values of imported levels were made of; for people, and to check that a file is still the same."""
SOURCE_COLUMNS = "set entry file sha256 program said energy unit".split()


@dataclass(frozen=True)
class Level:
    """What the numbers are of. set: name of the new reference set; the others as in `[reference_sets.NAME]`."""

    set: str
    level: str
    unit: str = ""
    bsse: str = ""
    place: str = ""
    label: str = ""
    note: str = ""


def is_table(path: Path) -> bool:
    """Whether it is a table of values, CSV or JSON, and no output of a program or result of QCSchema."""
    if path.is_dir():
        return False
    if path.suffix.lower() != ".json":
        return path.suffix.lower() == ".csv"
    data = parsed_text(read_text(path), str(path))
    items = data if isinstance(data, list) else [data]
    return not any(map(is_result, items))


def read_results(path: Path, column: str = "") -> dict[str, str]:
    """entry -> value as text, of a CSV file with the columns `entry` and `value` (or `column`), or of a JSON file: an
    object of numbers by entry, or a list of objects with `entry` and `value`."""
    text = read_text(path)
    if path.suffix.lower() == ".json":
        return _from_json(text, path)
    rows = list(csv.reader(io.StringIO(text)))
    header = [name.strip() for name in rows[0]] if rows else []
    found = {}
    for name, usual in (("entry", ("entry", "id", "name")), ("value", (column,) if column else ("value",))):
        match = [h for h in header if h.lower() in [u.lower() for u in usual]]
        if len(match) != 1:
            raise InputError(f"{path}, line 1: which column is the {name}? There are {', '.join(header) or 'none'}")
        found[name] = header.index(match[0])
    values: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue
        if len(row) != len(header):
            raise InputError(f"{path}, line {number}: {len(row)} fields where the header has {len(header)}")
        _put(values, row[found["entry"]].strip(), row[found["value"]].strip(), f"{path}, line {number}")
    return values


def _from_json(text: str, path: Path) -> dict[str, str]:
    data = parsed_text(text, str(path))
    pairs: list[tuple[Any, Any]]
    if isinstance(data, Mapping):
        pairs = list(data.items())
    elif isinstance(data, list) and all(isinstance(x, Mapping) and "entry" in x and "value" in x for x in data):
        pairs = [(x["entry"], x["value"]) for x in data]
    else:
        raise InputError(f"{path}: an object of numbers by entry, or a list of objects with entry and value, is needed")
    values: dict[str, str] = {}
    for entry, value in pairs:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InputError(f"{path}: the value of '{entry}' is no number")
        _put(values, str(entry), "" if value is None else repr(float(value)), str(path))
    return values


def _put(values: dict[str, str], entry: str, value: str, where: str) -> None:
    if entry in values:
        raise InputError(f"{where}: entry '{entry}' is there twice")
    if value:
        try:
            if abs(real(value)) == float("inf") or real(value) != real(value):
                raise ValueError
        except ValueError:
            raise InputError(f"{where}: value must be a finite number, not '{value[:80]}'") from None
    values[entry] = value


def add_level(b: Benchmark, level: Level, values: Mapping[str, str], sources: Sequence[Mapping[str, str]] = ()) -> int:
    """Add a published level with these values to the folder of `b`; returns how many there are.

    sources: rows of SOURCES, the files that the values were made of.

    Everything is checked before a file is replaced: InputError for entries that the benchmark has not, a set that is
    there already, a shipped benchmark (which is not changed), and whatever a benchmark folder is refused for.
    """
    if b.folder.is_relative_to(data_folder()):
        raise InputError(
            f"{b.id} is shipped with qmbench and is not changed: copy {b.folder}, and name the copy's path"
        )
    check_set_name(level.set, "--name")
    if level.set in b.meta.get("reference_sets", {}):
        raise InputError(f"{b.id} has a reference set '{level.set}' already; give another --name")
    known = [e.id for e in b.entries]
    for entry in values:
        if entry not in known:
            raise InputError(f"{b.id} has no entry '{entry}'{did_you_mean(entry, known)}")
    given = {entry: value for entry, value in values.items() if value}
    if not given:
        raise InputError("there is no value to import")
    fields = {"level": level.level, "label": level.label, "bsse": level.bsse, "unit": level.unit, "place": level.place}
    fields["note"] = level.note
    table = {"role": "level"} | {k: v for k, v in fields.items() if v}
    section = f"[reference_sets.{json.dumps(level.set, ensure_ascii=False)}]\n" + toml_text(table).strip()
    toml = b.folder / "benchmark.toml"
    old = read_text(toml)
    changed = {toml: old.rstrip() + "\n\n" + section + "\n", b.folder / LEVELS: _levels_text(b, level.set, given)}
    if sources:
        changed[b.folder / SOURCES] = _sources_text(b.folder / SOURCES, level.set, sources)
    before = {path: path.read_bytes() if path.exists() else None for path in changed}
    try:
        for path, text in changed.items():
            path.write_text(text, encoding="utf-8")
        load_benchmark(b.folder)
    except BaseException as error:
        for path, data in before.items():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(data)
        if isinstance(error, OSError):
            raise StoreError(f"can't write {b.folder}: {error.strerror or error}") from None
        raise
    return len(given)


def _sources_text(path: Path, name: str, rows: Sequence[Mapping[str, str]]) -> str:
    """sources.csv with rows more, for the set `name`."""
    there = list(csv.DictReader(io.StringIO(read_text(path)))) if path.exists() else []
    out = io.StringIO()
    writer = csv.DictWriter(out, SOURCE_COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*there, *({"set": name} | dict(row) for row in rows)])
    return out.getvalue()


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}") from None


def _levels_text(b: Benchmark, name: str, given: Mapping[str, str]) -> str:
    """levels.csv with one column more, and rows for entries that had none."""
    path = b.folder / LEVELS
    rows = list(csv.reader(io.StringIO(read_text(path)))) if path.exists() else [["entry"]]
    header, *body = rows
    there = {row[header.index("entry")].strip(): row for row in body if any(row)}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*header, name])
    for entry, row in there.items():
        writer.writerow([*row, given.get(entry, "")])
    blank = [""] * len(header)
    for entry, value in given.items():
        if entry not in there:
            row = list(blank)
            row[header.index("entry")] = entry
            writer.writerow([*row, value])
    return out.getvalue()
