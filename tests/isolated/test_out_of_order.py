"""What does not work any more is named with the command that mends it, and the rest works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time

import pytest
import toy_projects

from qmbench.domain.errors import QmbenchError
from qmbench.plugging.isolated.client import Companion

COMMAND = "mend it with: qmbench plugin add "


@pytest.fixture(scope="module")
def added(here, tmp_path_factory):
    folder = tmp_path_factory.mktemp("projects")
    here.ok("plugin", "add", toy_projects.clash(folder, "left", "toylib"), "--isolated")
    here.ok("plugin", "add", toy_projects.clash(folder, "right", "toylib==2.0"), "--isolated")
    return here


@pytest.fixture
def description(added):
    """The description file of `right`; what a test does to it is undone."""
    file = added.plugins / "qmbench-right.json"
    text = file.read_text()
    yield file
    file.write_text(text)


def status(here) -> str:
    plugins = {row["name"]: row["status"] for row in here.json("list", "plugins")}
    assert plugins["left"] == "ok"
    return plugins.get("right") or plugins["qmbench-right"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qmbench": "0.0.1"}, "it was added with qmbench 0.0.1, and this is "),
        ({"version": "0.9"}, "its environment holds version 1.0 of qmbench-right, its description is of 0.9"),
        ({"environment": "nowhere"}, "is gone"),
        ({"path": ["/nowhere/site-packages"]}, "the packages that it uses are gone from /nowhere/site-packages"),
        ({"format": 0}, "can't be read"),
    ],
)
def test_a_stale_description_is_named(added, description, change, message):
    description.write_text(json.dumps({**json.loads(description.read_text()), **change}))
    said = status(added)
    assert message in said
    assert COMMAND in said
    assert said.endswith("/qmbench_right-1.0-py3-none-any.whl --isolated")
    wrong = added.wrong("compute", "right", "atoms:he")
    assert message in wrong
    assert wrong.startswith("qmbench: unknown method 'right'")


def test_an_unreadable_description_is_named(added, description):
    description.write_text("{")
    assert status(added).startswith("InputError: its description ")
    assert added.json("compute", "left", "atoms:he")["status"] == "ok"


def test_an_interpreter_that_goes_away_fails_its_own_tasks_alone(added):
    """It is there while planning, and gone when the task starts."""
    code = """
import os, sys
from qmbench.running.engine.local import LocalEngine
from qmbench.plugging.isolated import place
from qmbench.plugging.registry import parse_level
from qmbench.domain.record import Task
from qmbench.domain.systems import Molecule
helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1)
tasks = [Task(helium, parse_level(text), ("energy",)) for text in ("right", "left", "right?factor=2", "hf/sto-3g")]
[task.keys for task in tasks]
python = place.find("qmbench-right").python
python.rename(python.with_name("away"))
try:
    with LocalEngine(1) as engine:
        for task, outcome in engine.run(tasks):
            print(task.level, outcome.status, outcome.failure.message if outcome.failure else "")
finally:
    python.with_name("away").rename(python)
"""
    lines = added.script(code).splitlines()
    said = {line.split()[0]: line for line in lines}
    assert said["left"].split()[1] == "ok"
    assert said["hf/sto-3g"].split()[1] == "ok"
    for level in ("right", "right?factor=2.0"):
        assert said[level].split()[1] == "failed"
        assert "is gone; mend it with: qmbench plugin add" in said[level]


def test_an_interpreter_that_does_not_start_fails_its_own_tasks_alone(added):
    """It is there, and what it needs is broken."""
    code = """
from qmbench.running.engine.local import LocalEngine
from qmbench.plugging.isolated import place
from qmbench.plugging.registry import parse_level
from qmbench.domain.record import Task
from qmbench.domain.systems import Molecule
helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1)
tasks = [Task(helium, parse_level(text), ("energy",)) for text in ("right", "left")]
[task.keys for task in tasks]
inside = next(place.find("qmbench-right").environment.glob("lib/python*/site-packages"))
(inside / "numpy.py").write_text("raise ImportError('numpy is broken')")
try:
    with LocalEngine(1) as engine:
        for task, outcome in engine.run(tasks):
            print(task.level, outcome.status, outcome.failure.message if outcome.failure else "")
finally:
    (inside / "numpy.py").unlink()
"""
    said = {line.split()[0]: line for line in added.script(code).splitlines()}
    assert said["left"].split()[1] == "ok"
    assert said["right"].split()[1] == "failed"
    assert "did not start" in said["right"]
    assert "numpy is broken" in said["right"]


def test_a_companion_that_dies_is_told_and_replaced(added):
    (python,) = added.plugins.glob("qmbench-right-*/bin/python")
    companion = Companion(str(python), "right")
    assert companion.ask("level", text="right?words=B")["level"] == "right?words=b"
    assert companion._process is not None
    os.kill(companion._process.pid, signal.SIGKILL)
    companion._process.wait()
    assert companion.ask("level", text="right?words=C")["level"] == "right?words=c"
    # Stopped, it is there to be asked, and dies over the question.
    os.kill(companion._process.pid, signal.SIGSTOP)
    threading.Timer(0.5, os.kill, (companion._process.pid, signal.SIGKILL)).start()
    with pytest.raises(QmbenchError, match="the process of plugin right died"):
        companion.ask("level", text="right?words=D")
    assert companion.ask("level", text="right?words=B")["level"] == "right?words=b"
    companion.close()


def test_a_companion_ends_with_its_driver_even_when_it_is_busy(added):
    (python,) = added.plugins.glob("qmbench-right-*/bin/python")
    code = """
import threading, time
from qmbench import Resources
from qmbench.plugging.registry import parse_level
from qmbench.domain.systems import Molecule
method = parse_level("right").make()
krypton = Molecule(("Kr",), ((0.0, 0.0, 0.0),), 0, 1)
method.families()
print(method.isolated.companion._process.pid, flush=True)
method.compute(krypton, frozenset({"energy"}), Resources())
"""
    driver = subprocess.Popen(
        [str(added.python), "-P", "-c", code], stdout=subprocess.PIPE, text=True, env=added.environ, cwd=added.work
    )
    assert driver.stdout is not None
    pid = int(driver.stdout.readline())
    assert os.path.exists(f"/proc/{pid}")
    driver.kill()
    driver.wait()
    end = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")
