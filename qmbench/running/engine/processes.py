"""Process trees: who belongs to a child, how much memory they hold, and how to end them all.

Imports almost nothing at first, because a child forks its watchdog before anything else is loaded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent() -> None:
    """Have the kernel send SIGKILL to this process when its parent is gone (Linux; elsewhere nothing)."""
    _of_c_library("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def adopt_orphans() -> None:
    """Make descendants whose parent ends children of this process, whatever their session (Linux)."""
    _of_c_library("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def keep_freed_memory() -> None:
    """Let the C library keep what arrays of up to 64 MiB held for the next ones, up to 256 MiB of it.

    By default it hands them back at once, and the system clears every page of them anew: a tenth of the time of coupled
    cluster. Larger ones still go back, so that the most memory a task holds stays what it was.
    """
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # parameters of mallopt(3)
    for parameter, mib in ((mmap_threshold, 64), (trim_threshold, 256), (top_pad, 16)):
        _of_c_library("mallopt", parameter, mib * 2**20)


def return_freed_memory() -> None:
    """Hand back what `keep_freed_memory` has kept."""
    _of_c_library("malloc_trim", 0)


def _of_c_library(name: str, *arguments: int) -> None:
    """Call this function of the C library on Linux, where it has one of that name."""
    if sys.platform == "linux":
        import ctypes

        function = getattr(ctypes.CDLL(None), name, None)  # only glibc has those of memory
        if function is not None:
            function(*arguments)


def descendants(pid: int) -> list[int]:
    """Ids of all processes below `pid`, nearest first; empty when it is gone."""
    found: list[int] = []
    queue = [pid]
    while queue:
        children = _children(queue.pop(0))
        found += children
        queue += children
    return found


def _children(pid: int) -> list[int]:
    # The kernel's own list costs microseconds, psutil's walk over all of /proc milliseconds.
    if Path(f"/proc/self/task/{os.getpid()}/children").exists():
        found: list[int] = []
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError):
                    found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
        return found
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def kill_own_descendants(seconds: float = 10.0) -> None:
    """SIGKILL and reap everything below this process, until nothing is left or `seconds` are over.

    Rounds, because a process may fork while it is being listed.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        living = descendants(os.getpid())
        if not living:
            return
        kill(living)
        reap()
        time.sleep(0.002)


def kill(pids: list[int]) -> None:
    """SIGKILL each of `pids` that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def reap() -> dict[int, int]:
    """Collect every ended child of this process: {pid: wait status}."""
    ended = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = status
    return ended


def running(pids: list[int]) -> list[int]:
    """Those of `pids` that are neither gone nor zombies."""
    import psutil

    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def usage(pids: list[int]) -> tuple[int, float]:
    """Resident bytes (a page shared by n processes counted n times) and CPU seconds of all together.

    The CPU seconds include those of ended and reaped children.
    """
    import psutil

    resident, cpu = 0, 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            with process.oneshot():
                resident += process.memory_info().rss
                cpu += sum(process.cpu_times()[:4])
    return resident, cpu


def proportional_memory(pids: list[int]) -> int:
    """Bytes held by all together, a page shared by n processes counted once. Slower than `usage`."""
    import psutil

    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            memory = psutil.Process(pid).memory_full_info()
            total += getattr(memory, "pss", memory.uss)
    return total


def killed_for_memory() -> int:
    """How many processes this system has ended so far because memory ran out; 0 where it doesn't say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
