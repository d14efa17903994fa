"""A full disk and a read-only store are said plainly, in one line, and what was stored stays."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Record
from qmbench.running.store import Store

PUT = """
import sys
from qmbench.domain.errors import StoreError
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Record
from qmbench.running.store import Store
try:
    with Store(sys.argv[1]) as store:
        for i in range(10**4):
            tail = "x" * 1000
            store.put([Record(f"new{i}", "hf", tail, "", "energy", "ok", Quantity(1.0, "hartree"))])
            print("put", i)
except StoreError as error:
    print("StoreError:", error)
"""
GET = """
import sys
from qmbench.domain.errors import StoreError
from qmbench.running.store import Store
try:
    with Store(sys.argv[1], read_only=True) as store:
        print(len(list(store.records())), "read")
except StoreError as error:
    print("StoreError:", error)
"""

# Permissions don't bind root. Everything is imported before, because root's Python may be closed to others.
AS_NOBODY = """
import os
import qmbench.running.store
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
"""


def script(text: str, path: Path, prepare: Callable[[], None] | None = None) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", text, str(path)], capture_output=True, text=True, timeout=60, preexec_fn=prepare
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def fill(path: Path, n: int = 5) -> None:
    with Store(path) as store:
        store.put(Record(f"old{i}", "hf", "he", "", "energy", "ok", Quantity(1.0, "hartree")) for i in range(n))


def test_a_limit_on_file_sizes(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    fill(path)
    size = 300_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    *put, said = script(PUT, path, limit)
    assert put
    assert said.startswith(f"StoreError: the store {path} can't be written: ")
    assert "disk full" in said
    with Store(path) as store:
        assert len(list(store.records())) == 5 + len(put)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs the rights to do so")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "s.sqlite"
    fill(path)
    *put, said = script(PUT, path)
    assert put
    assert said == f"StoreError: the store {path} can't be written: the disk is full"
    with Store(path, read_only=True) as store:
        assert len(list(store.records())) == 5 + len(put)


def test_a_read_only_disk(small_disk: Path) -> None:
    path = small_disk / "s.sqlite"
    fill(path)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert script(GET, path) == ["5 read"]
    (said,) = script(PUT, path)
    assert said.startswith(f"StoreError: the store {path} can't be ")
    assert "read-only" in said
    (said,) = script(PUT, small_disk / "new.sqlite")
    assert "read-only" in said


def test_a_log_that_was_left_on_a_disk_that_is_read_only_now(small_disk: Path) -> None:
    path = small_disk / "s.sqlite"
    fill(path)
    killed = script(PUT.replace('print("put", i)', 'if i == 9: __import__("os")._exit(0)'), path)
    assert killed == []
    assert path.with_name("s.sqlite-wal").stat().st_size > 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert script(GET, path) == ["15 read"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    # Not under tmp_path, whose parents are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="qmbench-test-"))
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_store_without_write_permission(open_folder: Path) -> None:
    path = open_folder / "s.sqlite"
    fill(path)
    path.chmod(0o444)
    open_folder.chmod(0o555)
    assert script(AS_NOBODY + GET, path) == ["5 read"]
    (said,) = script(AS_NOBODY + PUT, path)
    assert said.startswith(f"StoreError: the store {path} can't be ")
    assert "read-only" in said
    (said,) = script(AS_NOBODY + PUT, open_folder / "folder" / "new.sqlite")
    assert "Permission denied" in said
