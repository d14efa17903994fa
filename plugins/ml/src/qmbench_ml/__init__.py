"""Learned levels of theory, each with an uncertainty and a list of what it was trained on.

Importing this module imports no numerics.
"""

from __future__ import annotations

from importlib import import_module

from qmbench import Method, hookimpl

QMBENCH_API = 2

# Modules of this package, each with METHODS, the classes that it provides.
_MODULES: tuple[str, ...] = ("hirshfeld.methods", "delta.methods", "gdml.methods", "xc.methods")


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    return [method for name in _MODULES for method in import_module(f"qmbench_ml.{name}").METHODS]
