"""Wheels of what is installed here and on no index: qmbench itself, and the plugins that another plugin needs.

For an environment that shares nothing with this one and is to run this very qmbench all the same.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from qmbench.domain.errors import InputError
from qmbench.plugging.isolated.pip import build
from qmbench.plugging.isolated.place import normal
from qmbench.plugging.isolated.sources import Source, Wheel


def carry(wheel: Wheel, folder: Path, say: Callable[[str], None]) -> Path:
    """`folder`, filled with wheels of qmbench and of the installed plugins that `wheel` needs, directly or not."""
    folder.mkdir()
    here: dict[str, metadata.Distribution] = {}
    for dist in metadata.distributions():
        here.setdefault(normal(dist.name), dist)  # the first one on the path is the one that is used
    ours = {normal(point.dist.name) for point in metadata.entry_points(group="qmbench") if point.dist}
    todo, done = ["qmbench", *_required(wheel)], set()
    while todo:
        name = todo.pop()
        if name in done or name not in here or name not in {*ours, "qmbench"}:
            continue
        done.add(name)
        todo += [_name(requirement) for requirement in here[name].requires or ()]
        say(f"taking along {name} {here[name].version}")
        _wheel_of(here[name], folder)
    return folder


def _required(wheel: Wheel) -> list[str]:
    with zipfile.ZipFile(wheel.file) as archive:
        inside = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        lines = archive.read(inside).decode().splitlines()
    return [_name(line.partition(":")[2]) for line in lines if line.lower().startswith("requires-dist:")]


def _name(requirement: str) -> str:
    name = requirement.strip()
    for stop in " ;[(<>=!~":
        name = name.partition(stop)[0]
    return normal(name)


def _wheel_of(dist: metadata.Distribution, folder: Path) -> None:
    """A wheel of an installed distribution: from its source when it is editable, else of its installed files."""
    origin = json.loads(dist.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        path = unquote(urlsplit(origin["url"]).path)
        own = folder / f"of-{normal(dist.name)}"
        own.mkdir()
        built = build(Source(path, path=Path(path)), own, ())
        built.file.rename(folder / built.file.name)
        own.rmdir()
        return
    files = [f for f in dist.files or () if ".." not in f.parts and f.suffix != ".pyc"]
    info = next((f.parts[0] for f in files if f.parts[0].endswith(".dist-info")), None)
    if info is None:
        raise InputError(f"{dist.name} can't be taken along: it is not known which files are its own")
    tags = [
        line.partition(":")[2].strip() for line in (dist.read_text("WHEEL") or "").splitlines() if line[:4] == "Tag:"
    ]
    stem = info.removesuffix(".dist-info")
    with zipfile.ZipFile(folder / f"{stem}-{tags[0] if tags else 'py3-none-any'}.whl", "w") as archive:
        kept = [f for f in files if f.name not in ("RECORD", "INSTALLER", "direct_url.json", "REQUESTED")]
        for file in kept:
            archive.write(str(file.locate()), str(file))
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in [*kept, f"{info}/RECORD"]))
