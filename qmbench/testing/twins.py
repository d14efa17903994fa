"""Finds out when `compute` comes back twice: in its own process, and in one that it forked and did not end."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from qmbench.running.engine import processes

PATIENCE_S = 0.5
_numbers = itertools.count()


@contextlib.contextmanager
def once(fail: Callable[[str], Exception]) -> Iterator[None]:
    """What is done inside must come back in this process alone, or `fail` of a message is raised in it.

    The fork itself ends here in silence, whatever it was up to.
    """
    me = os.getpid()
    mark = Path(tempfile.gettempdir()) / f"qmbench-twin-{me}-{next(_numbers)}"
    before = set(processes.descendants(me))
    try:
        yield
    finally:
        if os.getpid() != me:
            with contextlib.suppress(OSError):
                mark.touch()
            os._exit(0)
    new = [pid for pid in processes.descendants(me) if pid not in before]
    end = time.monotonic() + PATIENCE_S
    while processes.running(new) and not mark.exists() and time.monotonic() < end:
        time.sleep(0.01)
    if mark.exists():
        mark.unlink()
        raise fail("compute comes back twice: it forks, and the forked process returns as well; end that one")
