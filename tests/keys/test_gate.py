"""The gate of docs/how-to/run-in-ci.md holds: a factor planted in a plugin fails it, although the store was kept."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from gate import Gate, goes_through
from little import FILES, write


@pytest.fixture
def gate(tmp_path):
    package = write(tmp_path / "site", "qmbench_little", FILES)
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    return Gate(tmp_path, sys.executable, package, PYTHONPATH=path)


def test_a_planted_factor_fails_the_gate(gate):
    goes_through(gate)


def test_fresh_computes_what_is_there(gate):
    """A number that the store has wrong, which no key can tell, is put right by computing again."""
    code, output = gate("compute", "beta", "atoms:he", "--json")
    (key,) = json.loads(output)["records"].values()
    with sqlite3.connect(gate.work / "qmbench-data" / "store.sqlite") as store:
        store.execute("UPDATE records SET value = 7.0 WHERE key = ?", [key])

    def energy(*more):
        document = json.loads(gate("compute", "beta", "atoms:he", "--json", *more)[1])
        return document["properties"]["energy"]["value"], document["cached"]

    assert energy() == (7.0, True)
    assert energy("--fresh") == (-1.5, False)
    assert energy() == (-1.5, True)
    assert gate.computed() == {"alpha", "beta"}
    assert gate.computed("--fresh") == {"alpha", "beta"}
    assert sorted(path.name for path in (gate.work / "qmbench-data").iterdir() if "fresh" in path.name) == []
    plan = json.loads(gate("run", "suite", "ci.toml", "--fresh", "--dry-run", "--json")[1])
    assert plan["in_store"] == 0 < plan["tasks"]
