"""Where isolated plugins are, what is known about them without starting anything, and whether they can be used.

A folder of this installation, `share/qmbench/plugins` below `sys.prefix` (or $QMBENCH_PLUGINS), holds for each
distribution DIST.json, its description, and DIST-XXXX, its virtual environment. Whoever deletes the installation
deletes them too.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from qmbench._version import __version__
from qmbench.domain.errors import InputError, ResourceError

FORMAT = 1
VARIABLE = "QMBENCH_PLUGINS"
# What would lead an interpreter, or pip, out of the environment that it belongs to.
_LEADING_OUT = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", VARIABLE)


def folder() -> Path:
    """Where the isolated plugins of this installation are; it need not be there."""
    given = os.environ.get(VARIABLE)
    return Path(given).absolute() if given else Path(sys.prefix) / "share" / "qmbench" / "plugins"


def environment() -> dict[str, str]:
    """The environment variables under which an isolated interpreter runs: ours, less what would lead it astray."""
    return {name: value for name, value in os.environ.items() if name not in _LEADING_OUT}


def normal(name: str) -> str:
    """A distribution's name as the packaging rules compare it: `Qmbench_VMC` is `qmbench-vmc`."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Isolated:
    """One distribution in its own environment, as its description file tells it (`data` is empty if unreadable)."""

    file: Path
    data: Mapping[str, Any]

    @property
    def distribution(self) -> str:
        return str(self.data.get("distribution", self.file.stem))

    @property
    def version(self) -> str:
        return str(self.data.get("version", ""))

    @property
    def environment(self) -> Path:
        """The folder of its virtual environment."""
        return self.file.parent / str(self.data.get("environment", ""))

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.environment / "bin" / "python"

    @property
    def plugins(self) -> dict[str, Mapping[str, Any]]:
        """name -> description, of each plugin (entry point) of the distribution."""
        return dict(self.data.get("plugins", {}))

    @property
    def command(self) -> str:
        """What puts it here again, or anew."""
        words = ["qmbench", "plugin", "add", str(self.data.get("source", self.distribution)), "--isolated"]
        words += ["--full"] if self.data.get("full") else []
        words += ["--editable"] if self.data.get("editable") else []
        for file in self.data.get("constraints", ()):
            words += ["--constraint", file]
        return shlex.join(words)

    def versions(self, *distributions: str) -> dict[str, str]:
        """Versions of what is installed where this plugin looks for it, read from there and now."""
        found = {}
        for name in filter(None, distributions):
            for dist in metadata.Distribution.discover(name=name, path=list(self.data.get("path", ()))):
                found[name] = dist.version
                break
        return found

    def problem(self) -> str:
        """Why it can't be used, with the command that mends it; empty when it can."""
        why = self._problem()
        return f"{why}; mend it with: {self.command}" if why else ""

    def _problem(self) -> str:
        if self.data.get("format") != FORMAT:
            return f"its description {self.file} can't be read"
        if not os.access(self.python, os.X_OK):
            return f"its interpreter {self.python} is gone"
        gone = [path for path in self.data["path"] if not os.path.isdir(path)]
        if gone:
            return f"the packages that it uses are gone from {gone[0]}"
        if self.data["qmbench"] != __version__:
            return f"it was added with qmbench {self.data['qmbench']}, and this is {__version__}"
        now = self.versions(self.distribution).get(self.distribution, "none")
        if now != self.version:
            return f"its environment holds version {now} of {self.distribution}, its description is of {self.version}"
        return ""


def installed() -> list[Isolated]:
    """Every isolated distribution of this installation, usable or not, by name."""
    return [read(file) for file in sorted(folder().glob("*.json"))]


def read(file: Path) -> Isolated:
    """What a description file holds."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = {}
    return Isolated(file, data if isinstance(data, dict) else {})


def find(distribution: str) -> Isolated | None:
    """The isolated distribution of this name, if there is one."""
    file = folder() / f"{normal(distribution)}.json"
    return read(file) if file.is_file() else None


def interpreter(distribution: str) -> str:
    """The interpreter that runs an isolated distribution; ResourceError when it is not to be had here."""
    found = find(distribution)
    if found is None:
        raise ResourceError(
            f"{distribution} is not installed on {os.uname().nodename} as an isolated plugin (looked in {folder()})"
        )
    if problem := found.problem():
        raise ResourceError(f"{distribution} can't be used on {os.uname().nodename}: {problem}")
    return str(found.python)


def of_plugin(name: str) -> Isolated | None:
    """The isolated distribution that brings the plugin `name`, or is called so."""
    for found in installed():
        if name in found.plugins or normal(name) == normal(found.distribution):
            return found
    return None


def writable() -> Path:
    """The folder, made if need be; InputError when nothing can be written there."""
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not os.access(place, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise InputError(
            f"can't keep plugins in {place} ({error.strerror or error}); "
            f"name a folder that can be written with {VARIABLE}"
        ) from None
    return place
