"""What methods think of their own tasks."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

from qmbench.domain.method import Method
from qmbench.domain.record import Task
from qmbench.domain.systems import System

Question = Callable[[Method, System, frozenset[str]], float | None]


def answer(task: Task, question: Question) -> float | None:
    """What the method of a task answers to `question`, `Method.expected_seconds` say; None where it has no idea, and
    where it answers no number from 0 on. A broken method fails in its own task, not here."""
    with contextlib.suppress(Exception):
        found = question(task.level.make(), task.system, frozenset(task.properties))
        return found if found is not None and 0.0 <= found < math.inf else None
    return None
