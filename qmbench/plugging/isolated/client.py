"""The driver's end of a companion: a process of an isolated interpreter that answers for its plugins.

One line of JSON each way; the other end is `companion`, beside this file. Started at the first question and ended
with this process; what was answered once is not asked again.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import hashlib
import json
import os
import select
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import IO, Any

from qmbench.domain import errors
from qmbench.domain.errors import QmbenchError
from qmbench.plugging.isolated import place

START_SECONDS = 120.0


class Companion:
    """Asks the process of `python` questions. name: whom an error is about. environ: its environment variables."""

    def __init__(self, python: str, name: str, environ: Mapping[str, str] | None = None) -> None:
        self._python, self._name, self._environ = python, name, environ
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0
        self._log: IO[bytes] | None = None
        self._lock = threading.RLock()
        self._answers: dict[bytes, Any] = {}

    def ask(self, what: str, keep: bool = True, **arguments: Any) -> Any:
        """The answer to the question `what`; the plugin's own error is raised here as what it was there.

        keep: whether the same question always has the same answer. QmbenchError when the process can't be
        started or dies; the next question starts another one.
        """
        line = json.dumps([what, arguments])
        with self._lock:
            key = hashlib.sha256(line.encode()).digest()  # a system may be long, and there are many
            answer = self._answers.get(key) if keep else None
            if answer is None:
                answer = self._exchange(line)
                if keep:
                    self._answers[key] = answer
        if "error" in answer:
            raise _error(answer["error"])
        return answer["answer"]

    def _exchange(self, line: str) -> Any:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        except (OSError, ValueError):
            raise self._died() from None
        except BaseException:  # Ctrl-C: the answer to this would be taken for that to the next question
            self.close()
            raise

    def _started(self) -> subprocess.Popen[str]:
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is None:
            return self._process
        self._process, self._owner = None, os.getpid()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process is)
        try:
            self._process = subprocess.Popen(
                [self._python, "-P", "-m", "qmbench.plugging.isolated.companion"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                encoding="utf-8",
                start_new_session=True,
                env=dict(place.environment() if self._environ is None else self._environ),
            )
        except OSError as error:
            raise QmbenchError(f"can't start the interpreter of plugin {self._name}: {error}") from None
        atexit.register(self.close)
        assert self._process.stdout is not None
        end = time.monotonic() + START_SECONDS
        while not select.select([self._process.stdout], [], [], 1.0)[0]:
            if time.monotonic() > end:
                raise self._died(f"gave no sign of life within {START_SECONDS:.0f} s")
        if not self._process.stdout.readline():
            raise self._died("did not start")
        return self._process

    def _died(self, how: str = "died") -> QmbenchError:
        process, log = self._process, self._log
        self.close()
        last = ""
        if log is not None:
            with contextlib.suppress(OSError):
                log.seek(0)
                last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
        code = f" (exit code {process.returncode})" if process is not None else ""
        return QmbenchError(f"the process of plugin {self._name} {how}{code}{': ' + last if last else ''}")

    def close(self) -> None:
        """End the process, if this one started it."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        atexit.unregister(self.close)
        with contextlib.suppress(OSError):
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, AttributeError):
                stream.close()  # type: ignore[union-attr]


@lru_cache(maxsize=32)
def companion(python: str, name: str) -> Companion:
    """The one companion of an isolated interpreter in this process."""
    return Companion(python, name)


def _error(document: Mapping[str, Any]) -> Exception:
    """The error that an answer tells of: of the nearest kind that is known on this side."""
    for name in document["kinds"]:
        for module in (errors, builtins):
            kind = getattr(module, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception) and kind is not Exception:
                with contextlib.suppress(TypeError):
                    return kind(document["message"])
    return RuntimeError(f"{document['kinds'][0]}: {document['message']}")
