"""The hooks a plugin may implement. A plugin is a module behind an entry point of group `qmbench`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from qmbench.domain.composite import Composite
    from qmbench.domain.families import MethodFamily
    from qmbench.domain.method import Method
    from qmbench.domain.observables import Observable
    from qmbench.domain.properties import Property
    from qmbench.domain.statistic import Statistic
    from qmbench.domain.systems import System
    from qmbench.plugging.formats import ReportFormat

hookspec = pluggy.HookspecMarker("qmbench")
hookimpl = pluggy.HookimplMarker("qmbench")

API_VERSION = 2
"""The plugin API that this qmbench speaks. A plugin module states the one it was written for, `QMBENCH_API = 2`, or the
lowest and the highest that it knows, `QMBENCH_API = (2, 3)`; one that does not, or knows no common one, is refused by
name. What changed from one to the next is in CHANGELOG.md."""

CHANGED = {
    1: "Method.check is the core's now (write check_system), and training_overlap and explanation are fields of Result",
}
"""API -> what its plugins have to change, for the line that refuses them."""


@hookspec
def qmbench_methods() -> Iterable[type[Method]]:  # type: ignore[empty-body]
    """The methods this plugin provides, by class. Must not import a quantum-chemistry program."""


@hookspec
def qmbench_method_families() -> Iterable[MethodFamily]:  # type: ignore[empty-body]
    """Open families of methods with a prefix, such as `ase:MODULE.CLASS`. Called at every start.

    A name with the prefix is asked of this plugin's `qmbench_resolve_method` alone (unless the plugin lists a method of
    that name), in the case in which it was written.
    """


@hookspec
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """The method of this (lower-case) name if it belongs to an open family, such as any libxc functional.

    Return None for names that are not yours; raise Unsupported with the reason for names that are, but can't
    be done. It may import the program, since it is asked only for names that nobody listed.
    """


@hookspec
def qmbench_composites() -> Iterable[Composite]:  # type: ignore[empty-body]
    """Levels made of levels under names of their own, such as focal-point recipes; they are used like methods."""


@hookspec
def qmbench_systems() -> Iterable[type[System]]:  # type: ignore[empty-body]
    """Kinds of system beyond the core's: frozen dataclasses that derive from `System`. Called at every start.

    A kind owns how it is read and stored, its unit of energy (and units of its own), its parts, one line and a picture
    of it, and what the conformance kit needs. No two kinds share a name, or the word for it in TOML tables.
    """


@hookspec
def qmbench_properties() -> Iterable[Property]:  # type: ignore[empty-body]
    """Primitive properties that this plugin's methods give beyond the core's."""


@hookspec
def qmbench_units() -> Mapping[str, tuple[str, float]]:  # type: ignore[empty-body]
    """Units beyond the core's: name -> (dimension, how many of the dimension's atomic unit one of it is).

    A dimension may be a new one. A unit that is there already keeps its meaning: another one is refused. The unit of a
    property of yours that nobody defined is a dimension of its own, and needs no entry here.
    """


@hookspec
def qmbench_observables() -> Iterable[Observable]:  # type: ignore[empty-body]
    """What entries of benchmarks may compare beyond the core's observables, made of properties of the core or yours."""


@hookspec
def qmbench_benchmarks() -> Iterable[Path]:  # type: ignore[empty-body]
    """Folders that hold benchmarks (one sub-folder each) and suites (`suites/*.toml`), shipped with the plugin."""


@hookspec
def qmbench_statistics() -> Iterable[Statistic]:  # type: ignore[empty-body]
    """Statistics of the errors of a level of theory, beyond the core's; each appears in every table and file."""


@hookspec
def qmbench_formats() -> Iterable[ReportFormat]:  # type: ignore[empty-body]
    """Formats in which `qmbench report` writes a run, beyond the core's."""


CORE_ENGINES = ("local", "dask")
CORE_STORES = ("sqlite",)
"""Names that are taken: the core brings these itself."""


@hookspec
def qmbench_engines() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Where tasks can run: name -> factory(address, workers, resources), which gives a `qmbench.Engine`.

    `--engine NAME:ADDRESS` and `run(engine="NAME:ADDRESS")` call the factory with the text after the colon ('' for
    none), the number of tasks side by side that was asked for (int, or None for as many as fit) and a
    `qmbench.Resources` with what each task gets. Called at every start, so the function must not import what the engine
    needs; the factory may. Not for isolated plugins, since engines work in the process that drives a run.
    """


@hookspec
def qmbench_stores() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Where records can be kept: URL scheme -> opener(url, read_only), which gives a `qmbench.StoreProtocol`.

    `--store SCHEME://…` and `run(store="SCHEME://…")` call the opener with the whole URL; it makes the store where it
    is not there yet, unless read_only, and raises StoreError when it can't. Called at every start, as `qmbench_engines`
    is, and like that not for isolated plugins.
    """
