"""Finding plugins by entry point, and the methods they bring.

One broken plugin never takes the others down: it is reported by name and reason, and the rest works.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from qmbench.domain.composite import (
    Composite,
    Level,
    check_composite,
    composite_level,
    is_composite,
    named_level,
    with_composites,
)
from qmbench.domain.errors import InputError, QmbenchError, did_you_mean
from qmbench.domain.families import MethodFamily, add_family, check_family, prefix_of
from qmbench.domain.method import (
    PLUGIN_GROUP,
    Code,
    LevelOfTheory,
    LevelText,
    Method,
    build_level,
    level_of_values,
    split_level,
)
from qmbench.domain.observables import OBSERVABLES, Observable, ObservableRegistry
from qmbench.domain.properties import PropertyRegistry, core_registry, units_of_properties
from qmbench.domain.statistic import StatisticRegistry
from qmbench.domain.systems import System
from qmbench.domain.systems.files import SystemRegistry
from qmbench.domain.units import add_units, check_units
from qmbench.plugging import hookspecs
from qmbench.plugging.formats import FormatRegistry
from qmbench.plugging.isolated.place import installed

if TYPE_CHECKING:
    from qmbench.plugging.isolated.proxy import IsolatedPlugin, IsolatedPoint

GROUP = PLUGIN_GROUP
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
    """All plugins of one process: methods, kinds of system, properties, observables, benchmarks, and what is broken.

    engines: name -> factory(address, workers, resources); stores: URL scheme -> opener(url, read_only); those of
    plugins, beside the core's own.
    """

    manager: pluggy.PluginManager
    infos: list[PluginInfo] = field(default_factory=list)
    methods: dict[str, type[Method]] = field(default_factory=dict)
    owner: dict[str, PluginInfo] = field(default_factory=dict)
    properties: PropertyRegistry = field(default_factory=core_registry)
    observables: ObservableRegistry = field(default_factory=lambda: ObservableRegistry(OBSERVABLES))
    systems: SystemRegistry = field(default_factory=SystemRegistry)
    benchmark_folders: list[Path] = field(default_factory=list)
    statistics: StatisticRegistry = field(default_factory=StatisticRegistry)
    formats: FormatRegistry = field(default_factory=FormatRegistry)
    engines: dict[str, Callable[..., Any]] = field(default_factory=dict)
    stores: dict[str, Callable[..., Any]] = field(default_factory=dict)
    composites: dict[str, Composite] = field(default_factory=dict)
    families: dict[str, tuple[MethodFamily, PluginInfo]] = field(default_factory=dict)

    def method(self, name: str) -> tuple[type[Method], PluginInfo]:
        """The method called `name` and its plugin; InputError with the nearest names when there is none."""
        if name in self.methods:
            return self.methods[name], self.owner[name]
        if prefix_of(name) in self.families:
            return self._of_family(name, *self.families[prefix_of(name)])
        broken = [f"{i.name} ({i.error})" for i in self.infos if i.error]
        for info in self.infos:
            if info.error:
                continue
            try:
                found = next(iter(_results(self.manager, info.name, "qmbench_resolve_method", name=name)), None)
            except QmbenchError:
                raise
            except Exception as error:
                broken.append(f"{info.name} ({type(error).__name__}: {error})")
                continue
            if found is not None:
                return found, info
        note = f" (plugins that could not be loaded: {'; '.join(broken)})" if broken else ""
        raise InputError(f"unknown method '{name}'{did_you_mean(name, self.methods)}{note}")

    def _of_family(self, name: str, family: MethodFamily, info: PluginInfo) -> tuple[type[Method], PluginInfo]:
        """The method of a family with a prefix; InputError in one line when there is none."""
        try:
            found = next(iter(_results(self.manager, info.name, "qmbench_resolve_method", name=name)), None)
        except QmbenchError:
            raise
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(f"'{name}': plugin {info.name} can't tell what it is ({why})") from None
        if found is None:
            listed = [known for known in self.methods if known.startswith(family.prefix)]
            raise InputError(f"unknown method '{name}': write {family.pattern}{did_you_mean(name, listed)}")
        return found, info

    def level(self, text: str, **options: Any) -> Level:
        """A level of theory from its text, or from a method's name and the values of its options; all are checked.

        `level("pbe/def2-svp?grid=5")` is `level("pbe", basis="def2-svp", grid=5)`. Of an extrapolation over basis
        sets, a sum, or the name of one (`qmbench_composites`) it is a `CompositeLevel`.
        """
        named = self.composites.get(text.strip().lower())
        text = with_composites(text, self.composites)
        if is_composite(text):
            if options:
                raise InputError(f"'{text}' is made of levels: write the options into their texts")
            found = composite_level(text, self.single_level)
            return named_level(found, named) if named else found
        return self.single_level(text, **options)

    def single_level(self, text: str, **options: Any) -> LevelOfTheory:
        """As `level`, of one that is not made of others."""
        parts = split_level(text)
        if options:
            return self._level_of_values(text, parts, options)
        method, info = self.method(parts.method)
        if info.isolated:
            plugin: IsolatedPlugin = method.isolated  # type: ignore[attr-defined]
            return plugin.level(text)
        return replace(build_level(method, parts, info.distribution), code_of=_code_of)

    def _level_of_values(self, text: str, parts: LevelText, options: Mapping[str, Any]) -> LevelOfTheory:
        if parts.basis is not None or parts.options:
            raise InputError(
                f"'{text}' says options already: give the name of the method alone and all options by value "
                f"({parts.method}, {', '.join(options)}=…), or everything as text"
            )
        method, info = self.method(parts.method)
        if info.isolated:
            plugin: IsolatedPlugin = method.isolated  # type: ignore[attr-defined]
            return plugin.level_of_values(parts.method, options)
        return replace(level_of_values(method, options, info.distribution), code_of=_code_of)


@lru_cache(maxsize=1)
def plugins() -> Plugins:
    """The installed plugins, isolated ones included, discovered once per process."""
    points: list[metadata.EntryPoint | IsolatedPoint] = list(metadata.entry_points(group=GROUP))
    if installed():
        from qmbench.plugging.isolated.proxy import isolated_points

        points += isolated_points()
    return discover(points)


def level(text: str, /, **options: Any) -> Level:
    """A level of theory, with the installed plugins: from text, or from a method's name and the values of its options.

    `level("mbd", damping="pbe", k_grid=(4, 4, 4))`; an option that is left out has its default. InputError names a
    wrong option together with the right ones.
    """
    return plugins().level(text, **options)


def parse_level(text: str) -> Level:
    """Parse a level of theory such as `pbe0/def2-tzvp?grid=5` or `mp2/cc-pv[tq]z` with the installed plugins."""
    return plugins().level(text)


def read_system(path: str | Path, name: str | None = None) -> System:
    """A system from a file, of any kind that is installed; InputError says file, line and what would be right."""
    return plugins().systems.read(path, name)


def system_from_json(data: Mapping[str, Any]) -> System:
    """Rebuild a system from `System.to_json`; InputError when no installed kind is its own."""
    return plugins().systems.from_json(data)


def single_level(text: str, /, **options: Any) -> LevelOfTheory:
    """As `level`, of a level that is one calculation: InputError for one that is made of levels."""
    found = plugins().level(text, **options)
    if not isinstance(found, LevelOfTheory):
        raise InputError(f"'{text}' is made of levels; one that is a single calculation is wanted here")
    return found


@lru_cache(maxsize=4096)
def canonical_level(text: str) -> str:
    """The canonical spelling of a level that somebody, or an earlier version, wrote; `text` itself where the installed
    plugins can't read it."""
    try:
        return str(plugins().level(text))
    except QmbenchError:
        return text


def _code_of(method: type[Method]) -> Code:
    from qmbench.plugging.fingerprint import code_of  # not before a key is wanted: listing methods needs none

    return code_of(method)


def discover(entry_points: Sequence[metadata.EntryPoint | IsolatedPoint]) -> Plugins:
    """Load every entry point on its own; see `Plugins` for what comes back."""
    manager = pluggy.PluginManager("qmbench")
    manager.add_hookspecs(hookspecs)
    found = Plugins(manager)
    manager.register(import_module(CORE), name=CORE)
    found.systems = _with_kinds(found.systems, _listed(manager, CORE, "qmbench_systems"))
    found.statistics, found.formats = _declared(found, CORE)
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
    check_api(getattr(module, "QMBENCH_API", None))
    if found.manager.has_plugin(info.name):
        raise InputError("another plugin has this name")
    for name in vars(hookspecs):
        implementation = getattr(module, name, None) if name.startswith("qmbench_") else None
        if implementation is not None and not hasattr(implementation, "qmbench_impl"):
            raise InputError(f"its {name} is no hook: write @qmbench.hookimpl above it")
    found.manager.register(module, name=info.name)
    found.manager.check_pending()
    # Everything is read and checked before anything is kept: a plugin is in whole or not at all.
    kinds = _with_kinds(SystemRegistry(found.systems), _listed(found.manager, info.name, "qmbench_systems"))
    methods = [_checked(method, found) for method in _listed(found.manager, info.name, "qmbench_methods")]
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"it defines method '{name}' twice")
    properties = list(_listed(found.manager, info.name, "qmbench_properties"))
    trial = PropertyRegistry(found.properties)
    for prop in properties:
        trial.add(prop)
    units = _units(found, info.name)
    observables = ObservableRegistry(found.observables)
    for observable in _listed(found.manager, info.name, "qmbench_observables"):
        if not isinstance(observable, Observable):
            raise InputError(f"qmbench_observables gave {observable!r}, not an Observable")
        observables.add(observable, trial[observable.prop])
    folders = [Path(folder) for folder in _listed(found.manager, info.name, "qmbench_benchmarks")]
    statistics, formats = _declared(found, info.name)
    engines = _named(found, info, "qmbench_engines", {*hookspecs.CORE_ENGINES, *found.engines})
    stores = _named(found, info, "qmbench_stores", {*hookspecs.CORE_STORES, *found.stores})
    composites = _composites(found, info.name, names)
    families = _families(found, info)
    found.systems.update(kinds)
    for kind in kinds.values():
        add_units(kind.units)
    add_units(units)
    add_units(units_of_properties(properties))
    found.properties.update(trial)
    found.observables.update(observables)
    found.benchmark_folders += folders
    found.engines.update(engines)
    found.stores.update(stores)
    found.composites.update(composites)
    for family in families:
        add_family(family)
        found.families[family.prefix] = (family, info)
    found.statistics, found.formats = statistics, formats
    for method in methods:
        found.methods[method.name] = method
        found.owner[method.name] = info
    found.infos.append(info)


def _declared(found: Plugins, plugin: str) -> tuple[StatisticRegistry, FormatRegistry]:
    """The statistics and formats there are, together with those of a plugin; InputError when one of them is wrong."""
    statistics, formats = StatisticRegistry(found.statistics), FormatRegistry(found.formats)
    for statistic in _listed(found.manager, plugin, "qmbench_statistics"):
        statistics.add(statistic)
    for made in _listed(found.manager, plugin, "qmbench_formats"):
        formats.add(made)
    return statistics, formats


def _units(found: Plugins, plugin: str) -> dict[str, tuple[str, float]]:
    """The units that a plugin's `qmbench_units` gives, checked; none where it has no such hook."""
    if getattr(found.manager.get_plugin(plugin), "qmbench_units", None) is None:
        return {}
    answer = next(iter(_results(found.manager, plugin, "qmbench_units")), None)
    try:
        units = {name: (str(dimension), float(size)) for name, (dimension, size) in answer.items()}  # type: ignore[union-attr]
    except (AttributeError, TypeError, ValueError):
        raise InputError(f"qmbench_units gave {answer!r}, not names with (dimension, size)") from None
    check_units(units)
    return units


def check_api(api: Any) -> None:
    """InputError unless `api` (a plugin's QMBENCH_API: a number, or the lowest and highest one) holds ours."""
    ours = hookspecs.API_VERSION
    if api is None:
        raise InputError(f"does not state which plugin API it was written for; this is QMBENCH_API = {ours}")
    ends = api if isinstance(api, tuple | list) else (api, api)
    if len(ends) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) for n in ends):
        raise InputError(f"QMBENCH_API is a number or (lowest, highest), not {api!r}")
    if not ends[0] <= ours <= ends[1]:
        said = str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
        changed = "".join(f"; {text}" for number, text in hookspecs.CHANGED.items() if ends[1] <= number < ours)
        raise InputError(f"speaks plugin API {said}, this qmbench speaks {ours}{changed}")


def _results(manager: pluggy.PluginManager, plugin: str, hook: str, **arguments: Any) -> list[Any]:
    """What the one plugin's implementation of `hook` gives, if it has one and that is not None."""
    others = [other for name, other in manager.list_name_plugin() if name != plugin and other is not None]
    return list(manager.subset_hook_caller(hook, others)(**arguments))


def _listed(manager: pluggy.PluginManager, plugin: str, hook: str) -> list[Any]:
    """The list that a plugin's implementation of `hook` gives; empty where it has none."""
    module = manager.get_plugin(plugin)
    if getattr(module, hook, None) is None:
        return []
    answer = next(iter(_results(manager, plugin, hook)), None)
    if not isinstance(answer, Iterable):
        raise InputError(f"{hook} gave {answer!r}, not a list")
    return list(answer)


def _composites(found: Plugins, plugin: str, own_methods: Sequence[str]) -> dict[str, Composite]:
    """The named composite levels of a plugin, by name. Their expressions are parsed when they are used."""
    made: dict[str, Composite] = {}
    for composite in _listed(found.manager, plugin, "qmbench_composites"):
        if not isinstance(composite, Composite):
            raise InputError(f"qmbench_composites gave {composite!r}, not a Composite")
        check_composite(composite)
        if composite.name in {*found.methods, *own_methods, *found.composites, *made}:
            raise InputError(f"composite '{composite.name}' has the name of another composite or method")
        made[composite.name] = composite
    return made


def _families(found: Plugins, info: PluginInfo) -> list[MethodFamily]:
    """The families of methods of a plugin that have a prefix, checked."""
    made = [check_family(family) for family in _listed(found.manager, info.name, "qmbench_method_families")]
    for n, family in enumerate(made):
        if family.prefix in found.families:
            raise InputError(
                f"names with '{family.prefix}' are already those of plugin '{found.families[family.prefix][1].name}'"
            )
        if family.prefix in [other.prefix for other in made[:n]]:
            raise InputError(f"it has two families '{family.prefix}'")
    if made and getattr(found.manager.get_plugin(info.name), "qmbench_resolve_method", None) is None:
        raise InputError("it has qmbench_method_families and no qmbench_resolve_method to make the methods")
    return made


def _with_kinds(known: SystemRegistry, more: Iterable[type[System]]) -> SystemRegistry:
    for kind in more:
        known.add(kind)
    return known


def _named(found: Plugins, info: PluginInfo, hook: str, taken: set[str]) -> dict[str, Callable[..., Any]]:
    """What a plugin's implementation of `hook` gives by name, each name a new one; empty where it has none."""
    if getattr(found.manager.get_plugin(info.name), hook, None) is None:
        return {}
    answer = next(iter(_results(found.manager, info.name, hook)), None)
    if not isinstance(answer, Mapping) or not all(callable(make) for make in answer.values()):
        raise InputError(f"{hook} gave {answer!r}, not names with the functions that make what they stand for")
    for name in answer:
        if not (isinstance(name, str) and re.fullmatch("[a-z][a-z0-9+.-]*", name)):
            raise InputError(f"{hook}: a name is lower-case letters, digits, '+', '-' and '.', not {name!r}")
        if name in taken:
            raise InputError(f"{hook}: '{name}' is there already, in the core or by another plugin")
    return dict(answer)


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
    if not (method.data_files is None or isinstance(method.data_files, tuple | list)):
        raise InputError(
            f"method '{method.name}' has data_files {method.data_files!r}; write a tuple of patterns, ('data/*.csv',)"
        )
    if method.name in found.methods:
        raise InputError(f"method '{method.name}' is already provided by plugin '{found.owner[method.name].name}'")
    return method
