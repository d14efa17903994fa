"""What a supervised child does for the conformance kit: list the checks of a plugin, or run one of them.

The child is the engine's (`qmbench.running.engine.child`), and so are the shapes of what it is given and answers; an
answer is in the settings of the outcome: `{"checks": …}`, `{"broken": …}`, `{"wrong": …}` or `{"outcome", "message"}`.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError
from qmbench.domain.record import Cost
from qmbench.running.engine import processes
from qmbench.running.engine.outcome import Outcome
from qmbench.running.engine.work import data_limit
from qmbench.testing.kit import Check, ConformanceError, NotApplicable, checks

PATIENCE_S = 0.5  # for processes that are about to end by themselves
# Python's own helpers, which live as long as the process that uses multiprocessing.
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "loky.backend.resource_tracker")

_known: dict[tuple[str, str], Check] = {}


def prepare() -> None:
    """Nothing: importing a plugin is part of what is judged."""


def compute(document: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Answer a document: `what` is "list" or "check"."""
    start = time.perf_counter()
    limit = document["resources"]["memory_gib"]
    with data_limit(limit):
        answer = _listed(document) if document["what"] == "list" else _checked(document)
    cost = Cost(wall_s=time.perf_counter() - start, cpu_s=0.0, peak_memory_mib=0.0)
    return Outcome("ok", settings=answer, cost=cost).to_json()


def _listed(document: Mapping[str, Any]) -> dict[str, Any]:
    from qmbench.plugging.registry import plugins

    name = document["plugin"]
    found = plugins()
    broken = [info.error for info in found.infos if info.name == name and info.error]
    if broken:
        return {"broken": broken[0]}
    if not document["methods"] and name not in {owner.name for owner in found.owner.values()}:
        return {"checks": []}
    try:
        return {"checks": [[c.subject.method.name, c.name] for c in _checks(document)]}
    except InputError as error:
        return {"wrong": str(error)}


def _checks(document: Mapping[str, Any]) -> list[Check]:
    return checks(document["plugin"], methods=document["methods"] or None)


def _checked(document: Mapping[str, Any]) -> dict[str, Any]:
    if not _known:
        _known.update({(c.subject.method.name, c.name): c for c in _checks(document)})
    check = _known[document["method"], document["check"]]
    before = _others()
    outcome, message = _judged(check)
    left = [pid for pid in _others() if pid not in before]
    end = time.monotonic() + PATIENCE_S
    while (left := processes.running(left)) and time.monotonic() < end:
        time.sleep(0.02)
    names = [text for pid in left if not any(helper in (text := _command(pid)) for helper in _HELPERS)]
    if outcome != "failed" and names:
        outcome = "failed"
        message = f"{document['method']}: leaves {len(names)} running process(es): {names[0]!r}; wait for it, or end it"
    return {"outcome": outcome, "message": message}


def _judged(check: Check) -> tuple[str, str]:
    name = check.subject.method.name
    try:
        check()
    except NotApplicable as reason:
        return "skipped", str(reason)
    except ConformanceError as error:
        return "failed", str(error)
    except MemoryError as error:
        return "failed", f"{name}: out of memory: {error or 'an allocation failed'}"
    except BaseException as error:
        with contextlib.suppress(Exception):
            os.write(2, traceback.format_exc().encode(errors="replace"))
        return "failed", f"{name}: {type(error).__name__}: {error}"
    return "passed", ""


def _others() -> list[int]:
    """Every process below the watchdog but this one, orphans included."""
    return [pid for pid in processes.descendants(os.getppid()) if pid != os.getpid()]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:80]
    return str(pid)
