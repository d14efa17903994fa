"""What a store keeps once the code has changed: `qmbench show RECORD` and `qmbench store prune`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from gate import PLANTED, Gate
from little import FILES, write


@pytest.fixture
def gate(tmp_path):
    package = write(tmp_path / "site", "qmbench_little", FILES)
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    return Gate(tmp_path, sys.executable, package, PYTHONPATH=path)


def records(gate: Gate) -> list[dict]:
    code, output = gate("run", "suite", "ci.toml", "--json")
    assert code == 0
    return json.loads(output)["records"]


def test_stale_records_go_and_those_of_the_latest_run_stay(gate):
    n = len([r for r in records(gate) if r["level_of_theory"] == "alpha"])
    gate.edit(PLANTED)
    code, output = gate("store", "prune")
    assert (code, output.splitlines()[0]) == (0, f"0 records removed that no installed code can make; {2 * n} left")
    assert f"kept: {n} records of other code in " in output
    records(gate)
    dry = json.loads(gate("store", "prune", "--dry-run", "--json")[1])
    assert (dry["removed"], dry["left"], len(dry["removed_runs"]), dry["kept_for_runs"]) == ({"alpha": n}, 2 * n, 1, {})
    assert json.loads(gate("store", "prune", "--json")[1]) == {**dry, "dry_run": False}
    again = json.loads(gate("store", "prune", "--json")[1])
    assert (again["removed"], again["removed_runs"], again["left"]) == ({}, [], 2 * n)
    assert not [r for r in records(gate) if not r["cached"]]
    # The plugin away: its records stay, unless all of them are to go.
    gate.environ["PYTHONPATH"] = os.pathsep.join(gate.environ["PYTHONPATH"].split(os.pathsep)[1:])
    code, output = gate("store", "prune")
    assert f"kept: {n} records of beta, whose plugin is not installed (--all: not these)" in output
    away = json.loads(gate("store", "prune", "--all", "--json")[1])
    assert (away["removed"], away["left"]) == ({"alpha": n, "beta": n}, 0)


def test_a_record_says_which_code_made_it(gate):
    code, output = gate("compute", "alpha", "atoms:he", "--json")
    assert code == 0, output
    (key,) = json.loads(output)["records"].values()
    text = gate("show", key)[1]
    made = json.loads(gate("show", key, "--json")[1])["made_by"]
    assert f"code: {made['digest'][:12]} of qmbench-little 1.0\n" in text
    assert "installed code: the same\n" in text
    assert {"qmbench_little/scaling.py", "qmbench_little/data/weight_one.txt"} <= set(made["files"])
    assert "qmbench_little/shifts.py" not in made["files"]
    gate.edit(PLANTED)
    text = gate("show", key)[1]
    assert f"code: {made['digest'][:12]} of qmbench-little 1.0\n" in text
    assert "the level would be computed again" in text
    gate.edit({**FILES, "methods.py": FILES["methods.py"].replace('"alpha"', '"omega"')})
    assert "installed code: it does not have this level of theory any more" in gate("show", key)[1]
    gate.environ["PYTHONPATH"] = ""
    assert "installed code: the plugin is not installed" in gate("show", key)[1]


def test_no_store_is_told_in_one_line(gate):
    code, output = gate("store", "prune", "--store", "nowhere.sqlite")
    assert (code, output) == (3, "")
