"""One task document in, one outcome document out: what the worker does with a task, faults of methods included."""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from qmbench.domain.errors import FAILURE_KINDS, QmbenchError, Unsupported
from qmbench.domain.learned import Explanation, TrainingOverlap
from qmbench.domain.method import BadResult, LevelOfTheory, Result
from qmbench.domain.properties import check_quantity
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import CODE_DIGITS, Cost, Failure, Status
from qmbench.domain.resources import Resources
from qmbench.domain.systems import System
from qmbench.plugging.fingerprint import code_behind, edited_since
from qmbench.plugging.registry import plugins, single_level, system_from_json
from qmbench.running.engine.outcome import Outcome, resources_from

# What the data limit leaves above the memory limit: pages that a program reserves and never touches count for
# RLIMIT_DATA, but are not memory used. The resident size is watched by the supervisor.
RESERVED_GIB = 0.25
STARTED = time.time()  # before the plugins are loaded
LONGEST_MESSAGE = 500
DEEPEST_SETTINGS = 50
LONGEST_INTEGER = 1024  # bits


def prepare() -> None:
    """Load the plugins, so that no task pays for it."""
    plugins()


def compute(document: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Run the task and describe how it ended; never raises, whatever the method does."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    wall, cpu = time.perf_counter(), _cpu_seconds()
    _reset_peak_memory()
    resources = resources_from(document, scratch)
    status: Status = "ok"
    failure = None
    result = Result({})
    try:
        with data_limit(resources.memory_gib):
            result = _run(document, resources)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are faults of a method as well
        status, failure = _classified(error, resources.memory_gib)
        if not isinstance(error, QmbenchError):  # one that was raised to be read says all in its message
            with contextlib.suppress(Exception):
                os.write(2, traceback.format_exc().encode(errors="replace"))
    cost = Cost(
        wall_s=time.perf_counter() - wall,
        cpu_s=_cpu_seconds() - cpu,
        peak_memory_mib=_peak_memory_mib(),
        cores=resources.cores,
    )
    return Outcome(
        status,
        failure,
        result.properties,
        result.settings,
        tuple(result.warnings),
        cost,
        started,
        result.training_overlap.to_json() if result.training_overlap else None,
        result.explanation.to_json() if result.explanation else None,
    ).to_json()


def _run(document: Mapping[str, Any], resources: Resources) -> Result:
    system = system_from_json(document["system"])
    level = _level(document["level"])
    if level.isolated:  # it would be computed all the same, by a process that nobody supervises
        raise QmbenchError(f"'{level}' was given to {sys.executable}, which is not the interpreter of its plugin")
    for prop, key in document["keys"].items():
        if level.key(system, prop) != key:
            raise QmbenchError(
                f"the worker's '{level}' is not the one that was planned: its code is "
                f"{level.code.digest[:CODE_DIGITS]}, its versions are {json.dumps(level.versions)}; "
                "if its plugin was edited in the meantime, start again"
            )
    resources = replace(resources, code=level.code.digest, code_behind=code_behind)
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    result = level.make().run(system, document["properties"], resources)
    # What was loaded before it was edited is the code of the key; what was loaded since may be another.
    _refuse_edited({path for path in edited_since(level.method, STARTED) if str(path) not in loaded})
    return checked(result, system)


@lru_cache(maxsize=256)
def _level(text: str) -> LevelOfTheory:
    level = single_level(text)
    if not level.isolated:  # the digest is of the files, and this process may have loaded them before
        _refuse_edited(edited_since(level.method, STARTED))
    return level


def _refuse_edited(files: set[Path]) -> None:
    if files:
        names = ", ".join(sorted(path.name for path in files))
        raise QmbenchError(
            f"{names} was edited while the worker was running: which code computes is not sure; start again"
        )


def checked(result: Result, system: System) -> Result:
    """The result, fit for JSON; BadResult when its quantities, settings or declarations are not what they should be."""
    kept = {}
    for name, quantity in result.properties.items():
        if not isinstance(quantity, Quantity):
            raise BadResult(f"property '{name}' is {type(quantity).__name__}, not a qmbench.Quantity")
        try:
            check_quantity(plugins().properties[name], quantity, system)
            quantity = Quantity.from_json(quantity.to_json())
        except Exception as error:
            raise BadResult(one_line(error)) from error
        kept[name] = quantity
    settings = _plain(dict(result.settings), "settings")
    kinds: dict[str, type] = {"training_overlap": TrainingOverlap, "explanation": Explanation}
    for name, kind in kinds.items():
        if name in settings:
            raise BadResult(f"'{name}' is a field of qmbench.Result, qmbench.{kind.__name__}(…), not a setting")
        if not isinstance(getattr(result, name), kind | None):
            raise BadResult(f"{name} of a result is a qmbench.{kind.__name__}, or None")
    return replace(result, properties=kept, settings=settings, warnings=tuple(str(w) for w in result.warnings))


def _plain(value: Any, where: str, deep: int = 0) -> Any:
    """`value` as JSON can say it; numbers that are not finite become text, which every reader understands."""
    if deep > DEEPEST_SETTINGS:
        raise BadResult(f"{where[:80]} is nested more than {DEEPEST_SETTINGS} deep")
    if isinstance(value, int) and value.bit_length() > LONGEST_INTEGER:
        raise BadResult(f"{where} holds an integer of {value.bit_length()} bits; {LONGEST_INTEGER} at most")
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(k): _plain(v, f"{where}.{k}", deep + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, where, deep + 1) for v in value]
    raise BadResult(f"{where} holds a {type(value).__name__}; settings are numbers, text, lists and dicts")


def _classified(error: BaseException, memory_gib: float | None) -> tuple[Status, Failure]:
    text = one_line(error)
    if isinstance(error, Unsupported):
        return "unsupported", Failure("unsupported", text)
    if isinstance(error, QmbenchError):
        return "failed", Failure(error.kind if error.kind in FAILURE_KINDS else "error", text)
    if isinstance(error, SystemExit):
        return "failed", Failure("crash", f"the method tried to exit the process (SystemExit: {text or 0})")
    # A library that wraps a failed allocation in an error of its own still ran out of memory.
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, MemoryError):
            limit = "" if memory_gib is None else f" with a limit of {memory_gib:g} GiB"
            return "failed", Failure("memory", f"out of memory{limit}: {text or 'an allocation failed'}")
        link = link.__cause__ or link.__context__
    return "failed", Failure("error", f"{type(error).__name__}: {text}".rstrip(": "))


def one_line(error: BaseException) -> str:
    """The error's text on one line of bearable length."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its message can't be read)"
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


@contextlib.contextmanager
def data_limit(memory_gib: float | None) -> Iterator[None]:
    """Let allocations fail some way above a memory limit, so that a method hears of it before the system does."""
    if memory_gib is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = int((memory_gib + RESERVED_GIB) * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _reset_peak_memory() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory_mib() -> float:
    """Largest resident size of this process since `_reset_peak_memory` (where that can't be: since its start)."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
