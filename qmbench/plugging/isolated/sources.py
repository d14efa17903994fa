"""What `qmbench plugin add` is given (a folder, a wheel, a name on the index), and what the built wheel says it is."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from qmbench.domain.errors import InputError

_EXTRAS = re.compile(r"^(?P<head>.*?)(?P<extras>\[[A-Za-z0-9._, -]*\])?(?P<version>(?:[<>=!~].*)?)$")
_NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$")


@dataclass(frozen=True)
class Source:
    """text: what pip is to install, without extras. extras: `[a,b]` or empty. path: the folder or file, if one."""

    text: str
    extras: str = ""
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.path or self.text}{self.extras}" if self.path else _with_extras(self.text, self.extras)


@dataclass(frozen=True)
class Wheel:
    """A built distribution: its file, name, version, and the plugins (entry points) that it brings."""

    file: Path
    distribution: str
    version: str
    plugins: tuple[str, ...]


def parse_source(text: str) -> Source:
    """What PATH|NAME[EXTRAS] means; InputError when it is neither a package's folder nor a possible name."""
    match = _EXTRAS.match(text.strip())
    head, extras = (match["head"], match["extras"] or "") if match else (text, "")
    path = Path(head).expanduser()
    if not head or head.startswith("-"):
        raise InputError(f"'{text}' is neither a folder nor the name of a distribution")
    if path.is_dir() and ("/" in head or head.startswith(".") or _is_project(path)):
        if not _is_project(path):
            raise InputError(f"{head} is not a plugin package: it has no pyproject.toml")
        return Source(str(path.resolve()), extras, path.resolve())
    if path.is_file():
        return Source(str(path.resolve()), extras, path.resolve())
    if "/" in head or head.startswith(".") or head.endswith((".whl", ".tar.gz")):
        raise InputError(f"there is no folder or file {head}")
    if not _NAME.match(head.strip()):
        raise InputError(f"'{text}' is neither a folder nor the name of a distribution")
    return Source(head.strip() + (match["version"] if match else ""), extras)


def read_wheel(file: Path) -> Wheel:
    """What a wheel holds."""
    with zipfile.ZipFile(file) as archive:
        inside = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        dist = metadata.PathDistribution(zipfile.Path(archive, inside.removesuffix("METADATA")))
        plugins = tuple(sorted(point.name for point in dist.entry_points.select(group="qmbench")))
        return Wheel(file, dist.name, dist.version, plugins)


def _is_project(path: Path) -> bool:
    return (path / "pyproject.toml").is_file() or (path / "setup.py").is_file()


def _with_extras(requirement: str, extras: str) -> str:
    """`name>=1` with `[a]` is `name[a]>=1`."""
    name = re.split(r"[<>=!~]", requirement, maxsplit=1)[0].strip()
    return name + extras + requirement[len(name) :]
