"""A store in which something else has written: each command names what is broken, and the rest is usable."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_runs import computed

from qmbench.running.store import Store

Command = Callable[..., tuple[int, str, str]]
NEWEST = "2027-01-01T00:00:00+00:00"


@pytest.fixture
def store(toys, folder: Path, empty_folder: Path) -> Path:
    """A store with a run 'r' of a toy method, and 'later', the same again."""
    evaluation, _ = computed(folder, "toy/x")
    path = empty_folder / "qmbench-data" / "store.sqlite"
    with Store(path) as made:
        made.put(evaluation.records.values())
        made.save_run(evaluation.run.to_json())
        made.save_run(replace(evaluation.run, id="later", started=NEWEST).to_json())
    return path


def sql(path: Path, text: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(text, values)
    connection.close()


# What the document of the run 'later' becomes.
DOCUMENTS: dict[str, bytes | str] = {
    "no JSON": "{",
    "empty": "",
    "a list": "[]",
    "no key": "{}",
    "another run": '{"id": "r", "started": "x", "benchmarks": {}, "levels": {}, "entries": []}',
    "not UTF-8": b'{"id": "later\xff\xfe"}',
    "bytes": b"\xff\xfe\x00",
    "deep": "[" * 100_000,
    "digits": '{"id": "later", "x": ' + "9" * 5000 + "}",
}
# What is changed in it, and the part that is then said to be broken.
PARTS = {
    "finished": 3,
    "suite": 3,
    "benchmarks": {},
    "levels": {"toy/x": {"label": 3}},
    "entries": [{"level": 3}],
    "computed": 3,
}


def spoil(path: Path, document: bytes | str) -> None:
    if isinstance(document, bytes) and b"{" in document:  # text in the file's eyes
        sql(path, "UPDATE runs SET document = CAST(? AS TEXT) WHERE id = 'later'", document)
    else:
        sql(path, "UPDATE runs SET document = ? WHERE id = 'later'", document)


@pytest.mark.parametrize("what", [*DOCUMENTS, *PARTS])
def test_a_broken_run_is_named_and_the_others_are_usable(qmbench: Command, store: Path, what: str) -> None:
    if what in DOCUMENTS:
        spoil(store, DOCUMENTS[what])
    else:
        with Store(store) as opened:
            opened.save_run({**opened.run("later"), what: PARTS[what]})
    for arguments in (("report",), ("report", "later"), ("disagree", "later")):
        code, _, err = qmbench(*arguments)
        assert code == 3
        assert "run 'later'" in err
        assert "a bug" not in err
        assert err.count("\n") == 1
    assert qmbench("report", "r", "--format", "csv")[0] == 0
    assert qmbench("disagree", "r")[0] == 0
    assert qmbench("show", "later")[0] in (0, 3)
    code, out, _ = qmbench("store", "prune", "--json")
    assert code == 0
    assert json.loads(out)["removed_runs"] == ["later"]
    assert qmbench("report", "--format", "csv")[0] == 0


RECORDS = {
    "provenance": ("provenance", "[[["),
    "provenance a list": ("provenance", "[]"),
    "provenance NULL-like": ("provenance", b"\x00\xff"),
    "warnings a number": ("provenance", '{"warnings": 3}'),
    "shared": ("shared", "x"),
    "text for a value": ("value", "x"),
    "infinite value": ("value", "1e999"),
    "no value": ("value", None),
    "list of text": ("value", '["a"]'),
    "unit": ("unit", None),
    "status": ("status", "fine"),
    "wall": ("wall_s", "long"),
    "uncertainty": ("uncertainty", "x"),
    "kind": ("uncertainty_kind", "hope"),
}


@pytest.mark.parametrize("what", RECORDS)
def test_a_broken_record_is_a_failed_one_and_is_computed_again(qmbench: Command, store: Path, what: str) -> None:
    column, value = RECORDS[what]
    with Store(store) as opened:
        key, good = next((r.key, r) for r in opened.records() if r.system_name == "toy_bench:ar")
    sql(store, f"UPDATE records SET {column} = ? WHERE key = ?", value, key)
    code, _, err = qmbench("report", "r", "--format", "csv")
    assert (code, err.count("a bug")) == (0, 0)
    with open(Path("qmbench-report") / "results-toy_bench-total_energy.csv", newline="") as handle:
        rows = {row["entry"]: row for row in csv.DictReader(handle)}
    assert rows["ar"]["status"] == "failed"
    assert f"the record {key} of the store can't be read" in rows["ar"]["failure_message"]
    assert (rows["he"]["status"], float(rows["he"]["value_hartree"])) == ("ok", -2.0)
    assert qmbench("show", key)[0] == 0
    assert qmbench("store", "prune", "--dry-run")[0] == 0
    with Store(store) as opened:
        assert opened.get([key])[key].status == "failed"
        assert not opened.get([key])[key].final
        opened.put([good])
    with Store(store, read_only=True) as opened:
        assert opened.get([key])[key] == good


def test_text_that_is_not_utf_8_is_read(qmbench: Command, store: Path) -> None:
    sql(store, "UPDATE records SET status = 'failed', value = NULL, unit = NULL, failure_kind = 'error', "
               "log_tail = '', failure_message = CAST(? AS TEXT)", b"caf\xe9")  # fmt: skip
    assert qmbench("report", "r", "--format", "csv", "--format", "html")[0] == 0
    assert "caf\ufffd" in (Path("qmbench-report") / "results-toy_bench-total_energy.csv").read_text()


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
tree = st.recursive(plain, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=8), x, max_size=4))


@pytest.mark.slow
@settings(
    max_examples=100, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_document_and_any_cell(qmbench: Command, store: Path, tmp_path: Path, data: st.DataObject) -> None:
    """One part of a run, or one cell of a record, is anything: exit codes 0, 2 (nothing to judge) and 3."""
    copy = tmp_path / "spoilt.sqlite"
    shutil.copy(store, copy)
    if data.draw(st.booleans()):
        with Store(copy) as opened:
            document = opened.run("later")
        place, key = document, data.draw(st.sampled_from(sorted(document)))
        while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            key = data.draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.just(0))
        place[key] = data.draw(tree)
        sql(copy, "UPDATE runs SET document = ? WHERE id = 'later'", json.dumps(document))
    else:
        names = (
            "level system_name property status value unit uncertainty uncertainty_kind failure_kind shared provenance"
        )
        column = data.draw(st.sampled_from([*names.split(), "failure_message", "log_tail", "wall_s", "cores"]))
        value = data.draw(
            st.text(max_size=10) | st.floats(allow_nan=False) | st.binary(max_size=6) | tree.map(json.dumps)
        )
        sql(copy, f"UPDATE records SET {column} = ?", value)
    for arguments in (
        ("report", "later", "--format", "csv"),
        ("disagree", "later", "--json"),
        ("store", "prune", "--dry-run"),
    ):
        code, _, err = qmbench(*arguments, "--store", copy)
        assert code in (0, 2, 3), err
        assert "a bug" not in err


def test_a_pipe_is_no_store_and_no_baseline(store: Path, tmp_path: Path) -> None:
    """In a process of its own, since it would wait for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for arguments in (["report", "--store"], ["check", "--baseline"], ["compute", "hf/sto-3g", "x.xyz", "--store"]):
        done = subprocess.run(
            [Path(sys.executable).with_name("qmbench"), *arguments, pipe],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 3, done.stderr
        assert done.stderr.count("\n") == 1
