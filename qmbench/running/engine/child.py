"""The supervised child: `python -m qmbench.running.engine.child WORKDIR`, started by `supervisor` only.

Two processes. The *watchdog* runs no foreign code: it adopts every orphan below it and, when the driver goes
away or asks for it, or when the worker ends, it kills all that is left of the tree, detached grandchildren
included. The *worker*, forked from it before anything heavy is loaded, loads the plugins and computes one
task after the other. WORKDIR holds child.json (how to start), task-N.json and outcome-N.json (the work, each
written by atomic rename), log (standard output and error) and scratch/.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from qmbench.running.engine import processes

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

# Variables that configure programs: what they say would change numbers behind the back of a record's key.
CONFIGURING = ("PYSCF_", "ASE_", "JAX_", "XTB", "DFTD3", "DFTD4", "TBLITE")
# Which processor computes is a resource.
RESOURCES = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
# Variables that name a program's configuration file. They are set to an empty one, since the home folder has the next.
CONFIGURATION_FILES = ("PYSCF_CONFIG_FILE", "ASE_CONFIG_PATH")


def neutralize(workdir: Path) -> None:
    """Take from the environment what configures programs beside the level of theory."""
    for name in list(os.environ):
        if name.startswith(CONFIGURING) and name not in RESOURCES:
            del os.environ[name]
    empty = workdir / "empty"
    empty.touch()
    for name in CONFIGURATION_FILES:
        os.environ[name] = str(empty)


def main(workdir: Path) -> None:
    """Become the watchdog, and fork the worker; does not return."""
    start = json.loads((workdir / "child.json").read_text())
    for name in THREAD_VARIABLES:
        os.environ[name] = str(start["cores"])
    neutralize(workdir)
    os.environ["QMBENCH_FOLDER"] = start["here"]  # `domain.resources.HERE`; nothing heavy is imported before the fork
    os.environ["TMPDIR"] = os.environ["PYSCF_TMPDIR"] = str(workdir / "scratch")
    watched = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    processes.adopt_orphans()
    watchdog = os.getpid()
    worker = os.fork()
    if worker == 0:
        processes.die_with_parent()
        if os.getppid() != watchdog:
            os._exit(1)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, watched)
        work(workdir, start["notify"], start["job"])
    os.close(0)
    os.close(start["notify"])
    watch(worker, start["driver"], Path(start["root"]))


def watch(worker: int, driver: int, root: Path) -> None:
    """Wait for the worker's end, the driver's end or SIGTERM; leave nothing running; does not return."""
    while True:
        # The half second is for the driver's death alone: a death signal would already come when the *thread*
        # that started this process ends, which is no reason to stop.
        got = signal.sigtimedwait({signal.SIGCHLD, signal.SIGTERM}, 0.5)
        ended = processes.reap()
        if worker in ended:
            processes.kill_own_descendants()
            _end_like(ended[worker])
        if got is not None and got.si_signo == signal.SIGTERM:
            processes.kill_own_descendants()
            os._exit(0)
        if os.getppid() != driver:
            processes.kill_own_descendants()
            shutil.rmtree(root, ignore_errors=True)
            os._exit(0)


def _end_like(status: int) -> None:
    if not os.WIFSIGNALED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    _no_core_dump()
    with contextlib.suppress(OSError):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(1)


def _no_core_dump() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def work(workdir: Path, notify: int, job_name: str) -> None:
    """Compute the tasks that are named on standard input, one number a line; does not return.

    job_name: the module whose `prepare()` gets ready and whose `compute(document, scratch)` makes an outcome of a task.
    A byte on `notify` says only "look": the truth is in the files, and who else holds the pipe does not matter.
    """
    commands = os.fdopen(os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.set_inheritable(notify, False)
    signal.signal(signal.SIGINT, _interrupted)
    _no_core_dump()
    log = os.dup(1)
    scratch = workdir / "scratch"
    import faulthandler
    from importlib import import_module

    faulthandler.enable()
    processes.keep_freed_memory()
    job = import_module(job_name)
    job.prepare()
    me = os.getpid()
    write_json(workdir / "ready.json", {"worker": me})
    os.write(notify, b".")
    for line in commands:
        number = int(line)
        os.chdir(scratch)
        os.ftruncate(log, 0)
        path = workdir / f"task-{number}.json"
        task = json.loads(path.read_text())
        path.unlink()  # what ends the process from here on is the task's doing
        outcome = job.compute(task, scratch)
        if os.getpid() != me:  # the method forked and both of them came back
            os._exit(0)
        write_json(workdir / f"outcome-{number}.json", outcome)
        os.write(notify, b".")
        processes.return_freed_memory()
        _empty(scratch)
    os._exit(0)


def write_json(path: Path, document: object) -> None:
    """Write by atomic rename: whoever sees the file sees all of it."""
    temporary = path.with_suffix(".part")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    with open(temporary, "x", encoding="ascii") as file:  # not through whatever else has that name, a pipe say
        file.write(json.dumps(document))
    os.replace(temporary, path)


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _empty(folder: Path) -> None:
    """Make it an empty folder, whatever the task made of it; OSError when that can't be done."""
    if folder.is_symlink() or not folder.is_dir():
        with contextlib.suppress(FileNotFoundError):
            folder.unlink()
        folder.mkdir()
    folder.chmod(0o700)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(entry.path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
