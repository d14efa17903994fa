"""How many states share a level is not lost on the way: a store, what is printed, documents and a run of a suite."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import qmbench

TRIPLE = """kind = "emitters_in_cavity"
emitters = 3
frequency = 1.0

[[modes]]
frequency = 1.0
coupling = 0.1
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dicke.toml").write_text(TRIPLE)
    return tmp_path


def command(folder, *arguments):
    line = [sys.executable, "-c", "from qmbench.cli import main; main()", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)


def test_from_the_store_and_in_print(folder):
    ask = ("compute", "exact-cavity?states=4", "dicke.toml", "-p", "energies")
    first, second = command(folder, *ask), command(folder, *ask)
    assert "(from the store)" in second.stdout
    for done in (first, second):
        assert [line.endswith("(2 states)  E0 (estimate)") for line in done.stdout.splitlines()[1:5]] == [
            False,
            False,
            True,
            False,
        ]
    document = json.loads(command(folder, *ask, "--json").stdout)
    assert document["cached"] is True
    # Three spins one half: J = 3/2 once and J = 1/2 in two ways.
    assert document["properties"]["energies"]["degeneracies"] == {"E0": 1, "E1": 1, "E2": 2, "E3": 1}
    key = second.stderr.split("qmbench show ")[1].split()[0]
    shown = command(folder, "show", key).stdout
    assert sum("(2 states)" in line for line in shown.splitlines()) == 1


def test_through_a_run_and_its_records(folder):
    system = qmbench.read_system(folder / "dicke.toml")
    for _ in range(2):
        made = qmbench.compute("exact-cavity?states=4", system, "energies", store=folder / "store.sqlite")
        assert made.quantity.degeneracies == {"E0": 1, "E1": 1, "E2": 2, "E3": 1}
    assert made.cached
