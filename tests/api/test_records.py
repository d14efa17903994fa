"""Records of a store as a table: what is read back by pandas and pyarrow is what the store holds, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qmbench.api.records import COLUMNS, write_records
from qmbench.domain.errors import InputError
from qmbench.domain.quantity import Curve, Quantity
from qmbench.domain.record import Cost, Failure, Record
from qmbench.running.store import Store

PROVENANCE = {
    "plugin": "qmbench-toy",
    "versions": {"toy": "1.0"},
    "code": {"digest": "abc", "files": ["toy.py"]},
    "options": {"basis": None},
    "settings": {"nested": [1, 2.5, "ä"]},
    "warnings": ["one", "two, with a comma"],
    "started": "2026-01-01T00:00:00+00:00",
}
CURVE = Curve(np.array([0.0, 1.0]), np.array([0.1, 1 / 3]), "bohr")
QUANTITIES = {
    "energy": Quantity(-1 / 3, "hartree", 1e-17, "statistical"),
    "dipole": Quantity(np.array([0.1, -1 / 7, 0.0]), "e bohr", np.array([1e-3, 0.0, 2e-300]), "model"),
    "excitation_energies": Quantity({"S1": 0.1, "T1": 1 / 3}, "hartree"),
    "population": Quantity(CURVE, "", CURVE.values / 10, "estimate"),
    "volume": Quantity(3, "bohr3"),
}
RECORDS = [
    *(
        Record(f"{i:032x}", "toy?x=1", "he", "f" * 24, prop, "ok", q, None, PROVENANCE, Cost(0.1, 1 / 3, 12.5, 2))
        for i, (prop, q) in enumerate(QUANTITIES.items())
    ),
    Record("a" * 32, "toy", "=cmd()", "f" * 24, "energy", "failed", None, Failure("crash", "-died\nof it", "log")),
    Record("b" * 32, "toy", "he", "e" * 24, "energy", "unsupported", None, Failure("unsupported", "no", "")),
]


def number_or_json(row: dict, name: str):
    text = row[f"{name}_json"]
    return json.loads(text) if isinstance(text, str) else row[name]


def rebuilt(row: dict) -> dict:
    """A record's JSON document from a row, by what the documentation says of the columns."""
    none = {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()}
    quantity = failure = cost = None
    if none["status"] == "ok":
        quantity = {name: number_or_json(none, name) for name in ("value", "uncertainty")}
        quantity |= {"unit": none["unit"] or "", "uncertainty_kind": none["uncertainty_kind"]}
    else:
        failure = {"kind": none["failure_kind"], "message": none["failure_message"], "log_tail": none["log_tail"] or ""}
    if none["wall_s"] is not None:
        cost = {name: none[name] for name in ("wall_s", "cpu_s", "peak_memory_mib", "cores")}
    same = {"level": "level_of_theory", "system_name": "system"}
    head = {k: none[same.get(k, k)] for k in ("key", "level", "system_name", "system_hash", "property", "status")}
    provenance = json.loads(none["provenance_json"])
    for name, text in (("plugin", none["plugin"]), ("started", none["started"])):
        assert provenance.get(name) == text
    assert (provenance.get("warnings") or None) == (none["warnings"].split("\n") if none["warnings"] else None)
    return {**head, "quantity": quantity, "failure": failure, "provenance": provenance, "cost": cost}


def read_csv(path: Path) -> list[dict]:
    text = {name: str for name, kind in COLUMNS.items() if kind == "string"}
    return pd.read_csv(path, dtype=text).astype(object).to_dict("records")


def read_parquet(path: Path) -> list[dict]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    assert table.schema.metadata[b"qmbench_records"] == b"1.0"
    assert dict(zip(table.schema.names, map(str, table.schema.types), strict=True)) == COLUMNS
    assert [len(pd.read_parquet(path)), list(pd.read_parquet(path).columns)] == [table.num_rows, list(COLUMNS)]
    return table.to_pylist()


@pytest.mark.parametrize(("ending", "read"), [("csv", read_csv), ("parquet", read_parquet)])
def test_what_is_read_back_is_what_the_store_holds(qmbench, tmp_path, ending, read):
    with Store(tmp_path / "store.sqlite") as store:
        store.put(RECORDS)
    code, out, err = qmbench("export", "records", "--store", "store.sqlite", "--to", f"r.{ending}")
    assert (code, err) == (0, "")
    assert out == f"r.{ending}: {len(RECORDS)} records of store.sqlite\n"
    found = [rebuilt(row) for row in read(tmp_path / f"r.{ending}")]
    wanted = [record.to_json() for record in RECORDS]
    if ending == "csv":  # what a spreadsheet would run
        assert found[5]["system_name"] == "'=cmd()"
        assert found[5]["failure"]["message"] == "'-died\nof it"
        wanted[5] = {**wanted[5], "system_name": "'=cmd()", "failure": found[5]["failure"]}
    assert found == wanted


def test_only_some_of_them(qmbench, tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        store.put(RECORDS)
    to = ("export", "records", "--store", "store.sqlite", "--to")
    assert qmbench(*to, "a.csv", "--level", "toy?x=1", "-p", "energy")[0] == 0
    assert [row["key"] for row in read_csv(tmp_path / "a.csv")] == [RECORDS[0].key]
    assert qmbench(*to, "b.csv", "--status", "failed", "--status", "unsupported")[0] == 0
    assert [row["key"] for row in read_csv(tmp_path / "b.csv")] == [r.key for r in RECORDS[5:]]
    assert qmbench(*to, "c.csv", "--level", "other")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "r.xlsx"), "records are written as .parquet or .csv"),
        (("--to", "no/r.csv"), "there is no folder"),
        (("--to", "there.csv"), "is there already"),
        (("--to", "r.csv", "--status", "bad"), "--status is ok or failed or unsupported"),
        (("--to", "r.csv", "--store", "nowhere.sqlite"), "there is no store at nowhere.sqlite"),
    ],
)
def test_refused_in_one_line(qmbench, tmp_path, arguments, said):
    with Store(tmp_path / "qmbench-data" / "store.sqlite") as store:
        store.put(RECORDS)
    (tmp_path / "there.csv").write_text("")
    code, _, err = qmbench("export", "records", *arguments)
    assert code == 3
    assert said in err
    assert err.count("\n") == 1


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    def broken():
        yield RECORDS[0]
        raise InputError("the store broke")

    for ending in ("csv", "parquet"):
        with pytest.raises(InputError, match="the store broke"):
            write_records(broken(), tmp_path / f"r.{ending}")
    assert list(tmp_path.iterdir()) == []
