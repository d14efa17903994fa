"""Whether a program is there and of which version, found out by a process of its own: QCEngine takes a second to be
imported, and some programs are started, or asked over a network, to say their version."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache

from qmbench import InputError, did_you_mean

SECONDS = 180.0

_SCRIPT = r"""
import json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
name, out = sys.argv[1], {}
try:
    import qcengine
    out["programs"] = sorted(qcengine.list_all_programs())
except BaseException as error:
    out["broken"] = f"{type(error).__name__}: {error}"
else:
    if name in out["programs"]:
        program = qcengine.get_program(name, check=False)
        try:
            found, why = program.found(raise_error=True), ""
        except BaseException as error:
            found, why = False, str(error)
        out["found"], out["why"] = bool(found), why
        if found:
            try:
                out["version"] = str(program.get_version())
                if name == "mopac":  # of which QCEngine always says 2016
                    import re, subprocess
                    said = subprocess.run(["mopac", "--version"], capture_output=True, text=True, timeout=30,
                                          stdin=subprocess.DEVNULL).stdout
                    own = re.search(r"version\s+(\d\S*)", said)
                    out["version"] = own[1] if own else "unknown, 2016 or later"
            except BaseException as error:
                out["found"], out["why"] = False, f"its version can't be asked: {type(error).__name__}: {error}"
answers.write(json.dumps(out))
answers.flush()
os._exit(0)
"""


@dataclass(frozen=True)
class Found:
    """A program of this environment. version: as the program says it."""

    program: str
    version: str


@lru_cache(maxsize=64)
def installed(program: str) -> Found:
    """The program that QCEngine finds by this name (lower case); InputError in one line where it finds none."""
    with tempfile.TemporaryDirectory(prefix="qmbench-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", _SCRIPT, program],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=folder,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"qc:{program}: it takes more than {SECONDS:g} s to say its version") from None
    try:
        told = json.loads(done.stdout)
    except ValueError:
        last_words = " ".join(done.stderr.split()[-20:]) or f"exit code {done.returncode}"
        raise InputError(f"qc:{program}: looking for it ends the process ({last_words})") from None
    if "broken" in told:
        raise InputError(f"qc:{program}: QCEngine can't be imported ({' '.join(told['broken'].split())})")
    if "found" not in told:
        near = did_you_mean(program, told["programs"])
        raise InputError(f"QCEngine runs no program '{program}'{near}; it runs {', '.join(told['programs'])}")
    if not told["found"]:
        why = " ".join(told["why"].split())[:300]
        raise InputError(f"qc:{program}: the program is not installed here" + (f" ({why})" if why else ""))
    return Found(program, told["version"])
