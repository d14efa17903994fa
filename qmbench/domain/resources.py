"""What a task may use: cores, limits, a scratch folder, and intermediates that tasks share."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = "QMBENCH_FOLDER"
"""Environment variable of supervised children: the folder in which the user works, since they work in another one."""


def user_file(name: str | Path) -> Path:
    """The absolute path of a file that a level of theory names, relative to the folder in which the user works.

    The same in the driver and in the supervised children. `~` is the home folder.
    """
    return Path(os.environ.get(HERE) or os.getcwd()) / Path(name).expanduser()


@dataclass(frozen=True)
class Resources:
    """What a task may use; none of it changes the number, so none of it is in a record's key.

    cores: threads. memory_gib, time_s: limits, None when unlimited. scratch: a folder that is emptied after
    the task. artifacts: folder of shared intermediates (None: a private temporary one). code: digest of the code that
    computes the task; code_behind gives that of a function. Both keep what other code has made from being used.
    """

    cores: int = 1
    memory_gib: float | None = None
    time_s: float | None = None
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    artifacts: Path | None = None
    code: str = ""
    code_behind: Callable[[Callable[..., Any]], str] | None = field(default=None, repr=False, compare=False)

    def artifact(self, key: str, write: Callable[[Path], None]) -> Path:
        """The file of the shared intermediate `key`, made by `write(path)` if it is not there yet.

        key: anything that says everything the content depends on (it is hashed), but for the code of `write`, which
        is added: edited code makes its intermediates anew. Concurrent tasks that want one key wait for the first to
        make it; the file appears by atomic rename. If `write` raises, nothing is kept and the error passes through.
        """
        folder = self.artifacts or _private_artifacts()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _hashed(f"{self.code_behind(write)} {key}" if self.code_behind else key)
        with _locked(path.with_suffix(".lock")):
            if not path.exists():
                handle, temporary = tempfile.mkstemp(dir=folder, prefix=".making-")
                os.close(handle)
                try:
                    write(Path(temporary))
                    os.replace(temporary, path)
                finally:
                    Path(temporary).unlink(missing_ok=True)
        return path

    @contextlib.contextmanager
    def checkpoint(self, key: str) -> Iterator[Path]:
        """A folder of your own that outlives the task: what a later task with the same `key` goes on from.

        For long work that may be stopped (a time limit, Ctrl-C, a target not reached). key: everything the content
        depends on but the code of the method, which is added, and nothing that a later task may ask for differently
        (a smaller error, say). The folder lies beside the artifacts and is locked: a second task with this key waits.
        It may be deleted at any time by the user, and what is in it may be the work of a killed process, so write by
        atomic rename. A record must be the same whether the checkpoint was there or not. Delete what is no longer of
        use.
        """
        artifacts = self.artifacts or _private_artifacts()
        name = artifacts.name.removesuffix("artifacts").removesuffix("-")
        folder = artifacts.with_name(f"{name}-checkpoints" if name else "checkpoints") / _hashed(f"{self.code} {key}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock")):
            folder.mkdir(exist_ok=True)
            yield folder


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


_private: tempfile.TemporaryDirectory[str] | None = None


def _private_artifacts() -> Path:
    global _private
    if _private is None:
        _private = tempfile.TemporaryDirectory(prefix="qmbench-")
    return Path(_private.name) / "artifacts"


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]
