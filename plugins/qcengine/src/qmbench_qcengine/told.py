"""What NWChem is told beyond a level's own keywords, and which level of another plugin it then computes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from qmbench import Molecule

_FIELD = ("hf", "scf")
_SAME_BASIS = ("cc-pvdz",)
"""Basis sets in which NWChem was compared with PySCF."""


def told(program: str, method: str, keywords: Mapping[str, object], system: Molecule) -> dict[str, object]:
    """Keywords that are added to those of the level. They never replace one of its own.

    If nothing is said, NWChem takes Cartesian functions for every basis set, and a restricted open shell for
    Hartree–Fock. It is told spherical functions, an unrestricted open shell, as QCEngine tells Psi4, and a tighter
    threshold of the self-consistent field.
    """
    if program != "nwchem":
        return {}
    there = {keyword.lower() for keyword in keywords}
    added: dict[str, object] = {}
    if not there & {"basis__spherical", "basis__cartesian"}:
        added["basis__spherical"] = True
    if method in (*_FIELD, "mp2"):
        if "scf__thresh" not in there:
            added["scf__thresh"] = 1e-8
        if system.multiplicity > 1 and not there & {"scf__uhf", "scf__rohf", "scf__rhf"}:
            added["scf__uhf"] = True
    return added


def same_in_pyscf(program: str, method: str, basis: str | None, keywords: Mapping[str, object]) -> str:
    """The level of the plugin of PySCF that this is, too; empty: none that was compared.

    Hartree–Fock and MP2 of NWChem, which correlates all electrons if not told otherwise. Any keyword but those of
    convergence may make another level of it.
    """
    basis = (basis or "").lower()
    method = "hf" if method in _FIELD else method
    if program != "nwchem" or method not in ("hf", "mp2") or basis not in _SAME_BASIS:
        return ""
    for keyword, value in keywords.items():
        if keyword.lower() == "basis__spherical" and value is True:
            continue
        if not re.fullmatch("scf__(thresh|maxiter)", keyword.lower()):
            return ""
    return f"{method}/{basis}"
