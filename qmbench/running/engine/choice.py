"""Engines by the names that the command line gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.resources import Resources

if TYPE_CHECKING:
    from qmbench.running.engine.dask import DaskEngine
    from qmbench.running.engine.local import LocalEngine

ENGINES = ("local", "dask")


def engine_named(
    text: str = "local", workers: int | None = None, resources: Resources | None = None
) -> LocalEngine | DaskEngine:
    """The engine that `local`, `dask` or `dask:ADDRESS` stands for; use it as a context manager.

    workers: tasks side by side; None for as many as the machine, or the cluster, has room for.
    """
    name, _, address = text.partition(":")
    if name == "dask":
        from qmbench.running.engine.dask import DaskEngine

        if address and workers is not None:
            raise InputError("the number of workers is the cluster's own; leave --workers out with dask:ADDRESS")
        return DaskEngine(address or None, workers, resources)
    if name != "local" or address:
        raise InputError(f"unknown engine '{text}'{did_you_mean(name, ENGINES)}; write local, dask or dask:ADDRESS")
    from qmbench.running.engine.local import LocalEngine

    return LocalEngine(workers, resources)
