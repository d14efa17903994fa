"""The time that a calculation may still take."""

from __future__ import annotations

import time

from qmbench import Resources

# Part of a time limit that is spent before a run stops by itself, checkpoint written.
SHARE_OF_TIME = 0.85


class Clock:
    """What is left of a task's time limit."""

    def __init__(self, resources: Resources):
        self.end = None if resources.time_s is None else time.monotonic() + SHARE_OF_TIME * resources.time_s

    def left(self) -> float | None:
        """Seconds, None without a limit."""
        return None if self.end is None else max(self.end - time.monotonic(), 0.0)
