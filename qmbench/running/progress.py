"""Progress of a run on standard error: a bar where a person looks on, plain lines where a log is kept."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from qmbench.running.loop import Progress

LINE_SECONDS = 10.0  # plain progress lines are at least this far apart


@contextlib.contextmanager
def shown(stream: TextIO | None = None) -> Iterator[Callable[[Progress], None]]:
    """What to hand to `run_tasks` as its `progress`. Failures are named as they come, in either form."""
    stream = stream or sys.stderr
    if stream.isatty():
        with _bar(stream) as show:
            yield show
    else:
        yield _lines(stream)


@contextlib.contextmanager
def _bar(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    from rich import progress as bars
    from rich.console import Console
    from rich.markup import escape

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        bars.TextColumn("{task.fields[last]}"),
    )
    with bars.Progress(*columns, console=Console(file=stream), transient=True) as bar:
        line = bar.add_task("tasks", total=None, last="")

        def show(progress: Progress) -> None:
            last = ""
            if progress.finished is not None:
                last = escape(f"{progress.finished.level} {progress.finished.system.name}")
            bar.update(line, completed=progress.done, total=progress.total, last=last)
            failure = failure_line(progress)
            if failure:
                bar.console.print(escape(failure), highlight=False, soft_wrap=True)

        yield show


def _lines(stream: TextIO) -> Callable[[Progress], None]:
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        failure = failure_line(progress)
        if failure:
            print(failure, file=stream, flush=True)
        first, final = progress.finished is None, progress.done == progress.total
        now = time.monotonic()
        if (first or final or now - last >= LINE_SECONDS) and not (first and final):
            last = now
            failed = f", {progress.failed} failed" if progress.failed else ""
            reused = f", {progress.reused} from the store" if progress.reused else ""
            print(f"{progress.done} of {progress.total} tasks done{failed}{reused}", file=stream, flush=True)

    return show


def failure_line(progress: Progress) -> str:
    """One line on the task that just failed; empty when it did not."""
    task, outcome = progress.finished, progress.outcome
    if task is None or outcome is None or outcome.status != "failed" or outcome.failure is None:
        return ""
    properties = ", ".join(task.properties)
    return f"failed: {task.level} {task.system.name} ({properties}): {outcome.failure.kind}: {outcome.failure.message}"
