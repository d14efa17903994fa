"""Records of a store as one table, for pandas, spreadsheets and databases: Parquet or CSV, one row per record.

A record is one property of one system at one level of theory.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError, StoreError
from qmbench.domain.record import Record
from qmbench.domain.visible import visible

TEXT, NUMBER, WHOLE = "string", "double", "int64"
COLUMNS = {
    "key": TEXT,
    "level_of_theory": TEXT,
    "system": TEXT,
    "system_hash": TEXT,
    "property": TEXT,
    "status": TEXT,
    "value": NUMBER,
    "unit": TEXT,
    "uncertainty": NUMBER,
    "uncertainty_kind": TEXT,
    "value_json": TEXT,
    "uncertainty_json": TEXT,
    "failure_kind": TEXT,
    "failure_message": TEXT,
    "log_tail": TEXT,
    "plugin": TEXT,
    "code": TEXT,
    "versions_json": TEXT,
    "provenance_json": TEXT,
    "warnings": TEXT,
    "started": TEXT,
    "wall_s": NUMBER,
    "cpu_s": NUMBER,
    "peak_memory_mib": NUMBER,
    "cores": WHOLE,
}
"""name -> type. `value` and `uncertainty` are of single numbers; arrays, states and curves are JSON in `value_json`.
What there is none of is null. `provenance_json` is all that the store holds of where a number is from."""
VERSION = "1.0"
"""Of these columns, counted like the versions of JSON schemas."""
ENDINGS = (".parquet", ".csv")
BATCH = 10_000


def row(record: Record) -> dict[str, Any]:
    """One record as a row of COLUMNS."""
    about, quantity, failure, cost = record.provenance, record.quantity, record.failure, record.cost
    told = quantity.to_json() if quantity else {}
    value, uncertainty = told.get("value"), told.get("uncertainty")
    return {
        "key": record.key,
        "level_of_theory": record.level,
        "system": record.system_name,
        "system_hash": record.system_hash,
        "property": record.prop,
        "status": record.status,
        "value": value if isinstance(value, int | float) else None,
        "unit": told.get("unit"),
        "uncertainty": uncertainty if isinstance(uncertainty, int | float) else None,
        "uncertainty_kind": told.get("uncertainty_kind"),
        "value_json": _json(value if isinstance(value, list | dict) else None),
        "uncertainty_json": _json(uncertainty if isinstance(uncertainty, list | dict) else None),
        "failure_kind": failure.kind if failure else None,
        "failure_message": failure.message if failure else None,
        "log_tail": failure.log_tail if failure else None,
        "plugin": about.get("plugin"),
        "code": (about.get("code") or {}).get("digest"),
        "versions_json": _json(about.get("versions")),
        "provenance_json": _json(dict(about)),
        "warnings": "\n".join(about.get("warnings") or ()) or None,
        "started": about.get("started"),
        "wall_s": cost.wall_s if cost else None,
        "cpu_s": cost.cpu_s if cost else None,
        "peak_memory_mib": cost.peak_memory_mib if cost else None,
        "cores": cost.cores if cost else None,
    }


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def write_records(records: Iterable[Record], path: Path) -> int:
    """Write a new file, `.parquet` or `.csv`; returns how many records. It is there whole or not at all.

    Numbers come back from both as they were, to the last bit. In CSV a text that a spreadsheet would take for a formula
    begins with an apostrophe. InputError for another ending, a file that is there, or Parquet without pyarrow.
    """
    if path.suffix not in ENDINGS:
        raise InputError(f"{path}: records are written as {' or '.join(ENDINGS)}")
    if path.exists():
        raise InputError(f"{path} is there already; name another, or remove it first")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.absolute().parent}")
    write = _parquet if path.suffix == ".parquet" else _csv
    with _whole(path) as part:
        return write(records, part)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
        os.close(handle)
        part = Path(name)
        yield part
        part.chmod(0o644)
        os.replace(part, path)
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror or error}") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _batches(records: Iterable[Record]) -> Iterator[list[dict[str, Any]]]:
    left = iter(records)
    while batch := [row(record) for record in islice(left, BATCH)]:
        yield batch


def _parquet(records: Iterable[Record], path: Path) -> int:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError("writing Parquet needs pyarrow: pip install 'qmbench[parquet]'") from None
    from qmbench import __version__

    types: dict[str, Callable[[], Any]] = {TEXT: pyarrow.string, NUMBER: pyarrow.float64, WHOLE: pyarrow.int64}
    about = {"qmbench": __version__, "qmbench_records": VERSION}
    schema = pyarrow.schema([(name, types[kind]()) for name, kind in COLUMNS.items()], metadata=about)
    written = 0
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(records):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
            written += len(batch)
    return written


def _csv(records: Iterable[Record], path: Path) -> int:
    written = 0
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS), lineterminator="\n")
        writer.writeheader()
        for batch in _batches(records):
            writer.writerows({name: _cell(value) for name, value in one.items()} for one in batch)
            written += len(batch)
    return written


def _cell(value: Any) -> Any:
    """Numbers in full (the shortest text that is read back as the same), text without what acts on a reader."""
    if not isinstance(value, str):
        return "" if value is None else repr(value)
    text = visible(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text
