"""Progress of a run: a bar in a terminal or a notebook, plain lines on standard error where a log is kept."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, TextIO

from qmbench.domain.steps import Listener, listening
from qmbench.running.console import plain_console
from qmbench.running.loop import Progress

LINE_SECONDS = 10.0  # plain progress lines are at least this far apart
BAR_SECONDS = 1.0  # what is done sooner has no bar
NOTEBOOK_SECONDS = 0.2  # and what a notebook shows is renewed this often at most
MOST_FAILURES = 20  # named in a notebook, the latest


@contextlib.contextmanager
def shown(stream: TextIO | None = None) -> Iterator[Callable[[Progress], None]]:
    """What to hand to `run_tasks` as its `progress`. Failures are named as they come, in either form."""
    notebook = _notebook() if stream is None else None
    stream = stream or sys.stderr
    if notebook is not None:
        with _displayed(notebook) as show:
            yield show
    elif stream is None:  # a program without a console has no standard error
        yield lambda progress: None
    elif stream.isatty():
        with _bar(stream) as show:
            yield show
    else:
        yield _lines(stream)


def _notebook() -> Any:
    """IPython's module of displays when this is the kernel of a notebook, else None; imports nothing by itself."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return sys.modules.get("IPython.display") if hasattr(shell, "kernel") else None


@contextlib.contextmanager
def _displayed(display: Any) -> Iterator[Callable[[Progress], None]]:
    """One line that is written anew in the output of the cell, and the failures above it."""
    failures: list[str] = []
    handle: Any = None
    last = 0.0

    def show(progress: Progress) -> None:
        nonlocal handle, last
        failure = failure_line(progress)
        if failure:
            failures.append(failure)
        now, final = time.monotonic(), progress.done == progress.total
        if handle is not None and not (failure or final) and now - last < NOTEBOOK_SECONDS:
            return
        last = now
        bar = f"<progress value='{progress.done}' max='{max(progress.total, 1)}'></progress> "
        shown = "".join(f"<div>{escape(text)}</div>" for text in failures[-MOST_FAILURES:])
        left_out = len(failures) - MOST_FAILURES
        more = f"<div>{left_out} more that failed, and</div>" if left_out > 0 else ""
        page = display.HTML(f"{more}{shown}<div>{bar}{escape(_counts(progress))}</div>")
        if handle is None:
            handle = display.display(page, display_id=True)
        else:
            handle.update(page)

    yield show


@contextlib.contextmanager
def _bar(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    from rich import progress as bars
    from rich.markup import escape as plain

    with _counting(stream, bars.TextColumn("{task.fields[left]}"), bars.TextColumn("{task.fields[last]}")) as bar:
        line = bar.add_task("tasks", total=None, last="", left="")

        def show(progress: Progress) -> None:
            last = ""
            if progress.finished is not None:
                last = plain(f"{progress.finished.level} {progress.finished.system.name}")
            bar.update(line, completed=progress.done, total=progress.total, last=last, left=time_left(progress))
            failure = failure_line(progress)
            if failure:
                bar.console.print(plain(failure), highlight=False, soft_wrap=True)

        yield show


def _counting(stream: TextIO, *behind: Any) -> Any:
    """A bar that says how many are done of how many, and since when; behind it further columns."""
    from rich import progress as bars

    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    console = plain_console(file=stream)
    return bars.Progress(*columns, bars.TimeElapsedColumn(), *behind, console=console, transient=True)


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
            print(_counts(progress), file=stream, flush=True)

    return show


@contextlib.contextmanager
def steps_shown(stream: TextIO | None = None) -> Iterator[None]:
    """Within, work that tells how far it is (`domain.steps`) is seen to go on, if it takes long: by a bar in a
    terminal, by lines elsewhere."""
    stream = stream or sys.stderr
    if stream is None:
        yield
    elif stream.isatty():
        with _steps_bar(stream) as show, listening(show):
            yield
    else:
        with listening(_step_lines(stream)):
            yield


@contextlib.contextmanager
def _steps_bar(stream: TextIO) -> Iterator[Listener]:
    bar = _counting(stream)
    line = bar.add_task("", total=None)
    start = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        if time.monotonic() - start >= BAR_SECONDS:
            bar.start()
        bar.update(line, description=what, completed=done, total=total)

    try:
        yield show
    finally:
        bar.stop()


def _step_lines(stream: TextIO) -> Listener:
    last = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_SECONDS:
            last = time.monotonic()
            print(f"{done} of {total} {what}", file=stream, flush=True)

    return show


def _counts(progress: Progress) -> str:
    failed = f", {progress.failed} failed" if progress.failed else ""
    reused = f", {progress.reused} from the store" if progress.reused else ""
    left = time_left(progress)
    return f"{progress.done} of {progress.total} tasks done{failed}{reused}{', ' if left else ''}{left}"


def time_left(progress: Progress) -> str:
    """`about 3 min left`; empty where that is not known, or nothing is left."""
    if progress.remaining_s is None or progress.done == progress.total:
        return ""
    return f"about {duration(progress.remaining_s)} left"


def duration(seconds: float) -> str:
    """A time in the unit that suits it: `0.4 s`, `45 s`, `3 min`, `2.5 h`."""
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 9.95 else f"{hours:.0f} h"


def failure_line(progress: Progress) -> str:
    """One line on the task that just failed; empty when it did not."""
    task, outcome = progress.finished, progress.outcome
    if task is None or outcome is None or outcome.status != "failed" or outcome.failure is None:
        return ""
    properties = ", ".join(task.properties)
    return f"failed: {task.level} {task.system.name} ({properties}): {outcome.failure.kind}: {outcome.failure.message}"
