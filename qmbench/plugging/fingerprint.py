"""Which code computes: a digest of what a method's class uses of its own plugin, and of other plugins.

What counts. From the class and its bases every name is followed through the plugin, inside functions and through
imports, to the top-level definitions that it stands for (`definitions`), and into the packages of other plugins; so a
changed method leaves the records of those alone with which it shares no code. A definition counts by its syntax
tree, not by its file: comments, docstrings, formatting, annotations of functions, the texts that options are
described by, `citations`, and the place of a definition do not matter. Statements that do something when a module is
imported count wherever it is imported. What can't be followed by name counts whole: a module that is used as a value
or imported with a star, and the package of code that calls `importlib`, `eval`, `globals` or `__subclasses__`. A
method that computes by a level of theory (`qmbench.level`, `parse_level`) names no code: the packages of all plugins in
its `distributions` count whole. (Attributes set on a module from elsewhere, and modules found by other import hooks,
are not seen.)

Data files count by content: those that `Method.data_files` names; where it does not, those that the texts in the
code name; and where code opens files of the package and no text tells which, all of the folder or the package.

What does not count. Versions of plugins: their code decides. Programs that plugins drive: their versions decide, from
`Method.distributions`. The core: it passes systems on by what `System.hash` is made of, and numbers in the units in
which it is given them; only its constants (`qmbench.units`) enter a plugin's arithmetic, so they count where used.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import inspect
import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError
from qmbench.domain.method import Code
from qmbench.plugging import sources
from qmbench.plugging.definitions import FORMAT, read_module
from qmbench.plugging.sources import Sources, plugin_packages
from qmbench.plugging.statements import Ref, Unit

Key = tuple[str, int]
"""A unit: its module, and its number there."""

# Of a class that was made by a call: what can't change a number, or is Python's own bookkeeping.
_NOT_COUNTED = frozenset(
    "__doc__ __module__ __qualname__ __dict__ __weakref__ __abstractmethods__ _abc_impl __annotations__ "
    "__firstlineno__ __static_attributes__ __orig_bases__ __parameters__ citations examples claim".split()
)


@lru_cache(maxsize=4096)
def code_of(method: type) -> Code:
    """The code behind a method's class; computed once per process. InputError when it declares data files in vain."""
    code, _paths[method] = _code([method])
    return code


_paths: dict[type, frozenset[Path]] = {}


def edited_since(method: type, time_s: float) -> set[Path]:
    """The files behind a method's class that were written after a time (s since the epoch), or are gone by now."""
    code_of(method)
    return {path for path in _paths.get(method, ()) if sources.changed(path) > time_s}


_behind: dict[tuple[Any, ...], str] = {}


def code_behind(function: Callable[..., Any]) -> str:
    """Digest of the code behind a function that makes an intermediate, and behind what it has closed over."""
    things = list({id(thing): thing for thing in _closed_over(function)}.values())
    codes = [getattr(thing, "__code__", thing) for thing in things]
    key = tuple((getattr(code, "co_filename", ""), code) for code in codes)
    if key not in _behind:
        _behind[key] = _code(things)[0].digest
    return _behind[key]


def _code(things: list[Any]) -> tuple[Code, frozenset[Path]]:
    tops = {(getattr(thing, "__module__", None) or "").partition(".")[0] for thing in things}
    try:
        return _Closure(Sources(plugin_packages() | tops)).of(things)
    except (OSError, SyntaxError, ValueError, RecursionError):  # a file that is gone, or was edited into nonsense
        return Code(
            _digest(["without files", *(text for thing in things for text in _without_file(thing))])
        ), frozenset()


def _closed_over(value: Any, depth: int = 4) -> Iterator[Any]:
    """The functions in a value, and the plugins' classes of which it has instances."""
    if isinstance(value, partial):
        value = [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, types.MethodType):
        value = [value.__func__, value.__self__]
    if depth == 0 or isinstance(value, types.ModuleType):
        return
    inside: Iterable[Any] = ()
    if isinstance(value, types.FunctionType):
        yield value
        inside = list(map(_content, value.__closure__ or ()))
    elif isinstance(value, tuple | list):
        inside = value
    elif isinstance(value, dict):
        inside = value.values()
    elif type(value).__module__.partition(".")[0] in plugin_packages():
        yield type(value)
        inside = getattr(value, "__dict__", {}).values()
    for part in inside:
        yield from _closed_over(part, depth - 1)


def _content(cell: types.CellType) -> Any:
    with contextlib.suppress(ValueError):  # a variable that has no value yet
        return cell.cell_contents
    return None


class _Closure:
    """Everything that a class or function comes down to."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.reached: set[Key] = set()
        self.waiting: list[Key] = []
        self.loaded: set[str] = set()
        self.packages: set[str] = set()  # taken whole
        self.values: list[str] = []
        self.binaries: set[Path] = set()
        self.followed: set[int] = set()
        self.home = ""

    def of(self, things: Sequence[Any]) -> tuple[Code, frozenset[Path]]:
        first = things[0]
        self.home = (first.__module__ or "").partition(".")[0]
        for thing in things:
            if isinstance(thing, type):
                for kind in thing.__mro__:
                    self._class(kind)
            else:
                self._function(thing)
        self._follow()
        if self._marked("levels"):
            self._levels(getattr(first, "distributions", ()))
        items = {(unit.text, *self._linked(key[0], unit)) for key, unit in self._units()}
        files = {self.sources.place(module).path for module, _ in self.reached}  # type: ignore[union-attr]
        data = self._data_files(getattr(first, "data_files", None))
        parts = [FORMAT, sorted(items), sorted(self.values), sorted((p.name, sources.content(p)) for p in data)]
        if self._marked("units"):
            parts.append(_core_units())
        shown = sorted({self.sources.shown(path) for path in files | data})
        return Code(_digest(parts), tuple(shown)), frozenset(files | data)

    def _units(self) -> Iterator[tuple[Key, Unit]]:
        for module, number in self.reached:
            found = self.sources.module(module)
            assert found is not None
            yield (module, number), found.units[number]

    def _marked(self, mark: str) -> bool:
        return any(mark in unit.marks for _, unit in self._units())

    def _linked(self, module: str, unit: Unit) -> Iterator[str]:
        """What each name in a unit stands for, by text and not by place."""
        for ref in unit.refs:
            targets = self.sources.resolve(ref[0] or module, ref[1])
            yield ",".join(sorted(self.sources.module(m).units[n].text for m, n in targets))  # type: ignore[union-attr]

    def _class(self, kind: type) -> None:
        if id(kind) in self.followed or kind.__module__.partition(".")[0] not in self.sources.own:
            return
        self.followed.add(id(kind))
        module = self.sources.module(kind.__module__)
        numbers = module.names.get(kind.__qualname__.partition(".")[0], []) if module else []
        self._add((kind.__module__, number) for number in numbers)
        if module is None:
            self.values += _without_file(kind)
        elif not numbers or "<locals>" in kind.__qualname__:  # made by a call: what it was made from is in its values
            told = {name: v for name, v in vars(kind).items() if name not in _NOT_COUNTED}
            try:
                self.values.append(self._value(told))
            except TypeError:
                self._add((kind.__module__, number) for number in range(len(module.units)))

    def _value(self, value: Any) -> str:
        """`value` as text; what it refers to is followed. TypeError when nothing can be said of it."""
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return repr(value)
        if isinstance(value, tuple | list):
            return f"[{','.join(map(self._value, value))}]"
        if isinstance(value, set | frozenset):
            return f"{{{','.join(sorted(map(self._value, value)))}}}"
        if isinstance(value, Mapping):
            return f"{{{','.join(sorted(f'{self._value(k)}:{self._value(v)}' for k, v in value.items()))}}}"
        if isinstance(value, type):
            for kind in value.__mro__:
                self._class(kind)
            return value.__qualname__
        if isinstance(value, staticmethod | classmethod):
            return self._value(value.__func__)
        if isinstance(value, property):
            return self._value([value.fget, value.fset, value.fdel])
        if isinstance(value, types.FunctionType):
            self._function(value)
            return value.__qualname__
        if is_dataclass(value):
            own = [(f.name, getattr(value, f.name)) for f in fields(value)]
            return self._value([type(value), *map(list, own)])
        if hasattr(value, "tobytes") and hasattr(value, "dtype"):
            return f"{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
        raise TypeError(type(value).__name__)

    def _function(self, given: Callable[..., Any]) -> None:
        function = inspect.unwrap(getattr(given, "func", given))
        code = getattr(function, "__code__", None)
        module = self.sources.module(getattr(function, "__module__", None) or "")
        if id(function) in self.followed:
            return
        self.followed.add(id(function))
        line = code.co_firstlineno if code else 0
        numbers = [n for n, u in enumerate(module.units) if u.lines[0] <= line <= u.lines[1]] if module else []
        self._add((function.__module__, number) for number in numbers)
        if not numbers:
            if (getattr(function, "__module__", None) or "").partition(".")[0] in self.sources.own:
                self.values += _without_file(function)
            return

    def _add(self, keys: Iterable[Key]) -> None:
        fresh = set(keys) - self.reached
        self.reached |= fresh
        self.waiting += fresh

    def _follow(self) -> None:
        while self.waiting:
            module, number = self.waiting.pop()
            self._load(module)
            found = self.sources.module(module)
            assert found is not None
            unit = found.units[number]
            for ref in (*unit.loads, *unit.refs):
                if ref[0]:
                    self._load_ref(ref)
            for ref in unit.refs:
                self._add(self.sources.resolve(ref[0] or module, ref[1]))
            if "dynamic" in unit.marks:
                self._package(module.partition(".")[0])

    def _load(self, name: str) -> None:
        """What importing the module does counts, and importing it imports those around it and others."""
        while name and name not in self.loaded:
            self.loaded.add(name)
            module = self.sources.module(name)
            if module is None:
                self.binaries |= self.sources.compiled(name)
            else:
                for number, unit in enumerate(module.units):
                    if unit.effect or any(self._is_function(name, ref) for ref in unit.calls):
                        self._add([(name, number)])
                for ref in module.loads:
                    self._load_ref(ref)
            name = name.rpartition(".")[0]

    def _load_ref(self, ref: Ref) -> None:
        module, attributes = ref
        self._load(module)
        for attribute in attributes:
            module = f"{module}.{attribute}"
            if self.sources.place(module) is None and not self.sources.compiled(module):
                break
            self._load(module)

    def _is_function(self, module: str, ref: Ref) -> bool:
        targets = self.sources.resolve(ref[0] or module, ref[1])
        return any(self.sources.module(m).units[n].function for m, n in targets)  # type: ignore[union-attr]

    def _package(self, top: str) -> None:
        if top not in self.packages:
            self.packages.add(top)
            for name in self.sources.inside(top):
                module = self.sources.module(name)
                self._add((name, number) for number in range(len(module.units) if module else 0))

    def _levels(self, distributions: Iterable[str]) -> None:
        """The plugins whose levels of theory may be computed: those declared, or else its own."""
        of = sources.packages_of_distributions()
        own = {module.partition(".")[0] for module, _ in self.reached}
        for top in {top for name in distributions for top in of.get(sources.normal(name), ())} or own:
            self._package(top)
        self._follow()

    def _data_files(self, declared: Iterable[str] | None) -> set[Path]:
        """The data files, of the packages from which code was reached."""
        found = set(self.binaries)
        by_package: dict[str, list[tuple[Key, Unit]]] = {}
        for key, unit in self._units():
            by_package.setdefault(key[0].partition(".")[0], []).append((key, unit))
        for top, units in by_package.items():
            texts = {text for _, unit in units for text in unit.strings}
            files = self.sources.data(top) if self.sources.folder(top) else self.sources.beside(top, texts)
            if top in self.packages:
                found |= set(files.values())
            elif declared is not None and top == self.home:
                for pattern in declared:
                    matching = {path for name, path in files.items() if fnmatch.fnmatchcase(name, pattern)}
                    if not matching:
                        raise InputError(f"data_files: no file of {top} is called '{pattern}'; there is {_some(files)}")
                    found |= matching
            else:
                found |= set(_named(files, texts))
                for key, unit in units:
                    if "opens" in unit.marks:
                        found |= self._opened(files, key, unit, units)
        return found

    def _opened(self, files: Mapping[str, Path], key: Key, unit: Unit, units: Iterable[tuple[Key, Unit]]) -> set[Path]:
        """All files that code may open of which neither it nor what uses it tells the name."""
        told = set(unit.strings)
        for (module, _), other in units:
            if any(key in self.sources.resolve(ref[0] or module, ref[1]) for ref in other.refs):
                told |= set(other.strings)
        if any(_named(files, told)):
            return set()
        folders = {text.strip("/") for text in unit.strings}
        inside = {path for name, path in files.items() if folders & _folders(name)}
        return inside or set(files.values())


def _some(files: Iterable[str]) -> str:
    names = sorted(files)
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "none"


def _folders(name: str) -> set[str]:
    """`models`, `a/models` and `a` of `a/models/x.npz`."""
    parts = name.split("/")[:-1]
    return {"/".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}


def _named(files: Mapping[str, Path], texts: Iterable[str]) -> Iterator[Path]:
    """The files that one of the texts names, with or without folders."""
    for text in texts:
        wanted = text.removeprefix("./").strip("/")
        for name, path in files.items():
            short = "/".join(name.split("/")[-wanted.count("/") - 1 :])
            if short == wanted or ("*" in wanted and wanted.strip("*.") and fnmatch.fnmatchcase(short, wanted)):
                yield path


@lru_cache(maxsize=1)
def _core_units() -> str:
    import qmbench.domain.units as units

    module = read_module(Path(str(units.__file__)).read_bytes(), units.__name__, False, frozenset())
    return _digest(sorted(unit.text for unit in module.units))


def _without_file(thing: Any, seen: set[int] | None = None) -> list[str]:
    """What can be said of code that no file holds: its source if Python has kept it, or its compiled form."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return []
    seen.add(id(thing))
    if isinstance(thing, type):
        own = [value for name, value in vars(thing).items() if name not in _NOT_COUNTED]
        told = [text for value in own for text in _without_file(value, seen)]
        return [thing.__qualname__, *told]
    function = getattr(thing, "__func__", getattr(thing, "fget", thing))
    code = getattr(function, "__code__", None)
    if code is None:
        plain = isinstance(thing, bool | int | float | complex | str | bytes | tuple | frozenset | None)
        return [repr(thing)] if plain else []
    told = [_code_text(code, function.__doc__)]
    for name in code.co_names:  # functions and constants beside it
        beside = function.__globals__.get(name)
        if getattr(beside, "__module__", function.__module__) == function.__module__:
            told += _without_file(beside, seen)
    return told


def _code_text(code: types.CodeType, doc: str | None) -> str:
    constants = [_code_text(c, None) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts if c != doc]
    return _digest([code.co_name, code.co_code.hex(), constants, code.co_names, code.co_varnames])


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode(errors="surrogatepass")).hexdigest()[:32]
