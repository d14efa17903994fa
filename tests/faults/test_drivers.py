"""The driver is killed, interrupted, or not alone: nothing that was finished is lost, nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from qmbench.domain.record import Task
from qmbench.running.store import Store

DRIVER = Path(__file__).with_name("driver.py")
N = 24


class Drivers:
    """Starts drivers on one store; what they compute is counted in a file."""

    def __init__(self, folder: Path) -> None:
        self.store, self.counter, self.scratch = folder / "s.sqlite", folder / "count", folder / "scratch"
        self.scratch.mkdir()

    def start(self, *extra: str, seconds: float = 0.1) -> subprocess.Popen[str]:
        words = [self.store, self.scratch, 2, N, seconds, self.counter, *extra]
        command = [sys.executable, str(DRIVER), *map(str, words)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for_records(self, n: int) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.store.exists() and len(self.records()) >= n:
                return
            time.sleep(0.02)
        raise AssertionError("the driver computes nothing")

    def records(self) -> dict[str, str]:
        try:
            with Store(self.store, read_only=True) as store:
                return {record.level: record.status for record in store.records()}
        except Exception:  # not made yet
            return {}

    def computed(self) -> list[int]:
        return sorted(int(line) for line in self.counter.read_text().split())

    def left(self) -> list[int]:
        """Processes that have to do with this test's scratch folder."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            if any(str(self.scratch) in w for w in words if w != str(self.scratch)):
                found.append(process.pid)
        return found

    def wait_until_gone(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.left() and time.monotonic() < end:
            time.sleep(0.05)
        assert self.left() == []


@pytest.fixture
def drivers(sabotage: Callable[..., Task], tmp_path: Path) -> Drivers:
    return Drivers(tmp_path)


def test_kill_9_loses_nothing_that_was_finished(drivers: Drivers, tmp_path: Path) -> None:
    daemon = tmp_path / "daemon"
    driver = drivers.start(f"sabotage?do=orphan_and_hang&file={daemon}&seconds=99")
    drivers.wait_for_records(4)
    finished = drivers.records()
    while not daemon.exists():
        time.sleep(0.02)
    assert drivers.left()
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    drivers.wait_until_gone(5.0)
    # Even what a hanging task had detached from itself by a double fork is gone, and so are its files.
    assert not psutil.pid_exists(int(daemon.read_text()))
    assert list(drivers.scratch.iterdir()) == []
    kept = drivers.records()
    assert finished.items() <= kept.items()

    second = drivers.start()
    output, _ = second.communicate(timeout=60)
    computed, cached, failed = map(int, output.split())
    assert (computed, cached, failed) == (N - len(kept), len(kept), 0)
    assert len(drivers.records()) == N
    # At most what was under way when the driver died was computed twice.
    twice = len(drivers.computed()) - len(set(drivers.computed()))
    assert set(drivers.computed()) == set(range(N))
    assert twice <= 2


@pytest.mark.parametrize("hang", ["hang", "hang_in_c"])
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(drivers: Drivers, hang: str) -> None:
    driver = drivers.start(f"sabotage?do={hang}&seconds=99")
    drivers.wait_for_records(3)
    start = time.monotonic()
    driver.send_signal(signal.SIGINT)
    output, errors = driver.communicate(timeout=30)
    assert time.monotonic() - start < 3.0
    assert driver.returncode == 3
    assert output.startswith("Interrupted: stopped after ")
    assert "the same command goes on from there" in output
    assert "Traceback" not in errors
    assert drivers.left() == []
    assert list(drivers.scratch.iterdir()) == []
    done = int(output.split("stopped after ")[1].split()[0])
    assert len(drivers.records()) == done
    output, _ = drivers.start().communicate(timeout=60)
    assert output.split() == [str(N - done), str(done), "0"]


def test_ctrl_c_on_the_command_line(drivers: Drivers, tmp_path: Path) -> None:
    started = tmp_path / "started"
    (tmp_path / "he.xyz").write_text("1\ncharge=0 multiplicity=1\nHe 0 0 0\n")
    level = f"sabotage?do=orphan_and_hang&file={started}"
    words = ["compute", level, str(tmp_path / "he.xyz"), "--store", str(drivers.store), "--json"]
    command = [sys.executable, "-c", "from qmbench.cli import main; main()", *words]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not started.exists():
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.02)
    start = time.monotonic()
    driver.send_signal(signal.SIGINT)
    output, errors = driver.communicate(timeout=30)
    assert time.monotonic() - start < 3.0
    assert (driver.returncode, output) == (130, "")
    assert errors.startswith("qmbench: stopped after 0 of 1 tasks")
    assert errors.count("\n") == 1
    assert not psutil.pid_exists(int(started.read_text()))


def test_two_drivers_on_one_store_lose_nothing(drivers: Drivers) -> None:
    both = [drivers.start(seconds=0.02), drivers.start("sabotage?n=99", seconds=0.02)]
    for driver in both:
        output, errors = driver.communicate(timeout=60)
        assert driver.returncode == 0, errors
        assert output.split()[2] == "0"
    records = drivers.records()
    assert len(records) == N + 1
    assert set(records.values()) == {"ok"}
    assert drivers.left() == []


WRITER = """
import sys
from qmbench.domain.record import Cost, Record
from qmbench.domain.quantity import Quantity
from qmbench.running.store import Store
with Store(sys.argv[1]) as store:
    for i in range(100):
        store.put([Record(f"{sys.argv[2]}-{i}", "hf", "he", "", "energy", "ok", Quantity(1.0, "hartree"))])
"""


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"  # they also race to make it
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n)]) for n in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    with Store(path) as store:
        assert len(list(store.records())) == 400


def test_a_writer_killed_at_any_moment_leaves_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    script = WRITER.replace("range(100)", "range(10**6)").replace("store.put(", "print(i, flush=True); store.put(")
    for n in range(3):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path), str(n)], stdout=subprocess.PIPE, text=True)
        for line in writer.stdout:
            if int(line) >= 10 * (n + 1):
                break
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        with Store(path) as store:
            kept = [record for record in store.records() if record.key.startswith(f"{n}-")]
            assert len(kept) >= 10 * (n + 1)
            assert all(record.quantity.value == 1.0 for record in kept)
