"""A task in this very process: for engines that bring their own supervision, and for tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.running.engine.outcome import Outcome, task_document


def run_task(task: Task, resources: Resources | None = None) -> Outcome:
    """Compute a task here and say how it ended, as a worker of the local engine does; errors become outcomes.

    Nobody supervises it: no time limit holds, and a crash takes this process along. It works in a temporary folder of
    `resources.scratch`. Levels of isolated plugins fail: their interpreter is another.
    """
    from qmbench.running.engine.work import compute

    resources = resources or Resources()
    document = task_document(task, resources)
    with tempfile.TemporaryDirectory(prefix="qmbench-", dir=resources.scratch) as folder:
        return Outcome.from_json(compute(document, Path(folder)))
