"""Process trees are listed whole, with and without the kernel's own list of children."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from qmbench.running.engine import processes

TREE = """
import subprocess, sys, time
held = b"x" * (50 * 2**20)
subprocess.Popen([sys.executable, "-c", "import time; print('.', flush=True); time.sleep(600)"]).wait()
"""


@pytest.fixture
def tree():
    process = subprocess.Popen([sys.executable, "-c", TREE], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    (grandchild,) = psutil.Process(process.pid).children()
    yield process.pid, grandchild.pid
    processes.kill([process.pid, grandchild.pid])
    process.communicate()


@pytest.mark.parametrize("kernel", [True, False])
def test_descendants(tree, monkeypatch, kernel):
    child, grandchild = tree
    if not kernel:
        monkeypatch.setattr(Path, "exists", lambda path: False)
    assert processes.descendants(child) == [grandchild]
    assert processes.descendants(grandchild) == []
    assert processes.descendants(2**22 + 1) == []


def test_usage(tree):
    child, grandchild = tree
    both, cpu = processes.usage([child, grandchild])
    assert both == processes.usage([child])[0] + processes.usage([grandchild])[0]
    assert 50 * 2**20 < processes.usage([child])[0] < 200 * 2**20
    assert cpu > 0
    # The interpreter itself is shared between the two, and with this process.
    assert 50 * 2**20 < processes.proportional_memory([child, grandchild]) < both
    assert processes.usage([2**22 + 1]) == (0, 0.0)


def test_running(tree):
    child, grandchild = tree
    assert processes.running([child, grandchild, 2**22 + 1]) == [child, grandchild]
    processes.kill([child, 2**22 + 1])
    while psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        pass
    assert processes.running([child]) == []


FREED = """
import psutil
from qmbench.running.engine import processes

def resident():
    return psutil.Process().memory_info().rss / 2**20

processes.keep_freed_memory()
before = resident()
blocks = [bytearray(b"x") * (8 * 2**20) for _ in range(20)]
held = resident()
del blocks
kept = resident()
processes.return_freed_memory()
print(held - before, kept - before, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="of the GNU C library")
def test_freed_memory_is_kept_until_it_is_returned() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    held, kept, left = map(float, done.stdout.split())
    assert held > 159
    assert kept > 159
    assert left < 20
