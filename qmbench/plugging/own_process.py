"""Questions that a process of its own answers: what may take long, print, hang or crash when it is asked what it is."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError

SECONDS = 180.0
"""After which an answer is no longer waited for."""

_SCRIPT = """
import importlib, json, os, sys
place, module, name, argument = sys.argv[1:]
answer = getattr(importlib.import_module(module), name)(argument)
with open(place, "w") as file:
    json.dump(answer, file)
os._exit(0)
"""
_LAST_WORDS = 20


def in_own_process(
    function: Callable[[str], dict[str, Any]], argument: str, *, title: str, doing: str, seconds: float = SECONDS
) -> dict[str, Any]:
    """`function(argument)`, by a fresh Python of this environment, in an empty folder and without input.

    For questions of which one does not know what comes of them: whether a module can be imported, whether a program is
    there and of which version. What is imported, printed or changed stays with that process, and nothing that hangs or
    crashes there harms this one. Processes that it has started end with it when it is not waited for any longer.

    function: of a module that can be imported by its name, and there under its own name; its answer is what JSON can
    hold. title: what is asked about; doing: what is done to find out, such as `importing ase`; both for messages.
    seconds: wall time, after which it is ended. InputError in one line when it takes longer, ends without an answer or
    raises: with the last words that it said.
    """
    with tempfile.TemporaryDirectory(prefix="qmbench-") as name:
        folder = Path(name)
        (folder / "empty").mkdir()
        command = [sys.executable, "-P", "-c", _SCRIPT, str(folder / "answer"), function.__module__, function.__name__]
        # Into a file, not a pipe: what the process leaves running would hold a pipe open.
        with open(folder / "said", "wb") as said:
            process = subprocess.Popen(
                [*command, argument],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=folder / "empty",
                start_new_session=True,
            )
            try:
                code = process.wait(seconds)
            except BaseException as error:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise InputError(f"{title}: {doing} takes more than {seconds:g} s") from None
                raise
        try:
            answer: dict[str, Any] = json.loads((folder / "answer").read_text())
        except (OSError, ValueError):
            words = (folder / "said").read_bytes()[-4000:].decode(errors="replace").split()
            last = " ".join(words[-_LAST_WORDS:]) or f"exit code {code}"
            raise InputError(f"{title}: {doing} ends the process ({last})") from None
    return answer
