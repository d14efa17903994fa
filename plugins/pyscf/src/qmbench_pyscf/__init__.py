"""Methods computed by PySCF, and a small library that other plugins build on.

Public names for other plugins: `to_mole`, `converged_scf`, `scf_settings`, `pyscf_session`. They are imported
when first used: importing this module imports no quantum-chemistry program.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

QMBENCH_API = 1

_PUBLIC = {
    "to_mole": "mole",
    "pyscf_session": "mole",
    "converged_scf": "scf",
    "scf_settings": "scf",
}

if TYPE_CHECKING:
    from qmbench_pyscf.mole import pyscf_session as pyscf_session
    from qmbench_pyscf.mole import to_mole as to_mole
    from qmbench_pyscf.scf import converged_scf as converged_scf
    from qmbench_pyscf.scf import scf_settings as scf_settings

__all__ = ["QMBENCH_API", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qmbench_pyscf' has no attribute '{name}'")
    return getattr(import_module(f"qmbench_pyscf.{_PUBLIC[name]}"), name)
