"""Calls pip, shows what it does, and says in one line what went wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from qmbench.domain.errors import InputError
from qmbench.plugging.isolated import place
from qmbench.plugging.isolated.sources import Source, Wheel, read_wheel

# What is no progress, and what pip says of the packages that an isolated environment only shares: that it leaves
# them alone, and that those of them which its plugin does not need may not fit what was installed.
_NOISE = re.compile(
    r"Requirement already satisfied|\[notice\]|WARNING: Running pip as|Looking in |Stored in directory|Created wheel"
    r"|.*: (started|finished with status 'done')$|(Building wheels for collected|Successfully built)"
)
_SHARED = re.compile(
    r"Attempting uninstall|Found existing installation|Not uninstalling|Can't uninstall"
    r"|ERROR: pip's dependency resolver does not currently|.* requires .*, but you have .* which is incompatible"
)


def pip(arguments: Sequence[str], what: str, python: Path | None = None) -> None:
    """Run pip for the environment of `python` (default: this one); its progress goes to standard error.

    InputError with pip's reason when it fails; `what` says what could not be done.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += [*(["--python", str(python)] if python else []), *arguments]
    environ: Mapping[str, str] = os.environ if python is None else place.environment()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(environ))
    assert process.stdout is not None
    log = []
    with process.stdout:
        for line in process.stdout:
            log.append(line.strip())
            if line.strip() and not _NOISE.match(line.strip()) and not (python and _SHARED.match(line.strip())):
                print(f"  {line.rstrip()}", file=sys.stderr, flush=True)
    if process.wait() != 0:
        raise InputError(f"{what}: {_reason(log)}")


def build(source: Source, folder: Path, constraints: Sequence[Path]) -> Wheel:
    """The wheel of `source`, built or fetched into `folder`; nothing is installed by that."""
    arguments = ["wheel", "--no-deps", "--progress-bar", "off", "--wheel-dir", str(folder), *limits(constraints)]
    pip([*arguments, source.text], f"{source} is not to be had as a package")
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise InputError(f"{source} gave {len(wheels)} wheels, where one was expected")
    return read_wheel(wheels[0])


def limits(constraints: Sequence[Path]) -> list[str]:
    """The constraints files as pip's options."""
    return [word for file in constraints for word in ("--constraint", str(file))]


def _reason(log: Sequence[str]) -> str:
    """The line of pip's log that says most."""
    errors = [line.removeprefix("ERROR: ") for line in log if line.startswith("ERROR: ")]
    for line in errors:
        if line.startswith("No matching distribution found for "):
            return f"the package index has no {line.removeprefix('No matching distribution found for ')}"
    if any("No module named pip" in line for line in log):
        return "this environment has no pip; `python -m ensurepip` puts it there"
    return errors[0] if errors else (log[-1] if log else "pip failed and said nothing")
