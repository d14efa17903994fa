"""Finding plugins by entry point, and the methods they bring.

One broken plugin never takes the others down: it is reported by name and reason, and the rest works.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pluggy

from qmbench.domain.errors import InputError, QmbenchError, did_you_mean
from qmbench.domain.method import LevelOfTheory, Method, build_level, split_level
from qmbench.domain.observables import OBSERVABLES, Observable, ObservableRegistry
from qmbench.domain.properties import PropertyRegistry, core_registry
from qmbench.domain.statistic import StatisticRegistry
from qmbench.plugging import hookspecs
from qmbench.plugging.formats import FormatRegistry
from qmbench.plugging.isolated.place import installed

if TYPE_CHECKING:
    from qmbench.plugging.isolated.proxy import IsolatedPlugin, IsolatedPoint

GROUP = "qmbench"
CORE = "qmbench.core"
"""The module that brings what the core itself brings through hooks. By name: it is made of rooms above this one."""


@dataclass(frozen=True)
class PluginInfo:
    """One entry point: its name, distribution and version, and the error that kept it out, if any.

    isolated: whether it lives in an environment of its own.
    """

    name: str
    distribution: str
    version: str
    error: str = ""
    isolated: bool = False


@dataclass
class Plugins:
    """All plugins of one process: methods by name, properties, observables, benchmark folders, and what is broken."""

    manager: pluggy.PluginManager
    infos: list[PluginInfo] = field(default_factory=list)
    methods: dict[str, type[Method]] = field(default_factory=dict)
    owner: dict[str, PluginInfo] = field(default_factory=dict)
    properties: PropertyRegistry = field(default_factory=core_registry)
    observables: ObservableRegistry = field(default_factory=lambda: ObservableRegistry(OBSERVABLES))
    benchmark_folders: list[Path] = field(default_factory=list)
    statistics: StatisticRegistry = field(default_factory=StatisticRegistry)
    formats: FormatRegistry = field(default_factory=FormatRegistry)

    def method(self, name: str) -> tuple[type[Method], PluginInfo]:
        """The method called `name` and its plugin; InputError with the nearest names when there is none."""
        if name in self.methods:
            return self.methods[name], self.owner[name]
        broken = [f"{i.name} ({i.error})" for i in self.infos if i.error]
        for info, module in self._loaded():
            resolve = getattr(module, "qmbench_resolve_method", None)
            try:
                found = resolve(name=name) if resolve else None
            except QmbenchError:
                raise
            except Exception as error:
                broken.append(f"{info.name} ({type(error).__name__}: {error})")
                continue
            if found is not None:
                return found, info
        note = f" (plugins that could not be loaded: {'; '.join(broken)})" if broken else ""
        raise InputError(f"unknown method '{name}'{did_you_mean(name, self.methods)}{note}")

    def level(self, text: str) -> LevelOfTheory:
        """Parse a level of theory, every option resolved and checked."""
        parts = split_level(text)
        method, info = self.method(parts.method)
        if info.isolated:
            plugin: IsolatedPlugin = method.isolated  # type: ignore[attr-defined]
            return plugin.level(text)
        return build_level(method, parts, info.distribution)

    def _loaded(self) -> list[tuple[PluginInfo, ModuleType | IsolatedPlugin]]:
        pairs = ((info, self.manager.get_plugin(info.name)) for info in self.infos if not info.error)
        return [(info, module) for info, module in pairs if module is not None]


@lru_cache(maxsize=1)
def plugins() -> Plugins:
    """The installed plugins, isolated ones included, discovered once per process."""
    points: list[metadata.EntryPoint | IsolatedPoint] = list(metadata.entry_points(group=GROUP))
    if installed():
        from qmbench.plugging.isolated.proxy import isolated_points

        points += isolated_points()
    return discover(points)


def parse_level(text: str) -> LevelOfTheory:
    """Parse a level of theory such as `pbe0/def2-tzvp?grid=5` with the installed plugins."""
    return plugins().level(text)


def discover(entry_points: Sequence[metadata.EntryPoint | IsolatedPoint]) -> Plugins:
    """Load every entry point on its own; see `Plugins` for what comes back."""
    manager = pluggy.PluginManager("qmbench")
    manager.add_hookspecs(hookspecs)
    found = Plugins(manager)
    core = import_module(CORE)
    manager.register(core, name=CORE)
    found.statistics, found.formats = _declared(core, found)
    for point in sorted(entry_points, key=lambda p: p.name):
        dist = point.dist
        isolated = getattr(point, "isolated", False)
        info = PluginInfo(point.name, dist.name if dist else "", dist.version if dist else "", isolated=isolated)
        try:
            _add(found, info, point)
        except KeyboardInterrupt:
            raise
        except SystemExit as error:
            _reject(found, info, f"exits while being imported ({error})")
        except BaseException as error:  # whatever it is, it must not take the other plugins down
            _reject(found, info, f"{type(error).__name__}: {error}")
    return found


def _reject(found: Plugins, info: PluginInfo, reason: str) -> None:
    if found.manager.has_plugin(info.name):
        found.manager.unregister(name=info.name)
    reason = " ".join(reason.split())
    found.infos.append(replace(info, error=reason))


def _add(found: Plugins, info: PluginInfo, point: metadata.EntryPoint | IsolatedPoint) -> None:
    module = point.load()
    api = getattr(module, "QMBENCH_API", hookspecs.API_VERSION)
    if api != hookspecs.API_VERSION:
        raise InputError(f"speaks plugin API {api}, this qmbench speaks {hookspecs.API_VERSION}")
    if found.manager.has_plugin(info.name):
        raise InputError("another plugin has this name")
    found.manager.register(module, name=info.name)
    found.manager.check_pending()
    # Everything is read and checked before anything is kept: a plugin is in whole or not at all.
    methods = [_checked(method, found) for method in _call(module, "qmbench_methods")]
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"it defines method '{name}' twice")
    properties = list(_call(module, "qmbench_properties"))
    trial = PropertyRegistry(found.properties)
    for prop in properties:
        trial.add(prop)
    observables = ObservableRegistry(found.observables)
    for observable in _call(module, "qmbench_observables"):
        if not isinstance(observable, Observable):
            raise InputError(f"qmbench_observables gave {observable!r}, not an Observable")
        observables.add(observable, trial[observable.prop])
    folders = [Path(folder) for folder in _call(module, "qmbench_benchmarks")]
    statistics, formats = _declared(module, found)
    found.properties.update(trial)
    found.observables.update(observables)
    found.benchmark_folders += folders
    found.statistics, found.formats = statistics, formats
    for method in methods:
        found.methods[method.name] = method
        found.owner[method.name] = info
    found.infos.append(info)


def _declared(module: ModuleType | IsolatedPlugin, found: Plugins) -> tuple[StatisticRegistry, FormatRegistry]:
    """The statistics and formats there are together with those of `module`; InputError when one of them is wrong."""
    statistics, formats = StatisticRegistry(found.statistics), FormatRegistry(found.formats)
    for statistic in _call(module, "qmbench_statistics"):
        statistics.add(statistic)
    for made in _call(module, "qmbench_formats"):
        formats.add(made)
    return statistics, formats


def _call(module: ModuleType | IsolatedPlugin, hook: str) -> list:
    implementation = getattr(module, hook, None)
    if implementation is None:
        return []
    answer = implementation()
    if not isinstance(answer, Iterable):
        raise InputError(f"{hook} gave {answer!r}, not a list")
    return list(answer)


def _checked(method: type[Method], found: Plugins) -> type[Method]:
    if not (inspect.isclass(method) and issubclass(method, Method)):
        raise InputError(f"qmbench_methods gave {method!r}, not a Method class")
    for attribute in ("name", "systems", "properties"):
        if not hasattr(method, attribute):
            raise InputError(f"method {method.__name__} has no '{attribute}'")
    if inspect.isabstract(method):
        raise InputError(f"method {method.__name__} has no {', '.join(sorted(method.__abstractmethods__))}")
    if method.name != method.name.lower() or any(c in method.name for c in "/?&= "):
        raise InputError(f"method name '{method.name}' must be lower case, without / ? & = or blanks")
    if method.name in found.methods:
        raise InputError(f"method '{method.name}' is already provided by plugin '{found.owner[method.name].name}'")
    return method
