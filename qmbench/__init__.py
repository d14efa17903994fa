"""qmbench puts the ways of doing quantum mechanics side by side, and reports where they disagree.

The names below are the public API. They are imported when first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "InputError": "errors",
    "NotConverged": "errors",
    "QmbenchError": "errors",
    "ResourceError": "errors",
    "StoreError": "errors",
    "Unsupported": "errors",
    "did_you_mean": "errors",
    "Quantity": "quantity",
    "Observable": "observables",
    "Property": "properties",
    "Crystal": "system",
    "Fragment": "system",
    "LatticeModel": "system",
    "Molecule": "system",
    "System": "system",
    "ATOMIC_NUMBERS": "system",
    "ELEMENTS": "system",
    "read_system": "system_files",
    "LevelOfTheory": "method",
    "Method": "method",
    "Options": "method",
    "Resources": "method",
    "Result": "method",
    "Record": "record",
    "hookimpl": "hookspecs",
    "parse_level": "plugins",
    "load": "tidy",
    "units": "",
}

if TYPE_CHECKING:
    from qmbench import units as units
    from qmbench.errors import InputError as InputError
    from qmbench.errors import NotConverged as NotConverged
    from qmbench.errors import QmbenchError as QmbenchError
    from qmbench.errors import ResourceError as ResourceError
    from qmbench.errors import StoreError as StoreError
    from qmbench.errors import Unsupported as Unsupported
    from qmbench.errors import did_you_mean as did_you_mean
    from qmbench.hookspecs import hookimpl as hookimpl
    from qmbench.method import LevelOfTheory as LevelOfTheory
    from qmbench.method import Method as Method
    from qmbench.method import Options as Options
    from qmbench.method import Resources as Resources
    from qmbench.method import Result as Result
    from qmbench.observables import Observable as Observable
    from qmbench.plugins import parse_level as parse_level
    from qmbench.properties import Property as Property
    from qmbench.quantity import Quantity as Quantity
    from qmbench.record import Record as Record
    from qmbench.system import ATOMIC_NUMBERS as ATOMIC_NUMBERS
    from qmbench.system import ELEMENTS as ELEMENTS
    from qmbench.system import Crystal as Crystal
    from qmbench.system import Fragment as Fragment
    from qmbench.system import LatticeModel as LatticeModel
    from qmbench.system import Molecule as Molecule
    from qmbench.system import System as System
    from qmbench.system_files import read_system as read_system

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qmbench' has no attribute '{name}'")
    if name == "units":
        return import_module("qmbench.units")
    return getattr(import_module(f"qmbench.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
