"""Checks of what a method does to its surroundings, and they to it: files, environment, working folder."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from qmbench.domain.errors import InputError, QmbenchError, ResourceError
from qmbench.domain.method import LevelOfTheory, Result
from qmbench.domain.systems import System
from qmbench.testing.subject import NotApplicable, Subject, distance

# A variable that a module reads, as it is written in its source.
_READ = re.compile(
    r"""(?:environ(?:\.get|\.setdefault|\.pop)?\s*[\[(]|getenv\s*\()\s*["']([A-Za-z_][A-Za-z0-9_]*)["']"""
)
# They say where and with how many threads to run, which is the caller's business.
_RESOURCES = re.compile(r".*NUM_THREADS|PATH|PYTHON.*|TMPDIR|TMP|TEMP|HOME|LANG|LC_.*|PYSCF_TMPDIR|CUDA_.*")
MOST_FILES = 2000


def writes_only_to_scratch(subject: Subject) -> None:
    """A calculation leaves nothing in the working folder, in the home folder, or beside its own source."""
    level, system = subject.example()
    with _elsewhere() as root:
        before = _files(subject, root)
        _fresh(subject, level, system)
        after = _files(subject, root)
    written = sorted(path for path, state in after.items() if before.get(path) != state)
    if written:
        path = written[0]
        where = {"cwd": "the working folder", "home": "the home folder"}
        inside = path.relative_to(root) if path.is_relative_to(root) else None
        place = where[inside.parts[0]] if inside else str(path.parent)
        raise subject.fail(f"writes {path.name} into {place}; resources.scratch is the place for files")


def surroundings_change_nothing(subject: Subject) -> None:
    """Another working folder, home, language, or variable that its source reads changes no number."""
    level, system = subject.example()
    usual = subject.quick(level, system)
    with _elsewhere():
        _same(subject, level, system, usual, "the working folder, HOME or LANG")
    names = _variables(subject)
    for name in names:
        with _environ({name: None if name in os.environ else "1"}):
            _same(subject, level, system, usual, f"the environment variable {name}")


def _same(subject: Subject, level: LevelOfTheory, system: System, usual: Result, what: str) -> None:
    """ConformanceError when the number is another one now; a refusal for want of a file is no silent change."""
    try:
        now = _fresh(subject, level, system)
    except (InputError, ResourceError):
        return
    except QmbenchError as error:
        raise subject.fail(f"depends on {what}: {type(error).__name__}: {error}") from None
    for prop, quantity in usual.properties.items():
        off = distance(quantity, now.properties[prop])
        if off > subject.tolerance(prop):
            raise subject.fail(
                f"{prop} of {system.name} depends on {what} (off by {off:.3g}); make it an option, which is recorded"
            )


def _fresh(subject: Subject, level: LevelOfTheory, system: System) -> Result:
    """As `quick`, computed now and not kept."""
    method = level.make()
    return subject.guarded(method, system, subject.cheapest(level, system), 1)


@contextlib.contextmanager
def _elsewhere() -> Iterator[Path]:
    """In an empty working folder, with an empty home and plain C texts; the folder that holds cwd, home and scratch."""
    here, former = os.getcwd(), tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="qmbench-elsewhere-") as folder:
        root = Path(folder).resolve()
        for name in ("cwd", "home", "scratch"):
            (root / name).mkdir()
        changed = {"HOME": str(root / "home"), "LANG": "C", "LC_ALL": "C", "XDG_CACHE_HOME": None}
        try:
            os.chdir(root / "cwd")
            tempfile.tempdir = str(root / "scratch")
            with _environ({**changed, "TMPDIR": tempfile.tempdir}):
                yield root
        finally:
            os.chdir(here)
            tempfile.tempdir = former


@contextlib.contextmanager
def _environ(changes: Mapping[str, str | None]) -> Iterator[None]:
    """With environment variables set, or unset where None."""
    former = {name: os.environ.get(name) for name in changes}
    _apply(changes)
    try:
        yield
    finally:
        _apply(former)


def _apply(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _files(subject: Subject, root: Path) -> dict[Path, tuple[int, int]]:
    """path -> (bytes, time of the last change), of the working and home folders and of the plugin's own."""
    found: dict[Path, tuple[int, int]] = {}
    own = _source(subject)
    sources = own.parent.rglob("*") if own.name == "__init__.py" else own.parent.glob("*")
    for path in [*(root / "cwd").rglob("*"), *(root / "home").rglob("*"), *sources]:
        with contextlib.suppress(OSError):
            if "__pycache__" not in path.parts and path.is_file():
                state = path.stat()
                found[path] = (state.st_size, state.st_mtime_ns)
    return found


def _source(subject: Subject) -> Path:
    """The file of the package, or of the single module, that the method is from."""
    module = sys.modules[subject.method.__module__.partition(".")[0]]
    if module.__file__ is None:
        raise NotApplicable(f"the module of {subject.method.name} has no file")
    return Path(module.__file__)


def _variables(subject: Subject) -> list[str]:
    """Environment variables that the plugin's source reads by name, less those that only say where it may run."""
    own = _source(subject)
    files = sorted(own.parent.rglob("*.py"))[:MOST_FILES] if own.name == "__init__.py" else [own]
    names: set[str] = set()
    for file in files:
        with contextlib.suppress(OSError):
            names |= set(_READ.findall(file.read_text(encoding="utf-8", errors="replace")))
    return sorted(name for name in names if not _RESOURCES.fullmatch(name))
