"""Gradient-domain kernel force fields. `train` makes one from your own labels.

Importing this package imports no numerics; the names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {"train": "training", "fit": "training", "LinearSolver": "solver", "Labels": "labels", "ForceField": "model"}
_PUBLIC |= {"calibrated": "calibration", "coverage": "calibration"}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qmbench_ml.gdml' has no attribute '{name}'")
    return getattr(import_module(f"qmbench_ml.gdml.{_PUBLIC[name]}"), name)
