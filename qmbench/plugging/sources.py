"""The source files of plugins: where they are, what their names stand for, and what of them is cached on the disk.

Nothing is imported but the packages' finders are asked. What a file holds (`definitions`) is kept in the user's cache
folder, by its path, inode, size and times; so a plan costs a look at each file and no parsing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

from qmbench.domain.method import PLUGIN_GROUP
from qmbench.plugging import definitions
from qmbench.plugging.definitions import Module, Ref, read_module

RECENT_SECONDS = 2.0
"""A file that was changed just now may change again within one tick of its clock: it is read, and not cached."""
MOST_CACHED = 4000
NO_DATA = (".py", ".pyc", ".pyi", ".so", ".typed")


@dataclass(frozen=True)
class Place:
    """Where a module is. path: its file. folder: that of a package, None for any other module."""

    path: Path
    folder: Path | None


def normal(name: str) -> str:
    """A distribution's name as the packaging rules compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def plugin_packages() -> frozenset[str]:
    """Top-level names of the packages and modules of all plugins that are installed in this interpreter."""
    return frozenset(top for tops in packages_of_distributions().values() for top in tops)


def packages_of_distributions() -> Mapping[str, frozenset[str]]:
    """Distribution (normalized) -> its top-level packages, of the distributions that bring a plugin."""
    return _packages(tuple(sys.path))


@lru_cache(maxsize=8)
def _packages(path: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for point in metadata.entry_points(group=PLUGIN_GROUP):
        tops = {point.module.partition(".")[0]}
        name = ""
        if point.dist is not None:
            name = normal(point.dist.name)
            tops |= _installed_by(point.dist)
        found[name] = found.get(name, frozenset()) | tops
    return found


def _installed_by(dist: metadata.Distribution) -> set[str]:
    """The packages that a distribution has put where Python finds them, or to which it points when it is editable."""
    tops = set()
    for file in dist.files or ():
        top = file.parts[0]
        if file.suffix == ".py" and not top.startswith(("__editable__", "..")):
            tops.add(top.removesuffix(".py"))
        elif file.suffix == ".pth" and len(file.parts) == 1:
            with contextlib.suppress(OSError):
                for line in Path(str(file.locate())).read_text(encoding="utf-8").splitlines():
                    if os.path.isdir(line.strip()):
                        tops |= {p.parent.name for p in Path(line.strip()).glob("*/__init__.py")}
    return tops


class Sources:
    """The source files of the packages `own` (top-level names), as they are on the disk now."""

    def __init__(self, own: frozenset[str]) -> None:
        self.own = own
        self._places: dict[str, Place | None] = {}
        self._modules: dict[str, Module | None] = {}
        self._resolved: dict[Ref, frozenset[tuple[str, int]]] = {}

    def place(self, name: str) -> Place | None:
        """Where the module `name` is; None when it is no plugin's, or not in a source file."""
        if name not in self._places:
            self._places[name] = self._find(name)
        return self._places[name]

    def _find(self, name: str) -> Place | None:
        top, _, rest = name.partition(".")
        if top not in self.own:
            return None
        loaded = getattr(sys.modules.get(name), "__file__", None)
        if loaded and str(loaded).endswith(".py"):
            path = Path(loaded)
            return Place(path, path.parent if path.name == "__init__.py" else None)
        if rest:
            outer, _, last = name.rpartition(".")
            folder = self.folder(outer)
            return _in_folder(folder, last) if folder else None
        with contextlib.suppress(ImportError, ValueError, AttributeError):
            spec = find_spec(name)
            if spec is not None and spec.origin and spec.origin.endswith(".py"):
                path = Path(spec.origin)
                return Place(path, path.parent if spec.submodule_search_locations is not None else None)
        return None

    def folder(self, name: str) -> Path | None:
        """The folder of a package, one without `__init__.py` included."""
        place = self.place(name)
        if place is not None:
            return place.folder
        outer, _, last = name.rpartition(".")
        if outer:
            around = self.folder(outer)
            return around / last if around and (around / last).is_dir() else None
        if name in self.own:
            with contextlib.suppress(ImportError, ValueError, AttributeError):
                spec = find_spec(name)
                places = list(spec.submodule_search_locations or ()) if spec else []
                return Path(places[0]) if places else None
        return None

    def module(self, name: str) -> Module | None:
        """What the file of the module holds; None where there is no file."""
        if name not in self._modules:
            place = self.place(name)
            self._modules[name] = None if place is None else _read(place, name, self.own)
        return self._modules[name]

    def resolve(self, module: str, attributes: tuple[str, ...]) -> frozenset[tuple[str, int]]:
        """The units (module, number) that `module.attributes` stands for; all of a module where that can't be told."""
        ref = (module, attributes)
        if ref not in self._resolved:
            self._resolved[ref] = frozenset()  # what refers to itself in a circle of imports
            self._resolved[ref] = self._resolve(module, attributes)
        return self._resolved[ref]

    def _resolve(self, name: str, attributes: tuple[str, ...]) -> frozenset[tuple[str, int]]:
        module = self.module(name)
        if module is None and not (attributes and self.folder(name)):
            return frozenset()
        if not attributes:
            return self._whole(name)
        first, rest = attributes[0], attributes[1:]
        if module is not None:
            found = {(name, number) for number in module.names.get(first, ())}
            if first in module.imports:
                outer, inner = module.imports[first]
                return frozenset(found) | self.resolve(outer, (*inner, *rest))
            if found:
                return frozenset(found)
        if self.place(f"{name}.{first}") or self.folder(f"{name}.{first}"):
            return self.resolve(f"{name}.{first}", rest)
        if module is None or first in ("__file__", "__name__", "__doc__", "__path__", "__version__"):
            return frozenset()
        if first in module.typed:
            outer, inner = module.typed[first]
            told = module.table.get(first, "")
            found = set(self.resolve(outer, (*inner, *rest)))
            return frozenset(found) | (frozenset() if f".{outer}".endswith(f".{told}") and told else self._whole(name))
        for star in module.stars:
            found |= self.resolve(star, attributes)
        return frozenset(found) or self._whole(name)

    def _whole(self, name: str) -> frozenset[tuple[str, int]]:
        module = self.module(name)
        return frozenset((name, number) for number in range(len(module.units) if module else 0))

    def inside(self, top: str) -> list[str]:
        """All modules of a package, itself included."""
        folder = self.folder(top)
        if folder is None:
            return [top]
        found = []
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found.append(".".join((top, *(parts[:-1] if parts[-1] == "__init__" else parts))))
        return found

    def compiled(self, name: str) -> set[Path]:
        """The compiled extension that the module `name` is, if it is one."""
        outer, _, last = name.rpartition(".")
        folder = self.folder(outer) if outer else None
        paths = [folder / f"{last}{suffix}" for suffix in EXTENSION_SUFFIXES] if folder else []
        return {path for path in paths if path.is_file()}

    def data(self, top: str) -> dict[str, Path]:
        """name -> path of the files of a package that are not Python."""
        folder = self.folder(top)
        found = {}
        for path in folder.rglob("*") if folder else ():
            name = path.relative_to(folder)  # type: ignore[arg-type]
            hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
            if not hidden and path.suffix not in NO_DATA and path.is_file():
                found[name.as_posix()] = path
        return found

    def beside(self, top: str, names: Iterable[str]) -> dict[str, Path]:
        """The same of a single module, which has no folder of its own: those files of its folder that have `names`."""
        place = self.place(top)
        paths = {name: place.path.parent / name for name in names} if place else {}
        return {name: p for name, p in paths.items() if p.suffix not in NO_DATA and p.is_file()}

    def shown(self, path: Path) -> str:
        """A file as one names it: from its top-level package on."""
        for top in self.own:
            folder = self.folder(top)
            if folder is not None and path.is_relative_to(folder):
                return f"{top}/{path.relative_to(folder).as_posix()}"
        return path.name


def _in_folder(folder: Path, name: str) -> Place | None:
    if (folder / name / "__init__.py").is_file():
        return Place(folder / name / "__init__.py", folder / name)
    return Place(folder / f"{name}.py", None) if (folder / f"{name}.py").is_file() else None


def content(path: Path) -> str:
    """Digest of a file's bytes."""
    return _content(path, *_stat(path))


@lru_cache(maxsize=4096)
def _content(path: Path, *stat: int) -> str:
    def read() -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:32]

    text = _cached([str(path), *stat], stat, read)
    return str(text)


_parsed: dict[tuple[object, ...], Module] = {}


def _read(place: Place, name: str, own: frozenset[str]) -> Module:
    stat = _stat(place.path)
    key = (str(place.path), *stat, name, own)
    if key not in _parsed:

        def parse() -> object:
            return read_module(place.path.read_bytes(), name, place.folder is not None, own).to_json()

        data = _cached([str(place.path), *stat, name, sorted(own)], stat, parse)
        _parsed[key] = Module.from_json(data)  # type: ignore[arg-type]
    return _parsed[key]


def _stat(path: Path) -> tuple[int, ...]:
    """What changes whenever a file is written: nobody can set the time of the last change of its inode."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=1)
def _reader() -> tuple[int, ...]:
    """Which version of the reader itself made what is cached."""
    return _stat(Path(definitions.__file__))


def changed(path: Path) -> float:
    """When a file was last written, s since the epoch; infinity where there is none any more."""
    try:
        found = path.stat()
    except OSError:
        return math.inf
    return max(found.st_mtime, found.st_ctime)


def cache_folder() -> Path:
    """Where digests are kept; it may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qmbench" / "code"


def _cached(key: list[object], stat: tuple[int, ...], make: object) -> object:
    """What `make()` gives, from the disk if it was made before; without a disk to keep it on, all the same."""
    digest = hashlib.sha256(json.dumps([_reader(), *key]).encode()).hexdigest()[:32]
    try:
        file = cache_folder() / f"{digest}.json"
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):
        pass
    data = make()  # type: ignore[operator]
    if time.time_ns() - max(stat[2:]) > RECENT_SECONDS * 1e9:
        with contextlib.suppress(OSError, RuntimeError):
            _keep(cache_folder() / f"{digest}.json", json.dumps(data))
    return data


def _keep(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(temporary, file)
    kept = os.listdir(file.parent)
    if len(kept) > MOST_CACHED:  # of files that are gone by now
        for name in kept[: MOST_CACHED // 2]:
            (file.parent / name).unlink(missing_ok=True)
