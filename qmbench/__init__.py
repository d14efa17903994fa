"""qmbench puts the ways of doing quantum mechanics side by side, and reports where they disagree.

The names below are the public API. They are imported when first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qmbench import _moved
from qmbench._version import __version__ as __version__

_PUBLIC = {
    "InputError": "domain.errors",
    "deprecated": "domain.deprecation",
    "NotConverged": "domain.errors",
    "QmbenchError": "domain.errors",
    "ResourceError": "domain.errors",
    "StoreError": "domain.errors",
    "Unsupported": "domain.errors",
    "did_you_mean": "domain.errors",
    "Quantity": "domain.quantity",
    "Curve": "domain.quantity",
    "Term": "domain.formulas",
    "Place": "domain.formulas",
    "Observable": "domain.observables",
    "Property": "domain.properties",
    "Crystal": "domain.systems",
    "Fragment": "domain.systems",
    "LatticeModel": "domain.systems",
    "Molecule": "domain.systems",
    "System": "domain.systems",
    "ATOMIC_NUMBERS": "domain.systems",
    "ELEMENTS": "domain.systems",
    "Change": "domain.systems",
    "FieldError": "domain.systems.fields",
    "KindCheck": "domain.systems",
    "read_system": "plugging.registry",
    "Composite": "domain.composite",
    "CompositeLevel": "domain.composite",
    "LevelOfTheory": "domain.method",
    "Method": "domain.method",
    "MethodFamily": "domain.families",
    "Options": "domain.method",
    "OpenOptions": "domain.method",
    "Explanation": "domain.learned",
    "TrainingOverlap": "domain.learned",
    "BadResult": "domain.method",
    "Resources": "domain.resources",
    "user_file": "domain.resources",
    "Result": "domain.method",
    "require_elements": "domain.requirements",
    "require_neutral_singlet": "domain.requirements",
    "Record": "domain.record",
    "BootstrapT": "domain.statistic",
    "DistributionFree": "domain.statistic",
    "ErrorSample": "domain.statistic",
    "Statistic": "domain.statistic",
    "ReportFormat": "plugging.formats",
    "hookimpl": "plugging.hookspecs",
    "in_own_process": "plugging.own_process",
    "level": "plugging.registry",
    "parse_level": "plugging.registry",
    "single_level": "plugging.registry",
    "Computation": "api.compute",
    "Engine": "running.loop",
    "LocalEngine": "running.engine.local",
    "Outcome": "running.engine.outcome",
    "Progress": "running.loop",
    "StoreProtocol": "running.stores",
    "Suite": "data.suite",
    "Task": "domain.record",
    "Failure": "domain.record",
    "run_task": "running.engine.here",
    "Interrupted": "domain.errors",
    "RunResult": "api.run",
    "compute": "api.compute",
    "from_ase": "data.atoms",
    "load": "judging.model",
    "run": "api.run",
    "fields": "domain.systems",
    "units": "domain",
}
_MODULES = ("fields", "units")

if TYPE_CHECKING:
    from qmbench.api.compute import Computation as Computation
    from qmbench.api.compute import compute as compute
    from qmbench.api.run import RunResult as RunResult
    from qmbench.api.run import run as run
    from qmbench.data.atoms import from_ase as from_ase
    from qmbench.data.suite import Suite as Suite
    from qmbench.domain import units as units
    from qmbench.domain.composite import Composite as Composite
    from qmbench.domain.composite import CompositeLevel as CompositeLevel
    from qmbench.domain.deprecation import deprecated as deprecated
    from qmbench.domain.errors import InputError as InputError
    from qmbench.domain.errors import Interrupted as Interrupted
    from qmbench.domain.errors import NotConverged as NotConverged
    from qmbench.domain.errors import QmbenchError as QmbenchError
    from qmbench.domain.errors import ResourceError as ResourceError
    from qmbench.domain.errors import StoreError as StoreError
    from qmbench.domain.errors import Unsupported as Unsupported
    from qmbench.domain.errors import did_you_mean as did_you_mean
    from qmbench.domain.families import MethodFamily as MethodFamily
    from qmbench.domain.formulas import Place as Place
    from qmbench.domain.formulas import Term as Term
    from qmbench.domain.learned import Explanation as Explanation
    from qmbench.domain.learned import TrainingOverlap as TrainingOverlap
    from qmbench.domain.method import BadResult as BadResult
    from qmbench.domain.method import LevelOfTheory as LevelOfTheory
    from qmbench.domain.method import Method as Method
    from qmbench.domain.method import OpenOptions as OpenOptions
    from qmbench.domain.method import Options as Options
    from qmbench.domain.method import Result as Result
    from qmbench.domain.observables import Observable as Observable
    from qmbench.domain.properties import Property as Property
    from qmbench.domain.quantity import Curve as Curve
    from qmbench.domain.quantity import Quantity as Quantity
    from qmbench.domain.record import Failure as Failure
    from qmbench.domain.record import Record as Record
    from qmbench.domain.record import Task as Task
    from qmbench.domain.requirements import require_elements as require_elements
    from qmbench.domain.requirements import require_neutral_singlet as require_neutral_singlet
    from qmbench.domain.resources import Resources as Resources
    from qmbench.domain.resources import user_file as user_file
    from qmbench.domain.statistic import BootstrapT as BootstrapT
    from qmbench.domain.statistic import DistributionFree as DistributionFree
    from qmbench.domain.statistic import ErrorSample as ErrorSample
    from qmbench.domain.statistic import Statistic as Statistic
    from qmbench.domain.systems import ATOMIC_NUMBERS as ATOMIC_NUMBERS
    from qmbench.domain.systems import ELEMENTS as ELEMENTS
    from qmbench.domain.systems import Change as Change
    from qmbench.domain.systems import Crystal as Crystal
    from qmbench.domain.systems import Fragment as Fragment
    from qmbench.domain.systems import KindCheck as KindCheck
    from qmbench.domain.systems import LatticeModel as LatticeModel
    from qmbench.domain.systems import Molecule as Molecule
    from qmbench.domain.systems import System as System
    from qmbench.domain.systems import fields as fields
    from qmbench.domain.systems.fields import FieldError as FieldError
    from qmbench.judging.model import load as load
    from qmbench.plugging.formats import ReportFormat as ReportFormat
    from qmbench.plugging.hookspecs import hookimpl as hookimpl
    from qmbench.plugging.own_process import in_own_process as in_own_process
    from qmbench.plugging.registry import level as level
    from qmbench.plugging.registry import parse_level as parse_level
    from qmbench.plugging.registry import read_system as read_system
    from qmbench.plugging.registry import single_level as single_level
    from qmbench.running.engine.here import run_task as run_task
    from qmbench.running.engine.local import LocalEngine as LocalEngine
    from qmbench.running.engine.outcome import Outcome as Outcome
    from qmbench.running.loop import Engine as Engine
    from qmbench.running.loop import Progress as Progress
    from qmbench.running.stores import StoreProtocol as StoreProtocol

__all__ = sorted(_PUBLIC)


_moved.install()


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qmbench' has no attribute '{name}'")
    if name in _MODULES:
        return import_module(f"qmbench.{_PUBLIC[name]}.{name}")
    return getattr(import_module(f"qmbench.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
