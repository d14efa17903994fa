"""A plugin that is edited while a worker runs: no record says of one code what another has computed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from little import FILES, write

SCRIPT = """
import json, sys, time
from pathlib import Path
import qmbench
from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.local import LocalEngine
from qmbench.running.loop import run_tasks
from qmbench.running.store import Store

he = qmbench.Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1)
ne = qmbench.Molecule(("Ne",), ((0.0, 0.0, 0.0),), 0, 1)
package = Path(sys.argv[1])

def compute(level, system):
    (record,) = run_tasks([Task(system, qmbench.parse_level(level), ("energy",))], store, engine).records.values()
    return record.quantity.value if record.quantity else record.failure.message

with Store("store.sqlite") as store, LocalEngine(1, Resources(time_s=60.0)) as engine:
    values = [compute("alpha", he)]
    for name in sys.argv[2:]:
        path = package / name
        path.write_text(path.read_text().replace("1.0", "3.0").replace("0.5", "3.5"))
    values += [compute("alpha", ne), compute("beta", he)]
print(json.dumps(values))
"""


@pytest.fixture
def run(tmp_path):
    """Values of alpha, of alpha after the files were edited, of beta; one worker computes all three."""

    def go(*edited: str) -> list:
        package = write(tmp_path / "site", "qmbench_little", FILES)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(package), *edited],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return go


def test_nothing_edited(run):
    assert run() == [-1.0, -1.0, -1.5]


def test_what_was_loaded_before_goes_on(run):
    assert run("scaling.py") == [-1.0, -1.0, -1.5]


def test_what_may_have_been_loaded_before_or_after_is_refused(run):
    values = run("methods.py")
    assert values[:2] == [-1.0, -1.0]
    assert (
        values[2] == "methods.py was edited while the worker was running: which code computes is not sure; start again"
    )
