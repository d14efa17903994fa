"""One supervised child from the driver's side: start it, give it tasks, watch it, say how it ended, kill it.

Nothing here blocks: an engine calls `poll` when the child's `fileno` is readable or some tenths of a second
have passed, and gets the outcome once there is one. After any failure the child is not to be used again
(`reusable` is false): a memory error or a half-ended library poisons what comes next.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qmbench.domain.errors import ResourceError
from qmbench.domain.record import Cost, Failure
from qmbench.domain.resources import user_file
from qmbench.plugging.isolated.place import environment
from qmbench.running.engine import processes
from qmbench.running.engine.answer import Unreadable, parse_json, parse_outcome, read_file
from qmbench.running.engine.child import write_json
from qmbench.running.engine.outcome import Outcome

COMPUTE = "qmbench.running.engine.work"  # the module that computes tasks
START_SECONDS = 120.0
LOG_TAIL = 4000  # bytes of log kept in a failure
LONGEST_LOG = 16 * 2**20  # a method that prints without end must not fill the disk
WATCH_SECONDS = 0.1  # between two looks at the memory of the tree, at first
WATCH_SECONDS_LATER = 0.25
STALE_GIB = 0.5  # a child that still holds more than this between tasks is replaced


class Child:
    """A child process that serves tasks of one plugin, one at a time."""

    def __init__(
        self, plugin: str, root: Path, cores: int = 1, python: str = sys.executable, job: str = COMPUTE
    ) -> None:
        """Start it. root: an existing folder for the working folder; removed by the child if the driver dies.

        job: the module that makes an outcome of each document (`child.work`).
        python: the interpreter to run; another one than ours runs in the environment that it belongs to.
        ResourceError when the process or its folder can't be made.
        """
        self.plugin = plugin
        self.reusable = True
        self._number = 0
        self._document: Mapping[str, Any] | None = None
        self._worker: int | None = None
        self._sent = 0.0
        self._peak_mib = 0.0
        self._cpu = (0.0, 0.0)  # seconds of the tree when the task was sent, and when last seen
        self._killed = 0
        self._started = ""
        # Our own copy of the writing end stays open: a method that closes all files would end the pipe otherwise, and
        # whoever waits for it would find it readable again and again.
        self._read, self._notify = os.pipe()
        self._log = -1
        os.set_blocking(self._read, False)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="child-", dir=root))
            start = {"cores": cores, "driver": os.getpid(), "notify": self._notify, "root": str(root), "job": job}
            start["here"] = str(user_file(""))
            write_json(self._folder / "child.json", start)
            (self._folder / "scratch").mkdir()
            # Kept open, so that it can be read whatever becomes of its name.
            self._log = os.open(self._folder / "log", os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            self._process = subprocess.Popen(
                # -P: the folder where a method writes must not be one where modules are looked for.
                [python, "-P", "-m", "qmbench.running.engine.child", str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(self._notify,),
                start_new_session=True,
                cwd=self._folder / "scratch",
                env=None if python == sys.executable else environment(),
            )
        except OSError as error:
            self._close_files()
            raise ResourceError(f"can't start a child process for plugin '{plugin}': {error}") from None
        self._born = time.monotonic()

    def fileno(self) -> int:
        """Readable when the child has something to say."""
        return self._read

    @property
    def busy(self) -> bool:
        """Whether it has a task."""
        return self._document is not None

    @property
    def pid(self) -> int:
        """Of the process itself."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether its processes are still there."""
        return self._process.poll() is None

    def send(self, document: Mapping[str, Any]) -> None:
        """Give it a task document (`outcome.task_document`); it must not be busy.

        ResourceError when it can't be handed over, which is not the task's fault; then the child is to be killed.
        """
        assert not self.busy
        self._document = document
        if self._worker is not None:
            self._hand_over()

    def _hand_over(self) -> None:
        assert self._worker is not None
        assert self._document is not None
        assert self._process.stdin is not None
        self._number += 1
        resident, used = processes.usage([self._worker])
        self._peak_mib = resident / 2**20
        self._cpu = (used, used)
        self._killed = processes.killed_for_memory()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._sent = time.monotonic()
        self._watched = self._sent
        try:
            if os.path.lexists(self._answer):
                raise ResourceError("the task before left something in the place of the next one's outcome")
            write_json(self._task, self._document)
        except OSError as error:
            raise ResourceError(f"can't hand a task to a child process: {error}") from None
        with contextlib.suppress(BrokenPipeError):  # it is dead: `poll` sees that
            self._process.stdin.write(f"{self._number}\n".encode())
            self._process.stdin.flush()

    @property
    def _task(self) -> Path:
        return self._folder / f"task-{self._number}.json"

    @property
    def _answer(self) -> Path:
        return self._folder / f"outcome-{self._number}.json"

    def poll(self) -> Outcome | None:
        """The task's outcome, once there is one. ResourceError when the child could not even start on it."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)
        if self._worker is None:
            self._look_if_ready()
            return None
        if self._document is None:
            return None
        # In this order: a child may write its outcome and end between two looks.
        ended = self._process.poll() is not None
        outcome = self._written()
        if outcome is None and ended:
            if self._task.is_file():  # the worker takes it away when it begins: it died of the task before
                last = self._log_tail().strip().rpartition("\n")[2]
                raise ResourceError(
                    f"a child process for plugin '{self.plugin}' ended before it began its task: "
                    f"{_how_ended(self._process.returncode)}; {last}".rstrip("; ")
                )
            outcome = self._failed(*self._cause_of_death())
        if outcome is None:
            outcome = self._over_limit()
        if outcome is not None:
            self._document = None
            if outcome.status == "failed":
                self.reusable = False
            if not self.reusable:
                self.kill()
        return outcome

    def _look_if_ready(self) -> None:
        worker = self._ready()
        if worker is not None:
            self._worker = worker
            if self._document is not None:
                self._hand_over()
            return
        late = time.monotonic() - self._born > START_SECONDS
        if late or self._process.poll() is not None:
            why = f"not ready after {START_SECONDS:.0f} s" if late else _how_ended(self._process.returncode)
            last = self._log_tail().strip().rpartition("\n")[2]
            self.reusable = False
            self.kill()
            raise ResourceError(f"a child process for plugin '{self.plugin}' did not start: {why}; {last}".rstrip("; "))

    def _ready(self) -> int | None:
        """The worker's process, once it has loaded its plugins (which may have left anything in that place)."""
        try:
            data = read_file(self._folder / "ready.json")
            worker = None if data is None else parse_json(data)["worker"]
            if worker is None or (isinstance(worker, int) and worker in processes.descendants(self._process.pid)):
                return worker
            problem = "it names no process of the child"
        except (Unreadable, LookupError, TypeError) as error:
            problem = str(error)
        if self._process.poll() is not None:
            return None
        raise ResourceError(f"a child process for plugin '{self.plugin}' did not start: its ready.json: {problem}")

    def _written(self) -> Outcome | None:
        """The outcome the worker wrote, if it did; whatever else is in its place is a failure of the task."""
        assert self._document is not None
        try:
            data = read_file(self._answer)
            if data is None:
                return None
            outcome = parse_outcome(data, self._document.get("properties", ()))
        except Unreadable as error:
            return self._failed("error", f"the outcome that the child process left can't be used: {error}")
        for path in (self._task, self._answer):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        return self._completed(outcome)

    def _completed(self, outcome: Outcome) -> Outcome:
        """The outcome with the tree's peak memory and, for a failure, the log; decides whether to keep the child."""
        tree = processes.descendants(self._process.pid)
        left_over = [pid for pid in tree if pid != self._worker]
        swollen = processes.usage(tree)[0] > STALE_GIB * 2**30
        if swollen or processes.running(left_over) or self._process.poll() is not None:
            self.reusable = False
        assert outcome.cost is not None
        cost = replace(outcome.cost, peak_memory_mib=max(outcome.cost.peak_memory_mib, self._peak_mib))
        failure = outcome.failure
        if failure is not None and outcome.status == "failed":
            failure = Failure(failure.kind, failure.message, self._log_tail())
        return replace(outcome, failure=failure, cost=cost)

    def _over_limit(self) -> Outcome | None:
        """Look at time, memory and log; the failure when a limit is passed."""
        assert self._document is not None
        now = time.monotonic()
        time_s = self._document["resources"]["time_s"]
        late = time_s is not None and now - self._sent > time_s
        if not late and now - self._watched < (WATCH_SECONDS if now - self._sent < 10 else WATCH_SECONDS_LATER):
            return None
        self._watched = now
        pids = self._look_at_tree()
        if outcome := self._over_memory(pids):
            return outcome
        if late:
            message = f"ran longer than its limit of {time_s:g} s and was stopped"
            # Whoever waits for one of those that the system ended waits for ever.
            ended = self._ended_for_memory(f", in {len(pids)} processes at last")
            return self._failed("memory" if ended else "timeout", message + ended)
        with contextlib.suppress(OSError):
            if os.fstat(self._log).st_size > LONGEST_LOG:
                os.ftruncate(self._log, 0)
        return None

    def _over_memory(self, pids: list[int]) -> Outcome | None:
        """The failure of a tree that holds more than its limit."""
        assert self._document is not None
        memory_gib = self._document["resources"]["memory_gib"]
        # Pages shared by forks were counted more than once: count properly before anything is killed for them.
        if memory_gib is None or self._peak_mib <= memory_gib * 1024:
            return None
        held = processes.proportional_memory(pids) / 2**30 if len(pids) > 1 else self._peak_mib / 1024
        self._peak_mib = held * 1024
        if held <= memory_gib:
            return None
        several = f" in {len(pids)} processes" if len(pids) > 3 else ""
        message = f"used {held:.2f} GiB of memory{several}, more than its limit of {memory_gib:g} GiB, and was stopped"
        return self._failed("memory", message)

    def _look_at_tree(self) -> list[int]:
        assert self._worker is not None
        pids = processes.descendants(self._process.pid)
        resident, cpu = processes.usage(pids)
        self._peak_mib = max(self._peak_mib, resident / 2**20)
        self._cpu = (self._cpu[0], max(self._cpu[1], cpu))
        return pids

    def _cause_of_death(self) -> tuple[str, str]:
        """Failure kind and message for a child that ended without an outcome."""
        assert self._document is not None
        code = self._process.returncode
        memory_gib = self._document["resources"]["memory_gib"]
        # C libraries seldom check an allocation: under a memory limit they die of it instead.
        if memory_gib is not None and code < 0 and self._peak_mib > 0.8 * memory_gib * 1024:
            return "memory", (
                f"{_how_ended(code)} with {self._peak_mib / 1024:.2f} GiB of memory in use, "
                f"near its limit of {memory_gib:g} GiB"
            )
        # Nothing says which processes the system ended; this one died as they do.
        if code == -signal.SIGKILL and (ended := self._ended_for_memory()):
            return "memory", _how_ended(code) + ended
        gone = "" if self._folder.is_dir() else "; its working folder is gone: something deleted it"
        return "crash", _how_ended(code) + gone

    def _ended_for_memory(self, more: str = "") -> str:
        """What to say of processes that the system ended for memory since the task was sent; empty where none."""
        killed = processes.killed_for_memory() - self._killed
        if killed <= 0:
            return ""
        used = f"it used up to {self._peak_mib / 1024:.2f} GiB{more}"
        return f"; meanwhile the system ended {killed} processes because memory ran out ({used})"

    def _failed(self, kind: str, message: str) -> Outcome:
        assert self._document is not None
        cost = Cost(
            wall_s=time.monotonic() - self._sent,
            cpu_s=max(0.0, self._cpu[1] - self._cpu[0]),
            peak_memory_mib=self._peak_mib,
            cores=self._document["resources"]["cores"],
        )
        return Outcome("failed", Failure(kind, message, self._log_tail()), cost=cost, started=self._started)

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            start = max(0, os.fstat(self._log).st_size - LOG_TAIL)
            return os.pread(self._log, LOG_TAIL, start).decode(errors="replace").replace("\0", "")
        return ""

    def stop(self) -> None:
        """Ask the watchdog to kill the whole tree; does not wait. `kill` has to follow."""
        self.reusable = False
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the child with everything below it and remove its folder. May be called again."""
        self.stop()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # the watchdog itself was stopped or is starved
            processes.kill(processes.descendants(self._process.pid))
            self._process.kill()
            self._process.wait()
        self._close_files()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _close_files(self) -> None:
        for descriptor in (self._read, self._notify, self._log):
            if descriptor >= 0:
                os.close(descriptor)
        self._read = self._notify = self._log = -1


def _how_ended(code: int) -> str:
    if code >= 0:
        return f"the process ended itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    hint = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
    return f"the process died by signal {-code} ({name}){hint}"
