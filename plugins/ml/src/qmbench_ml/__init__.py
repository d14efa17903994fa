"""Learned levels of theory, each with an uncertainty and a list of what it was trained on.

Importing this module imports no numerics.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from qmbench import Method, Unsupported, hookimpl

QMBENCH_API = 2

# Modules of this package, each with METHODS, the classes that it provides.
_MODULES = ("hirshfeld.methods", "delta.methods", "gdml.methods")
# Methods whose options are those of the plugin qmbench-pyscf, and their modules.
_ON_PYSCF = {"ml-xc": "xc.methods"}


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    """The learned levels of theory; without qmbench-pyscf those that do without its options."""
    modules = (*_MODULES, *(_ON_PYSCF.values() if _has_pyscf() else ()))
    return [method for name in modules for method in import_module(f"qmbench_ml.{name}").METHODS]


@hookimpl
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """Says what is missing where qmbench-pyscf is not installed."""
    if name in _ON_PYSCF and not _has_pyscf():
        raise Unsupported(f"{name} needs the plugin qmbench-pyscf")
    return None


def _has_pyscf() -> bool:
    return find_spec("qmbench_pyscf") is not None
