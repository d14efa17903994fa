"""Whether a program is there and of which version, found out by a process of its own: QCEngine takes a second to be
imported, and some programs are started, or asked over a network, to say their version."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from qmbench import InputError, did_you_mean, in_own_process


def look_for(name: str) -> dict[str, Any]:
    """What QCEngine says of the program `name`, for JSON; what fails is in the answer, too."""
    out: dict[str, Any] = {}
    try:
        import qcengine

        out["programs"] = sorted(qcengine.list_all_programs())
    except BaseException as error:
        return {"broken": f"{type(error).__name__}: {error}"}
    if name not in out["programs"]:
        return out
    program = qcengine.get_program(name, check=False)
    try:
        out["found"], out["why"] = bool(program.found(raise_error=True)), ""
    except BaseException as error:
        out["found"], out["why"] = False, str(error)
    if out["found"]:
        try:
            out["version"] = _version_of_mopac() if name == "mopac" else str(program.get_version())
        except BaseException as error:
            out["found"], out["why"] = False, f"its version can't be asked: {type(error).__name__}: {error}"
    elif name == "nwchem" and shutil.which("nwchem") and importlib.util.find_spec("networkx") is None:
        out["lacks"] = "networkx"
    return out


def _version_of_mopac() -> str:
    """As the program says it: QCEngine says 2016 of all."""
    said = subprocess.run(
        ["mopac", "--version"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
    ).stdout
    own = re.search(r"version\s+(\d\S*)", said)
    return own[1] if own else "unknown, 2016 or later"


@dataclass(frozen=True)
class Found:
    """A program of this environment. version: as the program says it."""

    program: str
    version: str


@lru_cache(maxsize=64)
def installed(program: str) -> Found:
    """The program that QCEngine finds by this name (lower case); InputError in one line where it finds none."""
    told = in_own_process(look_for, program, title=f"qc:{program}", doing="looking for it")
    if "broken" in told:
        raise InputError(f"qc:{program}: QCEngine can't be imported ({' '.join(told['broken'].split())})")
    if "found" not in told:
        near = did_you_mean(program, told["programs"])
        raise InputError(f"QCEngine runs no program '{program}'{near}; it runs {', '.join(told['programs'])}")
    if "lacks" in told:
        raise InputError(
            f"qc:{program}: the program is there, but QCEngine reads its output with the Python package "
            f"{told['lacks']}, which is not; install that one, too"
        )
    if not told["found"]:
        why = " ".join(told["why"].split())[:300]
        raise InputError(f"qc:{program}: the program is not installed here" + (f" ({why})" if why else ""))
    return Found(program, told["version"])
