"""Engines by the names that people give them: the core's own, and those that plugins bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from qmbench.domain.errors import InputError, QmbenchError
from qmbench.domain.resources import Resources
from qmbench.plugging.registry import plugins

if TYPE_CHECKING:
    from qmbench.running.loop import Engine


def engine_named(text: str = "local", workers: int | None = None, resources: Resources | None = None) -> Engine:
    """The engine that NAME[:ADDRESS] stands for: `local`, `dask`, `dask:ADDRESS`, or one of a plugin. `close` it.

    workers: tasks side by side; None for as many as the machine, or the cluster, has room for. InputError, with the
    names there are, for an unknown one.
    """
    name, _, address = text.partition(":")
    factories: Mapping[str, Callable[[str, int | None, Resources], Engine]] = {**CORE_ENGINES, **plugins().engines}
    if name not in factories:
        raise InputError(
            f"unknown engine '{name}'; there is {', '.join(sorted(factories))}, written NAME or NAME:ADDRESS"
        )
    try:
        engine = factories[name](address, workers, resources or Resources())
    except QmbenchError:
        raise
    except Exception as error:
        raise QmbenchError(f"engine '{text}' can't be made: {type(error).__name__}: {error}") from error
    for member in ("workers", "run", "close"):
        if not hasattr(engine, member):
            raise QmbenchError(f"engine '{name}' has no '{member}': see qmbench.Engine")
    return engine


def _local(address: str, workers: int | None, resources: Resources) -> Engine:
    from qmbench.running.engine.local import LocalEngine

    if address:
        raise InputError(f"the local engine has no address; leave ':{address}' out")
    return LocalEngine(workers, resources)


def _dask(address: str, workers: int | None, resources: Resources) -> Engine:
    from qmbench.running.engine.dask import DaskEngine

    if address and workers is not None:
        raise InputError("the number of workers is the cluster's own; leave --workers out with dask:ADDRESS")
    return DaskEngine(address or None, workers, resources)


CORE_ENGINES: dict[str, Callable[[str, int | None, Resources], Engine]] = {"local": _local, "dask": _dask}
