"""`in_own_process`: what a module's function answers in a process of its own, and whatever goes wrong there."""

from __future__ import annotations

import importlib
import os
import sys
import time

import pytest

from qmbench import InputError, in_own_process

ASKED = """
import os, subprocess, sys, time


def answers(text):
    print("noise"); os.write(1, b"more noise")
    return {"text": text, "folder": os.listdir("."), "input": sys.stdin.read(), "process": os.getpid()}


def raises(text):
    raise RuntimeError("first line\\nlast words")


def crashes(text):
    import ctypes
    ctypes.string_at(0)


def leaves(text):
    sys.exit(3)


def no_json(text):
    return {"a": {1, 2}}


def hangs(text):
    child = subprocess.Popen(["sleep", "300"])
    with open(text, "w") as file:
        file.write(str(child.pid))
    child.wait()


def leaves_one_running(text):
    child = subprocess.Popen(["sleep", "30"])
    return {"process": child.pid}
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A module that a fresh Python finds, too."""
    (tmp_path / "asked_module.py").write_text(ASKED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield importlib.import_module("asked_module")
    sys.modules.pop("asked_module", None)


def test_the_answer_alone_comes_back(asked, capfd):
    here = os.getcwd()
    found = in_own_process(asked.answers, "ünï & 'quoted'", title="it", doing="asking")
    assert found["process"] != os.getpid()
    assert found == {"text": "ünï & 'quoted'", "folder": [], "input": "", "process": found["process"]}
    assert os.getcwd() == here
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "RuntimeError: first line last words"),
        ("crashes", "exit code -"),
        ("leaves", "exit code 3"),
        ("no_json", "not JSON serializable"),
    ],
)
def test_what_goes_wrong_is_one_line(asked, name, said):
    with pytest.raises(InputError) as error:
        in_own_process(getattr(asked, name), "", title="it", doing="asking")
    assert str(error.value).startswith("it: asking ends the process (")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def gone(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_hangs_is_ended_with_all_that_it_started(asked, tmp_path):
    with pytest.raises(InputError, match="it: asking takes more than 5 s"):
        in_own_process(asked.hangs, str(tmp_path / "pid"), title="it", doing="asking", seconds=5)
    process = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 10
    while not gone(process) and time.monotonic() < until:
        time.sleep(0.05)
    assert gone(process)


def test_what_it_leaves_running_is_not_waited_for(asked):
    start = time.monotonic()
    process = in_own_process(asked.leaves_one_running, "", title="it", doing="asking")["process"]
    assert time.monotonic() - start < 20
    os.kill(process, 9)
